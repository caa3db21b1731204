"""Diagnosis of an advisor's way of working: from counts, with its numbers, and silent without enough of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import diagnosis
from audit.diagnosis import DiagnosisKind
from domain.audit import FindingState, TalkKind
from domain.people import RelationEnd
from store import contact_reports, customers, staff, tables
from store.contact_reports import ContactCounts
from store.database import Store
from tests.audit import factory
from tests.content import shipped

UNDER, OVER, MISMATCH = DiagnosisKind.UNDER, DiagnosisKind.OVER, DiagnosisKind.MISMATCH


def counts(
    customers: int | None = 40,
    touches: int = 60,
    quits: int | None = 0,
    refusals: int | None = 0,
    offers: int = 10,
    mismatched: int = 0,
) -> ContactCounts:
    return ContactCounts(
        subject="wang",
        customers=customers,
        touches=touches,
        quits=quits,
        refusals=refusals,
        product_sessions=offers,
        mismatched=mismatched,
    )


@pytest.mark.parametrize(
    ("contact", "answers"),
    [
        (counts(), {UNDER: False, OVER: False, MISMATCH: False}),
        (counts(touches=10), {UNDER: True, OVER: False, MISMATCH: False}),
        (counts(touches=400, quits=2, refusals=1), {UNDER: False, OVER: True, MISMATCH: False}),
        (counts(touches=400), {UNDER: False, OVER: False, MISMATCH: False}),
        (counts(mismatched=3), {UNDER: False, OVER: False, MISMATCH: True}),
        (counts(customers=9, touches=0), {UNDER: None, OVER: None, MISMATCH: False}),
        (counts(customers=None, quits=None, refusals=None), {UNDER: None, OVER: None, MISMATCH: False}),
        (counts(offers=4, mismatched=4), {UNDER: False, OVER: False, MISMATCH: None}),
    ],
)
def test_diagnosis_follows_the_counts(
    contact: ContactCounts, answers: dict[DiagnosisKind, bool | None]
) -> None:
    found = diagnosis.diagnose(contact, shipped.words().rubric)

    assert {one.kind: one.holds for one in found} == answers
    assert all(bool(one.note) == bool(one.holds) for one in found)


def test_what_holds_is_told_with_its_numbers() -> None:
    contact = counts(touches=400, quits=2, refusals=1)

    (told,) = diagnosis.told(contact, shipped.words().rubric)

    assert "10.0" in told
    assert "8%" in told


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_counts_come_from_what_is_on_record(store: Store) -> None:
    offer = [{"item": "A3", "weight": 8, "earned": 8, "evidence": "assist"}]
    since, until = factory.START - timedelta(days=1), factory.START + timedelta(days=1)

    async def fill(tx: AsyncConnection) -> ContactCounts:
        talk = await factory.talk(tx, TalkKind.CHAT, [(0, "C", "想买理财"), (1, "A", "给您推荐这款")])
        number = await factory.session(tx, talk)
        await factory.evaluation(tx, number, items=offer)
        confirmed = FindingState.CONFIRMED
        await factory.finding(tx, number, talk, item="A3", label="SUITABILITY", is_red=False, state=confirmed)
        wang = (await staff.find_ids(tx, ["wang"]))["wang"]
        held = await customers.ensure(tx, ["wm_li", "wm_gone"], factory.START)
        rows = [
            {"staff_id": wang, "customer_id": held["wm_li"], "from_at": since, "tags": []},
            {
                "staff_id": wang,
                "customer_id": held["wm_gone"],
                "from_at": since,
                "to_at": factory.START,
                "end_reason": RelationEnd.CUSTOMER_DELETED.value,
                "tags": [],
            },
        ]
        for row in rows:
            await tx.execute(sa.insert(tables.relation).values(row))
        await tx.execute(
            sa.insert(tables.opt_out).values(
                customer_id=held["wm_li"], source="chat", actor="wm_li", at=factory.START
            )
        )
        nobody = await contact_reports.read(tx, "nobody", since, until)
        assert (nobody.customers, nobody.touches) == (None, 0)
        return await contact_reports.read(tx, "wang", since, until)

    found = await store.write(fill)

    assert found == counts(customers=2, touches=1, quits=1, refusals=1, offers=1, mismatched=1)
