"""The pages of groups and SOPs: who sees which, what they tell, what people do on them, and what a page costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import ClientResponse
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.enrolment import EnrolmentState
from domain.login import Role
from store import enrolments, tables
from store.database import Store
from tests.console import factory, group_factory
from tests.console.conftest import Pages, Serve
from tests.console.group_factory import LONG_NAME, Groups

CSRF = "csrf-of-the-test"


class Person:
    """Somebody at the pages. One session, asked again and again."""

    def __init__(self, pages: Pages, cookies: dict[str, str]) -> None:
        self._pages, self._cookies = pages, cookies

    async def reads(self, path: str, status: int = 200, **headers: str) -> str:
        answer = await self._pages.client.get(path, cookies=self._cookies, headers=headers)
        assert answer.status == status, f"{path}: {answer.status}"
        return await answer.text()

    async def posts(self, path: str, **fields: Any) -> ClientResponse:
        return await self._pages.client.post(
            path, data={"csrf": CSRF, **fields}, cookies=self._cookies, allow_redirects=False
        )


async def enter(pages: Pages, store: Store, clock: FrozenClock, role: Role) -> Person:
    return Person(pages, await factory.sign_in(store, pages.names[role], clock, csrf=CSRF))


async def state_of(store: Store, enrolment_id: int) -> EnrolmentState:
    async with store.read() as tx:
        found = await enrolments.find(tx, enrolment_id)
    assert found is not None
    return found.state


async def history_of(store: Store, enrolment_id: int) -> list[tuple[str, str, str]]:
    async with store.read() as tx:
        return [(one.actor, one.act, one.note) for one in await enrolments.list_entries(tx, enrolment_id)]


# --- who sees what -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "sees_other"),
    [(Role.ADMIN, True), (Role.COMPLIANCE, True), (Role.SUPERVISOR, False), (Role.OWNER, False)],
)
async def test_everybody_lists_the_groups_of_their_own_team(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock, role: Role, sees_other: bool
) -> None:
    person = await enter(pages, store, frozen_clock, role)

    page = await person.reads("/console/groups?show=all")

    assert LONG_NAME in page
    assert ("西城一群" in page) is sees_other


async def test_an_advisor_lists_the_groups_they_are_in(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    advisor = await enter(pages, store, frozen_clock, Role.ADVISOR)

    page = await advisor.reads("/console/groups?show=all")

    assert LONG_NAME in page
    assert "东城新群" not in page
    assert "提前结束" not in await advisor.reads(f"/console/groups/{groups.own}")


async def test_a_groups_name_is_text_wherever_it_stands(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    admin = await enter(pages, store, frozen_clock, Role.ADMIN)
    paths = ["/console/groups?show=all", "/console/groups?show=risk", f"/console/groups/{groups.other}"]

    for path in paths:
        page = await admin.reads(path)
        assert "<script>alert" not in page, path
        assert "&lt;script&gt;alert(9)" in page, path


# --- the page of all groups ----------------------------------------------------------------------------------


async def test_todays_work_has_what_is_late_first_and_says_whose_it_is(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    supervisor = await enter(pages, store, frozen_clock, Role.SUPERVISOR)

    page = await supervisor.reads("/console/groups")

    steps = re.findall(r'class="cell-main"><a [^>]*><span class="faint number">([\d.a-z]+)</span>', page)
    assert steps[0] == "3.1"
    assert "已超 10 分钟" in page
    assert re.search(r"李四</a><span class=\"nowrap\"><span class=\"badge bad\">超时 1", page)
    assert "还没有人要做的事" not in page


async def test_each_list_holds_the_groups_that_belong_there(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    admin = await enter(pages, store, frozen_clock, Role.ADMIN)

    listed = {
        show: set(
            re.findall(
                r'data-href="/console/groups/(\d+)"', await admin.reads(f"/console/groups?show={show}")
            )
        )
        for show in ("late", "risk", "running", "all")
    }

    ids = {name: str(getattr(groups, name)) for name in ("own", "other", "fresh", "done", "waiting", "empty")}
    assert listed["late"] == {ids["own"]}
    assert listed["risk"] == {ids["own"], ids["other"]}
    assert listed["running"] == {ids["own"], ids["other"], ids["waiting"]}
    assert listed["all"] == set(ids.values())


async def test_lists_are_narrowed_by_owner_team_and_name(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    admin = await enter(pages, store, frozen_clock, Role.ADMIN)

    for query, there, gone in (
        ("owner=wangwu", "西城一群", "东城新群"),
        ("team=北京一部", "东城新群", "西城一群"),
        ("q=东城", "东城新群", "西城一群"),
        ("q=%25", "没有这样的群", "东城新群"),
    ):
        page = await admin.reads(f"/console/groups?show=all&{query}")
        assert there in page, query
        assert gone not in page, query


async def test_a_list_tells_counts_beside_rates_and_na_where_nothing_was_measured(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    owner = await enter(pages, store, frozen_clock, Role.OWNER)

    page = await owner.reads("/console/groups?show=all")

    own = page[page.index(LONG_NAME) :]
    assert re.search(r"5/44 <span class=\"faint\">11%</span> · <span class=\"faint\">N/A</span>", own)
    assert '<strong class="good-text">72</strong>' in page


async def test_a_house_without_groups_says_what_comes_there(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    admin = await enter(pages, store, frozen_clock, Role.ADMIN)

    assert "还没有客户群" in await admin.reads("/console/groups?show=all")
    assert "今天没有要人做的事" in await admin.reads("/console/groups")
    assert "这段时间没有记录" in await admin.reads("/console/groups/quits")


# --- what it costs -------------------------------------------------------------------------------------------


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Collect what is asked of the database."""
    asked: list[tuple[str, Any]] = []

    def note(_1: Any, _2: Any, statement: str, parameters: Any, _3: Any, _4: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(Engine, "before_cursor_execute", note)


async def add_many(store: Store, clock: FrozenClock, number: int) -> None:
    """Add groups under way, each with a step that waits, one of today and one of next week."""
    now = clock.now()

    async def job(tx: AsyncConnection) -> None:
        version = await group_factory.freeze(tx, "finance_week1", now)
        rows = [
            {
                "chat_id": f"wrMany{place:06d}",
                "name": f"第 {place} 群",
                "owner_platform_id": f"owner{place % 40}",
                "first_seen_at": now,
                "created_at": now,
                "seen_at": now,
            }
            for place in range(number)
        ]
        found = await tx.execute(sa.insert(tables.group).returning(tables.group.c.id), rows)
        ids = list(found.scalars())
        await tx.execute(sa.insert(tables.enrolment), [_enrolment(one, version.id, now) for one in ids])
        enrolled = (await tx.execute(sa.select(tables.enrolment.c.id))).scalars().all()
        await tx.execute(
            sa.insert(tables.occurrence), [row for one in enrolled for row in _occurrences(one, now)]
        )

    await store.write(job)


def _enrolment(group_id: int, version_id: int, now: Any) -> dict[str, Any]:
    return {
        "sop_version_id": version_id,
        "template": "finance_week1",
        "rhythm": "full",
        "group_id": group_id,
        "round": 0,
        "owner_platform_id": f"owner{group_id % 40}",
        "opens_on": now.date(),
        "anchor_at": now - timedelta(hours=10, seconds=group_id),
        "state": "running",
        "ticks": {},
        "facts": {},
        "page_code": f"code{group_id}",
        "score_parts": {},
        "enrolled_at": now,
    }


def _occurrences(enrolment_id: int, now: Any) -> list[dict[str, Any]]:
    steps = (("opening", "waiting_owner", -1), ("open_questions", "planned", 4), ("review", "planned", 168))
    return [
        {
            "enrolment_id": enrolment_id,
            "step": step,
            "n": 0,
            "delivery": "M" if state == "waiting_owner" else "A",
            "state": state,
            "wanted_at": now + timedelta(hours=hours),
            "due_at": now + timedelta(hours=hours, seconds=enrolment_id),
            "window_end": now + timedelta(hours=hours + 2),
            "expires_at": now + timedelta(hours=hours + 9),
            "shifts": "",
            "executor": "lisi" if state == "waiting_owner" else "",
        }
        for step, state, hours in steps
    ]


@pytest.mark.parametrize("show", ["today", "running", "late", "risk", "all"])
async def test_a_page_asks_as_much_for_2000_groups_as_for_60(
    pages: Pages, store: Store, frozen_clock: FrozenClock, show: str
) -> None:
    admin = await enter(pages, store, frozen_clock, Role.ADMIN)
    counts = []

    await add_many(store, frozen_clock, 60)
    await admin.reads(f"/console/groups?show={show}")
    for more in (0, 1940):
        if more:
            await store.write(_forget_all)
            await add_many(store, frozen_clock, more + 60)
        with statements() as asked:
            page = await admin.reads(f"/console/groups?show={show}")
        counts.append(len(asked))
        assert page.count("<tr data-href") == (0 if show in ("late", "risk") else 50)

    assert counts[0] == counts[1]
    assert counts[1] < 25


async def _forget_all(tx: AsyncConnection) -> None:
    for table in (tables.occurrence, tables.enrolment, tables.group):
        await tx.execute(sa.delete(table))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_no_list_reads_every_occurrence_or_enrolment(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    admin = await enter(pages, store, frozen_clock, Role.ADMIN)
    await add_many(store, frozen_clock, 200)

    with statements() as asked:
        for show in ("today", "running", "late", "risk"):
            await admin.reads(f"/console/groups?show={show}")
    async with store.read() as tx:
        plans = []
        for statement, parameters in asked:
            if "occurrence" in statement or "enrolment" in statement:
                plan = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans += [row[3] for row in plan.all()]

    scans = [line for line in plans if re.match(r"SCAN (occurrence|enrolment)(?! USING)", line)]
    assert not scans, "\n".join(scans)
    assert any("ix_occurrence_day" in line for line in plans)
    assert any("ix_occurrence_open" in line for line in plans)
    assert any("ix_enrolment_live" in line for line in plans)


async def test_pages_of_fifty_follow_each_other_without_a_gap(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    admin = await enter(pages, store, frozen_clock, Role.ADMIN)
    await add_many(store, frozen_clock, 120)

    for show, number in (("running", 120), ("all", 120), ("today", 240)):
        seen: list[str] = []
        path: str | None = f"/console/groups?show={show}"
        while path is not None:
            page = await admin.reads(path)
            seen += re.findall(r'<tr data-href="([^"]+)"', page)
            following = re.search(r'href="([^"]+)" rel="next"', page)
            path = following[1].replace("&amp;", "&") if following else None
        assert len(seen) == number, show
        assert len(set(seen)) == number, show


# --- the page of a group -------------------------------------------------------------------------------------


async def test_a_group_shows_what_proves_a_step_apart_from_a_persons_word(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    owner = await enter(pages, store, frozen_clock, Role.OWNER)

    page = await owner.reads(f"/console/groups/{groups.own}")

    steps = dict(_steps_of(page))
    assert "is-told" in steps["0.4"]
    assert "自己勾的" in steps["0.4"]
    assert "is-told" not in steps["1.2"]
    assert "平台回执" in steps["1.2"]
    assert "系统测得" in steps["0.1"]
    assert "时间窗已过" in steps["2.1"]
    assert steps["3.1"].count("is-taken") == 2
    assert "官方提醒 1 次" in steps["3.1"]


def _steps_of(page: str) -> Iterator[tuple[str, str]]:
    for part in page.split('<li class="step')[1:]:
        number = re.search(r'<span class="faint number">([\d.a-z]+)</span>', part)
        if number:
            yield number[1], part.partition('<li class="step')[0]


async def test_a_group_says_who_must_act_now(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    owner = await enter(pages, store, frozen_clock, Role.OWNER)

    page = await owner.reads(f"/console/groups/{groups.own}")
    now = page[page.index('id="now-head"') : page.index('id="score-head"')]

    assert re.search(r"<strong>李四</strong>[\s\S]*?预告[\s\S]*?已超 10 分钟", now)
    assert "&lt;b&gt;提前还款&lt;/b&gt;" in now


async def test_what_was_not_measured_is_na_and_gives_no_points(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    owner = await enter(pages, store, frozen_clock, Role.OWNER)

    page = await owner.reads(f"/console/groups/{groups.done}")
    score = page[page.index('id="score-head"') : page.index('id="members-head"')]

    assert ">72<" in score
    assert score.count(">N/A<") == 2
    assert "25 / 25" in score
    assert "20 / 20" not in score


async def test_the_words_of_a_step_are_told_on_demand_with_their_proof(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    owner = await enter(pages, store, frozen_clock, Role.OWNER)
    path = f"/console/groups/{groups.own}/steps/{groups.own_step}"

    whole = await owner.reads(path)
    part = await owner.reads(path, **{"HX-Request": "true"})

    for text in (whole, part):
        assert "各位早上好，今天开群。" in text
        assert "这个群已收到" in text
    assert "<html" not in part
    assert "各位早上好" not in await owner.reads(f"/console/groups/{groups.own}")
    await owner.reads(f"/console/groups/{groups.own}/steps/{groups.other_step}", 404)


async def test_a_version_that_cannot_be_read_shows_keys_instead_of_failing(
    serve: Serve, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    async def broken(version_id: int) -> Any:
        raise ValueError(version_id)

    pages = await serve(sop_template=broken)
    owner = await enter(pages, store, frozen_clock, Role.OWNER)

    assert "读不出来" in await owner.reads(f"/console/groups/{groups.own}")
    assert LONG_NAME in await owner.reads("/console/groups?show=running")
    assert '<span class="mono">notice</span>' in await owner.reads("/console/groups")


# --- acts ----------------------------------------------------------------------------------------------------


async def test_a_group_is_enrolled_by_hand_once_somebody_is_sure(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    owner = await enter(pages, store, frozen_clock, Role.OWNER)
    path = f"/console/groups/{groups.fresh}/enrol"
    asked = {"template": "finance_week1", "rhythm": "calm", "opens_on": "2026-11-27"}

    unsure = await owner.posts(path, **asked)
    done = await owner.posts(path, **asked, sure="yes", note="新网点开业", teacher="周老师")

    assert unsure.headers["Location"].endswith("wrong=no_reason")
    assert done.headers["Location"].endswith("done=enrolled")
    async with store.read() as tx:
        (made,) = await enrolments.list_of_group(tx, groups.fresh)
    assert (made.rhythm, made.opens_on.isoformat(), made.facts) == (
        "calm",
        "2026-11-27",
        {"teacher": "周老师"},
    )
    assert ("lisi", "note", "新网点开业") in await history_of(store, made.id)
    assert "新网点开业" in await owner.reads(f"/console/groups/{groups.fresh}")


async def test_an_act_that_cannot_be_done_is_refused_in_words(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    owner = await enter(pages, store, frozen_clock, Role.OWNER)
    asked = {"template": "finance_week1", "rhythm": "calm", "opens_on": "2026-11-27", "sure": "yes"}

    again = await owner.posts(f"/console/groups/{groups.own}/enrol", **asked)
    resumed = await owner.posts(
        f"/console/groups/{groups.own}/enrolments/{groups.own_enrolment}/resume", note="x", sure="yes"
    )

    assert (again.status, resumed.status) == (409, 409)
    assert "没有做：这个群正在另一个流程里" in await again.text()
    assert "没有做：没有停着" in await resumed.text()


async def test_a_third_opening_of_one_day_is_shown_on_the_next(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    owner = await enter(pages, store, frozen_clock, Role.OWNER)
    for number in (groups.fresh, groups.empty):
        await owner.posts(
            f"/console/groups/{number}/enrol", template="finance_week1", opens_on="2026-11-26", sure="yes"
        )
    third = await store.write(lambda tx: group_factory.add_group(tx, "第三群", "lisi", frozen_clock.now()))

    page = await owner.reads(f"/console/groups/{third}/enrol?template=finance_week1&on=2026-11-26")

    assert "2026-11-27（周五）" in page
    assert "比想要的 2026-11-26 晚 1 天" in page
    await owner.posts(
        f"/console/groups/{third}/enrol", template="finance_week1", opens_on="2026-11-26", sure="yes"
    )
    async with store.read() as tx:
        (made,) = await enrolments.list_of_group(tx, third)
    assert made.opens_on.isoformat() == "2026-11-27"


async def test_pausing_resuming_moving_and_ending_need_a_reason_and_are_written_down(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    supervisor = await enter(pages, store, frozen_clock, Role.SUPERVISOR)
    number = groups.waiting_enrolment
    base = f"/console/groups/{groups.waiting}/enrolments/{number}"
    states = []

    without = await supervisor.posts(f"{base}/pause", sure="yes")
    states.append(await state_of(store, number))
    for act, more in (("pause", {}), ("resume", {}), ("move", {"opens_on": "2026-12-01"}), ("end", {})):
        done = await supervisor.posts(f"{base}/{act}", note=f"因为{act}", sure="yes", **more)
        assert "done=" in done.headers["Location"], act
        states.append(await state_of(store, number))

    assert without.headers["Location"].endswith("wrong=no_reason")
    assert states == ["waiting", "paused", "waiting", "waiting", "cancelled"]
    entries = await history_of(store, number)
    assert ("linzhuguan", "paused", "因为pause") in entries
    assert ("linzhuguan", "moved", "2026-12-01") in entries
    assert ("linzhuguan", "note", "因为move") in entries
    assert ("linzhuguan", "ended", "因为end") in entries


async def test_readiness_is_ticked_and_unticked_as_the_form_says(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    owner = await enter(pages, store, frozen_clock, Role.OWNER)
    path = f"/console/groups/{groups.waiting}/enrolments/{groups.waiting_enrolment}/tick"
    ticked = []

    for points in (["0", "2"], ["2"]):
        await owner.posts(path, point=points)
        async with store.read() as tx:
            found = await enrolments.find(tx, groups.waiting_enrolment)
        assert found is not None
        ticked.append(sorted(found.ticks))

    assert ticked == [["0", "2"], ["2"]]
    assert "李四 勾的" in await owner.reads(f"/console/groups/{groups.waiting}")


async def test_the_facts_of_a_week_are_written_by_who_leads_the_group(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    owner = await enter(pages, store, frozen_clock, Role.OWNER)
    path = f"/console/groups/{groups.own}/enrolments/{groups.own_enrolment}/facts"

    empty = await owner.posts(path)
    done = await owner.posts(path, event_title="看懂<利率>")

    assert empty.headers["Location"].endswith("wrong=empty")
    assert done.headers["Location"].endswith("done=facts_set")
    assert "看懂&lt;利率&gt;" in await owner.reads(f"/console/groups/{groups.own}")


# --- templates and quits -------------------------------------------------------------------------------------


async def test_the_preview_tells_the_calendar_messages_and_quota(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    editor = await enter(pages, store, frozen_clock, Role.CONTENT)

    page = await editor.reads("/console/sops/finance_week1/preview?from=2026-11-23&rhythm=full")

    assert "共用群发 7 条" in page
    assert "29 / 6 / 0" in page
    assert "第 1 周：必发" in page
    bad = await editor.reads("/console/sops/finance_week1/preview?from=tomorrow")
    assert "日期看不懂" in bad
    await editor.reads("/console/sops/nothing/preview", 404)


async def test_quits_are_told_by_source_with_counts_and_no_rate_from_too_few(
    pages: Pages, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    owner = await enter(pages, store, frozen_clock, Role.OWNER)
    admin = await enter(pages, store, frozen_clock, Role.ADMIN)

    own = await owner.reads("/console/groups/quits?by=way")
    everybody = await admin.reads("/console/groups/quits?by=way")

    joined = [re.findall(r'data-label="入群" class="number">(\d+)<', page) for page in (own, everybody)]
    assert sum(map(int, joined[0])) == 44 + 15 + 30 + 11
    assert sum(map(int, joined[1])) == 44 + 15 + 30 + 11 + 12
    assert "人数太少" in own
