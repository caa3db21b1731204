"""Mass sends: made once, confirmed by a person, asked about, stopped; and found again when making one broke off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.wecom import mass
from domain import errors
from domain.delivery import Attached, Delivery, DeliveryState, Purpose
from domain.enrolment import TargetResult
from domain.faq import Line
from domain.people import OptOutSource, OptOutWanted
from sandbox import groups, mass_sending
from sandbox.faults import Fault, FaultKind, When
from sandbox.settings import MassLimit
from store import customers, deliveries, mass_tasks, opt_outs, tables
from tests.outbox import office as offices
from tests.outbox.office import CUSTOMER, FRIENDLESS, GROUP, OWNER, PICTURE, Office, mass_send


def lost_answer() -> Fault:
    return Fault(kind=FaultKind.RESET, match="externalcontact/add_msg_template", count=1, when=When.AFTER)


async def test_a_task_waits_for_its_sender_and_then_tells_what_came_of_it(office: Office) -> None:
    sent = await office.send(mass_send())

    before = await office.sends.state(sent.receipt, OWNER)
    mass_sending.confirm(office.world, sent.receipt, OWNER)
    after = await office.sends.state(sent.receipt, OWNER)

    assert sent.state is DeliveryState.ACCEPTED
    assert (before.confirmed_at, after.confirmed_at) == (None, office.clock.now())
    assert await office.sends.results(sent.receipt, OWNER) == {GROUP: TargetResult.SENT}
    assert [line.msgid for line in office.world.corp.groups[GROUP].lines if line.msgid] == [sent.receipt]


async def test_one_customer_after_another_is_told_apart(office: Office) -> None:
    body = {"chat_type": "single", "targets": (CUSTOMER, FRIENDLESS)}
    sent = await office.send(mass_send(body=body))
    mass_sending.confirm(office.world, sent.receipt, OWNER)

    assert sent.outcome == "partly"
    assert FRIENDLESS in sent.error
    assert await office.sends.results(sent.receipt, OWNER) == {CUSTOMER: TargetResult.SENT}


async def test_a_group_over_its_limit_is_told(office: Office) -> None:
    object.__setattr__(office.world.settings, "mass_limit", MassLimit.DAY)
    for number in range(2):
        sent = await office.send(mass_send(key=f"mass-{number}"))
        mass_sending.confirm(office.world, sent.receipt, OWNER)

    assert await office.sends.results(sent.receipt, OWNER) == {GROUP: TargetResult.LIMITED}


async def test_results_of_many_groups_are_read_page_by_page(office: Office) -> None:
    many = [groups.create(office.world, OWNER, f"营{number}", [CUSTOMER]).chat_id for number in range(1001)]
    sent = await office.send(mass_send(body={"targets": tuple(many)}))
    mass_sending.confirm(office.world, sent.receipt, OWNER)

    assert await office.sends.results(sent.receipt, OWNER) == dict.fromkeys(many, TargetResult.SENT)


async def test_a_new_task_is_asked_about_later(office: Office) -> None:
    object.__setattr__(office.world.settings, "mass_dispatch_seconds", 30)
    sent = await office.send(mass_send())

    with pytest.raises(errors.ChannelBusy) as caught:
        await office.sends.state(sent.receipt, OWNER)
    await office.lapse(seconds=31)

    assert caught.value.errcode == 41063
    assert (await office.sends.state(sent.receipt, OWNER)).confirmed_at is None


async def test_a_sender_is_reminded_three_times_a_day_and_no_more(office: Office) -> None:
    sent = await office.send(mass_send())

    assert [await office.sends.remind(sent.receipt) for _ in range(4)] == [True, True, True, False]


async def test_a_task_is_stopped_once_or_twice_and_then_cannot_be_confirmed(office: Office) -> None:
    sent = await office.send(mass_send())

    await office.sends.cancel(sent.receipt)
    await office.sends.cancel(sent.receipt)

    assert office.world.corp.mass_tasks[sent.receipt].cancelled_at is not None
    with pytest.raises(errors.ChannelRefused) as caught:
        await office.sends.remind(sent.receipt)
    assert caught.value.errcode == mass.STOPPED
    with pytest.raises(errors.ChannelRefused):
        await office.sends.cancel("msg-of-nobody")


async def test_a_group_of_somebody_else_is_refused_and_opens_no_case(office: Office) -> None:
    theirs = groups.create(office.world, "lisi", "别人的群", [CUSTOMER]).chat_id

    refused = await office.send(mass_send(body={"targets": (theirs,)}))

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, "errcode 41048")
    async with office.store.read() as tx:
        assert (await tx.execute(tables.case.select())).all() == []


# --- what is too much -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"targets": tuple(f"wr{number}" for number in range(2001))}, "2001 targets"),
        ({"chat_type": "single", "targets": tuple(f"wm{n}" for n in range(10_001))}, "10001 targets"),
        ({"targets": ()}, "0 targets"),
        ({"text": "好" * 1334}, "4002 bytes"),
        ({"text": ""}, "0 bytes"),
        (
            {"attachments": tuple(Attached(kind="link", title="t", url="https://a.b") for _ in range(10))},
            "10 att",
        ),
        ({"attachments": (Attached(kind="link", title="说明", url="ftp://a.b"),)}, "https://"),
        ({"attachments": (Attached(kind="link", title="长" * 43, url="https://a.b"),)}, "129 bytes of 128"),
        ({"attachments": (Attached(kind="miniprogram", title="小程序"),)}, "cannot be sent"),
        ({"attachments": (Attached(kind="image", name="图.png", digest="0" * 64),)}, "is not kept"),
    ],
)
async def test_what_the_platform_would_not_take_is_refused_before_any_call(
    office: Office, body: dict[str, object], words: str
) -> None:
    refused = await office.send(mass_send(body=body))

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, "malformed")
    assert words in refused.error
    assert office.world.corp.mass_tasks == {}


# --- files ------------------------------------------------------------------------------------------------------


def with_picture() -> dict[str, object]:
    return {"attachments": (Attached(kind="image", name="海报.png", digest=offices.PICTURE_DIGEST),)}


async def test_a_picture_is_uploaded_once_for_three_days(office: Office) -> None:
    await office.keep_file(PICTURE, "poster.png")
    times = [timedelta(0), timedelta(hours=70, minutes=59), timedelta(minutes=2)]

    media = []
    for number, step in enumerate(times):
        await office.lapse(seconds=step.total_seconds())
        sent = await office.send(mass_send(key=f"mass-{number}", body=with_picture()))
        [shown] = office.world.corp.mass_tasks[sent.receipt].attachments
        media.append(shown["image"]["media_id"])

    assert media[0] == media[1] != media[2]
    assert office.world.media.describe(media[0])["filename"] == "海报.png"


async def test_a_picture_the_platform_has_forgotten_is_uploaded_anew(office: Office) -> None:
    await office.keep_file(PICTURE, "poster.png")
    await office.send(mass_send(body=with_picture()))
    await office.change(tables.uploaded_media, tables.uploaded_media.c.digest != "", media_id="M-unknown")

    waiting = await office.send(mass_send(key="mass-2", body=with_picture()))
    await office.lapse(seconds=5)
    sent = await office.sent("mass-2")

    assert (waiting.state, sent.state) == (DeliveryState.DUE, DeliveryState.ACCEPTED)


async def test_an_upload_that_broke_off_leaves_no_doubt_about_the_task(office: Office) -> None:
    await office.keep_file(PICTURE, "poster.png")
    office.box.faults.add(Fault(kind=FaultKind.RESET, match="media/upload", count=1, when=When.AFTER))

    waiting = await office.send(mass_send(body=with_picture()))
    await office.lapse(seconds=10)
    sent = await office.sent(waiting.key)

    assert (waiting.state, sent.state) == (DeliveryState.DUE, DeliveryState.ACCEPTED)
    assert len(office.world.corp.mass_tasks) == 1


# --- when nobody knows whether it was made ----------------------------------------------------------------------


async def search(office: Office, unknown: Delivery) -> str:
    """Look for the task as scheduler/mass_watch.py does."""
    assert unknown.attempted_at is not None
    since = unknown.attempted_at
    async with office.store.read() as tx:
        taken = await deliveries.list_mass_receipts(tx, OWNER, since - timedelta(minutes=10))
    body = unknown.body
    msgid = await office.sends.find_created(OWNER, body.text, body.targets, since, taken=taken)
    if msgid:
        now = office.clock.now()
        assert await office.store.write(lambda tx: deliveries.resolve(tx, unknown.key, msgid, now))
    return msgid


async def test_a_task_whose_making_broke_off_is_never_made_again_and_found(office: Office) -> None:
    await office.send(mass_send(key="mass-other", text="另一条通知。"))
    office.box.faults.add(lost_answer())
    unknown = await office.send(mass_send())
    await office.sent(unknown.key)

    msgid = await search(office, unknown)
    resolved = await office.get(unknown.key)

    assert unknown.state is DeliveryState.UNKNOWN
    assert len(office.world.corp.mass_tasks) == 2
    assert (resolved.state, resolved.receipt, resolved.outcome) == (DeliveryState.ACCEPTED, msgid, "found")
    assert office.world.corp.mass_tasks[msgid].text == unknown.body.text


async def test_a_task_that_was_not_made_stays_unknown(office: Office) -> None:
    office.box.faults.add(
        Fault(kind=FaultKind.HTTP, match="externalcontact/add_msg_template", count=1, when=When.BEFORE)
    )
    unknown = await office.send(mass_send())

    assert await search(office, unknown) == ""
    assert (await office.get(unknown.key)).state is DeliveryState.UNKNOWN


async def test_two_tasks_with_the_same_words_are_told_apart_by_what_is_known(office: Office) -> None:
    await office.send(mass_send(key="mass-first"))
    office.box.faults.add(lost_answer())
    unknown = await office.send(mass_send())

    msgid = await search(office, unknown)

    assert msgid not in ("", (await office.get("mass-first")).receipt)


async def test_two_tasks_that_cannot_be_told_apart_stay_unknown(office: Office) -> None:
    office.box.faults.add(lost_answer())
    first = await office.send(mass_send())
    office.box.faults.add(lost_answer())
    await office.send(mass_send(key="mass-2"))

    assert len(office.world.corp.mass_tasks) == 2
    assert await search(office, first) == ""


# --- what may leave ---------------------------------------------------------------------------------------------


async def test_a_stopped_line_stops_what_carries_it(office: Office) -> None:
    office.stop_line(Line.LOAN)

    refused = await office.send(mass_send(body={"lines": ("service", "loan")}))
    sent = await office.send(mass_send(key="mass-2"))

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, "stopped")
    assert sent.state is DeliveryState.ACCEPTED


@pytest.mark.parametrize(
    "body",
    [
        {"text": "这款产品保本保息，稳赚不赔。"},
        {"attachments": (Attached(kind="link", title="保本保息", url="https://example.com"),)},
    ],
)
async def test_words_that_may_not_be_said_do_not_leave(office: Office, body: dict[str, object]) -> None:
    refused = await office.send(mass_send(body=body))

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, "compliance")


async def test_what_has_expired_does_not_leave(office: Office) -> None:
    refused = await office.send(mass_send(expires_at=office.clock.now()))

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, "expired")


async def test_a_customer_who_wants_nothing_stops_what_is_no_service(office: Office) -> None:
    async def opt_out(tx: AsyncConnection) -> None:
        known = await customers.ensure(tx, [CUSTOMER], office.clock.now())
        wanted = OptOutWanted(source=OptOutSource.ADVISOR, evidence="电话里说的")
        await opt_outs.record(tx, known[CUSTOMER], wanted, actor="lisi", at=office.clock.now())

    await office.store.write(opt_out)
    body = {"chat_type": "single", "targets": (CUSTOMER,)}

    refused = await office.send(mass_send(body=body, purpose=Purpose.CARE))
    sent = await office.send(mass_send(key="mass-2", body=body))

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, "opted_out")
    assert sent.state is DeliveryState.ACCEPTED


async def test_one_who_opted_out_is_left_out_and_the_others_get_it_issue_4(office: Office) -> None:
    async def opt_out(tx: AsyncConnection) -> None:
        known = await customers.ensure(tx, [FRIENDLESS], office.clock.now())
        wanted = OptOutWanted(source=OptOutSource.ADVISOR, evidence="电话里说的")
        await opt_outs.record(tx, known[FRIENDLESS], wanted, actor="lisi", at=office.clock.now())

    await office.store.write(opt_out)
    targets = (CUSTOMER, FRIENDLESS)
    task_id = await office.store.write(
        lambda tx: mass_tasks.add(
            tx,
            delivery_key="mass-1",
            chat_type="single",
            sender=OWNER,
            targets=targets,
            until=office.clock.now(),
            now=office.clock.now(),
        )
    )

    sent = await office.send(
        mass_send(body={"chat_type": "single", "targets": targets}, purpose=Purpose.CARE)
    )

    async with office.store.read() as tx:
        task = (await mass_tasks.list_by_id(tx, [task_id]))[task_id]
    assert (sent.state, sent.body.targets) == (DeliveryState.ACCEPTED, (CUSTOMER,))
    assert task.targets == (CUSTOMER,)
    assert task.results == {FRIENDLESS: TargetResult.OPTED_OUT}


async def test_without_a_way_out_a_delivery_is_refused_with_the_reason(office: Office) -> None:
    del office.channels["mass"]

    refused = await office.send(mass_send())

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, "no_channel")
    assert "mass" in refused.error


async def test_the_store_finds_no_delivery_that_is_not_there(office: Office) -> None:
    async with office.store.read() as tx:
        assert await deliveries.find(tx, "nobody") is None
