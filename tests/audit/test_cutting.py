"""Laws of cutting: whatever was said and in whatever order it became known, the sessions are the same."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit import closings, cutting
from domain.audit import ASSIGNED, Said, SessionEnd, Slice, TalkKind
from domain.talk import Author
from tests.audit import written

CALENDAR = written.calendar(["mon-fri 09:00-12:00", "mon-fri 13:30-18:00"], ["2026-11-25"])
WORDS = closings.load()
START = written.moment("23", "09:00:00")
FAR = START + timedelta(days=400)

# Steps that matter: within a turn, a new turn, around the silence, around 4 hours, nights.
_steps = st.sampled_from([0, 20, 59, 60, 61, 600, 1799, 1800, 1801, 5400, 14399, 14400, 50_000, 200_000])
_speakers = st.sampled_from(
    [
        (Author.CUSTOMER, "wm_a", "怎么还款", ""),
        (Author.CUSTOMER, "wm_b", "多少钱", ""),
        (Author.CUSTOMER, "wm_a", "好的谢谢", ""),
        (Author.SERVICER, "wang", "您好", ""),
        (Author.SERVICER, "li", "我来", ""),
        (Author.BOT, "", "请看", "answer"),
        (Author.BOT, "", "转接中", "handover"),
        (Author.SYSTEM, "li", "", ASSIGNED),
    ]
)
_lines = st.lists(st.tuples(_steps, _speakers, st.booleans(), st.booleans()), min_size=1, max_size=25)


def _talk(lines: Sequence[tuple[int, tuple[Author, str, str, str], bool, bool]]) -> list[Said]:
    at, found = START, []
    for number, (step, (author, name, text, decision), is_recalled, is_post) in enumerate(lines, 1):
        at += timedelta(seconds=step)
        is_staff = author in (Author.SERVICER, Author.SYSTEM)
        found.append(
            Said(
                id=number,
                conversation_id=1,
                msgid=str(number),
                author=author,
                kind="text",
                sent_at=at,
                text=text,
                staff_id=name if is_staff else "",
                sender_id="" if is_staff else name,
                is_recalled=is_recalled and number % 3 == 0,
                is_scheduled=is_post and author is not Author.CUSTOMER and number % 4 == 0,
                decision=decision,
            )
        )
    return found


talks = _lines.map(_talk)


def _cut(messages: Sequence[Said], now: datetime = FAR) -> tuple[Slice, ...]:
    return cutting.cut(TalkKind.CHAT, messages, CALENDAR, now, WORDS)


def _sets(slices: Sequence[Slice]) -> list[frozenset[str]]:
    return [frozenset(one.msgid for one in piece.messages) for piece in slices]


@given(talks)
def test_every_message_is_in_exactly_one_session(messages: list[Said]) -> None:
    slices = _cut(messages)

    assert sorted(one.id for piece in slices for one in piece.messages) == [one.id for one in messages]
    assert all(before.ended_at < after.started_at for before, after in itertools.pairwise(slices))


@given(talks, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(messages: list[Said], random: object) -> None:
    arrived = list(messages)
    random.shuffle(arrived)  # type: ignore[attr-defined]
    numbered = [replace(one, id=number) for number, one in enumerate(arrived, 1)]

    assert _sets(_cut(numbered)) == _sets(_cut(messages))
    assert [one.end for one in _cut(numbered)] == [one.end for one in _cut(messages)]


@given(talks, st.integers(0, 24))
def test_what_comes_later_moves_no_earlier_cut(messages: list[Said], place: int) -> None:
    until = messages[min(place, len(messages) - 1)].sent_at
    known = [one for one in messages if one.sent_at <= until]

    before, whole = _cut(known, now=until), _cut(messages)

    assert before[:-1] == whole[: len(before) - 1]
    assert set(before[-1].messages) <= set(whole[len(before) - 1].messages)


@given(talks)
def test_cutting_again_from_any_session_on_gives_the_same_rest(messages: list[Said]) -> None:
    whole = _cut(messages)

    for place, piece in enumerate(whole):
        assert _cut([one for one in messages if one.sent_at >= piece.started_at]) == whole[place:]


@given(talks)
def test_an_open_session_is_over_at_its_ending_and_not_before(messages: list[Said]) -> None:
    last = _cut(messages)[-1]
    ending = cutting.ending_of(last.messages, CALENDAR, WORDS)

    assert _cut(messages, now=ending.at - timedelta(microseconds=1))[-1].end is SessionEnd.OPEN
    assert _cut(messages, now=ending.at)[-1].end is ending.end is last.end


@given(talks)
def test_no_answer_within_24_working_hours_is_cut_off_from_its_question(messages: list[Said]) -> None:
    slices = _cut(messages)

    for before, after in itertools.pairwise(slices):
        ending = cutting.ending_of(before.messages, CALENDAR, WORDS)
        assert after.started_at >= ending.at
        if ending.end is SessionEnd.QUESTION:
            asked = [one for one in before.messages if one.author is Author.CUSTOMER]
            assert CALENDAR.between(asked[0].sent_at, after.started_at) >= cutting.HOLD


def test_colleagues_among_themselves_have_no_sessions() -> None:
    messages = _talk([(0, (Author.SERVICER, "wang", "中午吃什么", ""), False, False)])

    assert cutting.cut(TalkKind.INTERNAL, messages, CALENDAR, FAR, WORDS) == ()
