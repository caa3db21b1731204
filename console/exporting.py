"""Hands conversations out: as CSV, as a spreadsheet, or as a page to be printed, with a cover and what proves them.

Called by the export page and by `guanjia export conversations`. Messages come a page at a time and leave at once, so an
export of any length takes the memory of one page. What a cell says is made here, in words of words.toml; who may have
it and the line in the access log are the callers' matter.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2

from console import people
from console.words import Words
from content import pii
from domain.proof import Head
from store import chain, customers, exports, health_reports
from store.database import Store
from store.exports import ExportedFinding, ExportedMessage, ExportScope

FORMATS = ("html", "xlsx", "csv")
TYPES = {
    "html": "text/html",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
}
# What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# A cell of a spreadsheet holds no more.
_CELL_LIMIT = 32_000
_WIDE = {"text": 60, "findings": 40, "decisions": 40, "digest": 24, "msgid": 24, "approval": 30}
_TEMPLATES = Path(__file__).with_name("templates")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Cover:
    """What stands before the messages: pairs of heading and words."""

    title: str
    lines: tuple[tuple[str, str], ...]
    messages: int


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """Writes exports. `company`: the name on the cover; `zone`: of every time in it."""

    store: Store
    words: Words
    zone: ZoneInfo
    company: str

    async def write(
        self,
        file: Path,
        scope: ExportScope,
        format_: str,
        *,
        by: str,
        now: datetime,
        is_masked: bool = True,
        progress: Progress = lambda _done, _all: None,
    ) -> Cover:
        """Write the scope to `file`, readable by the owner only, and return its cover."""
        cover = await self.cover(scope, by=by, now=now, is_masked=is_masked)
        async with self.store.read() as tx:
            names = await health_reports.list_account_names(tx) | await people.list_names(tx)
        pages = self._pages(scope, names, now, is_masked=is_masked, total=cover.messages, progress=progress)
        file.touch(0o600)
        if format_ == "xlsx":
            await self._write_sheet(file, cover, pages)
        elif format_ == "csv":
            await self._write_csv(file, pages)
        else:
            await self._write_page(file, cover, pages)
        return cover

    async def cover(self, scope: ExportScope, *, by: str, now: datetime, is_masked: bool) -> Cover:
        """Return the cover: scope, time, who, how much, and the head of the chain at this moment."""
        talks, total = await exports.count(self.store, scope, now)
        async with self.store.read() as tx:
            head = await chain.find_head(tx)
            names = await people.list_names(tx)
            whose = await self._whose(tx, scope, names)
        say = self._say
        lines = (
            (say("scope"), whose),
            (say("period"), self._period(scope)),
            (say("counts"), say("counted", talks=talks, messages=total)),
            (say("exporter"), names.get(by, by)),
            (say("exported_at"), self.moment(now)),
            (say("privacy"), say("masked" if is_masked else "full")),
            (say("head"), self._head(head)),
            (say("proof"), say("proof_text")),
        )
        title = say("title_decisions" if scope.findings_of else "title")
        return Cover(title=f"{self.company} {title}".strip(), lines=lines, messages=total)

    def moment(self, at: datetime | None) -> str:
        """Return a time of the company's zone with its offset: 2026-11-22 10:00:00 +0800."""
        return "" if at is None else at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S %z")

    async def _pages(
        self,
        scope: ExportScope,
        names: Mapping[str, str],
        now: datetime,
        *,
        is_masked: bool,
        total: int,
        progress: Progress,
    ) -> AsyncIterator[list[dict[str, str]]]:
        done = 0
        async for page in exports.stream(self.store, scope, now):
            yield [self._cells(one, names, is_masked=is_masked) for one in page]
            done += len(page)
            progress(done, total)

    # --- the forms ------------------------------------------------------------------------------------------

    async def _write_csv(self, file: Path, pages: AsyncIterator[list[dict[str, str]]]) -> None:
        """Only the table, with a byte order mark, so that spreadsheets read it as UTF-8; no cell begins a formula."""
        with file.open("w", encoding="utf-8-sig", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(self.headings.values())
            async for page in pages:
                rows.writerows([[guarded(row[key]) for key in self.headings] for row in page])

    async def _write_sheet(
        self, file: Path, cover: Cover, pages: AsyncIterator[list[dict[str, str]]]
    ) -> None:
        import xlsxwriter

        book = xlsxwriter.Workbook(
            str(file), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        bold = book.add_format({"bold": True})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        first = book.add_worksheet(self._say("title"))
        first.set_column(0, 0, 14)
        first.set_column(1, 1, 90)
        first.write_string(0, 0, cover.title, bold)
        for number, (heading, said) in enumerate(cover.lines, 2):
            first.write_string(number, 0, heading, bold)
            first.write_string(number, 1, said, wrapped)
        sheet = book.add_worksheet(self.words.label("export_column", "text"))
        for place, key in enumerate(self.headings):
            sheet.set_column(place, place, _WIDE.get(key, 18))
        sheet.freeze_panes(1, 0)
        sheet.set_landscape()
        sheet.repeat_rows(0)
        for place, heading in enumerate(self.headings.values()):
            sheet.write_string(0, place, heading, bold)
        number = 1
        async for page in pages:
            await asyncio.to_thread(_write_rows, sheet, number, page, tuple(self.headings), wrapped)
            number += len(page)
        await asyncio.to_thread(book.close)

    async def _write_page(self, file: Path, cover: Cover, pages: AsyncIterator[list[dict[str, str]]]) -> None:
        templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
        )
        part = templates.get_template("export_messages.html")
        with file.open("w", encoding="utf-8") as out:
            out.write(templates.get_template("export_head.html").render(cover=cover))
            before = ""
            async for page in pages:
                out.write(part.render(rows=page, headings=self.headings, before=before))
                before = page[-1]["conversation"]
            out.write(templates.get_template("export_foot.html").render(cover=cover))

    # --- the words ------------------------------------------------------------------------------------------

    @property
    def headings(self) -> Mapping[str, str]:
        """The columns in their order, with what is written above them."""
        return self.words.section("export_column")

    def _say(self, key: str, /, **values: object) -> str:
        return self.words.label("export_phrase", key).format(**values)

    async def _whose(self, tx: Any, scope: ExportScope, names: Mapping[str, str]) -> str:
        if scope.customer_id is not None:
            found = await customers.get(tx, scope.customer_id)
            return self._say("customer", name=found.nickname or found.platform_id, id=found.platform_id)
        staff = scope.staff_id or scope.findings_of
        return self._say("staff", name=names.get(staff, staff), id=staff)

    def _period(self, scope: ExportScope) -> str:
        since, until = self.moment(scope.since), self.moment(scope.until)
        key = {(True, True): "between", (True, False): "from", (False, True): "until"}.get(
            (bool(since), bool(until)), "always"
        )
        return self._say(key, since=since, until=until)

    def _head(self, head: Head | None) -> str:
        return (
            self._say("no_head")
            if head is None
            else self._say("head_at", number=head.number, digest=head.digest)
        )

    def _cells(self, one: ExportedMessage, names: Mapping[str, str], *, is_masked: bool) -> dict[str, str]:
        label, say = self.words.label, self._say
        hide = pii.mask if is_masked else str
        speaker = (
            one.servicer_id or one.sender_id or (one.customer_platform_id if one.author == "customer" else "")
        )
        gone = one.erasure
        return {
            "conversation": str(one.conversation_id),
            "channel": label("talk_channel", one.channel),
            "account": names.get(one.account_id, one.account_id),
            "customer": hide(" ".join(filter(None, (one.nickname, one.customer_platform_id)))),
            "sent_at": self.moment(one.sent_at),
            "author": label("author", one.author),
            "speaker": names.get(speaker, speaker),
            "kind": label("message_kind", one.kind),
            "text": hide(one.text),
            "recalled": say("recalled", by=label("author", one.recalled_by), at=self.moment(one.recalled_at))
            if one.recalled_at
            else "",
            "erased": say(
                "erased",
                by=names.get(gone.erased_by, gone.erased_by),
                at=self.moment(gone.erased_at),
                law=gone.law,
            )
            if gone
            else "",
            "findings": "\n".join(hide(self._finding(each, one.text)) for each in one.findings),
            "decisions": "\n".join(
                hide(text) for each in one.findings for text in self._decisions(each, names)
            ),
            "appeals": "\n".join(text for each in one.findings for text in self._appeals(each, names)),
            "approval": self._approval(one),
            "delivery": say(
                "delivery", state=label("delivery_state", one.delivery_state), receipt=one.receipt
            ).strip()
            if one.delivery_state
            else "",
            "recorded_at": self.moment(one.recorded_at),
            "source": one.source,
            "msgid": one.msgid,
            "message": str(one.id),
            "digest": one.digest,
            "block": str(one.block) if one.block else say("waiting"),
        }

    def _finding(self, one: ExportedFinding, text: str) -> str:
        return self._say(
            "finding",
            severity=one.severity,
            label=self.words.label("finding_label", one.label),
            piece=text[one.start : one.end] or text,
            note=one.note,
            rule=one.rule_id,
            version=one.rule_version,
            state=self.words.label("export_finding_state", one.state),
        )

    def _decisions(self, one: ExportedFinding, names: Mapping[str, str]) -> list[str]:
        return [
            self._say(
                "decision",
                by=names.get(by, by),
                at=self.moment(at),
                state=self.words.label("export_finding_state", state),
                note=f"：{note}" if note else "",
            )
            for by, at, state, note in one.decisions
        ]

    def _appeals(self, one: ExportedFinding, names: Mapping[str, str]) -> list[str]:
        return [
            self._say(
                "appeal",
                by=names.get(each.subject, each.subject),
                at=self.moment(each.opened_at),
                level=each.level,
                state=self.words.label("appeal_state", each.state),
                outcome=f" {each.outcome}" if each.outcome else "",
            )
            for each in one.appeals
        ]

    def _approval(self, one: ExportedMessage) -> str:
        words = one.approval
        if words is None:
            return ""
        return self._say(
            "approval" if words.approved_at else "unapproved",
            key=words.key,
            version=words.version_id,
            digest=words.digest[:12],
            by=words.approved_by,
            at=self.moment(words.approved_at),
        )


def subject_of(scope: ExportScope) -> str:
    """Return whose conversations they are, as the access log writes it."""
    if scope.customer_id is not None:
        return f"customer:{scope.customer_id}"
    return f"staff:{scope.staff_id or scope.findings_of}"


def log_note(format_: str, cover: Cover, *, is_masked: bool) -> str:
    """Return what the access log tells of an export."""
    return f"{format_}, {cover.messages} messages, {'masked' if is_masked else 'full'}"


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe before what would begin one."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _write_rows(
    sheet: Any, number: int, page: Sequence[Mapping[str, str]], keys: Sequence[str], form: Any
) -> None:
    for row in page:
        for place, key in enumerate(keys):
            sheet.write_string(number, place, row[key][:_CELL_LIMIT], form)
        number += 1
