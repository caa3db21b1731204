"""SOP templates as JSON and back: what a running enrolment keeps, whatever becomes of the files.

Pure. Follows the records of domain/sop.py field by field, so that a new field needs nothing here. Where several kinds
of value may stand, the kind is written beside the value: `Day` and `Monthly` look alike, and so do a duration and a
text. A field that came after a template was frozen takes its default; one that is gone is left unread. So a new field
of a record needs a default as long as frozen templates without it may be running.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from domain.sop import ContentBlock, Template

# Raised when what stands in the JSON means something else; older forms then need a reader of their own.
FORM = 1
_BARE = (str, int, float, bool)
_MICROSECOND = timedelta(microseconds=1)


def dump(template: Template) -> dict[str, Any]:
    """Return a template as JSON values: {"form": 1, "template": {…}}."""
    return {"form": FORM, "template": _codec(Template).dump(template)}


def load(body: Mapping[str, Any]) -> Template:
    """Return the template that `dump` was given.

    About 5 ms for the largest shipped one (2026-11-22), so keep what you load. Raises ValueError for a body of another
    form, or that lacks what a template needs.
    """
    if body.get("form") != FORM:
        raise ValueError(f"frozen template of form {body.get('form')!r}; this program reads form {FORM}")
    template: Template = _codec(Template).load(body["template"])
    return template


def dump_block(block: ContentBlock) -> dict[str, Any]:
    """Return a block as JSON values."""
    dumped: dict[str, Any] = _codec(ContentBlock).dump(block)
    return dumped


def load_block(body: Mapping[str, Any]) -> ContentBlock:
    """Return the block that `dump_block` was given. Raises ValueError as `load` does."""
    block: ContentBlock = _codec(ContentBlock).load(body)
    return block


class _Codec(Protocol):
    """How values of one type are written and read."""

    def dump(self, value: Any) -> Any: ...

    def load(self, said: Any) -> Any: ...


@dataclass(frozen=True)
class _Plain:
    """A type that JSON has, or that is one text or number."""

    dump: Any
    load: Any


class _Record:
    """A dataclass, as an object of its fields."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    @functools.cached_property
    def _fields(self) -> list[tuple[str, _Codec, bool]]:
        """Name, codec and whether it may be missing; made late, because expressions hold expressions."""
        hints = typing.get_type_hints(self._kind)
        return [
            (
                one.name,
                _codec(hints[one.name]),
                one.default is not dataclasses.MISSING or one.default_factory is not dataclasses.MISSING,
            )
            for one in dataclasses.fields(self._kind)
        ]

    def dump(self, value: Any) -> dict[str, Any]:
        return {name: codec.dump(getattr(value, name)) for name, codec, _ in self._fields}

    def load(self, said: Mapping[str, Any]) -> Any:
        values = {}
        for name, codec, may_miss in self._fields:
            if name in said:
                values[name] = codec.load(said[name])
            elif not may_miss:
                raise ValueError(f"frozen {self._kind.__name__} without {name}; give the field a default")
        return self._kind(**values)


@dataclass(frozen=True)
class _Row:
    """A tuple or a frozenset of one type, as a list; a frozenset in order, so that equal ones are written alike."""

    made: type
    inner: _Codec

    def dump(self, value: Any) -> list[Any]:
        dump = self.inner.dump
        return [dump(one) for one in (value if self.made is tuple else sorted(value))]

    def load(self, said: list[Any]) -> Any:
        load = self.inner.load
        return self.made(load(one) for one in said)


@dataclass(frozen=True)
class _Pairs:
    """A mapping from texts, as a list of pairs: its order counts (the first rhythm is the default)."""

    inner: _Codec

    def dump(self, value: Mapping[str, Any]) -> list[list[Any]]:
        return [[key, self.inner.dump(one)] for key, one in value.items()]

    def load(self, said: list[list[Any]]) -> Mapping[str, Any]:
        return MappingProxyType({key: self.inner.load(one) for key, one in said})


@dataclass(frozen=True)
class _Maybe:
    """A type or None."""

    inner: _Codec

    def dump(self, value: Any) -> Any:
        return None if value is None else self.inner.dump(value)

    def load(self, said: Any) -> Any:
        return None if said is None else self.inner.load(said)


@dataclass(frozen=True)
class _Either:
    """One of several types: texts and numbers bare, everything else as {"is": name of the type, "of": value}."""

    kinds: Mapping[str, Any]

    def dump(self, value: Any) -> Any:
        if isinstance(value, _BARE):
            return value
        kind: Any = type(value)
        return {"is": kind.__name__, "of": _codec(kind).dump(value)}

    def load(self, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        kind = self.kinds.get(said["is"])
        if kind is None:
            raise ValueError(f"frozen value of an unknown kind {said['is']!r}")
        return _codec(kind).load(said["of"])


def _same(value: Any) -> Any:
    return value


_PLAIN: Mapping[type, _Codec] = {
    **{kind: _Plain(_same, _same) for kind in _BARE},
    date: _Plain(date.isoformat, date.fromisoformat),
    datetime: _Plain(datetime.isoformat, datetime.fromisoformat),
    time: _Plain(time.isoformat, time.fromisoformat),
    # Whole microseconds: seconds with a fraction would be rounded.
    timedelta: _Plain(lambda value: value // _MICROSECOND, lambda said: timedelta(microseconds=said)),
    ZoneInfo: _Plain(lambda value: value.key, ZoneInfo),
}


@functools.cache
def _codec(kind: Any) -> _Codec:
    """Return how values of a type are written; TypeError for a type that no record of a template may have."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _Plain(lambda value: value.value, kind)
    if dataclasses.is_dataclass(kind):
        return _Record(typing.cast(type, kind))
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (tuple, frozenset) and (origin is frozenset or inner[1:] == (...,)):
        return _Row(origin, _codec(inner[0]))
    if origin is Mapping and inner[0] is str:
        return _Pairs(_codec(inner[1]))
    if origin in (types.UnionType, typing.Union):
        return _union([one for one in inner if one is not types.NoneType], types.NoneType in inner)
    raise TypeError(f"cannot freeze values of {kind!r}")


def _union(kinds: list[Any], may_be_none: bool) -> _Codec:
    of_one: _Codec = _codec(kinds[0]) if len(kinds) == 1 else _Either({one.__name__: one for one in kinds})
    return _Maybe(of_one) if may_be_none else of_one
