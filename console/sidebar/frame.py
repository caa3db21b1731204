"""The frame around every phone page: the console's templates and words with those of these pages on top."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import jinja2

from console import words
from console.assets import Assets
from console.context import SidebarContext
from console.frame import Frame
from console.times import Times

_HERE = Path(__file__).parent
_CONSOLE = _HERE.parent
_LIBRARIES = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    # The build that makes window.ww; what a test system puts in its place does the same.
    "wecom.js": "@wecom/jssdk/dist/wecom.global.prod.js",
}


@dataclass(frozen=True, kw_only=True)
class Sdk:
    """What a page needs to register at the JS-SDK. `url`: of the script, "" when there is none."""

    url: str
    corp_id: str
    agent_id: int
    is_signed: bool


class SidebarFrame(Frame):
    """Renders the phone's templates; they may use the console's macros."""

    def __init__(self, ctx: SidebarContext) -> None:
        super().__init__(ctx.console)
        self.words = words.load(_HERE / "words.toml")
        self.times = Times(ctx.console.clock, ctx.console.zone, self.words)
        self.assets = Assets(
            ctx.console.library_folder,
            root="/sidebar",
            own_folders=(_CONSOLE / "static", _HERE / "static"),
            libraries=_LIBRARIES,
        )
        self._zone = ctx.console.zone
        self._templates.loader = jinja2.FileSystemLoader([_HERE / "templates", _CONSOLE / "templates"])
        self._templates.globals.update(
            label=self.words.label,
            labels=self.words.section,
            times=self.times,
            asset=self.assets.url,
            library=self.assets.library_url,
            clock_time=self.clock_time,
            day_name=self.day_name,
        )

    def sdk_of(self, ctx: SidebarContext) -> Sdk:
        """Return what the page's script needs to speak to WeCom."""
        return Sdk(
            url=ctx.jssdk_url or self.assets.library_url("wecom.js"),
            corp_id=ctx.corp_id,
            agent_id=ctx.agent_id,
            is_signed=ctx.signer is not None,
        )

    def clock_time(self, at: datetime) -> str:
        """Return the local time of day: 09:30."""
        return f"{at.astimezone(self._zone):%H:%M}"

    def day_name(self, at: datetime) -> str:
        """Return a date as people say it: 11月23日 周一."""
        local = at.astimezone(self._zone)
        day = self.words.label("time", "day").format(local.month, local.day)
        return f"{day} {self.words.label('weekday', local.weekday())}"
