"""What the pages for customers answer: show, count a visit, take a tap.

A GET of a page writes nothing. The page holds one small picture, and asking for that picture counts the visit
(console/week/visitors.py). Taps are forms, answered by a redirect to the page, so that going back repeats nothing.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from console import sessions, unanswered_page, visit
from console.visit import Form
from console.week import visitors, weeks, words, writing
from console.week.context import WeekContext
from console.week.limits import Known, Limit
from console.week.weeks import Reason, Shut, Week
from domain.week_pages import WeekPage
from store import page_visits, week_pages
from store.page_visits import VisitorAnswer

INTERESTED = "yes"
_TEMPLATES = Path(__file__).with_name("templates")
# Where a page says what came of a tap.
_SAID = "said"
_SCORES = ("5", "4", "3", "2", "1")
_MINUTE = timedelta(minutes=1)
_PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class WeekPages:
    """All pages of all groups.

    Limits are by address and group: behind a proxy on another machine everybody has one address, and a group holds 500
    people at most, so that none of them is ever turned away.
    """

    def __init__(self, ctx: WeekContext, *, style_url: str) -> None:
        self._ctx = ctx
        self._words = words.load()
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(style_url=style_url, facts=ctx.facts, scores=_SCORES)
        self._reads = Limit(1_500, _MINUTE)
        self._visits = Limit(300, _MINUTE)
        self._taps = Limit(300, _MINUTE)
        self._taps_of_visitor = Limit(10, _MINUTE)
        self._counted = Known()

    async def show(self, request: web.Request) -> web.Response:
        """Show a page; a browser that comes for the first time gets its number."""
        self._check(self._reads, request)
        page, visitor = _page_of(request), visitors.visitor_of(request)
        week = await weeks.open_week(self._ctx, request.match_info["code"])
        async with self._ctx.store.read() as tx:
            answer = await page_visits.find_answer(tx, week.enrolment.id, page, visitor) if visitor else None
            is_replay = page is WeekPage.REPLAY
            answered = await week_pages.count_answered(tx, week.enrolment.id) if is_replay else 0
        if not weeks.has_page(week, page):
            raise Shut(Reason.UNKNOWN)
        response = _html(self._page(week, page, answer, answered, is_kept="lost" not in request.query))
        visitors.greet(request, response, is_secure=self._ctx.secure_cookies)
        return response

    async def show_company_guide(self, request: web.Request) -> web.Response:
        """Show the guide that group welcomes link to, the same for every group; nobody is counted."""
        said = weeks.company_guide(self._ctx, request.match_info["template"])
        return _html(self._render("text.html", {"words": said, "is_counted": False}))

    async def record_seen(self, request: web.Request) -> web.Response:
        """Answer with the picture, and count the visit of a browser that kept its number."""
        visitor = visitors.visitor_of(request)
        is_person = not visitors.is_fetcher(request) and not visitors.is_from_elsewhere(request)
        if request.method == "GET" and visitor and is_person:
            with contextlib.suppress(Shut):  # A picture is no place for a reason.
                await self._count(request, visitor)
        return web.Response(body=_PICTURE, content_type="image/gif")

    async def take_interest(self, request: web.Request) -> web.Response:
        """Note that a visitor wants to hear the event, or no longer; after its publication nothing changes."""
        form, visitor = await self._tapped(request)
        want = form.get("want")
        if want not in (INTERESTED, "no"):
            raise Shut(Reason.FORM)
        week = await weeks.open_week(self._ctx, request.match_info["code"])
        weeks.event_words(self._ctx, week)
        if not week.publication.is_out:
            await self._answer(week, WeekPage.EVENT, visitor, INTERESTED if want == INTERESTED else "")
        return _back(request, WeekPage.EVENT)

    async def take_feedback(self, request: web.Request) -> web.Response:
        """Note one to five and a line of text; a later one takes its place.

        An empty line leaves the one before, which the page never shows again; `forget` removes it.
        """
        form, visitor = await self._tapped(request)
        score = form.get("score")
        if score not in _SCORES:
            raise Shut(Reason.FORM)
        # The length is that of what is kept: stars may be longer than the number they hide.
        said = visit.cleaned(form.get("note", ""), page_visits.NOTE_LIMIT_CHARACTERS)
        note = unanswered_page.without_numbers(" ".join(said.split())) or None
        if note is None and form.get("forget") == "yes":
            note = ""
        week = await weeks.open_week(self._ctx, request.match_info["code"])
        if not weeks.has_page(week, WeekPage.FEEDBACK):
            raise Shut(Reason.UNKNOWN)
        await self._answer(week, WeekPage.FEEDBACK, visitor, str(score), note)
        return _back(request, WeekPage.FEEDBACK)

    def shut(self, reason: Reason, status: int) -> web.Response:
        """Return the page that says why there is nothing to show."""
        return _html(self._render("shut.html", self._words["shut"][reason.value]), status)

    # --- showing --------------------------------------------------------------------------------------------

    def _page(
        self, week: Week, page: WeekPage, answer: VisitorAnswer | None, answered: int, *, is_kept: bool
    ) -> str:
        base = f"/g/{week.enrolment.page_code}"
        shown: dict[str, Any] = {
            "base": base,
            "page": page,
            "is_kept": is_kept,
            "is_counted": weeks.can_be_read(week, page),
            "is_out": week.publication.is_out,
            "answer": answer.answer if answer else "",
            "has_note": bool(answer and answer.note),
        }
        if page is WeekPage.FEEDBACK:
            return self._feedback(week, shown)
        if page is WeekPage.EVENT:
            shown["thanks"] = weeks.find_words(self._ctx, week, "interested") if shown["answer"] else None
            shown["ask"] = weeks.find_words(self._ctx, week, "interest")
            return self._render("event.html", shown | {"words": weeks.event_words(self._ctx, week)})
        if page is WeekPage.GUIDE:
            return self._render("text.html", shown | {"words": weeks.page_words(self._ctx, week, page)})
        if not week.publication.is_out:
            return self._render("text.html", shown | {"words": weeks.not_yet_words(self._ctx, week)})
        shown["intro"] = None
        if page is WeekPage.REPLAY:
            count = str(answered) if answered else ""
            shown["intro"] = weeks.page_words(self._ctx, week, page, answered_count=count)
        return self._render("article.html", shown | {"words": weeks.article_words(self._ctx, week)})

    def _feedback(self, week: Week, shown: dict[str, Any]) -> str:
        question = weeks.page_words(self._ctx, week, WeekPage.FEEDBACK)
        parts, choices = writing.without_choices(question)
        given = {choice.value: choice.text for choice in choices}
        note = weeks.find_words(self._ctx, week, "note")
        shown["thanks"] = weeks.find_words(self._ctx, week, "thanks") if shown["answer"] else None
        more = {
            "words": question,
            "parts": parts,
            "choices": given,
            "note": note.whole if note else "",
            "note_limit": page_visits.NOTE_LIMIT_CHARACTERS,
        }
        return self._render("feedback.html", shown | more)

    def _render(self, template: str, values: Mapping[str, Any]) -> str:
        return self._templates.get_template(template).render(values)

    # --- writing --------------------------------------------------------------------------------------------

    async def _count(self, request: web.Request, visitor: str) -> None:
        """Count a first visit. Raises Shut for a page that cannot be read now."""
        page, now = _page_of(request), self._ctx.clock.now()
        key = (request.match_info["code"], page, visitor)
        if key in self._counted:
            return
        self._check(self._visits, request)
        week = await weeks.open_week(self._ctx, request.match_info["code"])
        if not weeks.can_be_read(week, page):
            raise Shut(Reason.UNKNOWN)
        enrolment_id = week.enrolment.id
        await self._ctx.store.write(lambda tx: page_visits.record_visit(tx, enrolment_id, page, visitor, now))
        self._counted.add(key)

    async def _tapped(self, request: web.Request) -> tuple[Form, str]:
        """Return the form and who sent it. Raises Shut, or sends a browser without a number back to the page."""
        self._check(self._taps, request)
        visitor = visitors.visitor_of(request)
        if visitors.is_from_elsewhere(request):
            raise Shut(Reason.FORM)
        if not visitor:
            raise web.HTTPSeeOther(f"{request.path}?lost=1#{_SAID}")
        if not self._taps_of_visitor.take((request.match_info["code"], visitor), self._ctx.clock.wall()):
            raise Shut(Reason.BUSY)
        return await visit.read_form(request), visitor

    async def _answer(
        self, week: Week, page: WeekPage, visitor: str, answer: str, note: str | None = None
    ) -> None:
        now, enrolment_id = self._ctx.clock.now(), week.enrolment.id
        is_taken = await self._ctx.store.write(
            lambda tx: page_visits.record_answer(tx, enrolment_id, page, visitor, answer, now, note=note)
        )
        if not is_taken:
            raise Shut(Reason.BUSY)

    def _check(self, limit: Limit, request: web.Request) -> None:
        key = (sessions.address_of(request), request.match_info["code"])
        if not limit.take(key, self._ctx.clock.wall()):
            raise Shut(Reason.BUSY)


def _page_of(request: web.Request) -> WeekPage:
    return WeekPage(request.match_info["page"])


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html")


def _back(request: web.Request, page: WeekPage) -> web.Response:
    location = f"/g/{request.match_info['code']}/{page}#{_SAID}"
    return web.Response(status=303, headers={"Location": location})
