"""Which groups begin a template by themselves, as written in content/sop/enrol.toml.

Pure. `find` says which rule a group falls under; whether it may begin now (it has no other template, its owner has no
two openings that day) is decided by whoever enrols it. A file that is missing, or without rules, enrols nobody.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from content import sop_tables, tables
from domain.sop import Template

FILE = "enrol.toml"
RULE_KEYS = frozenset(
    [
        "id",
        "template",
        "rhythm",
        "owners",
        "name_pattern",
        "tag",
        "join_state",
        "min_size",
        "max_size",
        "opens_after_days",
    ]
)
# What picks some groups among all; a rule with none of them would enrol every group of the company.
_PICKS = ("owners", "name_pattern", "tag", "join_state", "min_size", "max_size")
_MOST_MEMBERS = 500  # A customer group holds no more (WeCom doc 92122).
_DEFAULT_DAYS = 3  # The first week begins its preparation on D-3.
_MOST_DAYS = 60


@dataclass(frozen=True, kw_only=True)
class EnrolmentRule:
    """A rule; a group has to meet all it says. Empty texts and lists, and None, say nothing.

    `rhythm`: "" for the template's default. `name_pattern`: a regular expression found anywhere in the group's name.
    `min_size`, `max_size`: customers in the group, both inclusive. `opens_after_days`: from the enrolment to the
    opening day, which may still move to a day on.
    """

    id: str
    template: str
    rhythm: str
    owners: tuple[str, ...]
    name_pattern: str
    tag: str
    join_state: str
    min_size: int
    max_size: int | None
    opens_after_days: int
    file: str
    lineno: int


@dataclass(frozen=True, kw_only=True)
class GroupFacts:
    """What rules ask about a group.

    `owner`: UserID. `tags`: see `common_tags`. `join_states`: the `state` of the ways at least one member joined by.
    `size`: customers in the group, without staff.
    """

    owner: str
    name: str
    tags: frozenset[str]
    join_states: frozenset[str]
    size: int


def find(rules: Sequence[EnrolmentRule], group: GroupFacts) -> EnrolmentRule | None:
    """Return the first rule, in the order of the file, that the group meets."""
    return next((rule for rule in rules if _meets(rule, group)), None)


def may_meet(rules: Sequence[EnrolmentRule], owner: str, name: str) -> list[EnrolmentRule]:
    """Return the rules that a group with this owner and name may meet, whoever is in it."""
    return [rule for rule in rules if _is_named(rule, owner, name)]


def asks_people(rule: EnrolmentRule) -> bool:
    """Say whether the rule asks who is in a group, or how many."""
    return bool(rule.tag or rule.join_state or rule.min_size or rule.max_size is not None)


def owners_of(rules: Sequence[EnrolmentRule]) -> frozenset[str] | None:
    """Return whose groups the rules mean; None when one of them means everybody's."""
    named = [rule.owners for rule in rules]
    return frozenset(owner for owners in named for owner in owners) if all(named) else None


def common_tags(tags_of_each: Iterable[Collection[str]]) -> frozenset[str]:
    """Return the tags that at least half of a group's customers carry; groups have no tags of their own."""
    each = [set(tags) for tags in tags_of_each]
    counts = Counter(tag for tags in each for tag in tags)
    return frozenset(tag for tag, count in counts.items() if count * 2 >= len(each))


def parse_rules(
    found: Sequence[tables.Table], templates: Mapping[str, Template], names: Collection[str]
) -> tuple[EnrolmentRule, ...]:
    """Return the rules of the file; what is wrong with them is noted.

    `templates`: those that can be used; `names`: all there are, broken ones included.
    """
    seen: dict[str, tables.Table] = {}
    rules = []
    for table in found:
        rule = _parse(table)
        first = seen.setdefault(rule.id, table)
        if first is not table and rule.id:
            table.wrong(
                f"is there twice, first at line {first.lineno}; rename or remove one",
                "id",
                f"重复了，前一个在第 {first.lineno} 行，请改一个",
            )
        _check_template(table, rule, templates, names)
        rules.append(rule)
    return tuple(rules)


def _meets(rule: EnrolmentRule, group: GroupFacts) -> bool:
    return (
        _is_named(rule, group.owner, group.name)
        and (not rule.tag or rule.tag in group.tags)
        and (not rule.join_state or rule.join_state in group.join_states)
        and rule.min_size <= group.size
        and (rule.max_size is None or group.size <= rule.max_size)
    )


def _is_named(rule: EnrolmentRule, owner: str, name: str) -> bool:
    return (not rule.owners or owner in rule.owners) and (
        not rule.name_pattern or re.search(rule.name_pattern, name) is not None
    )


def _parse(table: tables.Table) -> EnrolmentRule:
    table.check_keys(RULE_KEYS)
    if not any(key in table.values for key in _PICKS):
        table.wrong(
            f"would enrol every group; say which ones with {', '.join(_PICKS)}",
            "id",
            f"会把每个群都放进流程，请用 {'、'.join(_PICKS)} 里至少一项说明是哪些群",
        )
    most = sop_tables.number(table, "max_size", 0, least=1) if "max_size" in table.values else None
    rule = EnrolmentRule(
        id=table.text("id"),
        template=table.text("template"),
        rhythm=table.text("rhythm", optional=True),
        owners=table.texts("owners"),
        name_pattern=table.text("name_pattern", optional=True),
        tag=table.text("tag", optional=True),
        join_state=table.text("join_state", optional=True),
        min_size=sop_tables.number(table, "min_size", 0),
        max_size=most,
        opens_after_days=sop_tables.number(table, "opens_after_days", _DEFAULT_DAYS),
        file=table.file,
        lineno=table.lineno,
    )
    _check_pattern(table, rule.name_pattern)
    _check_sizes(table, rule)
    return rule


def _check_pattern(table: tables.Table, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        table.wrong(
            f"has a name_pattern that is no regular expression ({error})",
            "name_pattern",
            "的 name_pattern 不是正确的正则表达式；只写群名里的几个字也可以",
        )


def _check_sizes(table: tables.Table, rule: EnrolmentRule) -> None:
    if rule.max_size is not None and rule.max_size < rule.min_size:
        table.wrong(
            f"has max_size {rule.max_size} below min_size {rule.min_size}; no group fits",
            "max_size",
            f"的 max_size {rule.max_size} 小于 min_size {rule.min_size}，没有群会符合",
        )
    if rule.min_size > _MOST_MEMBERS:
        table.wrong(
            f"has min_size {rule.min_size}; a group holds at most {_MOST_MEMBERS}",
            "min_size",
            f"的 min_size {rule.min_size} 太大，一个群最多 {_MOST_MEMBERS} 人",
        )
    if rule.opens_after_days > _MOST_DAYS:
        table.wrong(
            f"opens after {rule.opens_after_days} days; write at most {_MOST_DAYS}",
            "opens_after_days",
            f"的 opens_after_days 是 {rule.opens_after_days} 天，最多写 {_MOST_DAYS}",
        )


def _check_template(
    table: tables.Table, rule: EnrolmentRule, templates: Mapping[str, Template], names: Collection[str]
) -> None:
    """Note a template or rhythm that is not there; one of a template with mistakes cannot be checked."""
    template = templates.get(rule.template)
    if rule.template and rule.template not in names:
        hint = tables.nearest(rule.template, names)
        table.wrong(
            f"names an unknown template {rule.template!r}{hint}", "template", f"的流程 {rule.template} 不存在"
        )
    elif template is not None and rule.rhythm and rule.rhythm not in template.rhythms:
        hint = tables.nearest(rule.rhythm, template.rhythms)
        table.wrong(
            f"has an unknown rhythm {rule.rhythm!r}{hint}",
            "rhythm",
            f"的节奏 {rule.rhythm} 不存在，{rule.template} 有 {'、'.join(template.rhythms)}",
        )
