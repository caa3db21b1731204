"""Which turns of a customer need a reply: everything but a pure closing (好的、谢谢、表情、撤回).

Pure. The words are content/audit/closings.toml; without this filter timers alarm on every "谢谢" (quality_audit.md §1).
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from importlib import resources

from content import normalising
from domain.audit import Said

# Longer texts are never a pure closing; most are decided by this alone.
_LONGEST = 24
_LONGEST_WORD = 10


@dataclass(frozen=True, kw_only=True)
class Closings:
    """What closes. `no_answer`: decisions of the bot after which the customer still waits for a person."""

    words: frozenset[str]
    beside: frozenset[str]
    expressions: re.Pattern[str]
    asks: tuple[str, ...]
    quiet_kinds: frozenset[str]
    no_answer: frozenset[str]

    def asks_nothing(self, said: Said) -> bool:
        """Say whether a customer's message by itself asks for no reply."""
        if said.is_recalled or said.kind in self.quiet_kinds:
            return True
        if said.kind != "text" or not said.is_seen:
            # A picture or a voice may be a question, and so may words nobody could read.
            return False
        return self.is_closing(said.text)

    def is_closing(self, text: str) -> bool:
        """Say whether a text is closing words alone; an empty one is not."""
        return len(text) <= 4 * _LONGEST and _is_closing(self, text)


@functools.cache
def load() -> Closings:
    """Return the shipped list. Raises KeyError for a missing section."""
    text = resources.files("content").joinpath("audit/closings.toml").read_text("utf-8")
    lists = tomllib.loads(text)
    expressions = "|".join(map(re.escape, lists["expressions"]))
    return Closings(
        words=frozenset(_plain(word) for word in lists["words"]),
        beside=frozenset(_plain(word) for word in lists["beside"]),
        expressions=re.compile(rf"\[(?:{expressions})\]"),
        asks=tuple(lists["asks"]),
        quiet_kinds=frozenset(lists["quiet_kinds"]),
        no_answer=frozenset(lists["no_answer"]),
    )


@functools.lru_cache(8192)
def _is_closing(closings: Closings, text: str) -> bool:
    if not text.strip():
        return False
    bare = closings.expressions.sub("", normalising.folded(text))
    plain = _plain(bare)
    if any(sign in bare for sign in ("?", "\N{FULLWIDTH QUESTION MARK}")):
        return False
    if not plain:
        return True  # Signs, emoji and expressions only.
    if len(plain) > _LONGEST:
        return False
    return not any(ask in plain for ask in closings.asks) and _consists_of(closings, plain)


def _consists_of(closings: Closings, plain: str) -> bool:
    """Say whether a text can be read as words of the lists in a row, with one that may stand alone among them."""
    # Where a reading may have come to, and whether a word that may stand alone was in it.
    reached = {(0, False)}
    for start in range(len(plain)):
        for has_word in (False, True):
            if (start, has_word) not in reached:
                continue
            for end in range(start + 1, min(start + _LONGEST_WORD, len(plain)) + 1):
                part = plain[start:end]
                if part in closings.words:
                    reached.add((end, True))
                elif part in closings.beside:
                    reached.add((end, has_word))
    return (len(plain), True) in reached


def _plain(text: str) -> str:
    return normalising.normalise(text).replace(" ", "")
