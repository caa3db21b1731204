"""Words of a Chinese text, by jieba, or by rjieba where it is installed.

Loading a dictionary takes 0.6 s, so `prepare` is called in a thread at start; until it is done, `tokens` cuts
into pairs of characters. The current segmenter is replaced as a whole, never changed while others read it:
rjieba refuses a word added during a cut.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

Cut = Callable[[str], list[str]]


@dataclass(frozen=True, kw_only=True)
class Segmenter:
    """A way to cut. `name`: "pairs", "jieba" or "rjieba"."""

    name: str
    cut: Cut


def _pairs(text: str) -> list[str]:
    return [text[at : at + 2] for at in range(0, len(text), 2)]


_current = Segmenter(name="pairs", cut=_pairs)
_is_taken = False


def current() -> Segmenter:
    """Return the segmenter in use; a different object after `prepare`, so an index knows to rebuild."""
    return _current


def tokens(text: str) -> list[str]:
    """Return the words of a text in order, without spaces; joined they give the text back."""
    return [word for part in _current.cut(text) for word in part.split()]


def prepare(data_folder: Path, words: Iterable[str]) -> Segmenter:
    """Load the best segmenter at hand with our own words, put it in use and return it.

    `data_folder`: where jieba keeps its cache; never the shared temporary folder, from which it would load
    whatever lies there. Blocks for up to a second; call it in a thread.
    """
    global _current
    own = tuple(words)
    _current = _rjieba(own) or _jieba(data_folder, own)
    return _current


def load_jieba(data_folder: Path, words: Iterable[str]) -> Segmenter:
    """Return a jieba segmenter without putting it in use."""
    return _jieba(data_folder, tuple(words))


def load_rjieba(words: Iterable[str]) -> Segmenter | None:
    """Return an rjieba segmenter without putting it in use, None when it is not installed."""
    return _rjieba(tuple(words))


def _jieba(data_folder: Path, words: tuple[str, ...]) -> Segmenter:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    data_folder.mkdir(parents=True, exist_ok=True)
    tokenizer = jieba.Tokenizer()
    tokenizer.tmp_dir = str(data_folder)
    tokenizer.cache_file = "jieba.cache"
    tokenizer.initialize()
    for word in words:
        tokenizer.add_word(word)
    return Segmenter(name="jieba", cut=tokenizer.lcut)


def _rjieba(words: tuple[str, ...]) -> Segmenter | None:
    try:
        import rjieba
    except ImportError:
        return None
    # Importing the package loads one dictionary (29 MB), so the first who asks gets that one; whoever comes later,
    # while others read, gets one of his own.
    global _is_taken
    tokenizer = rjieba.Jieba() if _is_taken else rjieba
    _is_taken = True
    for word in words:
        tokenizer.add_word(word, None, None)
    return Segmenter(name="rjieba", cut=tokenizer.cut)
