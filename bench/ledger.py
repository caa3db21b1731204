"""Who said what and what came back, as the sandbox saw it; and what the records of the program make of it.

A received message names its cause: its msgid is the program's key, made from the customer's own msgid
(scheduler/keys.py). So every answer is traced to one message of one customer without asking the program.

What "answered exactly once" means here (docs/testing.md#benches):
* a whole question is answered by exactly one message under its own key, in whichever round it was decided;
* a greeting is answered so, or joins the customer's next message into one turn and is answered with that;
* what waits at the end of an outage of more than ten minutes is late: of a customer's late messages either each was
  answered under its own key, or exactly one late answer covers them.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench import wecom
from scheduler.keys import key_of

SOURCE = f"kf:{wecom.ACCOUNT}"
ROUNDS = 3


@dataclass(kw_only=True)
class Said:
    """One message of a customer. `answers`: msgids that came back. `late_group`: number of the outage it waited in."""

    msgid: str
    customer: str
    is_whole: bool
    is_history: bool
    real_at: float
    answers: list[str] = field(default_factory=list)
    answered_at: float = 0.0
    late_group: int = 0


@dataclass
class Ledger:
    """Everything said and received, in order."""

    said: dict[str, Said] = field(default_factory=dict)
    by_customer: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    received: Counter[str] = field(default_factory=Counter)
    strangers: list[str] = field(default_factory=list)
    waiting: dict[str, Said] = field(default_factory=dict)
    _keys: dict[str, Said] = field(default_factory=dict)
    _outages: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def note_said(self, msgid: str, customer: str, *, is_whole: bool, is_history: bool = False) -> None:
        """Remember a message and the keys its answer may have."""
        one = Said(
            msgid=msgid,
            customer=customer,
            is_whole=is_whole,
            is_history=is_history,
            real_at=time.perf_counter(),
        )
        self.said[msgid] = one
        self.by_customer[customer].append(one)
        if not is_history:
            self.waiting[msgid] = one
        for number in range(ROUNDS):
            self._keys[key_of(key_of(SOURCE, msgid, number), 0)] = one

    def note_change(self, kind: str, content: dict[str, Any]) -> None:
        """Hear of a change in the sandbox (World.on_change)."""
        if kind != "bubble" or content["bubble"]["via"] not in ("api", "event"):
            return
        key = content["bubble"]["msgid"]
        self.received[key] += 1
        one = self._keys.get(key)
        if one is None:
            self.strangers.append(key)
            return
        one.answers.append(key)
        one.answered_at = one.answered_at or time.perf_counter()
        self.waiting.pop(one.msgid, None)

    def waits_of(self, customer: str) -> int:
        """Return how many of the customer's last five messages wait for an answer."""
        return sum(one.msgid in self.waiting for one in self.by_customer[customer][-5:])

    def forget_old(self, seconds: float) -> None:
        """No longer hold new messages back for those that waited longer than this."""
        before = time.perf_counter() - seconds
        for msgid in [msgid for msgid, one in self.waiting.items() if one.real_at < before]:
            del self.waiting[msgid]

    def end_outage(self) -> int:
        """Mark everything that has no answer yet as late; return how many messages that is."""
        number = next(self._outages)
        late = [one for one in self.said.values() if not (one.is_history or one.answers or one.late_group)]
        for one in late:
            if one.is_whole or self._is_last(one):
                one.late_group = number
        late = [one for one in late if one.late_group]
        return len(late)

    def latencies(self) -> list[float]:
        """Return the seconds from message to answer of what was answered fresh."""
        return [
            one.answered_at - one.real_at for one in self.said.values() if one.answers and not one.late_group
        ]

    # --- judgement -----------------------------------------------------------------------------------------

    def twice(self) -> list[str]:
        """Return messages that were answered more than once, and keys that came twice."""
        return [one.msgid for one in self.said.values() if len(one.answers) > 1]

    def answered_history(self) -> list[str]:
        """Return messages from before go-live that were answered."""
        return [one.msgid for one in self.said.values() if one.is_history and one.answers]

    def unanswered(self) -> list[Said]:
        """Return the messages that should have an answer and have none (late ones: the last of each customer)."""
        missing = []
        for one in self.said.values():
            if one.is_history or one.answers or one.late_group:
                continue
            if not self._has_joined(one):
                missing.append(one)
        return missing + [group[-1] for group in self.late_groups() if not self._is_covered(group)]

    def late_groups(self) -> list[list[Said]]:
        """Return the late messages of each customer and outage."""
        groups: dict[tuple[str, int], list[Said]] = defaultdict(list)
        for one in self.said.values():
            if one.late_group:
                groups[one.customer, one.late_group].append(one)
        return list(groups.values())

    def is_caught_up(self) -> bool:
        """Say whether everything late has its answer."""
        return all(map(self._is_covered, self.late_groups()))

    def keys_of(self, one: Said) -> list[str]:
        """Return the keys under which an answer to this message may stand in the outbox."""
        return [key_of(key_of(SOURCE, one.msgid, number), 0) for number in range(ROUNDS)]

    def _is_covered(self, group: list[Said]) -> bool:
        """One late answer covers what came before it; after it nothing may be missing but greetings that joined."""
        left = list(group)
        while left and self._has_joined(left[-1]):
            left.pop()
        return not left or bool(left[-1].answers)

    def _has_joined(self, one: Said) -> bool:
        """Say whether a greeting was answered with what the customer wrote after it."""
        if one.is_whole or one.answers:
            return False
        follower = self._next(one)
        if follower is None:
            return False
        return bool(follower.answers or follower.late_group) or self._has_joined(follower)

    def _next(self, one: Said) -> Said | None:
        talk = self.by_customer[one.customer]
        place = talk.index(one) + 1
        return talk[place] if place < len(talk) else None

    def _is_last(self, one: Said) -> bool:
        follower = self._next(one)
        return follower is None or not follower.answers
