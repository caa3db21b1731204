"""Everything the company says, read from a folder of TOML and checked as a whole.

`load` is called once at start and again on a reload; `check` is what `guanjia check` prints. The folder:

    faq/*.toml         [[faq]]         entries
    replies/*.toml     [[reply]]       fixed sentences
    quick/*.toml       [[quick]]       quick phrases of advisors; none where a folder has none
    compliance/*.toml  [[rule]] [[excuse]] [[disclosure]]
    risk_lines.toml    [[risk_line]]   lines an answer must carry, by code
    rubric/*.toml      [[item]] …      the scorecard of the audit; the shipped one where a folder has none
    signals.toml       [[signal]]      signs in a customer's words
    synonyms.toml      [[synonym]]     words that mean the same
    lexicon.txt        one word a line the segmentation should keep whole
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from content import (
    ambiguous,
    compliance,
    consistency,
    elsewhere,
    faq_files,
    normalising,
    own_files,
    quick_files,
    reply_files,
    rubric,
    signals,
    tables,
)
from domain.errors import ContentError
from domain.faq import Faq
from domain.quick import QuickPhrase
from domain.replies import FixedReply

REQUIRED_REPLIES = (
    "welcome",
    "greeting",
    "thanks",
    "goodbye",
    "unknown_first",
    "menu_head",
    "menu_one",
    "unknown_handover",
    "handover_assigned",
    "handover_waiting",
    "handover_out_of_hours",
    "handover_nobody",
    "handover_offer",
    "late_apology",
    "late_case",
    "holding",
    "holding.loan",
    "holding.insurance",
    "holding.wealth",
    "holding.service",
    "platform_refer",
    "own_missing",
    "two_answers",
    "elsewhere",
    "second_unclear",
    "slots_missing",
    "source_offer",
    "source_of",
    "unsatisfied",
    "abuse",
    "line_off",
    "kind.image",
    "kind.voice",
    "kind.video",
    "kind.file",
    "kind.location",
    "kind.link",
    "kind.card",
    "kind.miniprogram",
    "kind.sticker",
    "kind.other",
    "fraud_line",
    "complaint_received",
    "crisis.open",
    "crisis.closed",
    "vulnerable.elderly",
    "vulnerable.minor",
    "contact",
    "sensitive",
    "satisfaction_ask",
    "satisfaction_thanks",
    "satisfaction_sorry",
    # Without them a new contact is greeted by nobody and an opt-out is taken without a word (handlers/people.py,
    # handlers/questions.py), so a company that deletes them has to hear of it.
    "friend_welcome",
    "opt_out_done",
    "handover_idle",
    "idle_bot",
    "idle_call_back",
    "handover_back",
    "handover_back_open",
)
_SOON_DAYS = 30
# Digests of the latest words that were found good; a digest covers every file and its name.
_found_good: deque[str] = deque(maxlen=8)
_FILES = (
    "faq/*.toml",
    "own/*.toml",
    "replies/*.toml",
    "quick/*.toml",
    "compliance/*.toml",
    "rubric/*.toml",
    "*.toml",
    "*.txt",
)
_Record = TypeVar("_Record", Faq, FixedReply, QuickPhrase, own_files.OwnText)


class Level(StrEnum):
    """How a notice of `check` is to be taken."""

    ERROR = "error"  # The content is refused.
    WARNING = "warning"  # It is loaded, and somebody should look.


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One line of `guanjia check`; `text` names file, line and fix."""

    level: Level
    text: str


@dataclass(frozen=True, kw_only=True)
class Content:
    """All words of the company, immutable. `digest`: SHA-256 hex over every file that was read."""

    folder: Path
    faqs: Mapping[str, Faq]
    replies: Mapping[str, FixedReply]
    quick: Mapping[str, QuickPhrase]
    own: Mapping[str, own_files.OwnText]
    risk_lines: Mapping[str, str]
    signals: signals.Signals
    rules: compliance.ComplianceRules
    rubric: rubric.Rubric
    ambiguous: tuple[ambiguous.Ambiguous, ...]
    elsewhere: elsewhere.Elsewhere
    synonyms: Mapping[str, str]  # A customer's word to the one we use.
    lexicon: tuple[str, ...]
    digest: str

    def get_reply(self, reply_id: str) -> FixedReply:
        """Return a fixed reply; raises KeyError for an id that the program should not have asked for."""
        return self.replies[reply_id]

    def find_by_menu_id(self, clicked: str) -> Faq | None:
        """Return the entry a menu click meant, None for actions and entries that are gone."""
        return next((faq for faq in self.faqs.values() if faq.menu_id == clicked), None)

    def answer_text(
        self, faq: Faq, values: Mapping[str, str] | None = None, *, today: date | None = None
    ) -> str:
        """Return an entry's answer with slots filled and its risk lines below; at most about 1,000 bytes.

        `today`: where the rule behind the answer has ended by then, what is said since.
        """
        answer = reply_files.fill(faq.answer if today is None else faq.answer_on(today), values or {})
        return "\n\n".join([answer, "\n".join(self.risk_lines[code] for code in faq.risk_lines)]).strip()

    def reply_text(self, reply_id: str, values: Mapping[str, str] | None = None) -> str:
        """Return a fixed reply's text with slots filled; lines whose slot is empty are left out."""
        return reply_files.fill(self.replies[reply_id].text, values or {})


def load(folder: Path, *, checked: str = "") -> Content:
    """Return the content of a folder.

    Raises ContentError with every mistake, each with file, line and fix. Reads files, compiles about 100
    patterns and checks each entry's wording: about 0.4 s, so call it in a thread while serving. `checked`: the
    digest of words that these checks found good before; their wording is not checked again, which saves 0.3 s. What
    this process found good itself it remembers.
    """
    content, mistakes = _read(folder, frozenset({checked, *_found_good}))
    if mistakes.texts:
        raise ContentError(mistakes.texts)
    _found_good.append(content.digest)
    return content


def load_language(folder: Path) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return the synonyms and the lexicon of a folder alone, none of its entries. Raises ContentError."""
    mistakes = tables.Mistakes()
    synonyms = _synonyms(_tables(folder, "synonyms.toml", ("synonym",), mistakes))
    lexicon = _lexicon(folder / "lexicon.txt", mistakes)
    if mistakes.texts:
        raise ContentError(mistakes.texts)
    return MappingProxyType(synonyms), lexicon


def check(folder: Path, today: date) -> list[Notice]:
    """Return all errors, and warnings about entries that have expired or soon will."""
    content, mistakes = _read(folder)
    notices = [Notice(level=Level.ERROR, text=text) for text in mistakes.texts]
    for faq in content.faqs.values():
        if faq.valid_until == faq_files.NEVER:
            continue  # Without a date that can be read there is an error already.
        said = _end_of(faq, today)
        if said:
            text = f"{faq.file}:{faq.lineno}: {faq.id} {said}"
            notices.append(Notice(level=Level.WARNING, text=text))
    return notices


def _end_of(faq: Faq, today: date) -> str:
    """Return what the editor should know of the entry's dates, "" while there is time."""
    ends = faq.next_end(today)
    days = (ends - today).days
    if days < 0:
        return (
            f"{ends} 已过期，不再回答，请审核后改 valid_until "
            f"(expired on {ends} and is not served; review it and set valid_until)"
        )
    if faq.has_lapsed(today):
        return (
            f"{faq.fact_valid_until} 规则已经到期，现在说的是 lapsed，请更新条目 "
            "(the rule has ended and `lapsed` is said; update the entry)"
        )
    if days <= _SOON_DAYS:
        return f"{ends} 到期，请在这之前审核 (expires on {ends}; review it before then)"
    return ""


def _read(folder: Path, checked: frozenset[str] = frozenset()) -> tuple[Content, tables.Mistakes]:
    mistakes = tables.Mistakes()
    faq_tables = _tables(folder, "faq/*.toml", ("faq",), mistakes)
    reply_tables = _tables(folder, "replies/*.toml", ("reply",), mistakes)
    own_tables = _tables(folder, "own/*.toml", ("own",), mistakes)
    quick_tables = _tables(folder, "quick/*.toml", ("quick",), mistakes, optional=True)
    own = _unique(own_tables, [own_files.parse_own(table) for table in own_tables])
    faqs = _unique(faq_tables, [_faq(table, own, mistakes) for table in faq_tables])
    replies = _unique(reply_tables, [reply_files.parse_reply(table) for table in reply_tables])
    quick = _unique(quick_tables, [quick_files.parse_quick(table) for table in quick_tables])
    content = Content(
        folder=folder,
        faqs=MappingProxyType(faqs),
        replies=MappingProxyType(replies),
        quick=MappingProxyType(quick),
        own=MappingProxyType(own),
        risk_lines=MappingProxyType(
            _risk_lines(_tables(folder, "risk_lines.toml", ("risk_line",), mistakes))
        ),
        signals=_signals(_tables(folder, "signals.toml", ("signal",), mistakes)),
        rules=_rules(_tables(folder, "compliance/*.toml", compliance.TABLES, mistakes), mistakes),
        rubric=_rubric(folder, mistakes),
        synonyms=MappingProxyType(_synonyms(_tables(folder, "synonyms.toml", ("synonym",), mistakes))),
        lexicon=_lexicon(folder / "lexicon.txt", mistakes),
        ambiguous=_ambiguous(_tables(folder, "ambiguous.toml", ("ambiguous",), mistakes), faqs),
        elsewhere=elsewhere.Elsewhere(
            name
            for table in _tables(folder, "elsewhere.toml", ("elsewhere",), mistakes)
            for name in elsewhere.parse_elsewhere(table)
        ),
        digest=digest_of(folder),
    )
    if content.digest in checked and not mistakes.texts:
        return content, mistakes
    consistency.check_faqs(faq_tables, faqs, content.risk_lines, content.rules)
    consistency.check_replies(reply_tables, replies, faqs, content.rules)
    quick_files.check_quick(quick_tables, quick, content.risk_lines, content.rules)
    for needed in REQUIRED_REPLIES if "replies" not in mistakes.unread else ():
        if needed not in replies:
            text = f'has no reply {needed!r}; add [[reply]] id = "{needed}"'
            mistakes.add(
                f"{folder.name}/replies", 1, text, f'缺少固定话术 {needed}，请加上 [[reply]] id = "{needed}"'
            )
    return content, mistakes


def _tables(
    folder: Path, pattern: str, names: tuple[str, ...], mistakes: tables.Mistakes, *, optional: bool = False
) -> list[tables.Table]:
    """Return the tables of a part of the content; a file that cannot be read makes the part unread."""
    part = pattern.partition("/")[0].removesuffix(".toml")
    paths = [path for path in files_of(folder) if path.relative_to(folder).match(pattern)]
    if not paths and not optional:
        _miss(f"{folder.name}/{pattern}", mistakes)
        mistakes.unread.add(part)
    found: list[tables.Table] = []
    for path in paths:
        read = tables.load_tables(path, folder.parent, names, mistakes)
        if read is None:
            mistakes.unread.add(part)
        found += read or []
    return found


def _miss(file: str, mistakes: tables.Mistakes) -> None:
    mistakes.add(file, 1, "is missing; restore it from the shipped content", "不见了，请从发布的内容里恢复")


def _rules(found: list[tables.Table], mistakes: tables.Mistakes) -> compliance.ComplianceRules:
    """Return the wording rules; none when one of their files cannot be read, for they lean on each other."""
    if "compliance" in mistakes.unread:
        return compliance.ComplianceRules([], {}, [])
    return compliance.parse_rules(found)


def _rubric(folder: Path, mistakes: tables.Mistakes) -> rubric.Rubric:
    """Return the folder's own scorecard, the shipped one where it has none: a folder may be older than the audit."""
    own = folder / rubric.FOLDER.name
    return rubric.read(own if rubric.files_of(own) else rubric.FOLDER, mistakes)


def _faq(table: tables.Table, own: Mapping[str, own_files.OwnText], mistakes: tables.Mistakes) -> Faq:
    faq = faq_files.parse_faq(table)
    if "own" not in mistakes.unread:
        own_files.check_names(table, faq, own)
    return own_files.filled(faq, own)


def _unique(found: list[tables.Table], records: list[_Record]) -> dict[str, _Record]:
    kept: dict[str, _Record] = {}
    for table, record in zip(found, records, strict=True):
        first = kept.get(record.id)
        if first is not None:
            place = f"{first.file}:{first.lineno}"
            table.wrong(
                f"is there twice, first at {place}; rename or remove one",
                "id",
                f"重复了，前一个在 {place}，请改一个",
            )
        elif record.id:
            kept[record.id] = record
    return kept


def _signals(found: list[tables.Table]) -> signals.Signals:
    parsed = [signals.parse_signal(table) for table in found]
    for signal, table in zip(parsed, found, strict=True):
        signals.check_examples(signal, table)
    return signals.Signals(parsed)


def _ambiguous(found: list[tables.Table], faqs: Mapping[str, Faq]) -> tuple[ambiguous.Ambiguous, ...]:
    words = []
    for table in found:
        word = ambiguous.parse_ambiguous(table)
        if word is not None:
            words.append(word)
            if "faq" not in table.mistakes.unread:
                ambiguous.check_offers(table, word, faqs)
    return tuple(words)


def _risk_lines(found: list[tables.Table]) -> dict[str, str]:
    for table in found:
        table.check_keys({"code", "text"})
    return {table.text("code"): table.text("text") for table in found}


def _synonyms(found: list[tables.Table]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for table in found:
        table.check_keys({"word", "said"})
        word = table.text("word")
        pairs.update({normalising.normalise(said): word for said in table.texts("said", at_least=1)})
    return pairs


def _lexicon(path: Path, mistakes: tables.Mistakes) -> tuple[str, ...]:
    if not path.is_file():
        _miss(f"{path.parent.name}/{path.name}", mistakes)
        return ()
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))


def files_of(folder: Path) -> list[Path]:
    """Return the files that are read here, in order; those editors hide (".#loan.toml") are none of ours."""
    found = (path for pattern in _FILES for path in folder.glob(pattern))
    return sorted(path for path in found if not path.name.startswith("."))


def digest_of(folder: Path) -> str:
    """Return the SHA-256 hex of every file that is read, names included."""
    total = hashlib.sha256()
    for path in files_of(folder):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()
