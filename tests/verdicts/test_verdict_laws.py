"""Laws of the verdict: a rewrite always passes, and nothing but the words decides whether they are blocked."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from content import compliance
from domain.compliance import Audience, Registration, Speaker
from domain.faq import EntityMode, Line
from handlers import verdicts
from tests.verdicts import factory

RULES = factory.knowledge().content.rules
BLOCKED = [text for rule in RULES.rules for text in rule.must_match]
HARMLESS = [
    "您好",
    "合同我下午发您。",
    "明天上午十点在门店见，好吗？",
    "还款日是每月8号",
    "犹豫期是15天，以条款为准。",
    "🙂",
    "\n",
    "，",
    "我们的产品不保本。",
    "客户说：",
]
# What writers of evasions put between two characters; none of it changes what a reader reads.
NOISE = ["\u200b", "\u200d", " ", "\u3000", "·", "\ufe0f"]

lines = st.sampled_from([None, *Line])
audiences = st.sampled_from([Audience.CUSTOMER, Audience.GROUP])
held = st.sampled_from([(), (factory.REGISTERED,), (factory.ENDED,), (factory.ENDING,)])
talk = st.lists(st.sampled_from(BLOCKED + HARMLESS), min_size=1, max_size=6).map("".join)


@settings(max_examples=60)
@given(text=talk, line=lines, audience=audiences)
def test_a_rewrite_always_passes_the_check(text: str, line: Line | None, audience: Audience) -> None:
    verdict = factory.verdict(text, line, audience=audience)

    assert bool(verdict.rewrite) or not verdict.is_blocked
    if verdict.rewrite:
        assert not factory.verdict(verdict.rewrite, line, audience=audience).is_blocked


@settings(max_examples=30)
@given(text=talk, line=lines)
def test_a_rewrite_has_nothing_more_to_be_rewritten(text: str, line: Line | None) -> None:
    verdict = factory.verdict(text, line)
    assume(verdict.rewrite)

    assert factory.verdict(verdict.rewrite, line).rewrite == ""


@settings(max_examples=50)
@given(
    text=talk,
    about=st.lists(st.sampled_from(Line), unique=True, max_size=3),
    audience=audiences,
    registrations=held,
    mode=st.sampled_from(EntityMode),
)
def test_no_line_audience_registration_or_mode_lets_blocked_words_through(
    text: str,
    about: list[Line],
    audience: Audience,
    registrations: Sequence[Registration],
    mode: EntityMode,
) -> None:
    known = dataclasses.replace(factory.knowledge(), entity_modes=dict.fromkeys(Line, mode))

    verdict = verdicts.check(
        known, text, lines=about, registrations=registrations, today=factory.TODAY, audience=audience
    )

    assert verdict.is_blocked == compliance.is_blocking(
        RULES.check_text(text, Speaker.ADVISOR), Speaker.ADVISOR
    )


@settings(max_examples=60)
@given(
    text=talk,
    edits=st.lists(
        st.tuples(
            st.integers(0, 60), st.integers(0, 8), st.sampled_from([*HARMLESS, *NOISE, "", "不", "保本"])
        ),
        max_size=6,
    ),
)
def test_whatever_is_edited_the_verdict_is_on_the_text_as_it_stands(
    text: str, edits: list[tuple[int, int, str]]
) -> None:
    """The verdict of before, its spans and its rewrite count for nothing once a character has changed."""
    factory.verdict(text)
    for start, length, words in edits:
        text = text[:start] + words + text[start + length :]

    verdict = factory.verdict(text)

    red = [one for one in RULES.check_text(text, Speaker.ADVISOR) if compliance.is_red_line(one)]
    assert verdict.is_blocked == bool(red)
    assert all(one.span <= (len(text), len(text)) for one in verdict.problems)


@given(text=st.sampled_from(BLOCKED), noise=st.sampled_from(NOISE[:2]))
def test_invisible_characters_inside_hide_nothing(text: str, noise: str) -> None:
    assert factory.verdict(noise.join(text)).is_blocked
