"""The no-sale guard: in a group's first week nothing is sold, whatever the wording rules allow (sop.md §2).

Pure. What counts as selling is data in content/sop/no_sale.toml: product links, promises of yield, limit or approval,
coupons. It finds what the system sends; what people type by hand it can only find where messages are archived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from content import patterns, tables, views
from domain.sop import ContentBlock

KEYS = frozenset(["id", "message", "patterns", "unless", "must_match", "must_not_match"])


@dataclass(frozen=True, kw_only=True)
class SaleRule:
    """One thing that counts as selling."""

    id: str
    message: str
    wanted: patterns.Patterns


def parse_rules(found: Sequence[tables.Table]) -> tuple[SaleRule, ...]:
    """Return the rules; examples that do not come out as written are noted."""
    return tuple(_parse_rule(table) for table in found)


def sales_words(rules: Sequence[SaleRule], text: str) -> list[SaleRule]:
    """Return the rules that a text breaks, empty when it sells nothing."""
    seen = views.views_of(text)
    return [rule for rule in rules if any(rule.wanted.spans(view.text) for view in seen)]


def words_of(block: ContentBlock) -> str:
    """Return everything a reader of the block sees, addresses of its links included."""
    parts = [block.title, block.body]
    for attachment in block.attachments:
        parts += [attachment.title, attachment.desc, attachment.url]
    return "\n".join(part for part in parts if part)


def _parse_rule(table: tables.Table) -> SaleRule:
    table.check_keys(KEYS)
    rule = SaleRule(id=table.text("id"), message=table.text("message"), wanted=patterns.parse_patterns(table))
    for text in table.texts("must_match", at_least=1):
        if not sales_words([rule], text):
            table.wrong(
                f"does not match its example {text!r}; mend patterns",
                "must_match",
                f"没有查出例句“{text}”，请改 patterns",
            )
    for text in table.texts("must_not_match", at_least=1):
        if sales_words([rule], text):
            table.wrong(
                f"matches {text!r}, which it must not; mend patterns or unless",
                "must_not_match",
                f"误查了例句“{text}”，请改 patterns 或 unless",
            )
    return rule
