"""Every text of the files with the state of its version: what the content page lists, and what may be approved."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from content import sop_shelf
from content.knowledge import Knowledge, Served
from content.sop_shelf import Shelf
from domain.faq import Faq
from domain.quick import QuickPhrase
from domain.replies import FixedReply
from domain.sop import ContentBlock, Step, Template
from store import contents
from store.machine_reports import VersionRow


@dataclass(frozen=True, kw_only=True)
class TextRow:
    """A text with the state of its newest version. `version`: of exactly the file's text, None until stored; of a text
    that only the console's editor has, the one that is served.

    `state`: approved, sample, draft, pending (an older version is approved and served), edited (what was approved in
    the editor is served, the file's text is older), expired or missing.
    `template`: of words of an SOP, with `group`, its title; else both are empty.
    """

    kind: str
    key: str
    title: str
    line: str
    source: str
    reviewer: str
    last_valid_on: date | None
    state: str
    version: VersionRow | None
    template: str = ""
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class SopText:
    """Words of an SOP as a reviewer reads them. `uses`: the steps that say them, with the titles of their rhythms.

    `occasions`: ladders whose cards they are. `risk`: the risk lines that go below. `is_kept`: the template's files
    have mistakes, and these are its words of before.
    """

    template: Template
    block: ContentBlock
    uses: tuple[tuple[Step, tuple[str, ...]], ...]
    occasions: tuple[str, ...]
    risk: tuple[str, ...]
    is_kept: bool


@dataclass(frozen=True, kw_only=True)
class Change:
    """A line of two versions: `sign` is "+" for a new one, "-" for one that is gone, "" for one that stays."""

    sign: str
    text: str


def rows_of(knowledge: Knowledge, shelf: Shelf, versions: Sequence[VersionRow]) -> list[TextRow]:
    """Return every text of the files with the state of its version, words of SOPs in the order of their templates."""
    by_text: dict[tuple[str, str], list[VersionRow]] = defaultdict(list)
    for version in versions:
        by_text[version.kind, version.key].append(version)
    content = knowledge.content
    # What no file has was written in the editor; it is as good as what it stands beside.
    faqs, phrases = {**knowledge.faqs, **content.faqs}, {**knowledge.quick, **content.quick}
    rows = [_faq_row(faq, by_text["faq", faq.id], knowledge) for faq in faqs.values()]
    rows += [_reply_row(reply, by_text["reply", reply.id], knowledge) for reply in content.replies.values()]
    rows += [_quick_row(phrase, by_text["quick", phrase.id], knowledge) for phrase in phrases.values()]
    for template in shelf.templates.values():
        for block in template.blocks.values():
            known = by_text["sop", sop_shelf.key_of(template.id, block)]
            rows.append(_sop_row(template, block, known, knowledge.today))
    return rows


def is_waiting(row: TextRow) -> bool:
    """Say whether somebody has to approve the text before real customers get it."""
    return row.state in ("sample", "draft", "pending")


def find_sop_text(knowledge: Knowledge, shelf: Shelf, key: str) -> SopText | None:
    """Return the words of an SOP by "TEMPLATE/BLOCK", with where they are said."""
    name, _, block_id = key.partition("/")
    template = shelf.templates.get(name)
    block = template.blocks.get(block_id) if template else None
    if template is None or block is None:
        return None
    uses: dict[str, tuple[Step, list[str]]] = {}
    for rhythm, steps in template.steps.items():
        for step in steps:
            if block_id in step.content:
                uses.setdefault(step.key, (step, []))[1].append(template.rhythms[rhythm])
    return SopText(
        template=template,
        block=block,
        uses=tuple((step, tuple(rhythms)) for step, rhythms in uses.values()),
        occasions=tuple(one.id for one in template.policies.values() if block_id in one.words.values()),
        risk=tuple(knowledge.content.risk_lines.get(code, code) for code in block.risk_lines),
        is_kept=name not in shelf.sops.written,
    )


def changes(kind: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two stored versions of a text, line by line; empty when nothing a reader sees."""
    old, new = _lines_of(kind, before), _lines_of(kind, now)
    if old == new:
        return []
    told = (line for line in difflib.ndiff(old, new) if not line.startswith("?"))
    return [Change(sign=line[0].strip(), text=line[2:]) for line in told]


def _lines_of(kind: str, body: Mapping[str, Any]) -> list[str]:
    """Return what a reader sees of a stored version."""
    if kind == "faq":
        parts = [body.get("question"), body.get("answer"), body.get("short"), body.get("lapsed")]
    elif kind == "quick":
        parts = [body.get("title"), body.get("text")]
    elif kind == "reply":
        parts = [body.get("text"), *[item.get("text") for item in body.get("menu", [])], body.get("tail")]
    else:
        shown = [(one.get("title"), one.get("desc"), one.get("url")) for one in body.get("attachments", [])]
        parts = [body.get("title"), body.get("body"), *[part for one in shown for part in one]]
        parts += body.get("risk_lines", [])
    return [line for part in parts if part for line in str(part).splitlines()]


def _faq_row(faq: Faq, versions: list[VersionRow], knowledge: Knowledge) -> TextRow:
    version = next((one for one in versions if one.digest == faq.digest), None)
    served = knowledge.faqs.get(faq.id, faq)
    is_expired = knowledge.today > served.last_valid_on
    state = _state(
        version, versions, knowledge.versions.get(f"faq:{faq.id}"), is_sample=faq.reviewer == "sample"
    )
    return TextRow(
        kind="faq",
        key=faq.id,
        title=served.question,
        line=served.line,
        source=served.source,
        reviewer=served.reviewer,
        last_valid_on=served.last_valid_on,
        state="expired" if is_expired and state != "pending" else state,
        version=version,
    )


def _reply_row(reply: FixedReply, versions: list[VersionRow], knowledge: Knowledge) -> TextRow:
    version = next((one for one in versions if one.digest == reply.digest), None)
    served = knowledge.versions.get(f"reply:{reply.id}")
    return TextRow(
        kind="reply",
        key=reply.id,
        title=knowledge.replies.get(reply.id, reply).text,
        line="",
        source="",
        reviewer="",
        last_valid_on=None,
        state=_state(version, versions, served, is_sample=served is not None and served.is_sample),
        version=version,
    )


def _quick_row(phrase: QuickPhrase, versions: list[VersionRow], knowledge: Knowledge) -> TextRow:
    version = next((one for one in versions if one.digest == phrase.digest), None)
    served = knowledge.quick.get(phrase.id, phrase)
    is_sample = phrase.reviewer == "sample"
    state = _state(version, versions, knowledge.versions.get(f"quick:{phrase.id}"), is_sample=is_sample)
    return TextRow(
        kind="quick",
        key=phrase.id,
        title=served.title,
        line=served.line,
        source=served.source,
        reviewer=served.reviewer,
        last_valid_on=served.valid_until,
        state="expired" if knowledge.today > served.valid_until and state != "pending" else state,
        version=version,
    )


def _sop_row(template: Template, block: ContentBlock, versions: list[VersionRow], today: date) -> TextRow:
    version = next((one for one in versions if one.digest == block.digest), None)
    is_expired = today > block.valid_until
    return TextRow(
        kind="sop",
        key=sop_shelf.key_of(template.id, block),
        title=block.title or block.body,
        line="",
        source=block.source,
        reviewer=block.reviewer,
        last_valid_on=block.valid_until,
        state="expired"
        if is_expired
        else _state(version, versions, None, is_sample=block.reviewer == "sample"),
        version=version,
        template=template.id,
        group=template.title,
    )


def _state(
    version: VersionRow | None, versions: list[VersionRow], served: Served | None, *, is_sample: bool
) -> str:
    if version is None:
        return "missing"
    said = next((one for one in versions if served is not None and one.id == served.version_id), None)
    if (
        said is not None
        and said.id != version.id
        and _is_decided(said)
        and version.loaded_at <= _decided_at(said)
    ):
        return "edited"
    if version.approved_by:
        return "approved"
    if any(one.approved_by for one in versions):
        return "pending"
    return "sample" if is_sample else "draft"


def _is_decided(version: VersionRow) -> bool:
    """Say whether the version is said because somebody decided so in the console (bot/choosing.py)."""
    return bool(version.approved_by) and (
        version.origin == contents.EDITOR or version.note == contents.ROLLBACK
    )


def _decided_at(version: VersionRow) -> datetime:
    return version.approved_at or version.loaded_at
