"""What ends is on the list in time, under the name of whoever answers for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from content import endings, sop_shelf
from content.endings import EndKind
from content.own_files import OwnText
from content.sop_files import Sops
from domain.faq import Faq
from tests.content import shipped
from tests.sop import factory

TODAY = date(2026, 11, 23)


def entry(
    *, ends: timedelta, rule: timedelta | None = None, lapsed: str = "", missing: tuple[str, ...] = ()
) -> Faq:
    """Return a shipped entry with other dates, counted from today."""
    some = next(iter(shipped.words().faqs.values()))
    return replace(
        some,
        reviewer="sample",
        valid_from=TODAY - timedelta(days=90),
        valid_until=TODAY + ends,
        fact_valid_until=None if rule is None else TODAY + rule,
        lapsed=lapsed,
        missing_own=missing,
    )


@pytest.mark.parametrize(
    ("days", "kind"),
    [
        (-1, EndKind.OVER),
        (0, EndKind.DAY),
        (1, EndKind.DAY),
        (2, EndKind.WEEK),
        (7, EndKind.WEEK),
        (8, EndKind.MONTH),
        (30, EndKind.MONTH),
    ],
)
def test_an_entry_is_on_the_list_of_thirty_seven_and_one_days(days: int, kind: EndKind) -> None:
    (found,) = endings.endings([entry(ends=timedelta(days=days))], TODAY)

    assert (found.kind, found.days, found.rule_ends) == (kind, days, False)


def test_an_entry_with_more_time_is_not_on_the_list() -> None:
    assert endings.endings([entry(ends=timedelta(days=31))], TODAY) == []


def test_a_rule_that_ends_before_the_entry_is_what_counts_and_stays_on_the_list_once_it_has_ended() -> None:
    far = timedelta(days=90)
    coming = entry(ends=far, rule=timedelta(days=5), lapsed="规定已到期。")
    gone = entry(ends=far, rule=timedelta(days=-5), lapsed="规定已到期。")
    silent = entry(ends=far, rule=timedelta(days=-5))

    (soon,), (lapsed,), (over,) = (endings.endings([one], TODAY) for one in (coming, gone, silent))

    assert (soon.kind, soon.days, soon.rule_ends) == (EndKind.WEEK, 5, True)
    assert (lapsed.kind, lapsed.days, lapsed.rule_ends) == (EndKind.LAPSED, -5, True)
    assert over.kind is EndKind.OVER


def test_the_list_begins_with_the_most_urgent_and_names_who_approved() -> None:
    month = replace(entry(ends=timedelta(days=20)), id="loan.month")
    over = replace(entry(ends=timedelta(days=-2)), id="loan.over")
    day = replace(entry(ends=timedelta(days=1)), id="loan.day")

    found = endings.endings([month, over, day], TODAY, {"loan.over": "王合规"})

    assert [one.key for one in found] == ["loan.over", "loan.day", "loan.month"]
    assert [one.reviewer for one in found] == ["王合规", "sample", "sample"]


def test_words_of_sops_are_on_the_list_under_who_approved_them() -> None:
    week = factory.template()
    block = week.blocks["opening"]
    stored = {("finance_week1/opening", block.digest): sop_shelf.Stored(version_id=1, approved_by="王合规")}
    sops = Sops(templates={}, years=(), mistakes=(), warnings=(), written={week.id: week})
    shelf = sop_shelf.Shelf(sops=sops, frozen={}, stored=stored, serves_samples=True, today=TODAY)

    def found(days: int) -> dict[str, endings.Ending]:
        return {one.key: one for one in endings.sop_endings(shelf, block.valid_until - timedelta(days=days))}

    assert found(31) == {}
    assert {one.kind for one in found(30).values()} == {EndKind.MONTH}
    assert {one.kind for one in found(-1).values()} == {EndKind.OVER}
    assert found(30).keys() == {f"{week.id}/{key}" for key in week.blocks}
    opening, light = found(7)["finance_week1/opening"], found(7)["finance_week1/light"]
    assert (opening.of, opening.kind, opening.days, opening.reviewer) == ("sop", EndKind.WEEK, 7, "王合规")
    assert (light.reviewer, light.file, light.lineno) == ("sample", block.file, week.blocks["light"].lineno)


def test_what_the_company_has_to_write_is_listed_with_the_entries_that_wait_for_it() -> None:
    known = shipped.words()
    own = OwnText(id="apply_steps", what="申请步骤", text="", file="content/own/loan.toml", lineno=3)
    written = replace(own, id="phone", text="400")
    waiting = entry(ends=timedelta(days=90), missing=("apply_steps",))
    content = replace(known, own={"apply_steps": own, "phone": written}, faqs={waiting.id: waiting})

    (found,) = endings.unwritten(content)

    assert found.own is own
    assert found.faqs == (waiting,)
