"""Word classes and gaps, the short forms in which wording rules are written, turned into regular expressions.

Pure. `{principal}` stands for a class of content/compliance/classes.toml, which may use classes before it. Gaps join
parts of one thought and never step over a negation, so that "验证码不要发给我" is not "验证码…发给我":

    {..}  {..4}    up to 6 (4) characters inside a clause
    {,,}  {,,9}    up to 14 (9) characters inside a sentence, commas included
    {**}  {**9}    up to 14 (9) characters inside a sentence, negations included
    A<>B           A and B in either order, {,,} between

A number in braces, as in `\\d{3}`, stays what it is in a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_SHORT = re.compile(r"\{(?P<gap>\.\.|,,|\*\*)(?P<most>\d*)\}|\{(?P<name>[a-z_]+)\}")
_NEGATION = (
    "不(?!过|管|论|仅|光|够|用担心|用管|用怕|同|少|错|足|好意思|得了)|没(?!事|问题|关系|准|门槛|的说)|无(?!论|须|需|忧)"
    "|未(?!来)|(?<![特个区分级类性])别(?!人|的|家|担心|怕)|勿|莫"
)
_INSIDE = {"..": r"[^,。!?;:\n]", ",,": r"[^。!?\n]", "**": r"[^。!?\n]"}
_MOST = {"..": 6, ",,": 14, "**": 14}


GAP = "\uf8ff"  # What a gap is in an outline.


class UnknownClass(KeyError):
    """A pattern names a class that classes.toml does not have."""


@dataclass(frozen=True, kw_only=True)
class WordClass:
    """A class of words: its expression, and the one private character that stands for it in outlines."""

    expression: str
    mark: str


def expanded(source: str, classes: Mapping[str, WordClass]) -> str:
    """Return the regular expression of a pattern. `classes`: by name. Raises UnknownClass."""
    return _written(source, lambda name: f"(?:{_found(classes, name).expression})", _gap)


def outline(source: str, classes: Mapping[str, WordClass]) -> str:
    """Return the regular expression with a mark in place of every class and gap, short to parse."""
    return _written(source, lambda name: _found(classes, name).mark, lambda kind, most: GAP)


def _written(source: str, named: Callable[[str], str], gap: Callable[[str, str], str]) -> str:
    first, both, second = source.partition("<>")
    if both:
        left, right = _written(first, named, gap), _written(second, named, gap)
        between = gap(",,", "")
        return f"(?:{left}){between}(?:{right})|(?:{right}){between}(?:{left})"
    return _SHORT.sub(
        lambda found: gap(found["gap"], found["most"]) if found["gap"] else named(found["name"]), source
    )


def _found(classes: Mapping[str, WordClass], name: str) -> WordClass:
    if name not in classes:
        raise UnknownClass(name)
    return classes[name]


def _gap(kind: str, most: str) -> str:
    limit = int(most) if most else _MOST[kind]
    if kind == "**":
        return f"{_INSIDE[kind]}{{0,{limit}}}?"
    return f"(?:(?!{_NEGATION}){_INSIDE[kind]}){{0,{limit}}}?"
