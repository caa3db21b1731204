"""Questions for the benches: those of the shipped content that get one answer by themselves, asked as customers do."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from pathlib import Path

from bench.house import CHECKOUT
from bot import asking
from bot.clock import SystemClock
from content import turns
from content.loading import load
from domain.replies import AnswerKind

_LEAST = 50


async def answerable(most: int = 0) -> list[str]:
    """Return whole questions to which the program gives exactly one message, an answer, and no person or case.

    Found by asking the very handlers, so a change of content or matching changes the list and not the bench; asking all
    takes 12 s. `most`: so many are enough, from all over the content; 0 for all.
    """
    folder = CHECKOUT / "content"
    content = await asyncio.to_thread(load, folder)
    found: list[str] = []
    with tempfile.TemporaryDirectory(prefix="guanjia-bench-") as cache:
        settings = asking.sample_settings(folder, "示例信息服务有限公司")
        async with asking.open_desk(settings, SystemClock(), Path(cache)) as desk:
            rounds = itertools.zip_longest(*((faq.question, *faq.asks) for faq in content.faqs.values()))
            for text in filter(None, itertools.chain.from_iterable(rounds)):
                if most and len(found) > max(most, _LEAST):
                    break
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
    assert len(found) > _LEAST, (
        "the shipped content answers hardly anything; the bench would measure refusals"
    )
    return found
