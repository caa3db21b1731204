"""What may go wrong with any entry: every shipped answer fits both forms, carries its marks and passes the check."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import assembling
from bot.channels.wecom import aibot
from bot.channels.wecom.app_messages import TEXT_LIMIT_BYTES
from bot.clock import FrozenClock
from content import colleague_words
from domain.colleague import ColleagueAsked
from domain.delivery import Act, Body, NewDelivery, Purpose, SendClass
from domain.faq import Refusal
from handlers import colleagues
from handlers.colleague_page import Asking, Form
from handlers.context import Context
from scheduler import guards
from scheduler.guards import Verdict
from store.database import Store
from tests.aibot import office

LIMITS = {Form.MARKDOWN: aibot.CONTENT_LIMIT_BYTES, Form.PLAIN: TEXT_LIMIT_BYTES}


def context(tx: AsyncConnection, folder: Path) -> Context:
    rules = assembling.handler_rules(office.settings_of(folder, "http://127.0.0.1:9"))
    return Context(tx=tx, knowledge=office.knowledge(), clock=FrozenClock(office.MORNING), rules=rules)


def asking(text: str, form: Form) -> Asking:
    asked = ColleagueAsked(
        receiver="aibot",
        kind="aibot/text",
        created_at=None,
        msgid="m",
        staff_id="lisi",
        chat_id="",
        text=text,
    )
    return Asking(asked=asked, earlier=(), form=form, limit_bytes=LIMITS[form], at=office.MORNING)


def verdict(text: str) -> Verdict:
    """Return what the check of the door out says."""
    new = NewDelivery(
        key="k",
        act=Act.PASSIVE,
        send_class=SendClass.REPORTED,
        purpose=Purpose.SERVICE,
        channel="aibot",
        conversation_id=None,
        body=Body(text=text),
        due_at=office.MORNING,
    )
    return guards.check_wording(new, office.knowledge())


@pytest.mark.parametrize("form", list(Form))
async def test_every_entry_fits_carries_its_marks_and_passes_the_check(
    form: Form, store: Store, tmp_path: Path
) -> None:
    words, known = colleague_words.load(), office.knowledge()
    failed: list[str] = []
    async with store.read() as tx:
        ctx = context(tx, tmp_path)
        for faq in known.faqs.values():
            told = await colleagues.answer_entry(asking(faq.question, form), faq, ctx, words)
            is_refused = known.refusal(faq.id) is not None
            has_marks = "依据：" in told.text and "有效期至" in told.text
            fits = len(told.text.encode()) <= LIMITS[form]
            if is_refused is has_marks or not fits or verdict(told.text) is not Verdict.GO:
                failed.append(faq.id)
            await asyncio.sleep(0)

    assert failed == []


async def test_two_answers_in_a_text_keep_both_sources(store: Store, tmp_path: Path) -> None:
    async with store.read() as tx:
        told = await colleagues.answer(
            asking("犹豫期退保扣钱吗？提前还款要违约金吗", Form.PLAIN),
            context(tx, tmp_path),
            colleague_words.load(),
        )

    assert told.text.count("依据：") == 2
    assert set(told.lines) == {"insurance", "loan"}


def test_there_are_words_for_every_refusal() -> None:
    assert {str(one) for one in Refusal} <= set(colleague_words.load().refused)
