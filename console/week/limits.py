"""How often one visitor and one address may ask, counted in memory of bounded size.

What is forgotten under a flood of addresses is only how often each asked; the store has its own bound
(store/page_visits.py, PAGE_ROWS).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta


class Limit:
    """At most `most` within `span`, for each key. Windows begin with a key's first use."""

    def __init__(self, most: int, span: timedelta, *, keys: int = 10_000) -> None:
        self._most = most
        self._span = span
        self._keys = keys
        self._used: OrderedDict[Hashable, tuple[datetime, int]] = OrderedDict()

    def take(self, key: Hashable, now: datetime) -> bool:
        """Use one; False when there is none left. `now`: machine time."""
        began, used = self._used.get(key, (now, 0))
        if not began <= now < began + self._span:
            began, used = now, 0
        self._used[key] = (began, used + 1)
        self._used.move_to_end(key)
        if len(self._used) > self._keys:
            self._used.popitem(last=False)
        return used < self._most


class Known:
    """The last `size` keys that were seen, so that the store is not asked again for them."""

    def __init__(self, size: int = 20_000) -> None:
        self._size = size
        self._keys: OrderedDict[Hashable, None] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._keys

    def add(self, key: Hashable) -> None:
        """Remember a key in place of the oldest."""
        self._keys[key] = None
        self._keys.move_to_end(key)
        if len(self._keys) > self._size:
            self._keys.popitem(last=False)
