"""An approved text of a group that somebody would rather say in other words: back to review, never out as it is.

Groups get approved words only. Who changes them proposes the change; editors find it among the drafts with who wrote it
(store/content_drafts.py), and somebody else approves it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from content import draft_files, sop_shelf
from content.knowledge import Knowledge
from domain.draft import DraftHow, DraftKind, DraftOrigin
from domain.faq import Faq
from domain.sop import ContentBlock
from store import content_drafts

TEXT_LIMIT = 2000


async def propose_answer(
    tx: AsyncConnection, knowledge: Knowledge, faq: Faq, text: str, *, asked: str, author: str, now: datetime
) -> int | None:
    """Put another wording of an answer forward; return the draft's id, None when nothing is changed.

    The risk lines that stand below every answer of the line are not part of it.
    """
    answer = text.strip()
    for code in reversed(faq.risk_lines):
        answer = answer.removesuffix(knowledge.content.risk_lines[code]).rstrip()
    if not answer or answer == faq.answer.strip():
        return None
    body = {**draft_files.body_of(faq), "answer": answer}
    origin = DraftOrigin(how=DraftHow.SIDEBAR, asked=(asked,) if asked else ())
    return await content_drafts.propose(
        tx, DraftKind.FAQ, faq.id, faq.question, body, origin, author=author, now=now
    )


async def propose_post(
    tx: AsyncConnection,
    template_id: str,
    block: ContentBlock,
    text: str,
    *,
    said: str,
    title: str,
    author: str,
    now: datetime,
) -> int | None:
    """Put another wording of an SOP's post forward; `said`: the post as it was shown. None when nothing is changed."""
    wanted = text.strip()
    if not wanted or wanted == said.strip():
        return None
    body = {"title": block.title, "body": wanted}
    origin = DraftOrigin(how=DraftHow.SIDEBAR)
    key = sop_shelf.key_of(template_id, block)
    return await content_drafts.propose(tx, DraftKind.SOP, key, title, body, origin, author=author, now=now)
