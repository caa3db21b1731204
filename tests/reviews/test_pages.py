"""The pages of reviews, appeals, samples and one's own audit, asked for as people ask for them."""

from __future__ import annotations

import functools
import re
from datetime import timedelta

import pytest

from bot.clock import FrozenClock
from domain.audit import FindingState
from domain.login import Role
from domain.review import ReviewKind, finding_key
from store import coaching, findings, logins, notices, reviews, sampling_plans
from store.database import Store
from store.reviews import NewReview
from tests.console import factory as console_factory
from tests.console.conftest import Pages
from tests.reviews import factory
from tests.reviews.conftest import WORDS, Case, make_case

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

CSRF = "csrf-of-the-test"


class Person:
    """Somebody at the pages."""

    def __init__(self, pages: Pages, store: Store, clock: FrozenClock, role: Role) -> None:
        self.pages, self.store, self.clock, self.role = pages, store, clock, role
        self._cookies: dict[str, str] = {}

    async def cookies(self) -> dict[str, str]:
        if not self._cookies:
            name = self.pages.names[self.role]
            self._cookies = await console_factory.sign_in(self.store, name, self.clock, csrf=CSRF)
        return self._cookies

    async def get(self, path: str, status: int = 200) -> str:
        cookies = await self.cookies()
        answer = await self.pages.client.get(f"/console/audit{path}", cookies=cookies, allow_redirects=False)
        text = await answer.text()
        assert answer.status == status, f"{path}: {answer.status} {text[-300:]}"
        return text

    async def post(self, path: str, **form: str) -> str:
        cookies = await self.cookies()
        answer = await self.pages.client.post(
            f"/console/audit{path}", data={"csrf": CSRF, **form}, cookies=cookies, allow_redirects=False
        )
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"]


@pytest.fixture
async def people(pages: Pages, store: Store, frozen_clock: FrozenClock) -> dict[Role, Person]:
    return {role: Person(pages, store, frozen_clock, role) for role in Role}


@pytest.fixture
async def mine(store: Store, frozen_clock: FrozenClock) -> Case:
    """A case of the advisor who can sign in, an hour ago."""
    made = await store.write(functools.partial(make_case, subject="zhangsan"))
    frozen_clock.advance(timedelta(hours=1))
    return made


async def test_a_red_line_goes_from_the_queue_to_the_advisor_and_back(
    people: dict[Role, Person], mine: Case, store: Store, frozen_clock: FrozenClock
) -> None:
    lead, advisor, compliance = people[Role.SUPERVISOR], people[Role.ADVISOR], people[Role.COMPLIANCE]
    one = await factory.open_review(store, frozen_clock, mine)

    assert f"/console/audit/reviews/{one.id}" in await lead.get("/reviews")
    page = await lead.get(f"/reviews/{one.id}")
    assert '<mark class="found" data-finding=' in page
    assert "红线疑似" in page
    assert "wrong=review_no_verdict" in await lead.post(f"/reviews/{one.id}/decide")
    key = finding_key(mine.red)
    assert "wrong=review_no_note" in await lead.post(f"/reviews/{one.id}/decide", **{key: "no"})
    assert "done=review_done" in await lead.post(f"/reviews/{one.id}/decide", **{key: "yes"})

    own = await advisor.get("/mine")
    assert "已确认" in own
    assert "待复核，不计分" in own  # The other suspicion.
    assert WORDS[:3] in own
    finding = await advisor.get(f"/mine/findings/{mine.red}")
    assert "点一个理由就提交了" in finding
    assert "done=appeal_sent" in await advisor.post(f"/mine/findings/{mine.red}/appeal", reason="我在引用")
    assert "在这之前不计入成绩" in await advisor.get(f"/mine/findings/{mine.red}")

    path = re.findall(r"/console/audit(/appeals/\d+)", await lead.get("/appeals"))[0]
    assert "done=appeal_take" in await lead.post(f"{path}/act", act="take")
    assert "done=appeal_forward" in await lead.post(f"{path}/act", act="forward", note="请合规看")
    assert "由另一位同事决定" in await lead.get(path)
    assert "wrong=appeal_not_second" in await lead.post(f"{path}/act", act="overturn", note="x")
    told = await compliance.get(path)
    assert "我在引用" in told
    assert "done=appeal_overturn" in await compliance.post(f"{path}/act", act="overturn", note="确实是引用")

    assert "申诉后撤销" in await advisor.get("/mine")
    assert "确实是引用" in await advisor.get(f"/mine/findings/{mine.red}")
    assert "已撤销，分数已恢复" in await lead.get("/appeals?show=closed")
    async with store.read() as tx:
        assert (await findings.get(tx, mine.red)).state is FindingState.OVERTURNED


async def test_a_blind_review_tells_nothing_of_the_first(
    people: dict[Role, Person], mine: Case, store: Store, frozen_clock: FrozenClock
) -> None:
    lead, compliance = people[Role.SUPERVISOR], people[Role.COMPLIANCE]
    one = await factory.open_review(store, frozen_clock, mine)
    await lead.post(f"/reviews/{one.id}/decide", **{finding_key(mine.red): "yes"}, note="第一位的理由")
    new = NewReview(
        key=f"blind:{one.id}",
        kind=ReviewKind.BLIND,
        session_id=mine.session,
        finding_id=mine.red,
        blind_of=one.id,
        subject="zhangsan",
        due_at=frozen_clock.now(),
    )
    await store.write(lambda tx: reviews.add(tx, [new], frozen_clock.now()))
    async with store.read() as tx:
        blind = await reviews.find_by_key(tx, new.key)
    assert blind is not None

    page = await compliance.get(f"/reviews/{blind.id}")
    assert "第一位的理由" not in page
    assert "林主管" not in page.partition("<main")[2]
    assert "checked" not in page.partition("<main")[2]
    assert f"/sessions/{mine.session}" not in page
    assert "第二次要由另一位同事来看" in await lead.get(f"/reviews/{blind.id}")


async def test_nobody_finds_the_review_of_an_own_session(
    people: dict[Role, Person], store: Store, frozen_clock: FrozenClock
) -> None:
    case = await store.write(functools.partial(make_case, subject="linzhuguan"))
    one = await factory.open_review(store, frozen_clock, case)
    lead = people[Role.SUPERVISOR]

    await lead.get(f"/reviews/{one.id}", status=404)
    assert f"/reviews/{one.id}" not in await lead.get("/reviews")
    assert f"/reviews/{one.id}" in await people[Role.COMPLIANCE].get("/reviews")


async def test_advice_reaches_the_advisor_who_marks_it_read(
    people: dict[Role, Person], mine: Case, store: Store, frozen_clock: FrozenClock
) -> None:
    one = await factory.open_review(store, frozen_clock, mine)
    done = await people[Role.SUPERVISOR].post(f"/reviews/{one.id}/coach", text="先说风险，再说收益")
    assert "done=coached" in done

    advisor = people[Role.ADVISOR]
    assert "先说风险，再说收益" in await advisor.get("/mine")
    async with store.read() as tx:
        (note,) = await coaching.list_of_subject(tx, "zhangsan")
        told = await notices.list_of(tx, "zhangsan", frozen_clock.now() - timedelta(days=1))
    assert [(each.title, each.url) for each in told] == [("有一条给你的建议", "/sidebar/audit#notes")]
    assert "风险" not in told[0].text
    await advisor.post(f"/mine/notes/{note.id}/read")
    assert "本人看过" in await people[Role.SUPERVISOR].get(f"/reviews/{one.id}")


async def test_a_sample_is_sized_drawn_and_told_with_its_interval(
    people: dict[Role, Person], store: Store, frozen_clock: FrozenClock
) -> None:
    for number in range(12):
        await store.write(functools.partial(make_case, customer=f"wm_{number}", subject="zhangsan"))
    frozen_clock.advance(timedelta(hours=1))
    lead = people[Role.SUPERVISOR]
    page = await lead.get("/sampling")
    assert ">12</strong> 次会话" in page
    assert "299" in page

    assert "wrong=plan_size" in await lead.post("/sampling/make", kind="random", size="0x")
    assert "wrong=plan_empty" in await lead.post("/sampling/make", kind="must", size="5")
    assert "done=plan_made" in await lead.post("/sampling/make", kind="random", size="4", name="试抽")
    async with store.read() as tx:
        (plan,) = await sampling_plans.list_plans(tx)
        drawn = await reviews.list_of_plan(tx, plan.id)
    assert (plan.size, plan.population, {one.weight for one in drawn}) == (4, 12, {3.0})
    for one in drawn:
        await lead.get(f"/reviews/{one.id}")
        async with store.read() as tx:
            of_session = await findings.list_of_session(tx, one.session_id)
        said = {finding_key(each.id): "no" for each in of_session}
        await lead.post(f"/reviews/{one.id}/decide", **said, missed="no", note="没有问题")

    told = await lead.get("/sampling")
    assert "0.0%" in told
    assert "49.0%" in told  # Wilson's upper bound of none in four.


async def test_the_agreement_page_says_when_there_is_nothing_yet(people: dict[Role, Person]) -> None:
    page = await people[Role.COMPLIANCE].get("/agreement")

    assert "还没有成对的复核" in page
    assert "还没有决定过的申诉" in page


async def test_others_do_not_see_ones_own_audit(
    people: dict[Role, Person], mine: Case, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.confirm(store, frozen_clock, mine)

    assert "没有发现" in await people[Role.OWNER].get("/mine")
    await people[Role.OWNER].get(f"/mine/findings/{mine.red}", status=404)
    await people[Role.ADVISOR].get("/reviews", status=403)
    await people[Role.ADVISOR].get(f"/mine/findings/{mine.red}")
    async with store.read() as tx:
        opened = await logins.list_access(tx, limit=50, subject=f"conversation:{mine.talk.id}")
    assert [one.actor for one in opened] == ["zhangsan"]
    await people[Role.ADMIN].get("/appeals", status=403)


async def test_a_calibration_set_goes_to_everybody_chosen(
    people: dict[Role, Person], mine: Case, store: Store
) -> None:
    lead = people[Role.SUPERVISOR]
    assert "还没有校准过" in await lead.get("/calibration")
    assert "wrong=calibration_people" in await lead.post(
        "/calibration/make", size="10", reviewer="linzhuguan"
    )
    cookies = await lead.cookies()
    answer = await lead.pages.client.post(
        "/console/audit/calibration/make",
        data=[("csrf", CSRF), ("size", "10"), ("reviewer", "linzhuguan"), ("reviewer", "zhaohegui")],
        cookies=cookies,
        allow_redirects=False,
    )

    assert "done=calibration_made" in answer.headers["Location"]
    page = await lead.get("/calibration")
    assert "林主管" in page
    assert "0 / 1" in page
    assert "/console/audit/reviews/" in await lead.get("/reviews?show=mine")
    assert "wrong=calibration_open" in await lead.post("/calibration/1/close")
    assert mine.session


async def test_a_missed_red_line_reaches_the_advisor_with_its_words(
    people: dict[Role, Person], mine: Case, store: Store, frozen_clock: FrozenClock
) -> None:
    one = await factory.open_whole(store, frozen_clock, mine)
    lead, path = people[Role.SUPERVISOR], f"/reviews/{one.id}/decide"
    form = {finding_key(mine.red): "no", finding_key(mine.item): "no", "missed": "yes", "note": "答应返现"}
    customers = {"missed_label": "REBATE", "missed_message": str(mine.talk.messages[0])}
    theirs = {"missed_label": "REBATE", "missed_message": str(mine.talk.messages[2])}

    # The customer's words are nobody's red line.
    assert "wrong=review_no_place" in await lead.post(path, **form, **customers)
    assert "done=review_done" in await lead.post(path, **form, **theirs)

    own = await people[Role.ADVISOR].get("/mine")
    assert "返佣" in own or "返现" in own
    assert "看依据，申诉" in own
