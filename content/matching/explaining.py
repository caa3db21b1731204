"""Why an entry was found, in words a compliance officer understands."""

from __future__ import annotations

from content.matching import features, language
from content.matching.judging import Judged
from content.matching.ranking import Corpus
from content.matching.text import Asked
from domain.faq import Evidence

_MOST = 5  # Words listed in one sentence.
_EXPLAINED = 5  # Matches further down the list get the closest phrase only.


def reasons(corpus: Corpus, asked: Asked, judged: Judged, place: int, refused: bool) -> tuple[str, ...]:
    """Return Chinese sentences: what fits, what does not."""
    phrase = judged.phrases[place]
    said, view = corpus.texts[phrase], corpus.views[phrase]
    if judged.is_exact and place == 0:
        return (f"与问法“{said}”一致",)
    found = [f"最接近的问法：“{said}”"]
    if place >= _EXPLAINED:
        return tuple(found)
    if asked.changed:
        found.insert(0, "按读音改正：" + "、".join(_corrections(asked)[:_MOST]))
    hits = [word for word in corpus.keywords[judged.entries[place]] if word and word in asked.view.plain]
    if hits:
        found.append("命中关键词：" + "、".join(hits[:_MOST]))
    bag = corpus.bags[judged.entries[place]]
    telling = [word for word in asked.view.meanings if word not in language.FUNCTION_WORDS]
    shared, missing = [word for word in telling if word in bag], [word for word in telling if word not in bag]
    if shared:
        found.append("对上的意思：" + "、".join(shared[:_MOST]))
    if missing:
        found.append("没有对上的词：" + "、".join(missing[:_MOST]))
    row = judged.rows[place]
    if row[features.AT["elsewhere"]]:
        found.append("客户提到条目没有的事物，已降低把握")
    if row[features.AT["kind_differs"]]:
        found.append(f"问法不同：客户问“{_kinds(asked.view.kinds)}”，条目答“{_kinds(view.kinds)}”")
    if row[features.AT["cannot_differs"]] or row[features.AT["not_differs"]]:
        found.append("肯定与否定不一致，已降低把握")
    if row[features.AT["numbers_differ"]] and asked.view.numbers:
        found.append("数字不同：" + "、".join(sorted(asked.view.numbers)[:_MOST]))
    if judged.nearness is not None:
        found.append(f"意思相近程度 {max(0.0, judged.nearness[place]):.2f}")
    if refused:
        found.append("客户表示不要，已降低分数")
    return tuple(found)


def layers(corpus: Corpus, asked: Asked, judged: Judged, place: int) -> tuple[Evidence, ...]:
    """Return what each layer found, 0..1."""
    if place >= _EXPLAINED:
        return ()
    row, at = judged.rows[place], features.AT
    view = corpus.views[judged.phrases[place]]
    shared = [word for word in asked.view.words if word in view.words and word not in language.FUNCTION_WORDS]
    found = [
        Evidence(layer="words", score=_share(row[at["alike_words"]]), detail="、".join(shared[:_MOST])),
        Evidence(
            layer="synonyms", score=_share(row[at["alike_meanings"]]), detail=_synonyms(asked, view.words)
        ),
        Evidence(
            layer="letters",
            score=_share((row[at["alike_singles"]] + row[at["alike_pairs"]] + row[at["alike_triples"]]) / 3),
            detail="单字、双字、三字重合",
        ),
        Evidence(
            layer="pinyin",
            score=_share(row[at["alike_sounds"]]),
            detail="、".join(_corrections(asked)[:_MOST]),
        ),
        Evidence(layer="coverage", score=_share(row[at["known_entry"]]), detail="客户的话有多少是条目知道的"),
    ]
    if judged.nearness is not None:
        found.append(
            Evidence(layer="meaning", score=_share(judged.nearness[place]), detail="句意向量的接近程度")
        )
    return tuple(found)


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, float(value))), 3)


def _kinds(bits: int) -> str:
    return "、".join(name for place, (name, _) in enumerate(language.KINDS) if bits >> place & 1)


def _synonyms(asked: Asked, words: tuple[str, ...]) -> str:
    """Return pairs of different words with one meaning: "提早还＝提前还款"."""
    meant = {language.CLASSES.get(word): word for word in words if word in language.CLASSES}
    found = [
        f"{word}＝{meant[language.CLASSES[word]]}"
        for word in asked.view.words
        if language.CLASSES.get(word) in meant and meant[language.CLASSES[word]] != word
    ]
    return "、".join(found[:_MOST])


def _corrections(asked: Asked) -> list[str]:
    """Return the corrections, neighbouring ones joined: "shezhi→设置"."""
    found: list[tuple[str, str]] = []
    rest = asked.view.plain
    for typed, meant in asked.changed:
        if found and rest.startswith(meant):
            found[-1] = (found[-1][0] + typed, found[-1][1] + meant)
        else:
            found.append((typed, meant))
            rest = rest[max(0, rest.find(meant)) :]
        rest = rest[len(meant) :]
    return [f"{typed}→{meant}" for typed, meant in found]
