"""What somebody at the desk wants to send, from the form: a suggestion, a quick phrase, a menu, or words of one's own.

What was offered is asked for again: another customer's suggestion, and words that are over, changed or withdrawn since,
do not leave, touched up or not. Whether the words may be said is judging.py's, the sending is sending.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from console.sidebar import desk_access, judging
from console.sidebar.desk_access import SeenDesk
from console.sidebar.judging import Judged
from console.sidebar.visit import SidebarVisit
from domain.delivery import MenuItem
from domain.faq import Line
from domain.suggestion import Round, Suggestion, SuggestionSource
from handlers import offered

TEXT_LIMIT = 4000
_MENU_HEAD = "desk_menu_head"  # The fixed reply above the questions.
# How the words stand to what was offered, until the report comes; labels are in [outcome].
AS_OFFERED, EDITED, TYPED = "as_offered", "edited", "typed"
QUICK = "quick"  # Of a reply id: a quick phrase as it stands.


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody wants to send.

    `line`: of an approved text that stands untouched; `otherwise`: of what other words came from, for words that name
    none (judging.judge). `offered`: the suggestion it came from; `menu`: what the customer may tap.
    """

    text: str
    reply_id: str
    how: str
    line: Line | None = None
    otherwise: Line | None = None
    faq_id: str = ""
    version_id: int | None = None
    offered: tuple[Round, Suggestion] | None = None
    menu: tuple[MenuItem, ...] = ()

    @property
    def said(self) -> str:
        """Everything the customer would read."""
        return "\n".join([self.text, *(one.text for one in self.menu)])


class NotSent(Exception):
    """It cannot be sent. `word`: a key of [desk_refused]; `again`: may be tried once more by who has looked."""

    def __init__(self, word: str, *, again: bool = False, judged: Judged | None = None) -> None:
        self.word, self.again, self.judged = word, again, judged
        super().__init__(word)


async def draft(visit: SidebarVisit, tx: AsyncConnection, desk: SeenDesk, nonce: str) -> Draft:
    """Return what the form asks for. Raises NotSent for empty or outdated words, NotFound for another's suggestion."""
    asked_for = [int(one) for one in visit.said("menu", 60).split(",") if one.isdecimal()]
    if asked_for:
        return await _menu(visit, tx, desk, asked_for)
    text = visit.said("text", TEXT_LIMIT)
    if not text:
        raise NotSent("empty")
    number, phrase = visit.said("suggestion", 18), visit.said("phrase", 64)
    if number.isdecimal():
        return await _offered(visit, tx, desk, int(number), text)
    if phrase:
        return await _phrase(visit, tx, desk, phrase, text, nonce)
    return Draft(text=text, reply_id=f"typed.{nonce}", how=TYPED)


async def _offered(visit: SidebarVisit, tx: AsyncConnection, desk: SeenDesk, number: int, text: str) -> Draft:
    """Return words that came from a suggestion. Raises NotSent when what was offered is over, changed or withdrawn."""
    round_, one = await desk_access.access_offered(visit.viewer, tx, number, _talk_id(desk))
    knowledge = visit.ctx.console.knowledge()
    if not await offered.list_current(tx, knowledge, visit.me, [one]):
        raise NotSent("changed")
    told = judging.about_offered(text, (round_, one))
    return Draft(
        text=text,
        line=told.approved,
        otherwise=told.otherwise,
        reply_id=f"suggestion.{one.id}",
        how=AS_OFFERED if judging.is_untouched(text, one.text) else EDITED,
        faq_id=one.source_id if one.source is SuggestionSource.FAQ else "",
        version_id=one.content_version_id,
        offered=(round_, one),
    )


async def _phrase(
    visit: SidebarVisit, tx: AsyncConnection, desk: SeenDesk, phrase_id: str, text: str, nonce: str
) -> Draft:
    """Return words that came from a quick phrase; only untouched they are the approved ones.

    Raises NotSent when the phrase may not be said any more.
    """
    knowledge, suggester = visit.ctx.console.knowledge(), visit.ctx.suggester
    approved = None
    if suggester is not None:
        approved = await suggester.phrase_text(tx, phrase_id, visit.me, desk.seen.customer.id)
    if approved is None:
        raise NotSent("changed")
    line = knowledge.quick[phrase_id].line
    if not judging.is_untouched(text, approved):
        return Draft(text=text, otherwise=line, reply_id=f"typed.{nonce}", how=TYPED)
    return Draft(
        text=text,
        line=line,
        reply_id=f"{QUICK}.{phrase_id}",
        how=AS_OFFERED,
        version_id=knowledge.version_id("quick", phrase_id),
    )


async def _menu(visit: SidebarVisit, tx: AsyncConnection, desk: SeenDesk, numbers: Sequence[int]) -> Draft:
    """Return the questions of suggestions as a menu to tap; only customer service has menus (WeCom doc 100749)."""
    if not desk.is_service:
        raise NotSent("no_menu")
    talk_id = _talk_id(desk)
    found = [(await desk_access.access_offered(visit.viewer, tx, one, talk_id))[1] for one in numbers[:5]]
    knowledge = visit.ctx.console.knowledge()
    items = tuple(
        MenuItem(id=knowledge.faqs[one.source_id].menu_id, text=one.question)
        for one in await offered.list_current(tx, knowledge, visit.me, found)
        if one.source is SuggestionSource.FAQ
    )
    if len(items) < 2:
        raise NotSent("no_menu")
    head = knowledge.replies.get(_MENU_HEAD)
    if head is None:
        raise NotSent("no_head")
    return Draft(
        text=head.text,
        reply_id=_MENU_HEAD,
        how=AS_OFFERED,
        version_id=knowledge.version_id("reply", _MENU_HEAD),
        menu=items,
    )


def _talk_id(desk: SeenDesk) -> int | None:
    return desk.talk.id if desk.talk else None
