"""What the soak must have held: the sandbox's side against the program's records, message by message."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from bench.report import percentile
from store import tables
from store.database import Store

if TYPE_CHECKING:
    from bench.ledger import Said
    from bench.soak import Soak

# Ends of the outbox that nobody has to look at.
_GOOD_ENDS = {"accepted", "cancelled", "refused"}


async def judge(soak: Soak, seconds: float) -> None:
    """Compare and report."""
    store = await Store.open(soak.plan.database_url)
    try:
        stored = await _rows(store, _MESSAGES)
        turns = await _rows(store, _TURNS)
        deliveries = {row.key: row for row in await _rows(store, sa.select(tables.delivery))}
        failed = await _rows(store, sa.select(tables.event.c.key, tables.event.c.error).where(_FAILED))
        cases = Counter(row.reason for row in await _rows(store, sa.select(tables.case.c.reason)))
    finally:
        await store.close()
    report = soak.report
    _print_load(soak, seconds)
    _judge_records(soak, stored, turns)
    _judge_answers(soak, deliveries, turns, stored)
    report.must(not failed, f"events given up: {failed[:3]}")
    strange = {reason: number for reason, number in cases.items() if reason != "late"}
    report.must(not strange, f"cases nobody should need: {strange}")
    report.row("cases for late messages", cases["late"])
    if soak.size.is_memory:
        _judge_memory(soak)


def _print_load(soak: Soak, seconds: float) -> None:
    report, size = soak.report, soak.size
    latencies = soak.book.latencies()
    counts = soak.box.protocol.counts
    calls = sum(counts.values())
    faulty = sum(
        number
        for (_, outcome), number in counts.items()
        if outcome in (-1, -500, -502, -599, 42001, 45009, 45033)
    )
    stats = soak.box.postman.stats["kf"]
    report.row("messages", f"{size.messages} in {seconds:.0f} s", f"{size.messages / seconds:.0f}/s")
    report.row("history, late", size.history, sum(map(len, soak.book.late_groups())))
    report.row("kills", soak.killed)
    report.row("API calls, failing", calls, f"{100 * faulty / max(calls, 1):.1f} %")
    report.row("callbacks, dropped, retried", stats.sent, stats.dropped, stats.failed_attempts)
    report.row(
        "answer p50, p99, max",
        *(
            f"{value:.2f} s"
            for value in (
                percentile(latencies, 0.5),
                percentile(latencies, 0.99),
                max(latencies, default=0.0),
            )
        ),
    )


def _judge_records(soak: Soak, stored: list[Any], turns: list[Any]) -> None:
    """Every message once and in order; no turn for what is older than go-live."""
    report, book = soak.report, soak.book
    kept: dict[str, list[str]] = defaultdict(list)
    for row in stored:
        kept[row.platform_id].append(row.msgid)
    expected = {customer: [one.msgid for one in said] for customer, said in book.by_customer.items() if said}
    wrong = [customer for customer in expected | kept if expected.get(customer) != kept.get(customer)]
    report.must(
        not wrong, f"messages lost, doubled or out of order for {len(wrong)} customers, e.g. {wrong[:3]}"
    )
    report.row("messages stored once, in order", sum(map(len, kept.values())), f"of {len(book.said)}")
    numbers = {row.msgid: row.id for row in stored}
    history = {numbers.get(one.msgid) for one in book.said.values() if one.is_history}
    asked = [turn.id for turn in turns if turn.first_message_id in history]
    report.must(not asked, f"{len(asked)} turns were made of messages older than go-live")


def _judge_answers(soak: Soak, deliveries: dict[str, Any], turns: list[Any], stored: list[Any]) -> None:
    report, book, size = soak.report, soak.book, soak.size
    twice, past, unanswered = book.twice(), book.answered_history(), book.unanswered()
    report.must(not twice, f"{len(twice)} messages answered twice, e.g. {twice[:3]}")
    report.must(not past, f"{len(past)} messages older than go-live answered, e.g. {past[:3]}")
    report.must(
        not book.strangers,
        f"{len(book.strangers)} messages nobody asked for, e.g. {_told(book.strangers, deliveries)}",
    )
    decisions = {turn.id: turn.decision for turn in turns}
    late_twice = [
        group[0].customer
        for group in book.late_groups()
        if sum(_is_late(deliveries.get(key), decisions) for one in group for key in one.answers) > 1
    ]
    report.must(not late_twice, f"more than one apology after the outage for {late_twice[:5]}")
    states = Counter(row.state for row in deliveries.values())
    unknown = Counter(row.outcome for row in deliveries.values() if row.state == "unknown")
    report.row("answers received, accepted in the records", sum(book.received.values()), states["accepted"])
    report.row("late answers", len(book.late_groups()), f"to {sum(map(len, book.late_groups()))} messages")
    report.row("answered twice, unanswered", len(twice), len(unanswered))
    report.row("deliveries", dict(states))
    report.row("decisions", dict(Counter(turn.decision for turn in turns)))
    if size.repeat == "refuse":
        told = [_story(one, stored, turns, deliveries) for one in unanswered[:3]]
        report.must(not unanswered, f"{len(unanswered)} unanswered, e.g. {told}")
        report.must(not unknown, f"unknown although repeats are refused: {dict(unknown)}")
        report.must(
            states["accepted"] == sum(book.received.values()), "records and sandbox count answers differently"
        )
    else:
        _judge_unknown(soak, deliveries, unknown)
    odd = {state: number for state, number in states.items() if state not in _GOOD_ENDS | {"unknown"}}
    report.must(not odd, f"deliveries left over: {odd}")


def _judge_unknown(soak: Soak, deliveries: dict[str, Any], unknown: Counter[str]) -> None:
    """Repeats are accepted: whatever was in doubt is shown as unknown, and no more than was in flight."""
    report, book = soak.report, soak.book
    hidden = [
        one.msgid
        for one in book.unanswered()
        if not any(getattr(deliveries.get(key), "state", "") == "unknown" for key in book.keys_of(one))
    ]
    report.must(not hidden, f"{len(hidden)} unanswered and not shown as unknown, e.g. {hidden[:3]}")
    in_flight = soak.killed * soak.size.in_flight
    counts = soak.box.protocol.counts
    broken = sum(counts["kf/send_msg", outcome] for outcome in (-500, -502, -599))
    report.row(
        "unknown after kills, after broken calls",
        f"{unknown['crashed']} of at most {in_flight}",
        f"{unknown['uncertain']} of at most {broken}",
    )
    report.must(
        unknown["crashed"] <= in_flight,
        f"{unknown['crashed']} unknown after kills, {in_flight} were in flight",
    )
    report.must(
        unknown["uncertain"] <= broken, f"{unknown['uncertain']} unknown after broken calls, {broken} broke"
    )
    others = set(unknown) - {"crashed", "uncertain"}
    report.must(not others, f"unknown for other reasons: {others}")


def _judge_memory(soak: Soak) -> None:
    from bench.soak import RSS_GROWTH_MB, RSS_LIMIT_MB

    report, size = soak.report, soak.size
    first, last = soak.rss[size.messages // 5], soak.rss[size.messages]
    limit = RSS_LIMIT_MB[size.segmenter]
    report.row(
        "RSS at a fifth, at the end, growth", f"{first:.0f} MB", f"{last:.0f} MB", f"{last - first:+.1f} MB"
    )
    report.row("limit", f"{limit} MB with {size.segmenter}", f"{last / limit:.2f} of it")
    report.must(
        last - first <= RSS_GROWTH_MB, f"memory grew by {last - first:.1f} MB, allowed are {RSS_GROWTH_MB}"
    )
    report.must(last < limit, f"{last:.0f} MB resident with {size.segmenter}, allowed are {limit}")


def _story(one: Said, stored: list[Any], turns: list[Any], deliveries: dict[str, Any]) -> str:
    """Return what the records say of a message, for the reader who must find out why."""
    number = next((row.id for row in stored if row.msgid == one.msgid), 0)
    mine = [turn for turn in turns if turn.first_message_id <= number <= turn.last_message_id]
    mine = [turn for turn in mine if turn.conversation_id == _conversation(number, stored)]
    kept = [
        f"{row.state} {row.outcome} attempt {row.attempt}"
        for row in deliveries.values()
        if row.turn_id in {turn.id for turn in mine}
    ]
    kind = "question" if one.is_whole else "greeting"
    told = [f"{turn.id} {turn.state} {turn.decision} {turn.blocked} round {turn.round}" for turn in mine]
    return f"{one.msgid} ({kind}, outage {one.late_group}) message {number}, turns {told}, deliveries {kept}"


def _conversation(number: int, stored: list[Any]) -> int:
    return next((int(row.conversation_id) for row in stored if row.id == number), 0)


def _is_late(row: Any, decisions: dict[int, str]) -> bool:
    return row is not None and decisions.get(row.turn_id) == "late"


def _told(keys: list[str], deliveries: dict[str, Any]) -> list[str]:
    rows = [deliveries.get(key) for key in keys[:5]]
    return [
        f"{row.act} {row.reply_id or row.faq_id} {row.state}" if row else "not in the records" for row in rows
    ]


_FAILED = tables.event.c.state == "failed"
_MESSAGES = (
    sa.select(
        tables.message.c.id,
        tables.message.c.msgid,
        tables.message.c.conversation_id,
        tables.customer.c.platform_id,
    )
    .join(tables.conversation, tables.conversation.c.id == tables.message.c.conversation_id)
    .join(tables.customer, tables.customer.c.id == tables.conversation.c.customer_id)
    .where(tables.message.c.author == "customer")
    .order_by(tables.message.c.id)
)
_TURNS = sa.select(tables.turn).order_by(tables.turn.c.id)


async def _rows(store: Store, wanted: sa.Select[Any]) -> list[Any]:
    async with store.read() as tx:
        return list((await tx.execute(wanted)).all())
