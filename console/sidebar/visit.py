"""One request of a member of staff on the phone page: what a handler gets, and the ways it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiohttp import web

from console import frame as frames
from console.access import NotFound, Viewer
from console.context import SidebarContext
from console.sidebar.frame import SidebarFrame
from console.visit import Form, cleaned
from store.database import Job, T


@dataclass(frozen=True, kw_only=True)
class SidebarVisit:
    """`form` is empty for a GET; its csrf token was checked before. `base`: our own address, without a slash."""

    request: web.Request
    ctx: SidebarContext
    frame: SidebarFrame
    viewer: Viewer
    base: str
    form: Form = field(repr=False)

    @property
    def me(self) -> str:
        """The UserID of who asks."""
        return self.viewer.login.staff_platform_id

    def query(self, name: str) -> str:
        """Return a part of the address, empty when it is missing; at most 200 characters."""
        return cleaned(self.request.query.get(name, ""), 200)

    def number(self, name: str = "id") -> int:
        """Return a number of the path. Raises NotFound for one no table can hold."""
        text = self.request.match_info[name]
        if len(text) > 18:
            raise NotFound()
        return int(text)

    def said(self, name: str, limit: int = 500) -> str:
        """Return a field of the form, trimmed."""
        return cleaned(self.form.get(name, ""), limit)

    async def write(self, job: Job[T]) -> T:
        """Run `job` in the store and return its answer once it is durable."""
        return await self.ctx.console.store.write(job)

    def page(self, template: str, **values: Any) -> web.Response:
        """Answer with a whole page."""
        return web.Response(
            text=self.frame.render(template, self.common() | values), content_type="text/html"
        )

    def live_page(self, template: str, part: str, url: str, **values: Any) -> web.Response:
        """Answer with a page around a part that renews itself; to the part's own question, with the part alone."""
        live, mark = self.frame.render_live(part, url, self.common() | values)
        if "HX-Request" not in self.request.headers:
            return self.page(template, live=live, **values)
        if self.query("mark") == mark:
            return web.Response(status=204)
        return web.Response(text=live, content_type="text/html")

    def back(self, path: str, *, done: str = "", wrong: str = "", **query: str) -> web.Response:
        """Answer a form by sending the browser to `path`; `done`/`wrong`: keys of the words that tell what happened."""
        return web.Response(
            status=303, headers={"Location": frames.address(path, done=done, wrong=wrong, **query)}
        )

    def common(self) -> dict[str, Any]:
        """Return what every page and part may show."""
        words = self.frame.words
        done, wrong = self.query("done"), self.query("wrong")
        # A refusal of an act comes as the sentence itself; it is shown as text, whatever somebody writes there.
        return {
            "viewer": self.viewer,
            "path": self.request.path,
            "done": words.label("phone_done", done) if words.has("phone_done", done) else "",
            "wrong": words.label("phone_wrong", wrong) if words.has("phone_wrong", wrong) else "",
            "sdk": self.frame.sdk_of(self.ctx),
        }


SidebarHandler: TypeAlias = Callable[[SidebarVisit], Awaitable[web.StreamResponse]]
