"""Talks for bench/audit.py: advisors and customers over two months, as the message archive has them.

A fixed seed. Words are those of the shipped entries and their ways of asking, cut to about 20 characters, most with a
number of their own so that nothing is remembered from an earlier message; 2 in 100 of the advisors' break a rule.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from content import loading

START = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)
DAYS = 60
ADVISORS, CUSTOMERS_EACH = 200, 40
_HIT_SHARE = 0.02
_OPENINGS = ("您好", "在吗", "你好，请问", "早上好", "打扰一下")
_ENDINGS = ("好的谢谢", "明白了", "收到", "谢谢您", "[微笑]", "ok")
_HITS = (
    "这款产品保本保息，放心买",
    "稳赚不赔，年化百分之八",
    "我有内部渠道，包您下款",
    "征信可以洗白，找我就行",
    "买了给您返现两百",
    "亏了我个人补给您",
)
_COURTESY = (
    "您好，我是您的顾问小王",
    "感谢您的咨询，还有什么可以帮您",
    "请以合同约定为准",
    "我帮您查一下，稍等",
)


class Talk:
    """Makes talks of a given number of messages."""

    def __init__(self, count: int, seed: int = 20261122) -> None:
        self.count = count
        self._draw = random.Random(seed)
        content = loading.load(Path(loading.__file__).parent)
        faqs = content.faqs.values()
        self._questions = [faq.question[:24] for faq in faqs]
        sentences = (part for faq in faqs for part in re.split(r"[。；！\n]", faq.answer))
        self._answers = [part.strip()[:28] for part in sentences if len(part.strip()) >= 8]

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield messages in order of time, a day at a time."""
        number = 0
        for day in range(DAYS):
            wanted = self.count * (day + 1) // DAYS - number
            lines = self._day(START + timedelta(days=day), wanted)
            for at, sender, receiver, text in lines:
                number += 1
                yield {
                    "msgid": f"bench{number}_external",
                    "action": "send",
                    "from": sender,
                    "tolist": [receiver],
                    "roomid": "",
                    "msgtime": int(at.timestamp() * 1000),
                    "msgtype": "text",
                    "text": {"content": text},
                }

    def _day(self, start: datetime, wanted: int) -> list[tuple[datetime, str, str, str]]:
        found: list[tuple[datetime, str, str, str]] = []
        while len(found) < wanted:
            found += self._session(start + timedelta(seconds=self._draw.randrange(13 * 3600)))
        found.sort(key=lambda line: line[0])
        return found[:wanted]

    def _session(self, at: datetime) -> Iterator[tuple[datetime, str, str, str]]:
        draw = self._draw
        advisor = draw.randrange(ADVISORS)
        customer = f"wmBench{advisor}x{draw.randrange(CUSTOMERS_EACH)}"
        name = f"advisor{advisor}"
        yield at, customer, name, draw.choice(_OPENINGS)
        for _ in range(draw.randint(2, 6)):
            at += timedelta(seconds=draw.choice((5, 20, 90, 240)))
            yield at, customer, name, self._unique(draw.choice(self._questions))
            at += timedelta(seconds=draw.choice((20, 60, 120, 400)))
            yield at, name, customer, self._answer()
        at += timedelta(seconds=30)
        yield at, customer, name, draw.choice(_ENDINGS)

    def _answer(self) -> str:
        chance = self._draw.random()
        if chance < _HIT_SHARE:
            return self._draw.choice(_HITS)
        if chance < 0.2:
            return self._draw.choice(_COURTESY)
        return self._unique(self._draw.choice(self._answers))

    def _unique(self, text: str) -> str:
        return f"{text}{self._draw.randrange(100_000)}" if self._draw.random() < 0.8 else text
