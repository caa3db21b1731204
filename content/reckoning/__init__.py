"""The arithmetic behind answers: slots read from a customer's words, and calculations an entry asks for by name.

`read_slots` finds figures, `calculate` reckons to the cent and shows the formula. Who calls them keeps the slots
with the conversation (`Slots.merged`, `to_json`, `from_json`) and fills the entry's template.
"""

from content.reckoning.calculations import Computed, Missing, calculate
from content.reckoning.reading import read_slots
from content.reckoning.slots import RateKind, Slots

__all__ = ["Computed", "Missing", "RateKind", "Slots", "calculate", "read_slots"]
