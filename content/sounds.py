"""How characters sound, without tone and without the differences southern speakers do not make.

Pure. For the wording check, which compares the sound of a window with the sound of the words it looks for
(compliance.md §3.6). zh/z, ch/c, sh/s, -ing/-in and -eng/-en count as one, as slips of the ear and of typing do.
Each sound is one private character, so that a text of sounds is as long as the text.
"""

from __future__ import annotations

import functools
import re
import unicodedata

_FIRST = 0xE000  # Private Use Area; 400 sounds.
_HAN = range(0x4E00, 0xA000)


def folded_sound(syllable: str) -> str:
    """Return a syllable in the folded spelling: "zhèng" and "zheng" as "zen"."""
    letters = unicodedata.normalize("NFD", syllable.lower())
    bare = "".join("v" if part == "ü" else part for part in letters if not unicodedata.combining(part))
    for wide, narrow in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        if bare.startswith(wide):
            bare = narrow + bare[2:]
    return re.sub(r"(?<=[ie])ng$", "n", bare)


@functools.cache
def _syllables() -> tuple[dict[int, str], dict[str, str]]:
    """Return (code point → sound, spelling → sound); every spelling as typed, with zh and ng too."""
    from pypinyin import pinyin_dict

    sounds: dict[str, str] = {}
    by_letter: dict[int, str] = {}
    by_spelling: dict[str, str] = {}
    readings: dict[int, str] = pinyin_dict.pinyin_dict
    for code in _HAN:
        first = readings.get(code, "").split(",")[0]
        if not first:
            continue
        key = folded_sound(first)
        sound = sounds.setdefault(key, chr(_FIRST + len(sounds)))
        by_letter[code] = sound
        typed = "".join(
            part
            for part in unicodedata.normalize("NFD", first.replace("ü", "v"))
            if not unicodedata.combining(part)
        )
        by_spelling[typed] = sound
    return by_letter, by_spelling


def sounds_of(text: str) -> str:
    """Return the text with each Han character replaced by its sound; same length."""
    return text.translate(_syllables()[0])


@functools.cache
def initial(letter: str) -> str:
    """Return the first Latin letter of how a Han character is spelt, "" for anything else."""
    sound = _syllables()[0].get(ord(letter))
    spellings = (spelling for spelling, known in _syllables()[1].items() if known == sound)
    return next((spelling[0] for spelling in spellings), "") if sound else ""


@functools.cache
def spelt(letters: str) -> tuple[tuple[str, int], ...]:
    """Return the syllables a run of Latin letters spells, as (sound, letters of it), () when it spells none.

    The split with the fewest syllables is taken: "xian" is one.
    """
    known = _syllables()[1]
    best: list[tuple[tuple[str, int], ...] | None] = [()] + [None] * len(letters)
    for end in range(1, len(letters) + 1):
        for start in range(max(0, end - 6), end):
            before = best[start]
            sound = known.get(letters[start:end])
            if before is None or sound is None:
                continue
            found = (*before, (sound, end - start))
            held = best[end]
            if held is None or len(found) < len(held):
                best[end] = found
    return best[-1] or ()
