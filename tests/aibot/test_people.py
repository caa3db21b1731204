"""Who is answered, and what is not said although there is an entry for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from content.knowledge import Served
from domain.faq import Faq
from domain.people import StaffSight, StaffStatus
from store import contents, groups, staff, tables
from tests.aibot.office import MORNING, PREPAY, Office, message
from tests.aibot.test_door import whole


async def answered(office: Office, who: str, text: str = PREPAY, **more: object) -> str:
    """Ask at the door and return the whole answer."""
    stream = (await office.told(message(f"m-{who}-{text}", who, text, **more)))["stream"]["id"]
    return str((await whole(office, who, stream))["content"])


def changed(office: Office, **changes: object) -> None:
    """Change the entry about paying back early."""
    faq: Faq = replace(office.known.faqs["loan.prepay"], **changes)  # type: ignore[arg-type]
    office.known = replace(office.known, faqs={**office.known.faqs, faq.id: faq})


async def test_members_who_left_and_people_outside_get_no_knowledge(office: Office) -> None:
    sights = [
        StaffSight(platform_id=name, name=name, departments=(), leader_platform_id="", status=status)
        for name, status in (("sunqi", StaffStatus.DISABLED), ("zhouba", StaffStatus.ACTIVE))
    ]
    await office.store.write(lambda tx: staff.record_sights(tx, sights, MORNING))
    await office.store.write(lambda tx: staff.set_left(tx, ["wujiu"], MORNING))

    answers = {who: await answered(office, who) for who in ("wujiu", "sunqi", "zhouba", "wmStranger")}

    told = {who for who, text in answers.items() if "依据：" in text}
    assert told == {"zhouba"}
    assert answers["wujiu"] == answers["sunqi"] == "通讯录显示这个账号已停用，我不能作答。"
    assert "这里不作答" in answers["wmStranger"]


async def test_in_a_customer_group_nothing_is_said(office: Office) -> None:
    await office.store.write(lambda tx: groups.ensure(tx, ["wrCustomers"], MORNING))

    outside = await answered(office, "lisi", chatid="wrCustomers", chattype="group")
    inside = await answered(office, "lisi", "提前还款违约金怎么算", chatid="wrInternal", chattype="group")

    assert "这里不作答" in outside
    assert "依据：" in inside


async def test_who_approved_the_words_is_named(office: Office) -> None:
    async def approve(tx: object) -> int:
        await contents.add(tx, [("faq", "loan.prepay", "d1", {})], MORNING)  # type: ignore[arg-type]
        version = (await contents.list_versions(tx))[0]  # type: ignore[arg-type]
        await contents.approve(tx, [version.id], by="王审核", now=MORNING)  # type: ignore[arg-type]
        return version.id

    version_id = await office.store.write(approve)
    served = {"faq:loan.prepay": Served(version_id=version_id, is_sample=False)}
    office.known = replace(office.known, versions=served)

    text = await answered(office, "lisi")

    assert "> 审批：王审核，2026-11-23" in text
    assert "示例内容" not in text
    assert (await office.delivered("lisi", "accepted")).content_version_id == version_id


async def test_an_expired_entry_is_named_and_not_said(office: Office) -> None:
    changed(office, valid_until=date(2026, 11, 22))

    text = await answered(office, "lisi")

    assert "这一条已经过期（到 2026-11-22）" in text
    assert "依据：" not in text
    assert "利息只算到" not in text
    question = await office.question("lisi")
    assert (question.faq_id, question.decision) == ("", "holding")


async def test_what_ends_soon_says_so(office: Office) -> None:
    changed(office, valid_until=date(2026, 12, 1))

    assert "有效期至 2026-12-01，还有 8 天" in await answered(office, "lisi")


async def test_words_that_break_a_rule_are_not_said_to_colleagues_either(office: Office) -> None:
    changed(office, answer="放心，这个产品保本保收益，稳赚不赔，内部渠道包过。")

    text = await answered(office, "lisi")

    assert "没有通过今天的合规检查" in text
    assert "稳赚" not in text
    told = await office.delivered("lisi", "accepted")
    assert (told.body["text"], told.faq_id, told.line) == (text, "", "")
    kept = await office.rows(tables.staff_question, tables.staff_question.c.answer.contains("稳赚"))
    assert kept == []
