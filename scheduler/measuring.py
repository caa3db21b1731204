"""Whether figures show a step to be done (the `success` of a step). Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

from domain.sop import Measure, Step

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    "<": operator.lt,
    ">": operator.gt,
}


def holds(step: Step, measures: Mapping[str, float | None]) -> bool | None:
    """Say whether every figure of success is reached; None when one of them is not measured."""
    found = [_holds(one, measures) for one in step.success]
    if not found or None in found:
        return None
    return all(found)


def is_idle(step: Step, measures: Mapping[str, float | None]) -> bool:
    """Say whether the step was about questions and there are none."""
    return "open_questions" in {one.name for one in step.success} | set(_names(step)) and (
        measures.get("open_questions") == 0
    )


def _names(step: Step) -> tuple[str, ...]:
    return ("open_questions",) if step.audience.text == "asked" else ()


def _holds(one: Measure, measures: Mapping[str, float | None]) -> bool | None:
    value = measures.get(one.name)
    return None if value is None else _COMPARE[one.comparison](value, one.value)
