"""What the pages show and do, through their addresses."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from console.context import ProcessHealth
from console.routes import HEADERS
from domain.case import CaseKind, CaseWanted
from domain.delivery import DeliveryState
from domain.faq import Line
from domain.login import Role
from store import cases, contents, lines, staff, tables
from store.database import Store
from tests.console import factory
from tests.console.conftest import Pages, Serve

CSRF = {"csrf": "csrf-of-the-test"}


@pytest.fixture
async def boss(pages: Pages, store: Store, frozen_clock: FrozenClock) -> dict[str, str]:
    """The cookie of a supervisor."""
    return await factory.sign_in(store, pages.names[Role.SUPERVISOR], frozen_clock)


async def read(pages: Pages, path: str, cookies: dict[str, str]) -> str:
    answer = await pages.client.get(path, cookies=cookies)
    assert answer.status == 200, path
    return await answer.text()


async def act(pages: Pages, path: str, cookies: dict[str, str], **fields: str) -> str:
    """Post a form and return where the browser is sent."""
    answer = await pages.client.post(path, data=CSRF | fields, cookies=cookies, allow_redirects=False)
    assert answer.status == 303, path
    return answer.headers["Location"]


async def test_customers_words_are_shown_as_words(
    pages: Pages, scene: factory.Scene, store: Store, frozen_clock: FrozenClock
) -> None:
    admin = await factory.sign_in(store, pages.names[Role.ADMIN], frozen_clock)
    paths = (
        "/console/",
        "/console/conversations",
        f"/console/conversations/{scene.other_talk}",
        "/console/cases",
        f"/console/cases/{scene.other_case}",
        "/console/deliveries?state=failed",
        "/console/unanswered",
        f"/console/events/{scene.unhandled_event}",
    )

    for path in paths:
        text = await read(pages, path, admin)
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
    assert "&lt;img src=x onerror=alert(2)&gt;" in await read(pages, paths[2], admin)


async def test_the_search_word_is_shown_as_a_word(pages: Pages, boss: dict[str, str]) -> None:
    text = await read(pages, '/console/conversations?search="><script>alert(9)</script>', boss)

    assert "<script>alert" not in text


async def test_every_answer_carries_the_policy(pages: Pages, boss: dict[str, str]) -> None:
    for path in ("/console/", "/console/login", "/console/nothing-here", "/console/lines/loan/stop"):
        answer = await pages.client.get(path, cookies=boss)

        for name, value in HEADERS.items():
            assert answer.headers[name] == value, path


async def test_static_files_are_kept_for_ever_under_their_digest(pages: Pages, boss: dict[str, str]) -> None:
    page = await read(pages, "/console/", boss)
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]

    exact = await pages.client.get(address)
    old = await pages.client.get("/console/static/0000000000000000/console.css")

    assert "immutable" in exact.headers["Cache-Control"]
    assert old.headers["Cache-Control"] == "no-cache"
    assert await exact.read() == await old.read()
    for path in ("/console/static/0000000000000000/..console.css", "/console/lib/package.json"):
        assert (await pages.client.get(path)).status == 404


async def test_the_reader_tells_what_was_said_and_why(
    pages: Pages, scene: factory.Scene, boss: dict[str, str]
) -> None:
    answered = await read(pages, f"/console/conversations/{scene.own_talk - 1}", boss)
    served = await read(pages, f"/console/conversations/{scene.own_talk}", boss)
    troubled = await read(pages, f"/console/conversations/{scene.other_talk}", boss)

    for words in (
        "提前还款要付违约金吗",
        "0.86",
        "关键词“提前还款”“违约金”命中",
        "出自：",
        "已送出",
        "客户进入会话",
    ):
        assert words in answered
    for words in (
        "人工从排队中接入",
        "撤回了这条消息",
        "转人工：排队",
        "人工接待 · 张三",
        "非常满意",
        "投诉",
    ):
        assert words in served
    for words in ("给出选项", "犹豫期内退保", "发送失败", "客户拒收", "排队等人工"):
        assert words in troubled


async def test_each_thing_said_is_shown_once(
    pages: Pages, scene: factory.Scene, boss: dict[str, str]
) -> None:
    text = await read(pages, f"/console/conversations/{scene.own_talk}", boss)

    assert text.count("已为您转接人工") == 1


async def test_the_renewing_part_answers_204_until_something_changes(
    pages: Pages, scene: factory.Scene, store: Store, boss: dict[str, str], frozen_clock: FrozenClock
) -> None:
    page = await read(pages, "/console/conversations", boss)
    url = page.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    asking = {"cookies": boss, "headers": {"HX-Request": "true"}}

    assert (await pages.client.get(url, **asking)).status == 204

    async def speak(tx: AsyncConnection) -> None:
        make = factory.Maker(tx, frozen_clock.now())
        await make.says(await make.talk("wmNew", "新客户"), "在吗")

    await store.write(speak)
    part = await pages.client.get(url, **asking)
    assert part.status == 200
    text = await part.text()
    assert "新客户" in text
    assert "<html" not in text


async def test_whoever_was_signed_out_meanwhile_is_told_to_reload(pages: Pages) -> None:
    answer = await pages.client.get("/console/conversations", headers={"HX-Request": "true"})

    assert answer.headers["HX-Refresh"] == "true"


async def test_pictures_are_shown_and_everything_else_is_a_download(
    pages: Pages, scene: factory.Scene, boss: dict[str, str]
) -> None:
    picture = await pages.client.get(f"/console/media/{scene.own_media}", cookies=boss)
    page = await pages.client.get(f"/console/media/{scene.other_media}", cookies=boss)

    assert picture.headers["Content-Type"] == "image/png"
    assert picture.headers["Content-Disposition"] == "inline"
    assert page.headers["Content-Type"] == "application/octet-stream"
    assert page.headers["Content-Disposition"].startswith("attachment")
    for answer in (picture, page):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]


async def test_lists_turn_pages_without_losing_or_repeating_a_row(
    pages: Pages, store: Store, boss: dict[str, str], frozen_clock: FrozenClock
) -> None:
    async def fill(tx: AsyncConnection) -> None:
        make = factory.Maker(tx, frozen_clock.now() - timedelta(hours=3))
        for number in range(125):
            talk = await make.talk(f"wm{number:06}", f"客户{number:03}号")
            if number % 10:  # Every tenth shares its moment with the one before it.
                make.wait()
            await make.says(talk, "在吗")
            make.at -= timedelta(seconds=20)

    await store.write(fill)
    seen: list[str] = []
    path = "/console/conversations"
    for _ in range(3):
        text = await read(pages, path, boss)
        seen += [part.split("<")[0] for part in text.split("<strong>客户")[1:]]
        path = text.split('href="')[-1].split('"')[0] if 'rel="next"' in text else ""
        links = [part for part in text.split('<a class="button" href="') if 'rel="next"' in part[:200]]
        path = links[0].split('"')[0].replace("&amp;", "&") if links else ""

    assert path == ""
    assert len(seen) == len(set(seen)) == 125


async def test_a_broken_place_begins_at_the_head(
    pages: Pages, scene: factory.Scene, boss: dict[str, str]
) -> None:
    for place in ("x", "1-", "99999999999999999999-1", "-1", "²-1", "1-99999999999999999999"):
        assert "李先生" in await read(pages, f"/console/conversations?from={place}", boss)


async def test_a_search_finds_by_part_of_the_name_and_takes_no_wildcards(
    pages: Pages, scene: factory.Scene, boss: dict[str, str]
) -> None:
    assert "李先生" in await read(pages, "/console/conversations?search=先生", boss)
    assert "王女士" not in await read(pages, "/console/conversations?search=先生", boss)
    assert "李先生" not in await read(pages, "/console/conversations?search=%25", boss)


async def test_the_lists_show_what_needs_a_person(
    pages: Pages, scene: factory.Scene, boss: dict[str, str]
) -> None:
    person = await read(pages, "/console/conversations?show=person", boss)
    serving = await read(pages, "/console/conversations?show=serving", boss)
    late = await read(pages, "/console/cases?show=late", boss)

    assert "陈阿姨" in person
    assert "李先生" not in person
    assert "李先生" in serving
    assert "陈阿姨" in late
    assert "李先生" not in late


async def test_a_case_is_given_away_noted_closed_and_taken_up_again(
    pages: Pages, scene: factory.Scene, store: Store, boss: dict[str, str]
) -> None:
    path = f"/console/cases/{scene.other_case}"

    assert (await act(pages, f"{path}/assign", boss, owner="nobody here")).endswith("wrong=unknown_person")
    assert (await act(pages, f"{path}/assign", boss, owner="zhangsan")).endswith("done=assigned")
    assert (await act(pages, f"{path}/note", boss, note="")).endswith("wrong=empty")
    assert (await act(pages, f"{path}/note", boss, note="已电话联系")).endswith("done=noted")
    assert (await act(pages, f"{path}/due", boss, note="客户出差", due_at="2020-01-01T10:00")).endswith(
        "bad_date"
    )
    assert (await act(pages, f"{path}/due", boss, note="客户出差", due_at="2026-12-01T10:00")).endswith(
        "due_moved"
    )
    assert (await act(pages, f"{path}/close", boss, note="已答复")).endswith("done=closed")
    assert (await act(pages, f"{path}/close", boss, note="再次")).endswith("wrong=changed")
    assert (await act(pages, f"{path}/reopen", boss, note="客户又来")).endswith("done=reopened")

    text = await read(pages, path, boss)
    for words in ("张三", "已电话联系", "客户出差", "已答复", "客户又来"):
        assert words in text
    async with store.read() as tx:
        entries = await cases.list_entries(tx, scene.other_case)
    assert [entry.act for entry in entries] == [
        "opened",
        "assigned",
        "note",
        "due moved",
        "closed",
        "reopened",
    ]
    assert {entry.actor for entry in entries[1:]} == {pages.names[Role.SUPERVISOR]}


async def test_a_line_is_stopped_with_a_reason_and_resumed(
    pages: Pages, store: Store, boss: dict[str, str]
) -> None:
    stop, resume = "/console/lines/loan/stop", "/console/lines/loan/resume"

    assert (await act(pages, stop, boss, reason="利率有误")).endswith("wrong=no_reason")
    assert (await act(pages, stop, boss, reason="利率有误", sure="yes")).endswith("done=stopped")
    async with store.read() as tx:
        assert await lines.list_stopped(tx) == {Line.LOAN}
    assert "利率有误" in await read(pages, "/console/lines", boss)
    assert (await act(pages, resume, boss, sure="yes")).endswith("done=resumed")
    assert (await act(pages, resume, boss, sure="yes")).endswith("wrong=changed")


async def test_a_failed_event_goes_back_into_the_queue(
    pages: Pages, scene: factory.Scene, store: Store, boss: dict[str, str]
) -> None:
    assert (await act(pages, f"/console/events/{scene.failed_event}/retry", boss)).endswith("done=retried")
    assert (await act(pages, f"/console/events/{scene.failed_event}/retry", boss)).endswith("wrong=changed")
    assert (await act(pages, "/console/events/retry", boss)).endswith("wrong=nothing_there")

    async with store.read() as tx:
        row = (await tx.execute(sa.select(tables.event).where(tables.event.c.id == scene.failed_event))).one()
    assert (row.state, row.attempt) == ("new", 0)


async def test_an_uncertain_delivery_is_settled_by_a_person_once(
    pages: Pages, scene: factory.Scene, store: Store, boss: dict[str, str]
) -> None:
    path = f"/console/deliveries/{scene.unknown_delivery}/settle"

    assert (await act(pages, path, boss, was_sent="perhaps")).endswith("wrong=changed")
    assert (await act(pages, path, boss, was_sent="no")).endswith("done=settled")
    assert (await act(pages, path, boss, was_sent="yes")).endswith("wrong=changed")

    async with store.read() as tx:
        row = (
            await tx.execute(sa.select(tables.delivery).where(tables.delivery.c.id == scene.unknown_delivery))
        ).one()
    assert row.state == DeliveryState.FAILED


async def test_texts_are_approved_under_ones_own_name(
    pages: Pages, scene: factory.Scene, store: Store, frozen_clock: FrozenClock
) -> None:
    editor = await factory.sign_in(store, pages.names[Role.CONTENT], frozen_clock)
    async with store.read() as tx:
        version = next(one for one in await contents.list_versions(tx) if one.key == "loan.prepay")

    assert (await act(pages, "/console/content/approve", editor)).endswith("wrong=nothing_chosen")
    assert (await act(pages, "/console/content/approve", editor, version=str(version.id))).endswith(
        "done=approved"
    )
    assert (await act(pages, "/console/content/approve", editor, version=str(version.id))).endswith(
        "wrong=changed"
    )

    async with store.read() as tx:
        version = next(one for one in await contents.list_versions(tx) if one.key == "loan.prepay")
    assert version.approved_by == "钱编辑"
    assert "钱编辑" in await read(pages, "/console/content?state=approved", editor)


async def test_an_administrator_keeps_the_logins(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    admin = await factory.sign_in(store, pages.names[Role.ADMIN], frozen_clock)
    new = {"name": "wang", "display_name": "小王", "password": "long enough 1", "role": "advisor"}

    assert (await act(pages, "/console/logins/add", admin, **(new | {"password": "short"}))).endswith(
        "short_password"
    )
    assert (await act(pages, "/console/logins/add", admin, **(new | {"name": "小王"}))).endswith("bad_name")
    assert (await act(pages, "/console/logins/add", admin, **(new | {"role": "king"}))).endswith("no_role")
    assert (await act(pages, "/console/logins/add", admin, **new)).endswith("login_added")
    assert (await act(pages, "/console/logins/add", admin, **new)).endswith("name_taken")
    async with store.read() as tx:
        ids = {row.name: row.id for row in (await tx.execute(sa.select(tables.login))).all()}
    own, other = ids[pages.names[Role.ADMIN]], ids["wang"]
    assert (await act(pages, f"/console/logins/{own}/disable", admin)).endswith("wrong=self")
    assert (await act(pages, f"/console/logins/{own}/roles", admin, role="advisor")).endswith("wrong=self")
    assert (await act(pages, f"/console/logins/{other}/roles", admin, role="supervisor")).endswith(
        "roles_set"
    )
    assert (await act(pages, f"/console/logins/{other}/disable", admin)).endswith("login_disabled")
    assert "已停用" in await read(pages, "/console/logins", admin)


async def test_the_health_page_never_shows_a_token(
    pages: Pages, scene: factory.Scene, boss: dict[str, str]
) -> None:
    text = await read(pages, "/console/health", boss)

    assert "贷款与保险客服" in text
    assert "张三" in text
    assert "secret-token-value" not in text


async def test_pages_work_without_the_browser_library(
    store: Store, frozen_clock: FrozenClock, serve: object, tmp_path: object
) -> None:
    pages = await serve(library_folder=tmp_path)  # type: ignore[operator]
    boss = await factory.sign_in(store, pages.names[Role.SUPERVISOR], frozen_clock)

    text = await read(pages, "/console/", boss)

    assert "htmx.js" not in text


async def test_the_overview_counts_what_happened_today_only(
    pages: Pages, scene: factory.Scene, store: Store, boss: dict[str, str], frozen_clock: FrozenClock
) -> None:
    assert "直接回答" in await read(pages, "/console/", boss)

    frozen_clock.advance(timedelta(days=1))

    fresh = await factory.sign_in(store, pages.names[Role.SUPERVISOR], frozen_clock, token="tomorrow")
    assert "今天还没有提问" in await read(pages, "/console/", fresh)


async def test_nonsense_is_answered_with_a_sentence_and_never_a_fault(
    pages: Pages, scene: factory.Scene, boss: dict[str, str]
) -> None:
    note = f"/console/cases/{scene.own_case}/note"
    headers = {"X-CSRF-Token": CSRF["csrf"]}
    bodies = (
        ("application/x-www-form-urlencoded; charset=nothing", b"note=x"),
        ("application/x-www-form-urlencoded", b"note=\xff\xfe"),
        ("multipart/form-data; boundary=x", b"--y"),
        ("multipart/form-data", b""),
    )

    for kind, body in bodies:
        answer = await pages.client.post(
            note, data=body, cookies=boss, headers=headers | {"Content-Type": kind}, allow_redirects=False
        )
        assert answer.status in (303, 400), kind
    for path in (
        "/console/conversations?search=%00",
        "/console/conversations?account=%ff%fe",
        "/console/cases?kind=x",
    ):
        assert (await pages.client.get(path, cookies=boss)).status == 200, path
    assert (await act(pages, note, boss, note="a\0b")).endswith("done=noted")
    for path in ("/console/conversations/0", f"/console/cases/{'9' * 18}", "/console/content/faq/no.such"):
        assert (await pages.client.get(path, cookies=boss)).status == 404, path


async def test_a_case_is_found_by_the_number_customers_are_told(
    pages: Pages, scene: factory.Scene, boss: dict[str, str]
) -> None:
    number = f"{scene.other_case:06d}"

    found = await read(pages, f"/console/cases?q={number}", boss)
    other = await read(pages, "/console/cases?q=999999", boss)
    named = await read(pages, "/console/cases?q=李先", boss)

    assert number in found
    assert "陈阿姨" in found
    assert "李先生" not in found
    assert "没有这样的工单" in other
    assert "李先生" in named
    assert "陈阿姨" not in named
    assert number in await read(pages, f"/console/cases/{scene.other_case}", boss)


async def test_a_closed_case_is_found_by_its_number_and_only_by_those_who_may_see_it(
    pages: Pages, scene: factory.Scene, store: Store, boss: dict[str, str], frozen_clock: FrozenClock
) -> None:
    await act(pages, f"/console/cases/{scene.other_case}/close", boss, note="已答复")
    advisor = await factory.sign_in(store, pages.names[Role.ADVISOR], frozen_clock)

    assert "陈阿姨" in await read(pages, f"/console/cases?q={scene.other_case}", boss)
    assert "陈阿姨" not in await read(pages, f"/console/cases?q={scene.other_case}", advisor)


async def test_danger_and_fraud_stand_before_every_other_case_on_every_page(
    pages: Pages, store: Store, boss: dict[str, str], frozen_clock: FrozenClock
) -> None:
    async def fill(tx: AsyncConnection) -> None:
        make = factory.Maker(tx, frozen_clock.now() - timedelta(hours=9))
        for number in range(110):
            talk = await make.talk(f"wm{number:06}", f"客户{number:03}号")
            reason = {60: "crisis", 70: "fraud"}.get(number, "H1")
            await make.opens_case(talk, CaseKind.QUESTION, reason, due=timedelta(minutes=number - 200))

    await store.write(fill)
    seen: list[str] = []
    path = "/console/cases"
    while path:
        text = await read(pages, path, boss)
        seen += [part[:3] for part in text.split('">客户')[1:]]
        links = [part for part in text.split('<a class="button" href="') if 'rel="next"' in part[:200]]
        path = links[0].split('"')[0].replace("&amp;", "&") if links else ""

    assert seen[:3] == ["060", "070", "000"]
    assert len(seen) == len(set(seen)) == 110
    assert "人身安全" in await read(pages, "/console/cases", boss)


async def test_a_case_quotes_the_message_that_opened_it(
    pages: Pages, store: Store, boss: dict[str, str], frozen_clock: FrozenClock
) -> None:
    async def fill(tx: AsyncConnection) -> tuple[int, int]:
        make = factory.Maker(tx, frozen_clock.now())
        talk = await make.talk("wmQuote", "周先生")
        said = await make.says(talk, "你们的利息算错了，我要投诉")
        opened = await cases.open_or_add(
            tx,
            CaseWanted(kind=CaseKind.COMPLAINT, reason="H2"),
            customer_id=talk.customer,
            conversation_id=talk.conversation,
            actor="bot",
            due_at=make.at,
            now=make.at,
            message_id=said,
        )
        return opened, said

    case_id, said = await store.write(fill)

    text = await read(pages, f"/console/cases/{case_id}", boss)
    assert "你们的利息算错了" in text
    assert f"#said-{said}" in text


async def test_people_are_called_by_name(
    pages: Pages, scene: factory.Scene, store: Store, boss: dict[str, str]
) -> None:
    columns = tables.staff.c

    async def rename(tx: AsyncConnection) -> None:
        await tx.execute(
            sa.update(tables.delivery)
            .where(tables.delivery.c.conversation_id == scene.own_talk, tables.delivery.c.act == "transfer")
            .values(receipt="wangwu")
        )
        await staff.ensure(tx, ["wangwu"], datetime(2026, 11, 23, tzinfo=UTC))
        await tx.execute(sa.update(tables.staff).where(columns.platform_id == "wangwu").values(name="王五"))

    await store.write(rename)

    assert "转人工：王五" in await read(pages, f"/console/conversations/{scene.own_talk}", boss)
    assert "人工 张三" in await read(pages, "/console/conversations", boss)
    assert "张三" in await read(pages, "/console/cases", boss)


async def test_only_questions_without_an_answer_are_listed_and_numbers_are_hidden(
    pages: Pages, store: Store, boss: dict[str, str], frozen_clock: FrozenClock
) -> None:
    weighed = ("loan.prepay", 0.3, ["近"])

    async def fill(tx: AsyncConnection) -> None:
        make = factory.Maker(tx, frozen_clock.now())
        talk = await make.talk("wmAsk", "孙女士")
        await make.decides(talk, await make.says(talk, "转人工"), "handover")
        await make.decides(talk, await make.says(talk, "我要投诉你们"), "handover")
        await make.decides(talk, await make.says(talk, "点过菜单的问题"), "menu", weighed)
        await make.decides(
            talk, await make.says(talk, "提前还款", menu_id="faq_loan_prepay"), "answer", weighed
        )
        await make.decides(talk, await make.says(talk, "没点菜单的问题"), "menu", weighed)
        await make.decides(talk, await make.says(talk, "卡号 6222021234567890 怎么查"), "clarify")
        await make.decides(talk, await make.says(talk, "第二次没听懂"), "handover", weighed)
        second = await make.decides(talk, await make.says(talk, "毫无线索的第二次"), "handover")
        await make.sends(talk, "我没听懂", turn=second)
        await tx.execute(
            sa.update(tables.delivery)
            .where(tables.delivery.c.turn_id == second)
            .values(reply_id="unknown_handover")
        )

    await store.write(fill)

    text = await read(pages, "/console/unanswered", boss)
    for words in ("没点菜单的问题", "怎么查", "第二次没听懂", "毫无线索的第二次"):
        assert words in text
    for words in ("转人工</a>", "我要投诉你们", "点过菜单的问题</a>", "6222021234567890"):
        assert words not in text.replace("没点菜单的问题", "")


async def test_entries_and_fixed_replies_that_wait_are_counted_apart(
    pages: Pages, scene: factory.Scene, boss: dict[str, str]
) -> None:
    wanted = re.compile(r"\d+ 条问答、\d+ 条话术")

    assert wanted.search(await read(pages, "/console/content", boss))
    assert wanted.search(await read(pages, "/console/health", boss))


async def test_services_have_no_licence_to_hold(pages: Pages, boss: dict[str, str]) -> None:
    service = (await read(pages, "/console/lines", boss)).split("通用服务")[1].split("</section>")[0]

    assert "不涉及牌照" in service
    assert "公司持有牌照" not in service


async def test_a_name_that_is_nobodys_approves_nothing(
    pages: Pages, scene: factory.Scene, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.add_login(store, frozen_clock, "sample", Role.CONTENT)
    cookie = await factory.sign_in(store, "sample", frozen_clock)
    async with store.read() as tx:
        version = next(one for one in await contents.list_versions(tx) if one.key == "loan.prepay")

    told = await act(pages, "/console/content/approve", cookie, version=str(version.id))

    assert told.endswith("wrong=no_name")


async def test_whoever_writes_after_the_login_ran_out_is_told_and_comes_back(pages: Pages) -> None:
    answer = await pages.client.post(
        "/console/cases/7/note", data=CSRF | {"note": "已联系"}, allow_redirects=False
    )
    page = await pages.client.get(answer.headers["Location"])

    text = await page.text()
    assert "刚才的操作没有提交" in text
    assert 'name="next" value="/console/cases/7"' in text


async def test_problems_of_the_program_stand_on_top_of_overview_and_health(
    serve: Serve, store: Store, frozen_clock: FrozenClock
) -> None:
    async def health() -> ProcessHealth:
        return ProcessHealth(
            version="1",
            started_at=frozen_clock.now(),
            writer_queue=0,
            is_matching_ready=True,
            problems=("内容文件有误，仍在使用上一份",),
        )

    pages = await serve(health=health)
    boss = await factory.sign_in(store, pages.names[Role.SUPERVISOR], frozen_clock)
    editor = await factory.sign_in(store, pages.names[Role.CONTENT], frozen_clock)

    for path in ("/console/", "/console/health"):
        assert "内容文件有误" in await read(pages, path, boss)
    assert "内容文件有误" not in await read(pages, "/console/", editor)


async def test_todays_questions_are_counted_at_most_every_ten_seconds(
    pages: Pages, store: Store, boss: dict[str, str], frozen_clock: FrozenClock
) -> None:
    async def ask(tx: AsyncConnection) -> None:
        make = factory.Maker(tx, frozen_clock.now())
        talk = await make.talk("wmCount", "钱先生")
        await make.decides(talk, await make.says(talk, "提前还款"), "answer")

    assert "今天还没有提问" in await read(pages, "/console/", boss)
    await store.write(ask)
    assert "今天还没有提问" in await read(pages, "/console/", boss)
    frozen_clock.advance(timedelta(seconds=10))
    assert "直接回答" in await read(pages, "/console/", boss)


# --- trying, gaps, ends --------------------------------------------------------------------------------------


async def test_a_question_is_tried_as_a_customer_would_read_it_with_all_that_led_to_it(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    editor = await factory.sign_in(store, pages.names[Role.CONTENT], frozen_clock)

    text = await read(pages, "/console/try?q=提前还款要违约金吗", editor)

    for words in (
        "贷款有风险",
        "转人工",
        "用来回答",
        "《民法典》第677条",
        "loan.prepay",
        "措辞合规",
        "起给选项",
    ):
        assert words in text, words
    async with store.read() as tx:
        counts = [
            (await tx.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()
            for table in (tables.turn, tables.delivery, tables.message, tables.match, tables.case)
        ]
    assert counts == [0, 0, 0, 0, 0]


async def test_a_tried_question_answers_htmx_with_the_part_alone_and_shows_words_as_words(
    pages: Pages, boss: dict[str, str]
) -> None:
    answer = await pages.client.get(
        "/console/try",
        params={"q": "<script>alert(1)</script>"},
        cookies=boss,
        headers={"HX-Request": "true"},
    )
    text = await answer.text()

    assert answer.status == 200
    assert "<html" not in text
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text


async def test_a_complaint_on_trial_shows_the_person_and_the_case_it_would_open(
    pages: Pages, boss: dict[str, str]
) -> None:
    text = await read(pages, "/console/try?q=我要投诉你们，骗子公司", boss)

    for words in ("转人工", "登记工单", "投诉", "听出"):
        assert words in text, words
    assert "{case_no}" not in text


async def test_a_follow_up_is_tried_after_the_answer_it_follows(pages: Pages, boss: dict[str, str]) -> None:
    first = await read(pages, "/console/try?q=提前还款要违约金吗", boss)
    link = re.search(r'href="(/console/try\?topic=[^"]+)"', first)
    assert link is not None

    then = await read(pages, link[1].replace("&amp;", "&"), boss)

    assert "接着上一个回答问" in then
    assert 'name="topic" value="loan.prepay"' in then
    assert (
        await pages.client.get("/console/try?q=x&topic=loan.nothing&slots=[1", cookies=boss)
    ).status == 200


async def test_unanswered_questions_are_put_together_without_names_and_numbers(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    editor = await factory.sign_in(store, pages.names[Role.CONTENT], frozen_clock)

    async def ask(tx: AsyncConnection) -> None:
        make = factory.Maker(tx, frozen_clock.now() - timedelta(days=2))
        for number, words in enumerate(
            ("怎么换绑 13812345678 这个手机号", "换绑手机号怎么弄", "换绑手机号怎么弄？", "你们招人吗")
        ):
            talk = await make.talk(f"wmGap{number}", "王女士")
            await make.decides(talk, await make.says(talk, words), "clarify", ("loan.prepay", 0.2, []))

    await store.write(ask)

    text = await read(pages, "/console/unanswered", editor)
    each = await read(pages, "/console/unanswered?show=each", editor)

    assert "4 次没答好，归成" in text
    assert re.search(r'data-label="次数" class="number">[23]<', text)
    for page in (text, each):
        assert "13812345678" not in page
        assert "王女士" not in page
    assert "4 次没答好" not in await read(pages, "/console/unanswered?days=7", editor) or "你们招人吗" in text


async def test_what_ends_is_grouped_by_how_soon_under_the_name_of_its_reviewer_and_counted(
    serve: Serve, store: Store, frozen_clock: FrozenClock
) -> None:
    known = factory.knowledge()
    far = known.today + timedelta(days=90)
    faqs = {key: replace(faq, valid_until=far, fact_valid_until=None) for key, faq in known.faqs.items()}
    for key, days, reviewer in (
        ("loan.prepay", 1, "王芳"),
        ("loan.lpr", 6, "李雷"),
        ("wealth.benchmark", 29, "王芳"),
    ):
        faqs[key] = replace(faqs[key], valid_until=known.today + timedelta(days=days), reviewer=reviewer)
    pages = await serve(knowledge=lambda: replace(known, faqs=faqs))
    editor = await factory.sign_in(store, pages.names[Role.CONTENT], frozen_clock)

    everybody = await read(pages, "/console/content?state=ending", editor)
    hers = await read(pages, "/console/content?state=ending&reviewer=王芳", editor)

    places = [everybody.index(f">{words}<") for words in ("1 天内到期", "7 天内到期", "30 天内到期")]
    assert places == sorted(places)
    assert "loan.lpr" in everybody
    assert "loan.lpr" not in hers
    assert "wealth.benchmark" in hers
    assert re.search(r'class="count"[^>]*>2<', everybody)


async def test_what_the_company_has_to_write_is_listed(pages: Pages, boss: dict[str, str]) -> None:
    text = await read(pages, "/console/content?state=own", boss)

    assert "要写什么" in text
    assert "content/own/" in text


async def test_mistakes_of_changed_files_stand_over_the_content(
    serve: Serve, store: Store, frozen_clock: FrozenClock
) -> None:
    async def health() -> ProcessHealth:
        return ProcessHealth(
            version="0.1.0",
            started_at=frozen_clock.now(),
            writer_queue=0,
            is_matching_ready=True,
            problems=("content/faq/loan.toml:12: loan.prepay 缺少 source，请加上 source = …",),
        )

    pages = await serve(health=health)
    boss = await factory.sign_in(store, pages.names[Role.SUPERVISOR], frozen_clock)

    for path in ("/console/content", "/console/health", "/console/"):
        assert "content/faq/loan.toml:12" in await read(pages, path, boss), path
    assert "改动没有启用" in await read(pages, "/console/content", boss)


async def test_both_answers_of_a_message_are_told_with_how_sure_they_were(
    pages: Pages, store: Store, frozen_clock: FrozenClock, boss: dict[str, str]
) -> None:
    async def ask(tx: AsyncConnection) -> int:
        make = factory.Maker(tx, frozen_clock.now())
        talk = await make.talk("wmTwo", "两问")
        asked = await make.says(talk, "提前还款要违约金吗？另外利率多少？")
        await make.decides(
            talk, asked, "answer", ("loan.prepay", 0.9, ["一"]), ("loan.annual_rate", 0.8, ["二"])
        )
        sure = {"was_used": True, "confidence": 0.77}
        await tx.execute(sa.update(tables.match).values(sure))
        return talk.conversation

    number = await store.write(ask)

    text = await read(pages, f"/console/conversations/{number}", boss)

    head = text.split('<details class="why"')[1].split("</summary>")[0]
    titles = factory.knowledge().faqs
    assert titles["loan.prepay"].question in head
    assert titles["loan.annual_rate"].question in head
    assert "把握 77%" in text


async def test_whoever_approves_an_entry_sees_every_word_a_customer_may_read(
    pages: Pages, scene: factory.Scene, boss: dict[str, str]
) -> None:
    faqs = factory.knowledge().content.faqs
    lapsing = next(faq for faq in faqs.values() if faq.lapsed)
    computing = next(faq for faq in faqs.values() if faq.computed)
    waiting = next(faq for faq in faqs.values() if faq.missing_own)

    texts = {
        faq.id: await read(pages, f"/console/content/faq/{faq.id}", boss)
        for faq in (lapsing, computing, waiting)
    }

    assert html.escape(lapsing.lapsed.splitlines()[0]) in texts[lapsing.id]
    assert html.escape(computing.computed.splitlines()[0]) in texts[computing.id]
    assert html.escape(computing.short) in texts[computing.id]
    assert "等公司补充" in texts[waiting.id]
