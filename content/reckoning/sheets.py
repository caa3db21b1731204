"""What a named calculation is made of: the slots it needs, and the sheet it writes its values on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from content.reckoning.slots import Slots


@dataclass(kw_only=True)
class Sheet:
    """Values under way; `formula` parts are joined by "；"."""

    values: dict[str, str] = field(default_factory=dict)
    formulas: list[str] = field(default_factory=list)

    def put(self, **values: str) -> Sheet:
        """Add values and return the sheet."""
        self.values.update(values)
        return self

    def show(self, formula: str) -> Sheet:
        """Add a line of reckoning and return the sheet."""
        self.formulas.append(formula)
        return self


Act = Callable[[Slots, date], Sheet | None]


@dataclass(frozen=True, kw_only=True)
class Calculation:
    """A named calculation. `needs`: groups of slots, of each group one must be filled; `may`: used when there.

    `gives`: every value its sheet may hold, besides "formula"; an entry's template may use no other.
    `also`: what must be asked besides, seen from the slots given (a daily rate needs the contract's day basis).
    """

    name: str
    act: Act
    needs: tuple[tuple[str, ...], ...]
    gives: frozenset[str]
    may: tuple[str, ...] = ()
    also: Callable[[Slots, date], tuple[str, ...]] = lambda _slots, _today: ()

    def open_groups(self, slots: Slots, today: date) -> tuple[tuple[str, ...], ...]:
        """Return the groups nobody filled, and what must be asked besides."""
        given = slots.given().keys()
        lacking = tuple(group for group in self.needs if given.isdisjoint(group))
        return lacking + tuple((slot,) for slot in self.also(slots, today))

    def missing(self, slots: Slots, today: date) -> tuple[str, ...]:
        """Return the first name of each group nobody filled."""
        return tuple(group[0] for group in self.open_groups(slots, today))


def words(text: str) -> frozenset[str]:
    """Return the words of a text, a shorter way to write a set of names."""
    return frozenset(text.split())
