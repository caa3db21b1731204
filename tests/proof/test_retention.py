"""Periods of the law: the longest wins, a duty beats a wish, a hold beats all; and the night erases by them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import verifying
from bot.clock import FrozenClock
from bot.retaining import Retainer
from bot.sealing import Sealer
from content import retention as retention_files
from domain import retention
from domain.audit import TalkKind
from domain.errors import ContentError
from domain.retention import Matter, Standing
from scheduler.erasing import Eraser
from store import erasures, holds, logins, tables
from store import retention as retention_facts
from store.database import Store
from tests.audit import factory as talks
from tests.audit.factory import Line
from tests.proof import factory
from tests.proof.typing_in import type_in

sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
RULES = retention_files.load()
LAST = datetime(2020, 2, 29, tzinfo=UTC)
LATEST = datetime(2100, 1, 1)  # noqa: DTZ001 - hypothesis wants it without a zone
ZONE = ZoneInfo("Asia/Shanghai")


def standing(*lines: str, **more: object) -> Standing:
    values = {"last_at": LAST, "is_served": False, "contract_ends_on": None, "matters": ()}
    return Standing(lines=frozenset(lines), **(values | more))  # type: ignore[arg-type]


def kept_until(one: Standing) -> datetime | None:
    return retention.keepings(one, RULES.periods)[0].until


def test_the_longest_period_wins_and_counts_from_its_own_start() -> None:
    closed = datetime(2035, 1, 31, tzinfo=UTC)
    dispute = Matter(kind="complaint", closed_at=closed)

    assert kept_until(standing("service")) == datetime(2023, 2, 28, tzinfo=UTC)
    assert kept_until(standing("insurance")) == datetime(2030, 2, 28, tzinfo=UTC)
    assert kept_until(standing("insurance", "wealth")) == datetime(2040, 2, 29, tzinfo=UTC)
    assert kept_until(standing("insurance", contract_ends_on=date(2030, 6, 1))) == datetime(
        2040, 6, 1, tzinfo=UTC
    )
    assert kept_until(standing("loan", is_served=True)) is None
    assert kept_until(standing("service", matters=(dispute,))) == datetime(2038, 1, 31, tzinfo=UTC)
    assert kept_until(standing("service", matters=(Matter(kind="complaint", closed_at=None),))) is None


def test_a_customers_wish_is_beaten_by_duties_only() -> None:
    soon = LAST + timedelta(days=30)
    service, loan = standing("service"), standing("loan")

    def may(one: Standing, now: datetime, *, by_wish: bool) -> bool:
        return retention.may_erase(retention.keepings(one, RULES.periods), now, by_wish=by_wish)

    assert may(service, soon, by_wish=True)
    assert not may(service, soon, by_wish=False)
    assert not may(loan, soon, by_wish=True)
    assert may(loan, LAST + timedelta(days=3660), by_wish=False)
    # Of what business it was nobody knows, but there was some.
    assert not may(standing(is_served=True), soon, by_wish=True)


@given(st.datetimes(timezones=st.just(UTC), max_value=LATEST), st.integers(1, 300))
def test_months_later_is_the_same_day_or_the_last_one(moment: datetime, months: int) -> None:
    later = retention.months_after(moment, months)

    assert (later.year * 12 + later.month) - (moment.year * 12 + moment.month) == months
    assert later.day <= moment.day


def test_a_file_with_mistakes_names_all_of_them(tmp_path: Path) -> None:
    text = 'version = "1"\n[[period]]\nid = "x"\nline = "gold"\nmonths = 0\nstart = "now"\nis_duty = true\n'
    (tmp_path / "retention.toml").write_text(text, "utf-8")

    with pytest.raises(ContentError) as caught:
        retention_files.load(tmp_path)

    assert len(caught.value.problems) == 6


async def add_session(tx: AsyncConnection, made: factory.Record, line: str, now: datetime) -> None:
    row = {"conversation_id": made.conversation, "started_at": now, "ended_at": now, "cut_at": now}
    ids = {"first_message_id": made.messages[0], "last_message_id": made.messages[-1], "message_count": 1}
    more = {"state": "silence", "line": line, "subjects": [], "figures": {}, "source": "kf"}
    await tx.execute(sa.insert(tables.session).values(**row, **ids, **more))


async def test_the_night_erases_what_is_over_its_time_once_and_only_when_approved(
    store: Store, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    made = []

    async def job(tx: AsyncConnection) -> None:
        now = frozen_clock.now()
        for customer, line in (("wmAnna", "service"), ("wmBert", "loan"), ("wmCara", "service")):
            one = await factory.talk(tx, now, ["您好", "您好呀"], customer=customer)
            await add_session(tx, one, line, now)
            made.append(one)
        held = made[2].conversation
        await holds.add(tx, reason="诉讼", by="qian", now=now, conversation_id=held)

    await store.write(job)
    eraser = Eraser(store, frozen_clock, tmp_path, RULES)

    def night(by: str) -> Retainer:
        return Retainer(store, frozen_clock, eraser, at=time(3, 30), zone=ZONE, approved_by=by)

    frozen_clock.advance(timedelta(days=3 * 366))
    await night("").look()
    async with store.read() as tx:
        untouched = await erasures.count_of(tx, made[0].conversation)
    frozen_clock.advance(timedelta(days=1))
    await night("王合规").look()
    await Sealer(store, frozen_clock).seal(everything=True)

    async with store.read() as tx:
        counts = [await erasures.count_of(tx, one.conversation) for one in made]
        told = await erasures.list_of(tx, made[0].messages)
        log = await logins.list_access(tx, limit=5, subject=f"conversation:{made[0].conversation}")
    assert untouched == (2, 0)
    assert counts == [(0, 2), (2, 0), (2, 0)]
    assert {(one.reason, one.erased_by) for one in told.values()} == {("retention", "王合规")}
    assert [one.act for one in log] == ["erased"]
    assert (await verifying.verify(store)).flaws == []


@sqlite
async def test_files_go_with_the_last_message_that_has_them(
    store: Store, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    digest, other = "a" * 64, "b" * 64
    for name in (digest, other):
        (tmp_path / name).write_bytes(b"x")

    async def job(tx: AsyncConnection) -> list[factory.Record]:
        now = frozen_clock.now()
        made = [await factory.talk(tx, now, ["图"], customer=name) for name in ("wmAnna", "wmBert")]
        files = ((made[0], digest, 0), (made[1], digest, 0), (made[0], other, 1))
        for one, file, place in files:
            row = {"message_id": one.messages[0], "platform_id": file, "kind": "image", "state": "fetched"}
            await tx.execute(sa.insert(tables.media).values(**row, place=place, digest=file, due_at=now))
        return made

    anna, bert = await store.write(job)
    eraser = Eraser(store, frozen_clock, tmp_path, RULES)

    first = await eraser.erase_customer(anna.customer, reason="request", by="qian")
    left = sorted(path.name for path in tmp_path.iterdir() if len(path.name) == 64)
    second = await eraser.erase_customer(bert.customer, reason="request", by="qian")

    assert (first.erased, first.files, left) == (1, 1, [digest])
    assert (second.erased, second.files) == (1, 1)
    assert not list(tmp_path.glob("*a*a"))


@sqlite
async def test_the_commands_show_before_they_erase_and_tell_what_the_law_keeps(
    store: Store,
    frozen_clock: FrozenClock,
    config: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def job(tx: AsyncConnection) -> None:
        now = frozen_clock.now()
        made = await factory.talk(tx, now, ["您好", "您好呀"])
        await add_session(tx, made, "service", now)
        other = await factory.talk(tx, now, ["房贷"], customer="wmBert")
        await add_session(tx, other, "loan", now)

    await store.write(job)
    given = ("--by", "qian", "--config", str(config))
    stands = {"real_at": 0.0, "virtual_at": frozen_clock.now().timestamp(), "rate": 0.0}
    (config.parent / "clock.json").write_text(json.dumps(stands), "utf-8")
    (config.parent / "chain.key").write_text("", "utf-8")

    assert await type_in("erase", "--customer", "wmBert", "--yes", *given) == 0
    kept = capsys.readouterr().out
    assert await type_in("erase", "--customer", "wmAnna", *given) == 0
    preview = capsys.readouterr().out
    assert await type_in("hold", "add", "--customer", "wmAnna", "--reason", "诉讼", *given) == 0
    assert await type_in("erase", "--customer", "wmAnna", "--yes", *given) == 0
    held = capsys.readouterr().out
    assert await type_in("hold", "lift", "1", *given) == 0
    assert await type_in("erase", "--customer", "wmAnna", "--yes", *given) == 0
    erased = capsys.readouterr().out
    assert await type_in("hold", "list", "--config", str(config)) == 0
    assert await type_in("retention", "report", "--config", str(config)) == 0

    assert "《反洗钱法》" in kept
    assert "依法保留 1 条" in kept
    assert "没有删除任何内容" in preview
    assert "法律保全 2 条" in held
    assert "已删除 2 条原文" in erased
    assert await type_in("erase", "--customer", "wmNobody", *given) == 2


@sqlite
async def test_talk_of_colleagues_is_kept_for_the_shortest_period_only_5(
    store: Store, frozen_clock: FrozenClock
) -> None:
    lines: list[Line] = [(0, "A", "我老婆生病了，想请假")]
    made = await store.write(lambda tx: talks.talk(tx, TalkKind.INTERNAL, lines, account="li|wang"))

    async with store.read() as tx:
        known = (await retention_facts.list_standings(tx, [made.id]))[made.id]

    kept = retention.keepings(known, RULES.periods)
    assert [one.period.id for one in kept] == ["service"]
    assert kept[0].period.months == min(one.months for one in RULES.periods)
    assert not kept[0].period.is_duty
