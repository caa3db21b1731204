"""Words and attachments of an SOP, as written in `[[block]]`, `[[attachment]]` and `[[review]]`.

A `[[review]]` says once for its file who answers for the words, from which source and until when; a block may say it
for itself. What the platform allows is checked here where it does not depend on the way a block travels (WeCom docs
92135, 92137, 90253); the rest is content/sop_consistency.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from content import faq_files, reply_files, sop_tables, tables
from domain.sop import Attachment, AttachmentKind, BlockKind, ContentBlock, SopRole

BLOCK_KEYS = frozenset(["id", "kind", "title", "text", "attachments", "risk_lines", "owner"])
REVIEW_KEYS = frozenset(["source", "reviewer", "reviewed_on", "valid_from", "valid_until"])
ATTACHMENT_KEYS = frozenset(["id", "kind", "file", "title", "desc", "url"])
ATTACHMENT_LIMIT = 9
# Bytes of a title and a description (WeCom docs 92135, 92137), and of a file by kind with its endings (doc 90253).
_TITLE_BYTES = {AttachmentKind.LINK: 128, AttachmentKind.MINIPROGRAM: 64}
_DESC_BYTES = 512
_URL_BYTES = 2048
_MEBIBYTE = 1024 * 1024
_FILES = {
    AttachmentKind.IMAGE: (10 * _MEBIBYTE, (".png", ".jpg", ".jpeg")),
    AttachmentKind.VIDEO: (10 * _MEBIBYTE, (".mp4",)),
    AttachmentKind.FILE: (
        20 * _MEBIBYTE,
        (".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".txt"),
    ),
}
# Words filled in when a step is released, with figures of the group or the company's own.
SLOTS = frozenset(
    [
        "company",
        "licence",
        "phone",
        "website",
        "group",
        "owner",
        "co_owner",
        "advisor",
        "teacher",
        "teacher_title",
        "guide_url",
        "event_title",
        "event_date",
        "event_time",
        "event_entry",
        "event_url",
        "replay_url",
        "feedback_url",
        "week_plan",
        "next_week_plan",
        "questions",
        "answered",
        "answered_count",
        "reader_questions",
        "opens_on",
        "opens_at",
        "step",
        "title",
        "due_at",
        "late_by",
        "reason",
        "text",
        "members",
        "joined",
        "left",
        "left_by_source",
        "speakers",
        "first_response",
        "open_questions",
        "gates",
        "score",
        "score_parts",
        "not_measured",
        "duplicates",
        "mismatched",
        "points",
        "unticked",
        "interested",
        "opened",
        "confirmed",
        "by_channel",
    ]
)


def parse_attachment(table: tables.Table, folder: Path) -> Attachment:
    """Return an attachment; a file that is missing, of the wrong sort or too large is noted."""
    table.check_keys(ATTACHMENT_KEYS)
    kind = sop_tables.choice(table, "kind", AttachmentKind, AttachmentKind.LINK, required=True)
    attachment = Attachment(
        id=table.text("id"),
        kind=kind,
        path=table.text("file", optional=kind not in _FILES),
        title=table.text("title", optional=kind in _FILES),
        desc=table.text("desc", optional=True),
        url=table.text("url", optional=kind in _FILES),
        digest=_digest_of(table, folder),
    )
    _check_size(table, "title", attachment.title, _TITLE_BYTES.get(kind, _DESC_BYTES))
    _check_size(table, "desc", attachment.desc, _DESC_BYTES)
    _check_size(table, "url", attachment.url, _URL_BYTES)
    check_slots(table, "title", attachment.title)
    check_slots(table, "desc", attachment.desc)
    check_slots(table, "url", attachment.url)
    if kind is AttachmentKind.LINK and attachment.url and not attachment.url.startswith(("https://", "{")):
        table.wrong(
            'has a url that is neither https:// nor a slot like "{event_url}"',
            "url",
            "的 url 请写 https:// 开头的网址，或 {event_url} 这样的空位",
        )
    if attachment.path and kind in _FILES:
        _check_file(table, kind, folder, attachment.path)
    return attachment


def parse_block(
    table: tables.Table, review: tables.Table | None, attachments: Mapping[str, Attachment]
) -> ContentBlock:
    """Return a block; `review`: the `[[review]]` of its file, None when there is none."""
    table.check_keys(BLOCK_KEYS | REVIEW_KEYS)
    named = table.texts("attachments")
    for name in named:
        if name not in attachments:
            hint = tables.nearest(name, attachments)
            table.wrong(
                f"names a missing attachment {name!r}{hint}; add [[attachment]]",
                "attachments",
                f"引用的附件 {name} 不存在，请加上 [[attachment]]",
            )
    if len(named) > ATTACHMENT_LIMIT:
        table.wrong(
            f"has {len(named)} attachments; the platform takes {ATTACHMENT_LIMIT}",
            "attachments",
            f"有 {len(named)} 个附件，平台最多 {ATTACHMENT_LIMIT} 个",
        )
    text, title = table.text("text"), table.text("title", optional=True)
    check_slots(table, "text", text)
    shown = tuple(attachments[name] for name in named if name in attachments)
    signed = _signed(table, review)
    block = ContentBlock(
        id=table.text("id"),
        kind=sop_tables.choice(table, "kind", BlockKind, BlockKind.TEXT),
        title=title,
        body=text,
        attachments=shown,
        risk_lines=table.texts("risk_lines"),
        owner=sop_tables.choice(table, "owner", SopRole, SopRole.OPERATOR),
        source=signed.text("source"),
        reviewer=_reviewer(table, signed),
        reviewed_on=signed.day("reviewed_on") or faq_files.NEVER,
        valid_from=signed.day("valid_from") or faq_files.NEVER,
        valid_until=signed.day("valid_until") or faq_files.NEVER,
        slots=reply_files.slots_of(text),
        digest=faq_files.digest_of({**signed.values, "attachments": [one.digest for one in shown]}),
        file=table.file,
        lineno=table.lineno,
    )
    _check_days(signed, block)
    return block


def check_approved(table: tables.Table, block: ContentBlock, today: date) -> None:
    """Note a block that may not be said on `today`: its review ended or has not begun."""
    if faq_files.NEVER in (block.valid_from, block.valid_until):
        return
    if today > block.valid_until:
        table.wrong(
            f"expired on {block.valid_until}; review it and set valid_until",
            "valid_until",
            f"{block.valid_until} 已过期，请重新审核并改 valid_until",
        )
    elif today < block.valid_from:
        table.wrong(
            f"is valid from {block.valid_from} on, not yet; mend valid_from",
            "valid_from",
            f"从 {block.valid_from} 才生效，现在还不能用，请改 valid_from",
        )


def check_slots(table: tables.Table, key: str, text: str) -> None:
    """Note slots that nothing fills."""
    for slot in sorted(reply_files.slots_of(text) - SLOTS):
        hint = tables.nearest(slot, SLOTS)
        table.wrong(
            f"has a slot {{{slot}}} that nothing fills{hint}",
            key,
            f"的 {key} 里 {{{slot}}} 没有人会填（docs/sop.md 有全部名字）",
        )


def _reviewer(table: tables.Table, signed: tables.Table) -> str:
    """Return who approved the words; content that nobody approved is refused."""
    if signed.values.get("reviewer") in (None, ""):
        table.wrong(
            'is not approved: it has no reviewer; add reviewer = "…" here or in [[review]]',
            "reviewer",
            '还没有人审核：请在这里或 [[review]] 里写 reviewer = "…"',
        )
        return ""
    return signed.text("reviewer")


def _signed(table: tables.Table, review: tables.Table | None) -> tables.Table:
    """Return the block with what the file's review says where the block itself is silent."""
    base = review.values if review else {}
    return tables.Table(
        name=table.name,
        values={**base, **table.values},
        file=table.file,
        lineno=table.lineno,
        key_lines={**(review.key_lines if review else {}), **table.key_lines},
        mistakes=table.mistakes,
    )


def _check_days(table: tables.Table, block: ContentBlock) -> None:
    if faq_files.NEVER in (block.reviewed_on, block.valid_from, block.valid_until):
        return
    longest = faq_files.LONGEST_VALIDITY
    if block.valid_until < block.valid_from:
        table.wrong(
            f"ends ({block.valid_until}) before it begins ({block.valid_from})",
            "valid_until",
            f"的有效期到 {block.valid_until}，早于开始的 {block.valid_from}",
        )
    elif block.valid_until - block.valid_from > longest:
        latest = block.valid_from + longest
        table.wrong(
            f"is valid for over six months; set valid_until to {latest} or earlier",
            "valid_until",
            f"的有效期超过六个月，valid_until 最晚写 {latest}",
        )
    if block.reviewed_on > block.valid_from:
        table.wrong(
            "is valid before it was reviewed; set valid_from to reviewed_on or later",
            "valid_from",
            "还没审核就生效了，valid_from 不能早于 reviewed_on",
        )


def _check_size(table: tables.Table, key: str, text: str, limit: int) -> None:
    size = len(text.encode())
    if size > limit:
        table.wrong(
            f"has {key} of {size} bytes; shorten it to {limit}",
            key,
            f"的 {key} 有 {size} 字节，请缩到 {limit} 字节以内（一个汉字 3 字节）",
        )


def _digest_of(table: tables.Table, folder: Path) -> str:
    """Return the digest of an attachment, its file included: another picture is another version."""
    named = table.values.get("file")
    path = folder / named if isinstance(named, str) and named else None
    inside = hashlib.sha256(path.read_bytes()).hexdigest() if path is not None and path.is_file() else ""
    return faq_files.digest_of({**table.values, "inside": inside})


def _check_file(table: tables.Table, kind: AttachmentKind, folder: Path, name: str) -> None:
    limit, endings = _FILES[kind]
    path = folder / name
    if path.suffix.lower() not in endings:
        wanted = ", ".join(endings)
        table.wrong(
            f"has a file of the wrong sort; {kind} takes {wanted}", "file", f"的 file 只能是 {wanted}"
        )
    elif not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        table.wrong(
            f"names a file that is not there: {path.name}; put it beside the template",
            "file",
            f"的附件文件 {path.name} 不存在，请放到模板文件夹里",
        )
    elif path.stat().st_size > limit:
        table.wrong(
            f"has a file over {limit // _MEBIBYTE} MB; make it smaller",
            "file",
            f"的附件文件超过 {limit // _MEBIBYTE} MB，请压缩",
        )
