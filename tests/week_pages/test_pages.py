"""The pages for customers through HTTP, as WeChat's browser asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest
import sqlalchemy as sa
from aiohttp import ClientResponse

from bot.clock import FrozenClock
from console.week import weeks, words
from console.week.visitors import COOKIE
from content import compliance
from domain import week_pages
from domain.compliance import Audience, Speaker
from domain.enrolment import EnrolmentState, OccurrenceState
from domain.faq import Line
from domain.week_pages import WeekPage
from store import page_visits, tables
from store.database import Store
from store.page_visits import PageCount
from tests.content import shipped
from tests.week_pages import factory
from tests.week_pages.conftest import Client, Serve

BASE = f"/g/{factory.CODE}"
ONE = "0" * 31 + "1"


async def read(client: Client, path: str, status: int = 200, visitor: str = "") -> str:
    headers = {"Cookie": f"{COOKIE}={visitor}"} if visitor else {}
    answer = await client.get(path, headers=headers)
    assert answer.status == status, path
    return await answer.text(errors="replace")  # A picture is none.


async def tap(
    client: Client, page: str, form: Mapping[str, str], visitor: str = ONE, **headers: str
) -> ClientResponse:
    cookies = {"Cookie": f"{COOKIE}={visitor}"} if visitor else {}
    return await client.post(f"{BASE}/{page}", data=form, headers=cookies | headers, allow_redirects=False)


async def counts(store: Store, enrolment_id: int) -> Mapping[WeekPage, PageCount]:
    async with store.read() as tx:
        return await page_visits.counts(tx, enrolment_id)


async def rows(store: Store) -> int:
    async with store.read() as tx:
        found = await tx.execute(sa.select(sa.func.count()).select_from(tables.page_visit))
        return int(found.scalar_one())


async def test_the_guide_says_who_we_are_and_how_to_complain_and_leave(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.add_week(store, frozen_clock.now(), state=EnrolmentState.WAITING)

    text = await read(pages, f"{BASE}/guide")

    for said in (
        "示例金融信息服务有限公司",
        "示例许可证 000000",
        'href="tel:400-000-0000"',
        "不推荐任何产品",
        "怎么提问",
        "怎么投诉",
        "怎么退群",
        "不会索要密码",
    ):
        assert said in text
    assert "{" not in text


async def test_the_guide_of_the_group_welcome_is_the_same_for_every_group_and_counts_nobody(
    serve: Serve, store: Store, frozen_clock: FrozenClock
) -> None:
    client = await serve()
    path = week_pages.company_guide_url("finance_week1", "https://x.example").removeprefix(
        "https://x.example"
    )

    answer = await client.get(path)
    text = await answer.text()

    assert "怎么投诉" in text
    assert "示例金融信息服务有限公司" in text
    assert "/seen" not in text
    assert COOKIE not in answer.cookies
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    await read(client, "/g/guide/group_repair", 404)
    await read(client, "/g/guide/nothing_here", 404)
    stopped = await serve(stopped=lambda: frozenset([Line.WEALTH]))
    await read(stopped, path, 503)
    unapproved = await serve(may_say=lambda template, block_id: False)
    await read(unapproved, path, 503)


async def test_the_event_names_teacher_time_and_takes_interest_once(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    week = await factory.add_week(store, frozen_clock.now())

    text = await read(pages, f"{BASE}/event", visitor=ONE)
    for said in (
        "签字之前，先看清三处",
        "陈老师",
        "11月25日（周三） 10:00",
        "不推荐任何产品",
        "想听</button>",
    ):
        assert said in text
    for _ in range(2):
        answer = await tap(pages, "event", {"want": "yes"})
        assert (answer.status, answer.headers["Location"]) == (303, f"{BASE}/event#said")
    assert (await counts(store, week))[WeekPage.EVENT] == PageCount(visitors=1, answers=1)
    assert "记下了，谢谢您" in await read(pages, f"{BASE}/event", visitor=ONE)

    await tap(pages, "event", {"want": "no"})

    assert (await counts(store, week))[WeekPage.EVENT].answers == 0
    assert "记下了" not in await read(pages, f"{BASE}/event", visitor=ONE)


async def test_interest_comes_too_late_once_the_event_is_out(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    week = await factory.add_week(store, frozen_clock.now(), publication=OccurrenceState.SENT)

    await tap(pages, "event", {"want": "yes"})

    assert (await counts(store, week))[WeekPage.EVENT].visitors == 0
    text = await read(pages, f"{BASE}/event")
    assert f'href="{BASE}/article"' in text
    assert "<form" not in text


async def test_an_event_of_which_nobody_said_what_it_is_is_not_announced(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.add_week(store, frozen_clock.now(), facts={"event_title": "题目"})

    assert "还没有准备好" in await read(pages, f"{BASE}/event", 503)
    assert (await tap(pages, "event", {"want": "yes"})).status == 503
    assert await rows(store) == 0


@pytest.mark.parametrize("page", ["article", "replay"])
async def test_the_publication_is_never_shown_early(
    pages: Client, store: Store, frozen_clock: FrozenClock, page: str
) -> None:
    week = await factory.add_week(store, frozen_clock.now())

    for state in (
        OccurrenceState.PLANNED,
        OccurrenceState.DUE,
        OccurrenceState.BLOCKED,
        OccurrenceState.CANCELLED,
    ):
        await factory.set_publication(store, week, state)
        text = await read(pages, f"{BASE}/{page}")
        assert "还没有发布" in text
        assert "提前还" not in text
        assert "/seen" not in text
        await read(pages, f"{BASE}/{page}/seen", visitor=ONE)
    assert await rows(store) == 0

    await factory.set_publication(store, week, OccurrenceState.RELEASED)
    text = await read(pages, f"{BASE}/{page}")
    for said in (
        "<h1>签字之前，先看清三处</h1>",
        "讲述：陈老师",
        "提前还",
        "理财非存款",
        "审批结果由贷款机构决定",
    ):
        assert said in text
    assert f"{BASE}/{page}/seen" in text


async def test_a_cancelled_publication_names_no_time(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.add_week(store, frozen_clock.now(), publication=OccurrenceState.CANCELLED)

    assert "计划发布" not in await read(pages, f"{BASE}/article")


async def test_the_replay_tells_how_many_questions_were_answered(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    week = await factory.add_week(store, frozen_clock.now(), publication=OccurrenceState.SENT_LATE)
    assert "已经答了" not in await read(pages, f"{BASE}/replay")
    await factory.add_questions(store, week, frozen_clock.now(), "answered", "answered", "open")

    text = await read(pages, f"{BASE}/replay")

    assert "已经答了 2 个" in text
    assert "签字之前，先看清三处" in text


async def test_feedback_is_taken_once_can_be_changed_and_its_line_is_never_shown(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    week = await factory.add_week(store, frozen_clock.now())
    line = "讲得太快 <script>alert(1)</script> 我的电话13800138000"

    await tap(pages, "feedback", {"score": "2", "note": line})
    await tap(pages, "feedback", {"score": "4", "note": " "})

    async with store.read() as tx:
        assert await page_visits.find_feedback(tx, week) == 4.0
        (note,) = await page_visits.list_notes(tx, week)
    assert note.note == "讲得太快 <script>alert(1)</script> 我的电话******"
    for visitor in (ONE, "f" * 32):
        text = await read(pages, f"{BASE}/feedback", visitor=visitor)
        assert "讲得太快" not in text
        assert ('value="4" required checked' in text) is (visitor == ONE)
    await tap(pages, "feedback", {"score": "4", "forget": "yes"})
    async with store.read() as tx:
        assert await page_visits.list_notes(tx, week) == []


@pytest.mark.parametrize(
    ("page", "form"),
    [
        ("feedback", {"score": "6"}),
        ("feedback", {"score": "5\0"}),
        ("feedback", {}),
        ("event", {"want": "maybe"}),
        ("event", {}),
    ],
)
async def test_a_form_that_is_not_ours_changes_nothing(
    pages: Client, store: Store, frozen_clock: FrozenClock, page: str, form: dict[str, str]
) -> None:
    await factory.add_week(store, frozen_clock.now())

    answer = await tap(pages, page, form)

    assert answer.status == 400
    assert "没有收到" in await answer.text()
    assert await rows(store) == 0


async def test_another_site_cannot_tap_for_somebody(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.add_week(store, frozen_clock.now())

    answer = await tap(pages, "event", {"want": "yes"}, **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status == 400
    assert (await tap(pages, "event", {"want": "yes"}, **{"Sec-Fetch-Site": "same-origin"})).status == 303
    assert await rows(store) == 1


async def test_a_browser_without_cookies_is_told_and_not_counted(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.add_week(store, frozen_clock.now())

    answer = await tap(pages, "event", {"want": "yes"}, visitor="")

    assert answer.status == 303
    assert "刚才没有记下来" in await read(pages, answer.headers["Location"])
    assert await rows(store) == 0


async def test_script_in_facts_is_shown_as_text(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\n# 标题 {{7*7}} {phone}"
    facts = {"event_title": evil, "teacher": evil, "teacher_title": '"><b>'}
    await factory.add_week(store, frozen_clock.now(), facts=facts, publication=OccurrenceState.SENT)

    for page in WeekPage:
        text = await read(pages, f"{BASE}/{page}")
        assert "<script" not in text
        assert "<img src=x" not in text
        assert "<b>" not in text
        assert "<h2>标题" not in text
        assert (page in ("event", "article", "replay")) is ("&lt;script&gt;alert(1)" in text)


async def test_facts_that_break_a_wording_rule_are_not_shown(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    facts = factory.FACTS | {"event_title": "保本保息的理财怎么挑"}
    await factory.add_week(store, frozen_clock.now(), facts=facts, publication=OccurrenceState.SENT)

    assert "保本保息" not in await read(pages, f"{BASE}/article", 503)
    assert "保本保息" not in await read(pages, f"{BASE}/event", 503)


async def test_people_cannot_speak_in_the_companys_name_by_a_fact(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    facts = factory.FACTS | {"company": "别家公司", "phone": "13800138000"}
    await factory.add_week(store, frozen_clock.now(), facts=facts)

    text = await read(pages, f"{BASE}/guide")

    assert "别家公司" not in text
    assert "13800138000" not in text


async def test_words_that_nobody_approved_are_not_shown(
    serve: Serve, store: Store, frozen_clock: FrozenClock
) -> None:
    client = await serve(
        may_say=lambda template, block_id: block_id not in ("page_guide", "publication", "page_note")
    )
    await factory.add_week(store, frozen_clock.now(), publication=OccurrenceState.SENT)

    for page in ("guide", "article", "replay"):
        text = await read(client, f"{BASE}/{page}", 503)
        assert "还在审核" in text
        assert "提前还" not in text
    assert "<textarea" not in await read(client, f"{BASE}/feedback")


async def test_a_stopped_line_shuts_the_pages(serve: Serve, store: Store, frozen_clock: FrozenClock) -> None:
    client = await serve(stopped=lambda: frozenset([Line.LOAN]))
    await factory.add_week(store, frozen_clock.now(), publication=OccurrenceState.SENT)

    for page in WeekPage:
        text = await read(client, f"{BASE}/{page}", 503)
        assert "暂停提供" in text
        assert "400-000-0000" in text
    assert (await tap(client, "feedback", {"score": "5"})).status == 503
    assert await rows(store) == 0


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (EnrolmentState.WAITING, 200),
        (EnrolmentState.RUNNING, 200),
        (EnrolmentState.PAUSED, 200),
        (EnrolmentState.COMPLETED, 200),
        (EnrolmentState.ENDED_EARLY, 410),
        (EnrolmentState.FAILED, 410),
        (EnrolmentState.CANCELLED, 410),
    ],
)
async def test_the_pages_last_as_long_as_the_week_and_a_month_after_its_good_end(
    pages: Client, store: Store, frozen_clock: FrozenClock, state: EnrolmentState, status: int
) -> None:
    now = frozen_clock.now()
    week = await factory.add_week(store, now)
    await factory.set_enrolment(store, week, state=state, ended_at=now)

    text = await read(pages, f"{BASE}/feedback", status)

    assert ("已经收起来了" in text) is (status == 410)
    if state is EnrolmentState.COMPLETED:
        frozen_clock.advance(weeks.KEPT_AFTER_END)
        await read(pages, f"{BASE}/feedback", 410)


@pytest.mark.parametrize(
    "path",
    [
        "/g/nobodyknowsthis/guide",
        f"{BASE}/nothing",
        f"{BASE}/",
        "/g/x/guide",
        "/g/",
        f"{BASE}/guide/more",
        "/g/static/0000/other.css",
        "/g/%00%ff/guide",
    ],
)
async def test_what_is_not_there_is_a_kind_page(
    pages: Client, store: Store, frozen_clock: FrozenClock, path: str
) -> None:
    await factory.add_week(store, frozen_clock.now())

    text = await read(pages, path, 404)

    assert "没有这个页面" in text


async def test_a_template_without_a_page_has_none(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.add_week(store, frozen_clock.now(), template="group_repair", publication=None)

    assert "这个群对您有用吗" in await read(pages, f"{BASE}/feedback")
    for page in ("guide", "event", "article", "replay"):
        await read(pages, f"{BASE}/{page}", 404)


async def test_every_answer_is_strict(pages: Client, store: Store, frozen_clock: FrozenClock) -> None:
    await factory.add_week(store, frozen_clock.now())

    for path in (f"{BASE}/guide", f"{BASE}/guide/seen", "/g/unknown-code/guide"):
        answer = await pages.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
    refused = await tap(pages, "event", {"want": "yes"}, visitor="")
    assert "Content-Security-Policy" in refused.headers


async def test_the_page_is_tiny_and_needs_no_script(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.add_week(store, frozen_clock.now(), publication=OccurrenceState.SENT)

    sizes = [len((await read(pages, f"{BASE}/{page}")).encode()) for page in WeekPage]
    text = await read(pages, f"{BASE}/article")
    style = text.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = await pages.get(style)

    assert "immutable" in answer.headers["Cache-Control"]
    assert max(sizes) + len(await answer.read()) < 20_000
    assert "<script" not in text


# --- who counts ---------------------------------------------------------------------------------------------


async def test_a_visit_counts_when_the_browser_comes_back_for_the_picture(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    week = await factory.add_week(store, frozen_clock.now())

    first = await pages.get(f"{BASE}/guide")
    cookie = first.cookies[COOKIE]
    assert await rows(store) == 0
    for _ in range(3):
        await read(pages, f"{BASE}/guide/seen", visitor=cookie.value)

    assert (await counts(store, week))[WeekPage.GUIDE] == PageCount(visitors=1, answers=0)
    assert cookie["path"] == f"{BASE}/"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert len(cookie.value) == 32
    again = await pages.get(f"{BASE}/guide", headers={"Cookie": f"{COOKIE}={cookie.value}"})
    assert COOKIE not in again.cookies


@pytest.mark.parametrize("secure", [True, False])
async def test_over_https_the_number_travels_over_https_only(
    serve: Serve, store: Store, frozen_clock: FrozenClock, secure: bool
) -> None:
    client = await serve(secure_cookies=secure)
    await factory.add_week(store, frozen_clock.now())

    answer = await client.get(f"{BASE}/guide")

    assert bool(answer.cookies[COOKIE]["secure"]) is secure


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "Mozilla/5.0 (compatible; Bytespider; +https://example.com)",
        "Mozilla/5.0 (compatible; SomeBot/2.1)",
        "facebookexternalhit/1.1",
        "curl/8.5.0",
        "Python/3.11 aiohttp/3.12",
        "okhttp/4.9.3",
    ],
)
async def test_a_fetcher_of_previews_is_not_counted(
    pages: Client, store: Store, frozen_clock: FrozenClock, agent: str
) -> None:
    await factory.add_week(store, frozen_clock.now())

    shown = await pages.get(f"{BASE}/guide", headers={"User-Agent": agent})
    picture = await pages.get(
        f"{BASE}/guide/seen", headers={"User-Agent": agent, "Cookie": f"{COOKIE}={ONE}"}
    )

    assert (shown.status, picture.status) == (200, 200)
    assert COOKIE not in shown.cookies
    assert await rows(store) == 0


@pytest.mark.parametrize(
    "agent", ["Mozilla/5.0 (Linux; Android 12; CUBOT NOTE 20 Build/X) MicroMessenger/8.0.47"]
)
async def test_a_phone_with_an_odd_name_is_counted(
    pages: Client, store: Store, frozen_clock: FrozenClock, agent: str
) -> None:
    await factory.add_week(store, frozen_clock.now())

    await pages.get(f"{BASE}/guide/seen", headers={"User-Agent": agent, "Cookie": f"{COOKIE}={ONE}"})

    assert await rows(store) == 1


async def test_head_no_number_and_a_made_up_number_are_not_counted(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.add_week(store, frozen_clock.now())

    head = await pages.head(f"{BASE}/guide")
    await pages.head(f"{BASE}/guide/seen", headers={"Cookie": f"{COOKIE}={ONE}"})
    await pages.get(f"{BASE}/guide/seen")
    await pages.get(f"{BASE}/guide/seen", headers={"Cookie": f"{COOKIE}=' OR 1=1 --"})
    await pages.get(
        f"{BASE}/guide/seen", headers={"Cookie": f"{COOKIE}={ONE}", "Sec-Fetch-Site": "cross-site"}
    )

    assert head.status == 200
    assert COOKIE not in head.cookies
    assert await rows(store) == 0


# --- floods -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_flood_of_visits_fills_little_and_keeps_nobody_out(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    week = await factory.add_week(store, frozen_clock.now())
    at_once = asyncio.Semaphore(40)

    async def come(number: int) -> int:
        async with at_once:
            answer = await pages.get(f"{BASE}/guide/seen", headers={"Cookie": f"{COOKIE}={number:032x}"})
            return answer.status

    statuses = await asyncio.gather(*(come(number) for number in range(600)))

    assert set(statuses) == {200}
    assert (await counts(store, week))[WeekPage.GUIDE].visitors == 300
    frozen_clock.advance(timedelta(minutes=2))
    assert (await tap(pages, "feedback", {"score": "5"})).status == 303
    assert (await counts(store, week))[WeekPage.FEEDBACK].answers == 1


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_visitor_who_taps_without_end_is_asked_to_wait(
    pages: Client, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.add_week(store, frozen_clock.now())

    statuses = [(await tap(pages, "event", {"want": "yes"})).status for _ in range(12)]

    assert statuses == [303] * 10 + [429] * 2
    assert (await tap(pages, "event", {"want": "yes"}, visitor="f" * 32)).status == 303
    frozen_clock.advance(timedelta(minutes=1))
    assert (await tap(pages, "event", {"want": "no"})).status == 303


# --- words --------------------------------------------------------------------------------------------------


def test_short_sentences_of_the_pages_keep_the_wording_rules() -> None:
    rules = shipped.words().rules

    for reason in weeks.Reason:
        said = words.load()["shut"][reason.value]
        text = f"{said['title']}\n{said['text']}"
        for line in Line:
            problems = rules.check_text(text, Speaker.BOT, line, audience=Audience.GROUP)
            assert not compliance.is_blocking(problems, Speaker.BOT), text
