"""Disguised writing made from plain violations, form by form (compliance.md §3).

Pure, seeded. The disguised words are the ordinary words (by jieba) inside the stretch that a rule found, not the
check's own list of terms. Split and look-alike characters come from content/compliance/shapes.toml, the only table at
hand; homophones, pinyin and the rest are made here from pypinyin and OpenCC.
"""

from __future__ import annotations

import functools
import random
import tomllib
from collections.abc import Callable
from pathlib import Path

import jieba
import pypinyin
from opencc import OpenCC

SHAPES = Path(__file__).resolve().parents[1] / "content" / "compliance" / "shapes.toml"
_SYMBOLS = "*·.-_|/~^#+=•、"
_EMOJI = "🌟🔥💥👍✨🎈🌹⭐🍀🎉"
_HIDDEN = "\u200b\u200c\u200d\u2060\ufeff"

Form = Callable[[str, random.Random], str]


def disguised(text: str, span: tuple[int, int], form: Form, dice: random.Random) -> str:
    """Return a text with the words inside `span` in disguise; the text itself when the form has nothing to change."""
    stretch = text[span[0] : span[1]]
    words = jieba.lcut(stretch)
    changed = [form(word, dice) if _is_han(word) and len(word) > 1 else word for word in words]
    if changed == words:  # Only single characters: disguise the stretch as one word.
        changed = [form(stretch, dice)]
    return text[: span[0]] + "".join(changed) + text[span[1] :]


def spaced(word: str, dice: random.Random) -> str:
    return dice.choice(" \u3000").join(word)


def marked(word: str, dice: random.Random) -> str:
    return dice.choice(_SYMBOLS).join(word)


def with_emoji(word: str, dice: random.Random) -> str:
    return dice.choice(_EMOJI).join(word)


def hidden(word: str, dice: random.Random) -> str:
    return dice.choice(_HIDDEN).join(word)


def bracketed(word: str, dice: random.Random) -> str:
    left, right = dice.choice(["【】", "()", "「」", "[]"])
    return "".join(f"{left}{letter}{right}" for letter in word)


@functools.cache
def _traditional() -> OpenCC:
    return OpenCC("s2t")


def traditional(word: str, dice: random.Random) -> str:
    return str(_traditional().convert(word))


def doubled(word: str, dice: random.Random) -> str:
    return "".join(letter * 2 for letter in word)


def noisy(word: str, dice: random.Random) -> str:
    return dice.choice("abcdefghkmnprstwxyz123").join(word)


def split(word: str, dice: random.Random) -> str:
    return _one_changed(word, dice, lambda letter: list(_shapes().get(letter, {}).get("halves", [])))


def look_alike(word: str, dice: random.Random) -> str:
    return _one_changed(word, dice, lambda letter: list(_shapes().get(letter, {}).get("alike", "")))


def homophone(word: str, dice: random.Random) -> str:
    return _one_changed(word, dice, lambda letter: [one for one in _same_sound(letter) if one != letter])


def pinyin(word: str, dice: random.Random) -> str:
    return _one_changed(word, dice, lambda letter: pypinyin.lazy_pinyin(letter))


def whole_pinyin(word: str, dice: random.Random) -> str:
    return "".join(pypinyin.lazy_pinyin(word))


def initial(word: str, dice: random.Random) -> str:
    return _one_changed(word, dice, lambda letter: [pypinyin.lazy_pinyin(letter)[0][0]])


def backwards(word: str, dice: random.Random) -> str:
    return word[::-1]


FORMS: dict[str, Form] = {
    "space": spaced,
    "symbol": marked,
    "emoji": with_emoji,
    "zero width": hidden,
    "brackets": bracketed,
    "traditional": traditional,
    "doubled": doubled,
    "noise": noisy,
    "split": split,
    "look-alike": look_alike,
    "homophone": homophone,
    "pinyin of one": pinyin,
    "pinyin of all": whole_pinyin,
    "initial": initial,
    "reversed": backwards,
}


def _one_changed(word: str, dice: random.Random, others: Callable[[str], list[str]]) -> str:
    places = [place for place, letter in enumerate(word) if others(letter)]
    if not places:
        return word
    place = dice.choice(places)
    return word[:place] + dice.choice(others(word[place])) + word[place + 1 :]


def _is_han(word: str) -> bool:
    return all("\u4e00" <= letter <= "\u9fff" for letter in word)


@functools.cache
def _shapes() -> dict[str, dict[str, list[str]]]:
    return {table["id"]: table for table in tomllib.loads(SHAPES.read_text("utf-8"))["shape"]}


@functools.cache
def _same_sound(letter: str) -> tuple[str, ...]:
    """Return common characters with the same sound, tone aside: those in at least 200 uses of jieba's dictionary."""
    wanted = pypinyin.lazy_pinyin(letter)
    return tuple(one for one in _common_letters() if pypinyin.lazy_pinyin(one) == wanted)


@functools.cache
def _common_letters() -> tuple[str, ...]:
    uses: dict[str, int] = {}
    for line in (Path(jieba.__file__).parent / "dict.txt").read_text("utf-8").splitlines():
        word, times, _ = line.split(" ", 2)
        for one in word:
            uses[one] = uses.get(one, 0) + int(times)
    return tuple(one for one, times in uses.items() if times >= 200 and _is_han(one))
