"""What of an SOP may be said today: approved words within their dates, also those of older versions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from content import sop_shelf
from content.sop_files import Sops
from content.sop_shelf import BlockRefusal, Shelf, Stored
from domain.sop import ContentBlock, Template
from tests.content import shipped
from tests.sop import factory

TODAY = shipped.TODAY
DAY = timedelta(days=1)


def shelf(*approved: Template, serves_samples: bool = False, unapproved: tuple[Template, ...] = ()) -> Shelf:
    """Return a shelf with each block of these templates stored, under one number for all of a template."""
    stored = {}
    for number, template in enumerate([*approved, *unapproved]):
        by = "王合规" if template in approved else ""
        for block in template.blocks.values():
            key = sop_shelf.key_of(template.id, block)
            stored[key, block.digest] = Stored(version_id=number, approved_by=by)
    sops = Sops(templates={one.id: one for one in approved}, years=(), mistakes=(), warnings=())
    return Shelf(sops=sops, frozen={}, stored=stored, serves_samples=serves_samples, today=TODAY)


def changed(template: Template, key: str = "opening", **changes: object) -> Template:
    block: ContentBlock = replace(template.blocks[key], **changes)  # type: ignore[arg-type]  # Fields by name.
    return replace(template, blocks={**template.blocks, key: block})


def test_approved_words_are_said_and_others_only_in_the_demo() -> None:
    week = factory.template()

    assert shelf(week).version_of(week, "opening", TODAY) == 0
    assert shelf(unapproved=(week,)).version_of(week, "opening", TODAY) is None
    assert shelf(unapproved=(week,)).refusal(week, "opening", TODAY) is BlockRefusal.UNAPPROVED
    assert shelf(unapproved=(week,), serves_samples=True).version_of(week, "opening", TODAY) == 0


@pytest.mark.parametrize("serves_samples", [False, True])
def test_words_are_said_from_their_first_to_their_last_day(serves_samples: bool) -> None:
    week = factory.template()
    block, mine = week.blocks["opening"], shelf(week, serves_samples=serves_samples)

    told = {
        day: mine.refusal(week, "opening", day)
        for day in (
            block.valid_from - DAY,
            block.valid_from,
            block.valid_until,
            block.valid_until + DAY,
        )
    }

    assert list(told.values()) == [BlockRefusal.NOT_YET, None, None, BlockRefusal.EXPIRED]
    assert mine.version_of(week, "opening", block.valid_until + DAY) is None


def test_words_of_an_older_version_are_found_by_their_digest() -> None:
    week = factory.template()
    older = changed(week, digest="0" * 64, body="去年的话")
    unseen = changed(week, digest="1" * 64)
    mine = shelf(week, older)

    assert mine.version_of(week, "opening", TODAY) == 0
    assert mine.version_of(older, "opening", TODAY) == 1
    assert mine.refusal(unseen, "opening", TODAY) is BlockRefusal.UNKNOWN
    assert mine.refusal(week, "nothing", TODAY) is BlockRefusal.UNKNOWN


def test_all_that_a_template_lacks_is_told_at_once() -> None:
    week = factory.template()
    older = changed(week, digest="0" * 64)
    mine = shelf(week)

    assert mine.unready(week, TODAY) == {}
    assert mine.unready(older, TODAY) == {"opening": BlockRefusal.UNKNOWN}
    assert set(sop_shelf.empty(serves_samples=True, today=TODAY).unready(week, TODAY)) == set(week.blocks)


def test_keys_of_shipped_blocks_fit_their_column() -> None:
    for name in ("finance_week1", "finance_weekly", "group_repair"):
        template = factory.template(name)
        keys = [sop_shelf.key_of(template.id, block) for block in template.blocks.values()]
        assert max(map(len, keys)) <= 64
