"""What a bench prints: progress lines as it goes, one table at the end, and what was promised and not held."""

from __future__ import annotations

import platform
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Report:
    """The figures of one run; `finish` prints them and gives the exit code."""

    title: str
    rows: list[tuple[str, ...]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def progress(self, text: str) -> None:
        """Print a line now."""
        print(f"[{time.monotonic() - self.begun:6.1f} s] {text}", flush=True)

    def row(self, *cells: object) -> None:
        """Add a row to the table."""
        self.rows.append(tuple(str(cell) for cell in cells))

    def must(self, holds: bool, what: str) -> None:
        """Note `what` as broken when it does not hold."""
        if not holds:
            self.broken.append(what)

    def finish(self) -> int:
        """Print the table and what is broken; return 1 when something is."""
        print(f"\n{self.title}")
        print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}")
        print(table(self.rows))
        for one in self.broken:
            print(f"BROKEN: {one}")
        print("failed" if self.broken else "everything held")
        return 1 if self.broken else 0


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as aligned columns."""
    widths = [
        max(_width(row[place]) for row in rows if place < len(row))
        for place in range(max(map(len, rows), default=0))
    ]
    return "\n".join(
        "  ".join(cell + " " * (widths[place] - _width(cell)) for place, cell in enumerate(row)).rstrip()
        for row in rows
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the values lie; 0 without values."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
