"""The figures of the boards, on both engines, against a week that was counted by hand (tests/boards/week.py)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from audit import boards, response, spreads
from audit.boards import Tallies, TeamLine
from audit.response import WaitClock
from domain.audit import TalkKind
from store import audit_reports, audit_tallies, session_reports, violation_reports
from store.audit_reports import Scored
from store.audit_tallies import FindingTally, PromiseTally, RatingTally
from store.database import Store
from store.session_reports import SessionFilter
from tests.boards import week

LIMITS = response.Limits(first=dict.fromkeys(TalkKind, timedelta(minutes=3)), bot=timedelta(seconds=3))
ZONE = ZoneInfo("Asia/Shanghai")
FILTER = SessionFilter(since=week.WANTED.since, until=week.WANTED.until, now=week.NOW, zone=ZONE)


async def team(store: Store) -> dict[str, TeamLine]:
    await store.write(week.fill)
    async with store.read() as tx:
        rows = await audit_reports.list_scored(tx, week.WANTED)
        tallies = Tallies(
            findings=await audit_tallies.tally_findings(tx, week.WANTED),
            ratings=await audit_tallies.tally_ratings(tx, week.WANTED),
            promises=await audit_tallies.tally_promises(tx, week.WANTED),
            appeals=await audit_tallies.tally_appeals(tx, week.WANTED),
        )
        seen = await audit_reports.read_coverage(tx, week.WANTED, date(2026, 11, 23), date(2026, 11, 29))
    return {one.subject: one for one in boards.team_of(rows, tallies, seen, LIMITS)}


async def test_the_team_board_has_the_figures_counted_by_hand(store: Store) -> None:
    lines = await team(store)

    assert set(lines) == {"wang", "li", "zhao"}
    wang, li, zhao = lines["wang"], lines["li"], lines["zhao"]
    # Twice 80, 82, … 98 (mean 89) and 80, 82: (2 × 890 + 162) / 22.
    assert wang.score is not None
    assert wang.score.mean == pytest.approx(1942 / 22)
    # Squared distances 778.364, so s = 6.0881; t(21) = 2.0796: half 2.6993.
    assert wang.score.low == pytest.approx(85.573, abs=0.002)
    assert wang.score.high == pytest.approx(90.972, abs=0.002)
    # 1 to 20 minutes: the median lies between 10 and 11, nine in ten wait at most 18, three at most 3.
    assert wang.waits == spreads.Waits(
        count=20, median=timedelta(minutes=10.5), p90=timedelta(minutes=18), within=3
    )
    assert (wang.asked, wang.unanswered) == (22, 2)
    assert wang.findings == FindingTally(counted=2, suspected=1, red_confirmed=1, red_suspected=1)
    assert wang.ratings == RatingTally(invited=6, rated=5, satisfied=4)
    assert wang.promises == PromiseTally(kept=2, broken=1, open=1, overdue=1)
    assert wang.promises.due == 4
    assert (wang.appeals.all, wang.appeals.open) == (1, 1)
    assert (wang.chats_told, wang.chats_seen) == (40, 22)
    assert (li.scored, li.score) == (3, None)
    # Confirmed, but not shown to li yet: nobody sees it before.
    assert li.findings == FindingTally()
    assert (zhao.is_seen, zhao.is_archived, zhao.waits, zhao.chats_told) == (False, False, None, 12)


async def test_the_response_board_has_the_figures_counted_by_hand(store: Store) -> None:
    await store.write(week.fill)
    async with store.read() as tx:
        rows = await audit_reports.list_scored(tx, week.WANTED)

    board = response.board_of(rows, WaitClock.WORKING, LIMITS, ZONE)

    counts = {bar.bucket.key: bar.count for bar in board.bars}
    # wang 1 to 20 minutes, li three times 2.
    assert counts == {"30": 0, "60": 1, "180": 5, "300": 2, "600": 5, "1800": 10, "3600": 0, "more": 0}
    assert (board.asked, board.unanswered) == (25, 2)
    # wang at 9:00, 9:20, 9:40, li at 9:00 and 9:30.
    assert board.hours[9].asked == 3 + 2
    assert board.hours[8].waits is None
    assert board.bot == spreads.Waits(
        count=2, median=timedelta(seconds=3), p90=timedelta(seconds=4), within=1
    )


async def test_each_bar_leads_to_as_many_sessions_as_it_counts(store: Store) -> None:
    await store.write(week.fill)
    async with store.read() as tx:
        rows = await audit_reports.list_scored(tx, week.WANTED)
        board = response.board_of(rows, WaitClock.WORKING, LIMITS, ZONE)
        behind = {}
        for bar in board.bars:
            wanted = replace(FILTER, is_waited=True, over=bar.bucket.over, up_to=bar.bucket.up_to)
            found = await session_reports.list_sessions(tx, wanted, before=None, limit=100)
            behind[bar.bucket.key] = len(found)
        by_hour = [
            len(
                await session_reports.list_sessions(
                    tx, replace(FILTER, is_waited=True, hour=hour), before=None, limit=100
                )
            )
            for hour in range(24)
        ]

    assert behind == {bar.bucket.key: bar.count for bar in board.bars}
    assert by_hour == [row.waits.count if row.waits else 0 for row in board.hours]


# What is asked for, and the sessions it gives; "bot" for both of the bot's.
LISTS: list[tuple[dict[str, Any], set[str]]] = [
    ({"subject": "li"}, {"li0", "li1", "li2"}),
    ({"kind": "group"}, {"li2"}),
    ({"state": "open"}, {"li0"}),
    ({"red": "suspected"}, {"wang1"}),
    ({"red": "confirmed"}, {"wang0"}),
    ({"red": "any"}, {"wang0", "wang1"}),
    ({"is_unanswered": True}, {"wang20", "wang21"}),
    ({"band": "coach"}, {"li0", "li1", "li2"}),
    ({"band": "excellent", "subject": "bot"}, {"bot"}),
    ({"label": "DISCLOSURE"}, {"wang2"}),
    ({"item": "A1"}, {"wang2"}),
    ({"rule_id": "test.guarantee"}, {"wang0", "wang1", "wang2"}),
    ({"line": "none"}, set()),
    ({"band": "unscored"}, {"mass0"}),
]


async def test_the_list_of_sessions_shows_what_was_asked_for(store: Store) -> None:
    ids = await store.write(week.fill)
    names = {number: name for name, number in ids.items() if name[-1].isdigit()}

    async with store.read() as tx:
        for changes, expected in LISTS:
            wanted = replace(FILTER, **changes)
            rows = await session_reports.list_sessions(tx, wanted, before=None, limit=100)
            assert {names.get(row.id, "bot") for row in rows} == expected, changes


async def test_a_long_list_of_sessions_is_read_page_by_page(store: Store) -> None:
    await store.write(week.fill)
    seen: list[int] = []
    place = None
    async with store.read() as tx:
        for _ in range(10):
            rows = await session_reports.list_sessions(tx, FILTER, before=place, limit=7)
            seen += [row.id for row in rows]
            if len(rows) < 7:
                break
            place = rows[-1].place

    assert len(seen) == len(set(seen)) == 28


async def test_violations_are_counted_by_label_line_and_rule(store: Store) -> None:
    await store.write(week.fill)
    async with store.read() as tx:
        labels = await violation_reports.count_labels(tx, week.WANTED)
        rules = {one.rule_id: one for one in await violation_reports.count_rules(tx, week.WANTED)}
        counts = await audit_reports.count_sessions(tx, week.WANTED)

    assert {(one.label, one.line): (one.found, one.sessions, one.is_red) for one in labels} == {
        ("GUARANTEE", "wealth"): (1, 1, True),
        ("DISCLOSURE", "wealth"): (1, 1, False),
    }
    guarantee = rules["test.guarantee"]
    assert (guarantee.hits, guarantee.waiting, guarantee.confirmed, guarantee.rejected) == (3, 1, 1, 1)
    assert (counts.all, counts.scored, counts.open) == (27, 27, 1)
    assert counts.by_kind == {"chat": 24, "group": 1, "kf": 2}


async def test_what_waits_for_the_supervisor_is_counted_whatever_its_age(store: Store) -> None:
    await store.write(week.fill)
    async with store.read() as tx:
        waiting = await audit_tallies.count_waiting(tx, week.NOW)

    assert (waiting.red, waiting.reviews, waiting.reviews_late) == (1, 1, 1)
    assert (waiting.appeals, waiting.appeals_late) == (1, 1)


def test_nobody_has_a_score_or_a_place_below_twenty_sessions() -> None:
    def line(subject: str, count: int, score: float) -> TeamLine:
        rows = [_scored(subject, score) for _ in range(count)]
        return boards.line_of(subject, rows, _NONE, _NOBODY, LIMITS)

    lines = [line("best-but-few", 19, 100.0), line("low", 20, 60.0), line("high", 20, 90.0)]

    assert [one.subject for one in boards.ordered(lines, "score")] == ["high", "low", "best-but-few"]
    assert [one.subject for one in boards.ordered(lines, "score", turned=True)][-1] == "best-but-few"
    assert boards.medians_of(lines).score == 75.0


@pytest.mark.parametrize(("freedom", "value"), [(19, 2.0930), (30, 2.0423), (60, 2.0003), (1000, 1.9623)])
def test_the_quantile_of_t_is_that_of_the_tables(freedom: int, value: float) -> None:
    assert spreads.t_quantile(freedom) == pytest.approx(value, abs=0.0005)


_NONE = Tallies(findings={}, ratings={}, promises={}, appeals={})
_NOBODY = audit_reports.Coverage(
    advisors=frozenset(), archived=frozenset(), told={}, seen={}, archive_read_at=None
)


def _scored(subject: str, score: float) -> Scored:
    return Scored(
        session_id=1,
        subject=subject,
        started_at=week.MONDAY,
        kind=TalkKind.CHAT,
        line="loan",
        score=score,
        grade="good",
    )
