"""Frozen templates: what comes back is what went in, and a later program reads what an earlier one froze."""

from __future__ import annotations

import dataclasses
import json
import time
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from content import sop_freezing
from domain.sop import (
    AllOf,
    AnyOf,
    ContentBlock,
    Day,
    Expression,
    Monthly,
    Negation,
    SopGuard,
    Step,
    Template,
    Term,
)
from tests.sop import factory

_SHIPPED = ("finance_week1", "finance_weekly", "group_repair")
_NAMES = st.text(min_size=1, max_size=6)
_LENGTHS = st.timedeltas(timedelta(days=-4000), timedelta(days=4000))
_TERMS = st.builds(
    Term,
    name=_NAMES,
    comparison=st.sampled_from(["", ">="]),
    value=st.none() | st.text(max_size=6) | st.floats(allow_nan=False) | _LENGTHS,
)
_EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    _TERMS,
    lambda inner: (
        st.builds(AllOf, parts=st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, parts=st.lists(inner, max_size=3).map(tuple))
        | st.builds(Negation, part=inner)
    ),
    max_leaves=6,
)
st.register_type_strategy(
    ZoneInfo, st.sampled_from(["Asia/Shanghai", "America/St_Johns", "UTC"]).map(ZoneInfo)
)
st.register_type_strategy(timedelta, _LENGTHS)
st.register_type_strategy(datetime, st.datetimes())
st.register_type_strategy(float, st.floats(allow_nan=False))
for _kind in (Term, AllOf, AnyOf, Negation):
    st.register_type_strategy(_kind, _EXPRESSIONS)


def thawed(template: Template) -> Template:
    """Freeze, let it pass through a database column, and thaw."""
    return sop_freezing.load(json.loads(json.dumps(sop_freezing.dump(template))))


@pytest.mark.parametrize("name", _SHIPPED)
def test_shipped_template_comes_back_as_it_was(name: str) -> None:
    template = factory.template(name)

    again = thawed(template)

    assert again == template
    assert again.default_rhythm == template.default_rhythm
    assert list(again.blocks) == list(template.blocks)
    assert hash(again.steps["calm"][0].schedule) == hash(template.steps["calm"][0].schedule)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(step=st.from_type(Step), block=st.from_type(ContentBlock), guard=st.from_type(SopGuard))
def test_odd_step_block_and_guard_come_back_as_they_were(
    step: Step, block: ContentBlock, guard: SopGuard
) -> None:
    template = dataclasses.replace(
        factory.template("group_repair"), steps={"odd": (step,)}, blocks={"odd": block}, guard=guard
    )

    again = thawed(template)

    (same,) = again.steps["odd"]
    assert again == template
    assert type(same.schedule) is type(step.schedule)
    assert _kinds([same.audience.expression]) == _kinds([step.audience.expression])


def _kinds(parts: Any) -> list[Any]:
    """Return the types of expressions and of their values, as a tree."""
    found: list[Any] = []
    for part in parts:
        inner = getattr(part, "parts", ()) or ([part.part] if isinstance(part, Negation) else [])
        found.append((type(part), type(getattr(part, "value", None)), _kinds(inner)))
    return found


def test_schedules_of_one_shape_are_told_apart() -> None:
    day, month = factory.step("one", "day(3, 10:00)"), factory.step("two", "monthly(3, 10:00)")
    template = _with_steps(day, month)

    schedules = [step.schedule for step in thawed(template).steps["calm"]]

    assert [type(one) for one in schedules] == [Day, Monthly]


def test_field_added_later_takes_its_default_and_one_that_is_gone_is_left_unread() -> None:
    body = sop_freezing.dump(factory.template())
    for attachment in _attachments(body):
        del attachment["desc"]
        attachment["colour"] = "red"

    again = sop_freezing.load(body)

    shown = [one for block in again.blocks.values() for one in block.attachments]
    assert shown
    assert {one.desc for one in shown} == {""}


def test_body_of_another_form_or_without_what_is_needed_is_refused() -> None:
    body = sop_freezing.dump(factory.template())
    other = {**body, "form": 2}
    lacking = {**body, "template": {key: one for key, one in body["template"].items() if key != "zone"}}

    with pytest.raises(ValueError, match="form 2"):
        sop_freezing.load(other)
    with pytest.raises(ValueError, match="without zone"):
        sop_freezing.load(lacking)
    assert sop_freezing.load(body) == factory.template()


def test_thawing_takes_under_20_milliseconds() -> None:
    body = json.loads(json.dumps(sop_freezing.dump(factory.template())))
    sop_freezing.load(body)

    times = []
    for _ in range(5):
        begun = time.perf_counter()
        sop_freezing.load(body)
        times.append(time.perf_counter() - begun)

    assert min(times) < 0.02


def _attachments(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for _, block in body["template"]["blocks"] for one in block["attachments"]]


def _with_steps(*steps: Step) -> Template:
    return dataclasses.replace(factory.template(), steps={"calm": steps})
