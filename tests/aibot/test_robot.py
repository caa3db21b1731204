"""The company's robot, asked through the sandbox: what a colleague reads, and what is written down about it."""

from __future__ import annotations

from sandbox.faults import Fault, FaultKind
from store import tables
from tests.aibot.office import GROUP, MEMBERS, PREPAY, ROBOT, Office


async def test_an_answer_carries_source_validity_and_who_stands_for_it(office: Office) -> None:
    answer = await office.ask("zhangsan", PREPAY)

    assert answer.problem == ""
    assert "违约金" in answer.content
    for mark in ("> 依据：", "> 有效期至 20", "> 示例内容，公司还没有人审批", "> 条目 loan.prepay"):
        assert mark in answer.content
    assert "相近的条目：\n1. " in answer.content
    assert answer.feedback_id == answer.stream_id
    delivery = await office.delivered("zhangsan", "accepted")
    assert (delivery.act, delivery.send_class, delivery.channel) == ("passive", 4, "aibot")
    assert (delivery.outcome, delivery.faq_id, delivery.line) == ("fetched", "loan.prepay", "loan")
    question = await office.question("zhangsan")
    assert (question.state, question.decision, question.delivery_key) == ("done", "answer", delivery.key)
    assert question.answer == answer.content


async def test_a_follow_up_is_worked_out_with_the_figures_named_before(office: Office) -> None:
    first = await office.ask("lisi", "12万，等额本息，年化7.2%，12期，每月还多少")
    second = await office.ask("lisi", "24期呢")

    assert "每期还10,394.28元" in first.content
    assert "24期，按等额本息试算" in second.content
    assert (await office.question("lisi")).faq_id == "loan.equal_instalment"


async def test_a_number_picks_an_entry_of_the_list(office: Office) -> None:
    listed = await office.ask("wangwu", "违约金")
    title = next(line[3:] for line in listed.content.splitlines() if line.startswith("1. "))

    picked = await office.ask("wangwu", "第一个")
    missed = await office.ask("wangwu", "9")

    assert title in picked.content.splitlines()[0]
    assert "> 依据：" in picked.content
    assert "没有这个序号" in missed.content


async def test_what_nobody_approved_is_not_guessed(office: Office) -> None:
    answer = await office.ask("zhaoliu", "食堂今天中午有红烧肉吗")

    assert "没有找到已审批的答案，我不猜" in answer.content
    assert "依据：" not in answer.content
    assert (await office.question("zhaoliu")).faq_id == ""


async def test_in_a_group_only_what_names_the_robot_reaches_it(office: Office) -> None:
    before = len(await office.rows(tables.staff_question))
    assert office.asks("lisi", "大家早", chat_id=GROUP) == 0

    answer = await office.ask("lisi", f"@{ROBOT} {PREPAY}", chat_id=GROUP)

    asked = await office.rows(tables.staff_question, tables.staff_question.c.chat_id == GROUP)
    assert [one.asked for one in asked] == [PREPAY]
    assert len(await office.rows(tables.staff_question)) == before + 1
    assert "依据：" in answer.content


async def test_a_quoted_message_is_read_where_the_question_says_nothing_itself(office: Office) -> None:
    quoted = office.box.wire.says("", "zhangsan", f"客户问：{PREPAY}", chat_id=GROUP)["number"]

    answer = await office.ask("zhangsan", f"@{ROBOT} 这个怎么回", chat_id=GROUP, quote=quoted)

    assert "按你引用的那条消息查的" in answer.content
    assert "条目 loan.prepay" in answer.content


async def test_numbers_of_persons_are_not_kept(office: Office) -> None:
    answer = await office.ask("sunqi", f"客户手机 13812345678，{PREPAY}")

    assert "13812345678" not in (await office.question("sunqi")).asked
    assert "消息里有客户的个人信息" in answer.content


async def test_voice_is_read_and_a_picture_is_not(office: Office) -> None:
    spoken = await office.ask("zhouba", PREPAY, msgtype="voice")
    picture = await office.ask("zhouba", "x", msgtype="image")

    assert "依据：" in spoken.content
    assert "只看得懂文字" in picture.content


async def test_three_run_at_once_and_each_gets_its_own_answer(office: Office) -> None:
    numbers = [office.asks("wujiu", text) for text in (PREPAY, "犹豫期退保扣钱吗", "理财保本吗")]

    lines = [await office.answered("wujiu", number) for number in numbers]

    assert len({line.stream_id for line in lines}) == 3
    assert ["loan.prepay" in lines[0].content, "loan.prepay" in lines[1].content] == [True, False]
    assert all(line.problem == "" and line.content for line in lines)


async def test_a_callback_told_twice_is_answered_once(office: Office) -> None:
    office.box.faults.add(Fault(kind=FaultKind.DUPLICATE, match="aibot", count=1))

    await office.ask("zhengshi", PREPAY)

    assert len(await office.deliveries("zhengshi")) == 1
    mine = tables.staff_question.c.staff_platform_id == "zhengshi"
    assert len(await office.rows(tables.staff_question, mine)) == 1


async def test_feedback_is_kept_and_can_be_taken_back(office: Office) -> None:
    answer = await office.ask("zhouba", PREPAY)
    given = []
    for verdict in (2, 3):
        office.box.wire.rates("", "zhouba", answer.number, verdict)
        await office.box.wire.drained()
        expected = 2 if verdict == 2 else None

        async def is_kept(expected: int | None = expected) -> bool:
            return bool((await office.question("zhouba")).feedback == expected)

        await office.eventually(is_kept, "the feedback")
        given.append((await office.question("zhouba")).feedback)

    assert given == [2, None]


async def test_who_opens_the_chat_is_welcomed_once_a_day(office: Office) -> None:
    for _ in range(2):
        office.box.wire.enters("", MEMBERS[4])
        await office.box.wire.drained()

    lines = office.box.robots.chat("", MEMBERS[4]).lines
    welcomes = [line for line in lines if line.via == "welcome"]
    assert len(welcomes) == 1
    assert "示例信息服务有限公司" in welcomes[0].content
    delivery = await office.delivered(MEMBERS[4], "accepted")
    assert (delivery.act, delivery.body["text"]) == ("passive", welcomes[0].content)
