"""Questions for the benches: those of the shipped content that get one answer by themselves, asked as customers do."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from bench.house import CHECKOUT
from bot import asking
from bot.clock import SystemClock
from content import turns
from content.loading import load
from domain.replies import AnswerKind


async def answerable() -> list[str]:
    """Return whole questions to which the program gives exactly one message, an answer, and no person or case.

    Found by asking the very handlers, so a change of content or matching changes the list and not the bench.
    """
    folder = CHECKOUT / "content"
    content = await asyncio.to_thread(load, folder)
    found = []
    with tempfile.TemporaryDirectory(prefix="guanjia-bench-") as cache:
        settings = asking.sample_settings(folder, "示例信息服务有限公司")
        async with asking.open_desk(settings, SystemClock(), Path(cache)) as desk:
            for text in [text for faq in content.faqs.values() for text in (faq.question, *faq.asks)]:
                if not turns.is_whole_question(text, content.signals):
                    continue
                reply = (await desk.ask(text)).reply
                if (
                    reply is not None
                    and reply.decision is AnswerKind.ANSWER
                    and len(reply.says) == 1
                    and reply.transfer is None
                    and reply.case is None
                ):
                    found.append(text)
    assert len(found) > 50, "the shipped content answers hardly anything; the bench would measure refusals"
    return found
