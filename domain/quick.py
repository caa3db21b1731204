"""Quick phrases (快捷语): short approved texts an advisor says often, found by words, pinyin or its initials.

Pure data. Files are read by content/quick_files.py, the search is content/suggesting/searching.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.faq import Line, Scope
from domain.replies import SignalKind


@dataclass(frozen=True, kw_only=True)
class QuickPhrase:
    """One quick phrase.

    `title`: what it is for, shown to the advisor. `text`: without its risk lines; {slots} are filled from known facts
    only. `asks`: what a customer says that it answers; `signals`: signs in the customer's words that it answers, e.g.
    thanks; a phrase with neither is found by searching alone. `valid_until` is the last day it may be said.
    `digest`: SHA-256 hex over what a reviewer approves.
    """

    id: str  # "loan.ask_contract"
    line: Line
    scope: Scope
    title: str
    text: str
    asks: tuple[str, ...]
    signals: tuple[SignalKind, ...]
    keywords: tuple[str, ...]
    risk_lines: tuple[str, ...]
    slots: frozenset[str]
    source: str
    reviewer: str
    reviewed_on: date
    valid_from: date
    valid_until: date
    digest: str
    file: str
    lineno: int
