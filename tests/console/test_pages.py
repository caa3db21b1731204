"""What the pages show and do, through their addresses."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from console.routes import HEADERS
from domain.delivery import DeliveryState
from domain.faq import Line
from domain.login import Role
from store import cases, contents, lines, tables
from store.database import Store
from tests.console import factory
from tests.console.conftest import Pages

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
    for words in ("人工从排队中接入", "撤回了这条消息", "转人工：zhangsan", "非常满意", "投诉"):
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
    assert "zhangsan" in text
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
