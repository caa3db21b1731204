"""Staff and departments through the doors, the company's own file, and who does whose work."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from content import staff_files
from domain.people import Staff, StaffStatus, acting_for, team_of
from sandbox import address_book as acts
from store import departments, staff
from tests.people import village as villages
from tests.people.village import Village

DAY = date(2026, 12, 2)


def member(platform_id: str, **changes: object) -> Staff:
    plain = Staff(
        id=0,
        platform_id=platform_id,
        name=platform_id,
        departments=(1,),
        leader_platform_id="",
        status=StaffStatus.ACTIVE,
        team="",
        co_owner_platform_id="",
        deputy_platform_id="",
        leave_from=None,
        leave_until=None,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def known(*people: Staff) -> dict[str, Staff]:
    return {one.platform_id: one for one in people}


async def test_the_first_walk_knows_everybody(village: Village) -> None:
    async with village.house.store.read() as tx:
        people = await staff.list_all(tx)
        found = await departments.list_all(tx)

    assert {name: (one.name, one.leader_platform_id) for name, one in people.items()} == {
        "zhangsan": ("张三", ""),
        "lisi": ("李四", "zhangsan"),
        "wangwu": ("王五", "zhangsan"),
    }
    assert {one.platform_id: one.leaders for one in found}[2] == ("zhangsan",)


async def test_changes_of_the_address_book_follow_and_who_leaves_has_left(village: Village) -> None:
    acts.update_member(village.world, "lisi", name="李四四", leaders=["wangwu"])
    acts.remove_member(village.world, "wangwu")
    acts.add_department(village.world, "二部", department_id=3)
    await village.quiet()

    async with village.house.store.read() as tx:
        people = await staff.list_all(tx)
        found = {one.platform_id for one in await departments.list_all(tx)}

    assert (people["lisi"].name, people["lisi"].leader_platform_id) == ("李四四", "wangwu")
    assert people["wangwu"].status is StaffStatus.LEFT
    assert 3 in found


async def test_a_leaving_that_nobody_told_is_found(village: Village) -> None:
    village.lose_events()
    acts.remove_member(village.world, "wangwu")
    await village.reconcile()

    async with village.house.store.read() as tx:
        people = await staff.list_all(tx)

    assert people["wangwu"].status is StaffStatus.LEFT
    assert people["lisi"].status is StaffStatus.ACTIVE


async def test_the_companys_own_file_wins_and_is_read_again_when_it_changes(
    tmp_path: Path, database_url: str
) -> None:
    path = tmp_path / "people.toml"
    path.write_text(
        '[[staff]]\nid = "lisi"\nteam = "一组"\ndeputy = "wangwu"\nleave_from = 2026-11-23\n', "utf-8"
    )
    async with villages.village(tmp_path, database_url, people={"overrides": str(path)}) as village:
        zone = village.house.settings.service.zone

        async def stands_in(who: str) -> bool:
            async with village.house.store.read() as tx:
                return await staff.acting_for(tx, "lisi", village.house.clock.now(), zone) == who

        await village.eventually(lambda: stands_in("wangwu"), "the deputy")
        async with village.house.store.read() as tx:
            lisi = await staff.find(tx, "lisi")
        assert lisi is not None
        assert (lisi.team, lisi.leader_platform_id) == ("一组", "zhangsan")
        before = village.house.clock.now() - timedelta(days=1)
        async with village.house.store.read() as tx:
            assert await staff.acting_for(tx, "lisi", before, zone) == "lisi"


def test_work_follows_the_deputy_then_the_deputys_deputy_then_the_leader() -> None:
    away = {"leave_from": DAY - timedelta(days=1), "leave_until": DAY}
    lisi = member("lisi", deputy_platform_id="wangwu", leader_platform_id="boss", **away)
    wangwu = member("wangwu", deputy_platform_id="zhaoliu", **away)
    others = (member("zhaoliu"), member("boss"))

    assert acting_for(known(lisi, wangwu, *others), "lisi", DAY) == "zhaoliu"
    assert acting_for(known(lisi, member("wangwu"), *others), "lisi", DAY) == "wangwu"
    assert acting_for(known(lisi, replace(wangwu, deputy_platform_id="lisi"), *others), "lisi", DAY) == "boss"
    assert acting_for(known(lisi, wangwu, *others), "lisi", DAY + timedelta(days=1)) == "lisi"


def test_who_left_has_a_leader_and_nobody_at_all_keeps_his_own_work() -> None:
    gone = member("lisi", status=StaffStatus.LEFT, leader_platform_id="boss")

    assert acting_for(known(gone, member("boss")), "lisi", DAY) == "boss"
    assert acting_for(known(gone), "lisi", DAY) == "lisi"
    assert acting_for({}, "stranger", DAY) == "stranger"


def test_a_supervisor_has_those_below_and_those_of_the_own_team() -> None:
    people = known(
        member("boss", team="一组"),
        member("lisi", leader_platform_id="boss"),
        member("wangwu", leader_platform_id="lisi"),
        member("zhaoliu", team="一组"),
        member("sunqi", departments=(9,)),
        member("stranger"),
    )

    assert team_of(people, {9: ("boss",)}, "boss") == {"boss", "lisi", "wangwu", "zhaoliu", "sunqi"}
    assert team_of(people, {}, "stranger") == {"stranger"}


def test_a_bad_line_is_named_with_its_fix_and_the_rest_holds(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    path.write_text(
        '[[staff]]\nid = "lisi"\nteam = "一组"\n\n'
        '[[staff]]\nid = "wangwu"\ndeputy = "wangwu"\n\n'
        '[[staff]]\nid = "zhaoliu"\nleave_from = "明天"\n\n'
        '[[staff]]\nid = "sunqi"\nteem = "二组"\n\n'
        '[[staff]]\nteam = "三组"\n',
        "utf-8",
    )

    read = staff_files.load(path)

    assert [one.platform_id for one in read.overrides or ()] == ["lisi"]
    assert [one.partition(" ")[0] for one in read.mistakes] == [
        "people.toml:7:",
        "people.toml:11:",
        "people.toml:15:",
        "people.toml:17:",
    ]
    assert "did you mean 'team'?" in read.mistakes[2]


def test_a_spreadsheets_csv_is_read_as_it_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(
        "账号,小组,代理人,请假开始,请假结束\r\nlisi,一组,wangwu,2026/12/1,2026/12/5\r\nwangwu,,,2026/12/9,2026/12/2\r\n".encode(
            "gb18030"
        )
    )

    read = staff_files.load(path)

    (one,) = read.overrides or ()
    assert (one.team, one.deputy_platform_id, one.leave_from) == ("一组", "wangwu", date(2026, 12, 1))
    assert len(read.mistakes) == 1
    assert read.mistakes[0].startswith("people.csv:3:")


def test_a_file_that_cannot_be_read_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    path.write_text('[[staff]\nid = "lisi"\n', "utf-8")

    read = staff_files.load(path)

    assert read.overrides is None
    assert read.mistakes[0].startswith("people.toml:1:")
