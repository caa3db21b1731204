"""The named calculations an FAQ entry can ask for: what each needs, and its answer as values for a template.

A calculation takes filled slots and gives `Computed`; when slots are missing, `Missing` names them in Chinese, so
that the bot asks; when the figures cannot be meant (a loan of 3 yuan, 0 months), None, and the entry's plain answer
stands. Only notation and number formats are written here; sentences stand in content/faq/*.toml (`computed`).
The reckoning itself: loans, costs, policies, deadlines. The list with all value names: docs/reckoning.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from content.reckoning import cost_answers, insurance_answers, loan_answers, wealth_answers
from content.reckoning import slots as slot_records
from content.reckoning.sheets import Calculation
from content.reckoning.slots import Slots


@dataclass(frozen=True, kw_only=True)
class Computed:
    """An answer: `values` fill a template ("formula" among them), `formula` is one line with the numbers put in.

    A value that does not apply is absent, so its line of the template falls away.
    """

    name: str
    values: Mapping[str, str]
    formula: str


@dataclass(frozen=True, kw_only=True)
class Missing:
    """What has to be asked first: slot names, and what to call them ("年利率")."""

    name: str
    slots: tuple[str, ...]
    chinese: tuple[str, ...]


_ALL = (
    *loan_answers.CALCULATIONS,
    *cost_answers.CALCULATIONS,
    *insurance_answers.CALCULATIONS,
    *wealth_answers.CALCULATIONS,
)
_BY_NAME: Mapping[str, Calculation] = MappingProxyType({part.name: part for part in _ALL})


def names() -> tuple[str, ...]:
    """Return the names an entry may use."""
    return tuple(_BY_NAME)


def find(name: str) -> Calculation | None:
    """Return the calculation of a name, None when there is none."""
    return _BY_NAME.get(name)


def calculate(name: str, slots: Slots, today: date) -> Computed | Missing | None:
    """Return the answer of a calculation for the slots given.

    `today`: the business day in the customer's zone, for what is counted up to now. Missing: ask for those slots.
    None: the figures cannot be meant, contradict each other, or there is no such calculation.
    """
    calculation = find(name)
    if calculation is None:
        return None
    wanted = calculation.missing(slots, today)
    if wanted:
        chinese = tuple(slot_records.CHINESE_NAMES[slot] for slot in wanted)
        return Missing(name=name, slots=wanted, chinese=chinese)
    sheet = calculation.act(slots, today)
    if sheet is None:
        return None
    formula = "；".join(sheet.formulas)
    return Computed(name=name, values={**sheet.values, "formula": formula}, formula=formula)


def expected(name: str, slots: Slots, today: date) -> tuple[str, ...]:
    """Return every slot the next message may fill for a calculation, for `reading.read_slots(expecting=…)`."""
    calculation = find(name)
    groups = calculation.open_groups(slots, today) if calculation else ()
    return tuple(slot for group in groups for slot in group)


def value_names(name: str) -> frozenset[str]:
    """Return the names a `computed` template may use; none for a calculation that does not exist."""
    calculation = find(name)
    return calculation.gives | {"formula"} if calculation else frozenset()
