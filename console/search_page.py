"""Full-text search in talk: what the person may see, newest first. Every search is written to the access log."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from aiohttp import web

from console import access, frame, people
from console.access import Right
from console.visit import PAGE_ROWS, Visit
from domain import word_pairs
from domain.talk import Author
from store import health_reports, logins
from store.search import Found, SearchFilter

_AUTHORS = ("", Author.CUSTOMER, Author.SERVICER, Author.BOT)


async def show(visit: Visit) -> web.Response:
    """Show the form, and what was found for its words."""
    access.require(visit.viewer, Right.SEARCH)
    words = word_pairs.words_of(visit.query("q"))
    since, until = day_of(visit.query("since")), day_of(visit.query("until"))
    asked = {
        "q": visit.query("q"),
        "staff": visit.query("staff"),
        "author": visit.choice("author", _AUTHORS),
        "since": since.isoformat() if since else "",
        "until": until.isoformat() if until else "",
        "internal": "yes" if visit.query("internal") and visit.viewer.may(Right.SEE_INTERNAL_TALK) else "",
    }
    found = Found(hits=[])
    wrong = ""
    if words and not word_pairs.pairs_wanted(words):
        wrong = "search_too_short"
    elif words:
        found = await _find(visit, words, asked, since, until)
    async with visit.ctx.store.read() as tx:
        names = await people.list_names(tx)
        staff = await health_reports.list_staff_names(tx)
        accounts = await health_reports.list_account_names(tx)
    return visit.page(
        "search.html",
        asked=asked,
        wrong_words=visit.frame.words.label("wrong", wrong) if wrong else "",
        may_see_internal=visit.viewer.may(Right.SEE_INTERNAL_TALK),
        has_asked=bool(words) and not wrong,
        found=found,
        pieces={hit.id: word_pairs.marked(hit.text, words) for hit in found.hits},
        more=frame.address("/console/search", **asked, **{"from": found.more}) if found.more else "",
        people=names,
        staff=staff,
        accounts=accounts,
        authors=_AUTHORS[1:],
    )


async def _find(
    visit: Visit, words: tuple[str, ...], asked: dict[str, str], since: date | None, until: date | None
) -> Found:
    async with visit.ctx.store.read() as tx:
        found = await access.access_search(
            visit.viewer,
            tx,
            SearchFilter(
                words=words,
                scope=visit.viewer.scope,
                staff_id=asked["staff"],
                author=Author(asked["author"]) if asked["author"] else None,
                since=midnight(visit, since),
                until=midnight(visit, until, days=1),
                with_internal=bool(asked["internal"]),
            ),
            visit.place,
            PAGE_ROWS,
        )
    limits = " ".join(f"{key}={said}" for key, said in asked.items() if key != "q" and said)
    count = f"{len(found.hits)}{'+' if found.more else ''}"
    now = visit.ctx.clock.now()
    await visit.write(
        lambda tx: logins.record_access(
            tx,
            actor=visit.viewer.name,
            act="searched",
            subject="search",
            now=now,
            note=f"{' '.join(words)} ({count}) {limits}".strip(),
        )
    )
    return found


def day_of(text: str) -> date | None:
    """Return the day of a form's field, None for none or nonsense."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None


def midnight(visit: Visit, day: date | None, days: int = 0) -> datetime | None:
    """Return the beginning of the day, or of one so many days later, in the company's zone."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=days), time(), visit.ctx.zone)
