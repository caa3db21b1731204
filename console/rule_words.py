"""What a finding's rule says, in plain words, with law and version. Pure; the words are content/."""

from __future__ import annotations

from dataclasses import dataclass

from content.loading import Content


@dataclass(frozen=True, kw_only=True)
class RuleTold:
    """A rule as people read it. `law`: "" where none stands behind it; `item`: the question of the scorecard."""

    name: str
    text: str
    law: str
    item: str
    rule_id: str
    version: str


def told(content: Content, *, label: str, rule_id: str, rule_version: str, note: str, item: str) -> RuleTold:
    """Return the words of a finding's rule; a rule that is gone since is told by the finding's own note."""
    rule = next((one for one in content.rules.rules if one.id == rule_id), None)
    asked = content.rubric.find_item(item) if item else None
    return RuleTold(
        name=content.rubric.label_name(label, item),
        text=rule.message if rule else note,
        law=rule.law if rule else "",
        item=f"{asked.id} {asked.question}" if asked else "",
        rule_id=rule_id,
        version=rule_version,
    )
