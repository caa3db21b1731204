"""What is wrong with a text of the console's editor, by its field, and what it says as customers would read it.

Pure. The checks are those of the files (content/faq_files.py, quick_files.py, reply_files.py, consistency.py), so that
nothing gets past them by being written in a browser; beyond them stands what only a person can weigh: words a customer
could be recognised by, entries that ask the same, an end that is near. About 10 ms for an entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

from content import consistency, draft_files, faq_files, own_files, pii, quick_files, reply_files, tables
from content.draft_files import Body, Record
from content.knowledge import Knowledge
from domain.compliance import Problem, Speaker
from domain.draft import DraftKind
from domain.faq import Faq, Match
from domain.quick import QuickPhrase
from domain.replies import FixedReply

EDITOR = "editor"  # The "file" of a text that was written in the console.
_PENDING = "pending"  # Stands for the reviewer until there is one.
_ALIKE = 0.3  # Confidence from which an entry may be asking the same.
_SIMILAR = 3
_SOON = timedelta(days=30)
_HIDDEN = "******"  # What numbers of people are replaced with in questions (console/unanswered_page.py).


class Doubt(StrEnum):
    """What somebody should look at before a text is handed in; it may be right all the same."""

    ENDS_SOON = "ends_soon"  # Its last day is less than thirty days away.
    OVER = "over"  # Its last day has passed.
    NOT_YET = "not_yet"  # It is not valid today.
    PERSONAL = "personal"  # A number, name or address by which somebody could be recognised.
    ALIKE = "alike"  # An entry that answers the same question.
    NO_CHANGE = "no_change"  # It says what is served already.
    OWN_MISSING = "own_missing"  # The company's own words it needs are not written yet.


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """Something that keeps a text from being handed in. `is_missing`: the field is empty. `text`: Chinese."""

    field: str
    text: str
    is_missing: bool = False


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Something to look at. `detail`: what it is about, e.g. the words found."""

    doubt: Doubt
    field: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How long a part is, in bytes of UTF-8, and how long it may be."""

    field: str
    bytes: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Everything about one body.

    `record`: the text as it would be served, None where a mistake leaves none. `preview`: what a customer reads, risk
    lines below. `problems`: what the wording check says of it, by field; those that block are among the mistakes too.
    """

    record: Record | None
    mistakes: tuple[Mistake, ...]
    remarks: tuple[Remark, ...]
    sizes: tuple[Size, ...]
    problems: tuple[tuple[str, Problem], ...]
    similar: tuple[Match, ...]
    preview: str

    @property
    def is_right(self) -> bool:
        """Say whether it may be handed in."""
        return not self.mistakes


@dataclass(frozen=True, kw_only=True)
class _DraftTable(tables.Table):
    """A table that gathers its mistakes by key."""

    told: list[Mistake] = field(default_factory=list)

    def wrong(self, text: str, key: str, zh: str) -> None:
        is_missing = not self.values.get(key)
        self.told.append(Mistake(field=key, text=zh, is_missing=is_missing))


def check(
    kind: DraftKind,
    body: Body,
    knowledge: Knowledge,
    *,
    served: Body | None = None,
    with_similar: bool = True,
) -> Checked:
    """Return what is right and wrong with a body of `kind` today; `served`: the body it would replace.

    `with_similar`: look for entries that ask the same, 5 ms with the shipped ones. CPU: call it in a thread.
    """
    plain = draft_files.canonical(kind, body)
    table = _table(kind, plain, knowledge.today)
    record = _parsed(kind, table, knowledge)
    similar = _similar(record, knowledge) if with_similar else ()
    return Checked(
        record=record,
        mistakes=tuple(dict.fromkeys(table.told)),
        remarks=_remarks(kind, plain, record, knowledge, similar, served),
        sizes=_sizes(record, knowledge),
        problems=_problems(record, knowledge),
        similar=similar,
        preview=_preview(record, knowledge),
    )


def approved_body(kind: DraftKind, body: Body, *, by: str, today: date) -> dict[str, object]:
    """Return the body with the name and day of its approval; it holds from that day on at the earliest."""
    plain = draft_files.canonical(kind, body)
    if kind is DraftKind.REPLY:
        return plain
    begins = max(str(plain.get("valid_from", "")), today.isoformat())
    return draft_files.canonical(
        kind, {**plain, "reviewer": by, "reviewed_on": today.isoformat(), "valid_from": begins}
    )


def record_of(kind: DraftKind, body: Body, knowledge: Knowledge) -> tuple[Record | None, tuple[Mistake, ...]]:
    """Return an approved body as it is served, and what is wrong with it; nothing is filled in for the author."""
    table = _table(kind, draft_files.canonical(kind, body), None)
    record = _parsed(kind, table, knowledge)
    return record, tuple(dict.fromkeys(table.told))


def _table(kind: DraftKind, body: Body, today: date | None) -> _DraftTable:
    values = dict(body)
    if today is not None and kind is not DraftKind.REPLY:
        # Decided by the approval; until then they stand for today's.
        values |= {
            "reviewer": _PENDING,
            "reviewed_on": min(today.isoformat(), str(body.get("valid_from") or "9")),
        }
    return _DraftTable(
        name=str(kind),
        values=draft_files.typed(values),
        file=EDITOR,
        lineno=0,
        key_lines=MappingProxyType({}),
        mistakes=tables.Mistakes(),
    )


def _parsed(kind: DraftKind, table: _DraftTable, knowledge: Knowledge) -> Record | None:
    content = knowledge.content
    match kind:
        case DraftKind.FAQ:
            faq = faq_files.parse_faq(table)
            own_files.check_names(table, faq, content.own)
            faq = own_files.filled(faq, content.own)
            others = _others(faq.id, knowledge)
            known = {**others, table.label: faq}
            consistency.check_faqs([table], known, content.risk_lines, content.rules, others=others.values())
            return faq
        case DraftKind.REPLY:
            reply = reply_files.parse_reply(table)
            if reply.id not in content.replies:
                table.wrong("is no reply the program says", "id", "不是程序会说的话术，没有地方会用到它")
            faqs = {**content.faqs, **knowledge.faqs}
            consistency.check_replies([table], {table.label: reply}, faqs, content.rules)
            return reply
        case DraftKind.QUICK:
            phrase = quick_files.parse_quick(table)
            quick_files.check_quick([table], {table.label: phrase}, content.risk_lines, content.rules)
            return phrase
    return None


def _others(key: str, knowledge: Knowledge) -> dict[str, Faq]:
    """Return every other entry, as it is served or else as the files have it."""
    found = {**knowledge.content.faqs, **knowledge.faqs}
    found.pop(key, None)
    return found


def _similar(record: Record | None, knowledge: Knowledge) -> tuple[Match, ...]:
    """Return other entries that the question, or the first ways of asking it, would find."""
    if not isinstance(record, Faq):
        return ()
    best: dict[str, Match] = {}
    for asked in dict.fromkeys((record.question, *record.asks[:3])):
        for match in knowledge.matcher.match(asked) if asked else ():
            held = best.get(match.faq_id)
            if match.faq_id != record.id and (held is None or match.confidence > held.confidence):
                best[match.faq_id] = match
    near = [one for one in best.values() if one.confidence >= _ALIKE and one.faq_id in knowledge.faqs]
    return tuple(sorted(near, key=lambda one: -one.confidence)[:_SIMILAR])


def _texts(record: Record | None) -> dict[str, str]:
    """Return what of a text customers may read, by field."""
    if isinstance(record, Faq):
        texts = {
            key: str(getattr(record, key)) for key in ("question", "answer", "short", "lapsed", "computed")
        }
    elif isinstance(record, QuickPhrase):
        texts = {"text": record.text}
    elif isinstance(record, FixedReply):
        texts = {"text": record.text, "tail": record.tail}
    else:
        texts = {}
    return {key: text for key, text in texts.items() if text}


def _problems(record: Record | None, knowledge: Knowledge) -> tuple[tuple[str, Problem], ...]:
    rules = knowledge.content.rules
    return tuple(
        (key, problem)
        for key, text in _texts(record).items()
        for problem in rules.check_text(text, Speaker.BOT)
    )


def _sizes(record: Record | None, knowledge: Knowledge) -> tuple[Size, ...]:
    if isinstance(record, Faq):
        given = [
            ("question", record.question, reply_files.MENU_TEXT_LIMIT_BYTES),
            ("short", record.short, faq_files.LIMIT_SHORT_BYTES),
            ("answer", _below(record.answer, record.risk_lines, knowledge), faq_files.LIMIT_BYTES),
        ]
    elif isinstance(record, QuickPhrase):
        given = [
            ("title", record.title, quick_files.LIMIT_TITLE_BYTES),
            ("text", record.text, quick_files.LIMIT_BYTES),
        ]
    elif isinstance(record, FixedReply):
        given = [
            ("text", record.text, reply_files.TEXT_LIMIT_BYTES),
            ("tail", record.tail, reply_files.TEXT_LIMIT_BYTES),
        ]
    else:
        given = []
    return tuple(Size(field=key, bytes=len(text.encode()), limit=limit) for key, text, limit in given)


def _preview(record: Record | None, knowledge: Knowledge) -> str:
    if isinstance(record, Faq):
        return _below(record.answer, record.risk_lines, knowledge)
    if isinstance(record, QuickPhrase):
        return quick_files.said(record, knowledge.content.risk_lines)
    return record.text if isinstance(record, FixedReply) else ""


def _below(text: str, codes: tuple[str, ...], knowledge: Knowledge) -> str:
    known = knowledge.content.risk_lines
    return "\n\n".join(filter(None, [text, "\n".join(known[code] for code in codes if code in known)]))


def _remarks(
    kind: DraftKind,
    body: Body,
    record: Record | None,
    knowledge: Knowledge,
    similar: tuple[Match, ...],
    served: Body | None,
) -> tuple[Remark, ...]:
    found = []
    if served is not None and draft_files.words_of(kind, body) == draft_files.words_of(kind, served):
        found.append(Remark(doubt=Doubt.NO_CHANGE, field=""))
    if isinstance(record, (Faq, QuickPhrase)):
        found += _dates(record, knowledge.today)
    if isinstance(record, Faq):
        found += [Remark(doubt=Doubt.OWN_MISSING, field="answer", detail=name) for name in record.missing_own]
    found += [Remark(doubt=Doubt.ALIKE, field="question", detail=one.faq_id) for one in similar]
    said = {**_texts(record), **{f"asks {at}": text for at, text in enumerate(body.get("asks", ()))}}
    for name, text in said.items():
        hits = [text[one.span[0] : one.span[1]] for one in pii.find_pii(text)]
        hits += [_HIDDEN] if _HIDDEN in text else []
        found += [Remark(doubt=Doubt.PERSONAL, field=name.split(" ")[0], detail=hit) for hit in hits[:2]]
    return tuple(dict.fromkeys(found))


def _dates(record: Faq | QuickPhrase, today: date) -> list[Remark]:
    if record.valid_until == faq_files.NEVER:
        return []
    found = []
    if record.valid_until < today:
        found.append(Remark(doubt=Doubt.OVER, field="valid_until", detail=record.valid_until.isoformat()))
    elif record.valid_until - today < _SOON:
        found.append(
            Remark(doubt=Doubt.ENDS_SOON, field="valid_until", detail=record.valid_until.isoformat())
        )
    if record.valid_from > today:
        found.append(Remark(doubt=Doubt.NOT_YET, field="valid_from", detail=record.valid_from.isoformat()))
    return found
