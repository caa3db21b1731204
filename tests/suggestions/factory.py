"""The shipped words with their quick phrases, and talks, for the tests of suggestions."""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime, timedelta

from content.knowledge import Knowledge, Served
from content.suggesting import choosing, finding, offers, reading
from content.suggesting.finding import Found
from domain.faq import EntityMode, Line, Thresholds
from domain.suggestion import (
    NewSuggestion,
    OwnState,
    OwnWording,
    SuggestionSource,
    SuggestionState,
    TalkLine,
    Vote,
)
from tests.content import shipped

BEGAN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
COMPANY = {
    "company": "示例金融服务有限公司",
    "advisor": "张三",
    "phone": "400-000-0000",
    "hours": "09:00-18:00",
    "website": "https://example.com",
    "licence": "示例许可证 0001",
}
ME, COLLEAGUE, ANOTHER = "zhangsan", "lisi", "wangwu"


@functools.cache
def knowledge(
    modes: tuple[tuple[Line, EntityMode], ...] = (),
    stopped: frozenset[Line] = frozenset(),
    today: date = shipped.TODAY,
) -> Knowledge:
    """Everything shipped, as a demo serves it."""
    words = shipped.words()
    names = [f"faq:{key}" for key in words.faqs] + [f"quick:{key}" for key in words.quick]
    return Knowledge(
        content=words,
        faqs=words.faqs,
        replies=words.replies,
        quick=words.quick,
        versions={name: Served(version_id=None, is_sample=True) for name in names},
        matcher=shipped.matcher(),
        thresholds=Thresholds(),
        entity_modes=dict.fromkeys(Line, EntityMode.LICENSED) | dict(modes),
        stopped=stopped,
        today=today,
    )


def talk(*said: str, minutes: float = 1.0) -> list[TalkLine]:
    """A talk, oldest first, `minutes` between two lines; what begins with # a colleague said."""
    return [
        TalkLine(
            text=text.removeprefix("#"),
            at=BEGAN + timedelta(minutes=minutes) * place,
            is_customer=not text.startswith("#"),
            message_id=place + 1,
        )
        for place, text in enumerate(said)
    ]


def found_in(
    *said: str, known: Knowledge | None = None, topic_id: str = "", own: tuple[OwnWording, ...] = ()
) -> Found:
    """What may fit a talk."""
    words = known or knowledge()
    asked = reading.read(talk(*said), words.content.signals)
    return finding.find(words, asked, topic_id=topic_id, own=own)


def chosen_for(
    *said: str,
    known: Knowledge | None = None,
    votes: tuple[Vote, ...] = (),
    own: tuple[OwnWording, ...] = (),
    customer: dict[str, str] | None = None,
    closed: frozenset[Line] = frozenset(),
    is_group: bool = False,
) -> tuple[NewSuggestion, ...]:
    """The three suggestions to the end of a talk."""
    words = known or knowledge()
    found = found_in(*said, known=words, own=own)
    setting = offers.Setting(
        company=COMPANY,
        customer=customer or {},
        asked=found.asked.text,
        before=found.asked.before,
        is_group=is_group,
    )
    return choosing.choose(words, found, setting, votes=votes, staff_platform_id=ME, closed=closed)[0]


def vote(
    faq_id: str,
    state: SuggestionState,
    *,
    by: str = COLLEAGUE,
    count: int = 1,
    key: str = "faq:loan.prepay",
    source: SuggestionSource = SuggestionSource.FAQ,
    version: int | None = None,
) -> Vote:
    """What somebody did with an entry's words."""
    return Vote(
        question_key=key,
        source=source,
        source_id=faq_id,
        staff_platform_id=by,
        state=state,
        count=count,
        last_at=BEGAN,
        content_version_id=version,
    )


def own(
    text: str, asked: str, *, line: Line | None = Line.LOAN, key: str = "", number: int = 1
) -> OwnWording:
    """Words an advisor sent before."""
    return OwnWording(
        id=number,
        staff_platform_id=ME,
        text=text,
        asked=asked,
        question_key=key,
        line=line,
        faq_id="",
        used_count=2,
        first_used_at=BEGAN,
        last_used_at=BEGAN,
        state=OwnState.OWN,
    )
