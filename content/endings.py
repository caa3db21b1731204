"""What ends soon, has ended, or waits for the company's own words: the work list of those who answer for the texts.

Pure. The page and the command line show it (console/content_page.py, `guanjia faq expiring`); that nothing expired is
ever served is the business of content/serving.py and content/sop_shelf.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from content import sop_shelf
from content.knowledge import Knowledge
from content.loading import Content
from content.own_files import OwnText
from content.sop_shelf import Shelf
from domain.faq import Faq, Line
from domain.sop import ContentBlock, Template


class EndKind(StrEnum):
    """How soon somebody has to look, the most urgent first."""

    OVER = "over"  # Its last day has passed: not answered any more.
    LAPSED = "lapsed"  # The rule behind it has ended: only `lapsed` is said.
    DAY = "day"  # Today or tomorrow is the last day.
    WEEK = "week"  # Within seven days.
    MONTH = "month"  # Within thirty days.


_ORDER = {kind: place for place, kind in enumerate(EndKind)}
# The most days left that each kind covers.
_REACH = ((1, EndKind.DAY), (7, EndKind.WEEK), (30, EndKind.MONTH))
# These need somebody now; the rest of the list may wait for a quiet hour.
URGENT = frozenset({EndKind.OVER, EndKind.LAPSED, EndKind.DAY, EndKind.WEEK})


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A text that ends. `days` until `ends_on`, the last day it may be said; below 0 once it has passed.

    `of`: "faq" or "sop", and `key` its name among those. `reviewer`: who answers for it. `line`: None for words of an
    SOP, which belong to several. `rule_ends`: it is the rule that ends, not the time since the review.
    """

    of: str
    key: str
    title: str
    line: Line | None
    file: str
    lineno: int
    reviewer: str
    kind: EndKind
    ends_on: date
    days: int
    rule_ends: bool


@dataclass(frozen=True, kw_only=True)
class Unwritten:
    """A text the company has to write (content/own/*.toml), and the entries that hand over as long as it is missing."""

    own: OwnText
    faqs: tuple[Faq, ...]


def served_or_written(knowledge: Knowledge) -> list[Faq]:
    """Return every entry as it is served, or as it stands in the files where none is served yet."""
    return list({**knowledge.content.faqs, **knowledge.faqs}.values())


def endings(faqs: Iterable[Faq], today: date, reviewers: Mapping[str, str] | None = None) -> list[Ending]:
    """Return the entries that have ended or will within thirty days, the most urgent first.

    `reviewers`: who approved the entry, by id; without one it is whom the file names.
    """
    found = [_ending(faq, today, (reviewers or {}).get(faq.id) or faq.reviewer) for faq in faqs]
    return in_order(one for one in found if one is not None)


def sop_endings(shelf: Shelf, today: date) -> list[Ending]:
    """Return the words of SOPs that have ended or will within thirty days, the most urgent first."""
    found = [
        _sop_ending(template, block, shelf.approver(template, block.id), today)
        for template in shelf.templates.values()
        for block in template.blocks.values()
    ]
    return in_order(one for one in found if one is not None)


def in_order(found: Iterable[Ending]) -> list[Ending]:
    """Return the most urgent first."""
    return sorted(found, key=lambda one: (_ORDER[one.kind], one.ends_on, one.key))


def _sop_ending(template: Template, block: ContentBlock, approver: str, today: date) -> Ending | None:
    days = (block.valid_until - today).days
    kind = EndKind.OVER if days < 0 else _within(days)
    if kind is None:
        return None
    return Ending(
        of="sop",
        key=sop_shelf.key_of(template.id, block),
        title=block.title or block.body.partition("\n")[0],
        line=None,
        file=block.file,
        lineno=block.lineno,
        reviewer=approver or block.reviewer,
        kind=kind,
        ends_on=block.valid_until,
        days=days,
        rule_ends=False,
    )


def _ending(faq: Faq, today: date, reviewer: str) -> Ending | None:
    ends = faq.next_end(today)
    days = (ends - today).days
    kind = _kind(faq, today, days)
    if kind is None:
        return None
    if kind is EndKind.LAPSED and faq.fact_valid_until is not None:
        ends = faq.fact_valid_until
        days = (ends - today).days
    return Ending(
        of="faq",
        key=faq.id,
        title=faq.question,
        line=faq.line,
        file=faq.file,
        lineno=faq.lineno,
        reviewer=reviewer,
        kind=kind,
        ends_on=ends,
        days=days,
        rule_ends=ends == faq.fact_valid_until,
    )


def _kind(faq: Faq, today: date, days: int) -> EndKind | None:
    if days < 0:
        return EndKind.OVER
    if faq.has_lapsed(today):
        return EndKind.LAPSED
    return _within(days)


def _within(days: int) -> EndKind | None:
    return next((kind for reach, kind in _REACH if days <= reach), None)


def unwritten(content: Content) -> list[Unwritten]:
    """Return the own texts that are still empty, those that most entries wait for first."""
    waiting: dict[str, list[Faq]] = {name: [] for name, own in content.own.items() if not own.text}
    for faq in content.faqs.values():
        for name in faq.missing_own:
            waiting.setdefault(name, []).append(faq)
    found = [
        Unwritten(own=content.own[name], faqs=tuple(faqs))
        for name, faqs in waiting.items()
        if name in content.own
    ]
    return sorted(found, key=lambda one: (-len(one.faqs), one.own.id))
