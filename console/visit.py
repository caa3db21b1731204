"""One request of a signed-in person: what a page handler gets, and the ways it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiohttp import web
from multidict import MultiDictProxy

from console import frame
from console.access import NotFound, Viewer
from console.context import ConsoleContext
from console.frame import Frame
from console.openings import Openings
from store.database import Job, T
from store.paging import Place, parse

Form: TypeAlias = MultiDictProxy[Any]
PAGE_ROWS = 50


@dataclass(frozen=True, kw_only=True)
class Visit:
    """`form` is empty for a GET; its csrf token was checked before."""

    request: web.Request
    ctx: ConsoleContext
    frame: Frame
    viewer: Viewer
    openings: Openings
    form: Form = field(repr=False)

    @property
    def place(self) -> Place | None:
        """Where the asked page of a list begins."""
        return parse(self.query("from"))

    def query(self, name: str) -> str:
        """Return a part of the address, empty when it is missing; at most 200 characters."""
        return cleaned(self.request.query.get(name, ""), 200)

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """Return a part of the address if it is one of `allowed`, else the first of these."""
        found = self.query(name)
        return found if found in allowed else allowed[0]

    def number(self, name: str = "id") -> int:
        """Return a number of the path. Raises NotFound for one no table can hold."""
        text = self.request.match_info[name]
        if len(text) > 18:
            raise NotFound()
        return int(text)

    def said(self, name: str, limit: int = 2000) -> str:
        """Return a field of the form, trimmed."""
        return cleaned(self.form.get(name, ""), limit)

    async def write(self, job: Job[T]) -> T:
        """Run `job` in the store and return its answer once it is durable."""
        return await self.ctx.store.write(job)

    def page(self, template: str, **values: Any) -> web.Response:
        """Answer with a whole page."""
        return web.Response(
            text=self.frame.render(template, self._common() | values), content_type="text/html"
        )

    def part(self, template: str, **values: Any) -> web.Response:
        """Answer with a part of a page, to htmx's question for it."""
        return web.Response(
            text=self.frame.render(template, self._common() | values), content_type="text/html"
        )

    def live_page(self, template: str, part: str, url: str, **values: Any) -> web.Response:
        """Answer with a page around a part that renews itself; to the part's own question, with the part alone."""
        live, mark = self.frame.render_live(part, url, self._common() | values)
        if "HX-Request" not in self.request.headers:
            return self.page(template, live=live, **values)
        if self.query("mark") == mark:
            return web.Response(status=204)
        return web.Response(text=live, content_type="text/html")

    def back(self, path: str, *, done: str = "", wrong: str = "") -> web.Response:
        """Answer a form by sending the browser to `path`; `done`/`wrong`: keys of the words that tell what happened."""
        location = frame.address(path, done=done, wrong=wrong)
        return web.Response(status=303, headers={"Location": location})

    def _common(self) -> dict[str, Any]:
        words = self.frame.words
        done, wrong = self.query("done"), self.query("wrong")
        return {
            "viewer": self.viewer,
            "doors": frame.doors_for(self.viewer),
            "counts": frame.counts_for(self.ctx.knowledge(), self.ctx.shelf()),
            "path": self.request.path,
            "done": words.label("done", done) if words.has("done", done) else "",
            "wrong": words.label("wrong", wrong) if words.has("wrong", wrong) else "",
            "is_first_page": self.place is None,
        }


def cleaned(value: object, limit: int) -> str:
    """Return a field as text without the character that PostgreSQL stores in no text; empty for an uploaded file."""
    return value.replace("\0", "").strip()[:limit] if isinstance(value, str) else ""


async def read_form(request: web.Request) -> Form:
    """Return the fields of a form. Raises HTTPBadRequest for a body that is none."""
    try:
        return await request.post()
    except (ValueError, LookupError) as error:
        raise web.HTTPBadRequest() from error


Handler: TypeAlias = Callable[[Visit], Awaitable[web.StreamResponse]]
