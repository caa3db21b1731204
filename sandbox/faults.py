"""Faults on demand: what the pretend WeCom does wrong, how often and to which calls.

protocol.py asks for faults of API calls, callbacks.py for faults of callbacks. Draws come from a seeded generator per
fault, so a run can be repeated.
"""

from __future__ import annotations

import fnmatch
import itertools
import random
from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    """What goes wrong. The first five meet API calls, the others callbacks."""

    DELAY = "delay"  # the call waits `seconds` of real time before it acts
    HTTP = "http"  # HTTP status `code` (default 502), before or after acting
    RESET = "reset"  # the connection breaks, before or after acting
    ERRCODE = "errcode"  # errcode `code` (default -1), before or after acting
    EXPIRE_TOKENS = "expire_tokens"  # every access token is invalid from now on, and the call gets 42001
    LATE = "late"  # the callback leaves `seconds` of real time later
    DUPLICATE = "duplicate"  # the callback is delivered twice
    REORDER = "reorder"  # the callback leaves after the next one
    DROP = "drop"  # the callback never leaves
    BAD_SIGNATURE = "bad_signature"  # this attempt carries a wrong signature


API_KINDS = (FaultKind.DELAY, FaultKind.HTTP, FaultKind.RESET, FaultKind.ERRCODE, FaultKind.EXPIRE_TOKENS)


class When(StrEnum):
    """On which side of the act the fault strikes."""

    BEFORE = "before"  # nothing has happened yet
    AFTER = "after"  # it has happened, and the caller is not told


@dataclass(kw_only=True)
class Fault:
    """One rule. `match`: pattern over endpoint (`kf/send_msg`, `kf/*`) or receiver name; `count` None: no end."""

    kind: FaultKind
    match: str = "*"
    probability: float = 1.0
    count: int | None = None
    seconds: float = 0.0
    code: int | None = None
    when: When = When.BEFORE
    seed: int = 0
    fault_id: str = ""
    struck: int = 0
    dice: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError("probability must be between 0 and 1")
        if self.seconds < 0:
            raise ValueError("seconds must not be negative")
        self.dice = random.Random(self.seed)


class FaultBox:
    """The faults in force."""

    def __init__(self, seed: int = 1) -> None:
        self._seed = seed
        self._numbers = itertools.count(1)
        self._faults: dict[str, Fault] = {}

    def add(self, fault: Fault) -> str:
        """Put a fault in force and return its id."""
        number = next(self._numbers)
        fault.fault_id = fault.fault_id or f"f{number}"
        if not fault.seed:
            fault.dice = random.Random(self._seed * 1000 + number)
        self._faults[fault.fault_id] = fault
        return fault.fault_id

    def remove(self, fault_id: str) -> bool:
        """Take a fault out of force; False when there was none of that id."""
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        self._faults.clear()

    def all(self) -> list[Fault]:
        return list(self._faults.values())

    def strike(self, kind: FaultKind, target: str, when: When = When.BEFORE) -> Fault | None:
        """The fault of this kind that meets `target` now, counted; None when the call goes well."""
        if not self._faults:
            return None
        for fault in self._faults.values():
            if fault.kind is kind and fault.when is when and self._meets(fault, target):
                fault.struck += 1
                if fault.count is not None:
                    fault.count -= 1
                return fault
        return None

    @staticmethod
    def _meets(fault: Fault, target: str) -> bool:
        if fault.count is not None and fault.count <= 0:
            return False
        if not fnmatch.fnmatchcase(target, fault.match):
            return False
        return fault.probability >= 1 or fault.dice.random() < fault.probability
