"""Who is meant by one-to-one steps: nobody twice a day over all groups, no colleagues, newcomers a day later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from content import sop_audience, sop_freezing
from domain.enrolment import Enrolment, Occurrence, OccurrenceState
from sandbox import groups, mass_sending, relations
from store import cohort_reports, group_members, occurrences, sop_versions, tables
from store import groups as stored_groups
from tests.weeks.valley import CO_OWNER, OWNER, Valley, local, on_one_engine, valley


async def rows(v: Valley, enrolment_id: int, step: str) -> list[Occurrence]:
    """Return the rows of customers of a one-to-one step."""
    async with v.house.store.read() as tx:
        found = await occurrences.list_of_enrolment(tx, enrolment_id)
    return [one for one in found if one.step == step and one.member]


async def befriend(v: Valley, *chats: str, name: str) -> str:
    """Let a customer add the owner and join groups; return the external id once the house knows it."""
    who: str = v.world.add_customer(name, simulated=True).external_userid
    relations.add_friend(v.world, OWNER, who)
    for chat in chats:
        groups.join(v.world, chat, [who])

    async def is_known() -> bool:
        await v.settle()
        wanted = sa.select(sa.func.count()).select_from(tables.relation)
        wanted = wanted.join(tables.customer, tables.customer.c.id == tables.relation.c.customer_id)
        async with v.house.store.read() as tx:
            found = await tx.execute(wanted.where(tables.customer.c.platform_id == who))
        return bool(found.scalar_one())

    await v.eventually(is_known, name)
    return who


async def set_audience(v: Valley, one: Enrolment, key: str, text: str) -> None:
    """Let a group go on in a version of its template in which a step means other members."""
    template = v.house.library.shelf().sops.templates[one.template]
    audience = sop_audience.parse_audience(text)
    ways = {
        rhythm: tuple(replace(step, audience=audience) if step.key == key else step for step in steps)
        for rhythm, steps in template.steps.items()
    }
    body = sop_freezing.dump(replace(template, steps=ways))

    async def change(tx: Any) -> None:
        version = await sop_versions.ensure(tx, one.template, 99, "other", body, [], v.now)
        mine = sa.update(tables.enrolment).where(tables.enrolment.c.id == one.id)
        await tx.execute(mine.values(sop_version_id=version))

    await v.act(change)


async def test_same_person_in_several_groups_staff_in_the_audience_and_a_member_who_joins_on_a_later_day(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, sop={"poll_seconds": 300}) as v:
        first, one = await v.open_group("第一个群", rhythm="full")
        second, other = await v.open_group("第二个群", rhythm="full")
        both = await befriend(v, first, second, name="在两个群的客户")
        alone = await befriend(v, second, name="只在第二个群的客户")
        await v.step_due(local("11-27 10:00"))
        for each in (one, other):
            await v.confirm_step(each.id, "opening")
        await v.at(local("11-27 16:00"))
        later = await befriend(v, second, name="开群那天下午才来的客户")
        await v.at(local("11-28 09:30"))
        next_day = await befriend(v, second, name="第二天才来的客户")
        await v.step_due(local("11-28 10:00"))
        await v.step_due(local("11-28 15:00"))

        asked = [*(await rows(v, one.id, "need_poll")), *(await rows(v, other.id, "need_poll"))]
        assert sorted(each.member for each in asked) == sorted([both, alone, later])
        tasks = [task for task in v.world.corp.mass_tasks.values() if task.chat_type == "single"]
        targets = [target for task in tasks for part in task.parts.values() for target in part.targets]
        assert sorted(targets) == sorted([both, alone, later])
        assert not {OWNER, CO_OWNER} & set(targets)

        # Who joined on day 1 gets the step a day later, and nobody else gets it again.
        for task in tasks:
            mass_sending.confirm(v.world, task.msgid, OWNER)
        await v.step_due(local("11-29 10:00"))
        await v.step_due(local("11-29 11:00"))
        await v.step_due(local("11-29 15:00"))
        asked = await rows(v, other.id, "need_poll")
        assert [each.member for each in asked if each.released_at and each.n == 1] == [next_day]
        assert {each.state for each in asked if each.n == 0} == {OccurrenceState.SENT}

        # What the group had is not said again; the advisor has a card about the newcomer, and about nobody else.
        cards = [line for line in await v.told(OWNER) if "晚到" in line]
        assert cards == ["step 有新客户晚到：「第二个群」"]

        # Colleagues in the group are no customers: they count in no rate.
        async with v.house.store.read() as tx:
            known = await stored_groups.find(tx, first)
            assert known is not None
            stays = await group_members.list_of_group(tx, known.id)
            assert await cohort_reports.count_staff(tx, known.id) == 2
        assert len([stay for stay in stays if str(stay.kind) == "customer"]) == 13


@on_one_engine
async def test_how_many_are_in_a_group_is_known_to_one_to_one_steps_after_its_opening_4(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, sop={"poll_seconds": 300}) as v:
        chat, one = await v.open_group("十几个人的群", rhythm="full")
        await set_audience(v, one, "need_poll", "friend and size >= 13")
        friend = await befriend(v, chat, name="已经加了好友的客户")
        await v.step_due(local("11-27 10:00"))
        await v.confirm_step(one.id, "opening")
        await v.step_due(local("11-28 10:00"))
        await v.step_due(local("11-28 15:00"))

        assert [each.member for each in await rows(v, one.id, "need_poll")] == [friend]
