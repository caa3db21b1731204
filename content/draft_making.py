"""Drafts that begin with something: questions nobody answers well, an advisor's own words, the text that is served.

Pure. What is filled in is a proposal; the editor sees and changes everything before it is stored. Numbers of people are
masked, and a wording in which one stood is left out, so that no customer gets into an entry.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any

from content import draft_files, faq_files, grouping, normalising, pii, quick_files, segmentation
from content.draft_files import Record
from content.grouping import Group
from content.knowledge import Knowledge
from domain.draft import DraftKind
from domain.faq import Faq, Line, Scope

_HIDDEN = "***"
_MOST_ASKS = 12
_MOST_KEYWORDS = 4
_RENEWED_BELOW = timedelta(days=30)
_HAN = re.compile(r"^[\u4e00-\u9fff]{2,}$")
_LONGEST_NAME = 24
# Words of questions that say nothing about their subject.
_EMPTY_WORDS = frozenset(
    {
        "多少",
        "怎么",
        "什么",
        "可以",
        "如何",
        "为什么",
        "能不能",
        "不能",
        "可不可以",
        "怎么办",
        "多久",
        "一下",
        "你们",
        "我们",
    }
)


def from_gap(group: Group, knowledge: Knowledge, *, taken: Collection[str] = ()) -> dict[str, Any]:
    """Return a new entry for questions that no entry answers well. `taken`: names of texts that exist."""
    near = knowledge.faqs.get(group.nearest)
    said = _usable(group.wordings or group.examples)
    question = said[0] if said else ""
    line = near.line if near else _likely_line(question, knowledge)
    keywords = _keywords(said)
    answer = pii.mask(group.answers[0].text) if group.answers else ""
    body = {
        "id": _free_id(line, keywords or said[:1], {*taken, *knowledge.faqs, *knowledge.content.faqs}),
        "line": str(line),
        "scope": str(near.scope if near else Scope.PRODUCT),
        "question": question,
        "asks": list(said[1 : 1 + _MOST_ASKS]),
        "keywords": keywords,
        "answer": answer,
        "short": answer if len(answer.encode()) <= faq_files.LIMIT_SHORT_BYTES else "",
        "risk_lines": list(near.risk_lines if near else _usual_risk_lines(line, knowledge)),
        "handover": [str(code) for code in near.handover] if near else [],
        **_validity(knowledge.today),
    }
    return draft_files.canonical(DraftKind.FAQ, body)


def with_more_asks(faq: Faq, group: Group, knowledge: Knowledge) -> dict[str, Any]:
    """Return an entry that knows the wordings of a group as well, those left out that any entry has already."""
    known = {_plain(one) for each in knowledge.faqs.values() for one in (each.question, *each.asks)}
    more = [one for one in _usable(group.wordings or group.examples) if _plain(one) not in known][:_MOST_ASKS]
    body = from_served(faq, knowledge.today)
    return draft_files.canonical(DraftKind.FAQ, {**body, "asks": [*body.get("asks", []), *more]})


def from_wording(text: str, asked: str, line: Line | None, knowledge: Knowledge) -> dict[str, Any]:
    """Return a quick phrase of an advisor's own words."""
    said = _usable([asked])
    of = line or _likely_line(asked or text, knowledge)
    title = (said[0] if said else text.split("\n")[0])[: quick_files.LIMIT_TITLE_BYTES // 3]
    keywords = _keywords(said or [text])
    body = {
        "id": _free_id(of, keywords or [title], {*knowledge.quick, *knowledge.content.quick}),
        "line": str(of),
        "scope": str(Scope.GENERAL),
        "title": title,
        "text": pii.mask(text),
        "asks": list(said),
        "keywords": keywords,
        "risk_lines": list(_usual_risk_lines(of, knowledge)),
        **_validity(knowledge.today),
    }
    return draft_files.canonical(DraftKind.QUICK, body)


def from_served(record: Record, today: date) -> dict[str, Any]:
    """Return the body of a text that is served, its time renewed when less than thirty days are left."""
    body = draft_files.body_of(record)
    ends = body.get("valid_until", "")
    if ends and date.fromisoformat(ends) - today < _RENEWED_BELOW:
        body |= _validity(today)
    return body


def empty(kind: DraftKind, knowledge: Knowledge) -> dict[str, Any]:
    """Return the body of a new text."""
    dates = {} if kind is DraftKind.REPLY else _validity(knowledge.today)
    return {"line": str(Line.LOAN), "scope": str(Scope.PRODUCT), **dates} if dates else {}


def _validity(today: date) -> dict[str, str]:
    return {
        "valid_from": today.isoformat(),
        "valid_until": (today + faq_files.LONGEST_VALIDITY).isoformat(),
    }


def _usable(texts: Sequence[str]) -> list[str]:
    """Return wordings in which nobody could be recognised, in one line each, without repetitions."""
    kept: dict[str, str] = {}
    for text in texts:
        line = " ".join(text.split())
        if line and _HIDDEN not in line and not pii.find_pii(line):
            kept.setdefault(_plain(line), line[:100])
    return list(kept.values())


def _plain(text: str) -> str:
    return normalising.normalise(text).replace(" ", "")


def _likely_line(text: str, knowledge: Knowledge) -> Line:
    for match in knowledge.matcher.match(text) if text else ():
        if match.faq_id in knowledge.faqs:
            return knowledge.faqs[match.faq_id].line
    return Line.SERVICE


def _usual_risk_lines(line: Line, knowledge: Knowledge) -> tuple[str, ...]:
    """Return the risk lines that most entries of a line carry."""
    sets = Counter(faq.risk_lines for faq in knowledge.faqs.values() if faq.line is line)
    return sets.most_common(1)[0][0] if sets else ()


def _keywords(said: Sequence[str]) -> list[str]:
    """Return the words that most wordings have, the longest first."""
    if not said:
        return []
    words = Counter(
        word for text in said for word in set(segmentation.tokens(grouping.core_of(text))) if _HAN.match(word)
    )
    need = max(1, len(said) // 3)
    found = [word for word, count in words.items() if count >= need and word not in _EMPTY_WORDS]
    return sorted(found, key=lambda word: (-words[word], -len(word), word))[:_MOST_KEYWORDS]


def _free_id(line: Line, words: Sequence[str], taken: Collection[str]) -> str:
    name = spelling(words[0] if words else "")[:_LONGEST_NAME].strip("_") or "new"
    found = f"{line}.{name}"
    number = 2
    while found in taken:
        found = f"{line}.{name}_{number}"
        number += 1
    return found


def spelling(text: str) -> str:
    """Return Chinese words as they are spelt in Latin letters, what is neither letter nor digit left out."""
    from pypinyin import Style, lazy_pinyin

    spelt = lazy_pinyin(text, style=Style.NORMAL, errors=lambda part: part)
    return re.sub(r"[^a-z0-9_]", "", "".join(spelt).lower().replace("ü", "v"))
