"""Checks that need the whole content: references, sizes and wording.

Called by content/loading.py; every finding goes to the table it is about.
"""

from __future__ import annotations

from collections.abc import Mapping

from content import compliance, faq_files, reply_files, tables
from domain.compliance import Problem, Speaker
from domain.faq import EntityMode, Faq, Line
from domain.replies import HANDOVER_MENU_ID, FixedReply

MENU_TEXT_LIMIT_BYTES = reply_files.MENU_TEXT_LIMIT_BYTES
_SLOT_BYTES = 60  # What a slot adds to an answer: a company's full name is about 20 characters.
_ACTIONS = ("act_", "sat_")  # Menu ids that are no entries: actions and satisfaction grades.


def check_faqs(
    found: list[tables.Table],
    faqs: Mapping[str, Faq],
    risk_lines: Mapping[str, str],
    rules: compliance.ComplianceRules,
) -> None:
    """Note unknown risk lines, follow-ups and slots, answers too long for a menu and forbidden wording."""
    menu_ids: dict[str, str] = {HANDOVER_MENU_ID: HANDOVER_MENU_ID}
    for table in found:
        faq = faqs.get(table.label)
        if faq is None or faq.lineno != table.lineno or faq.file != table.file:
            continue
        first = menu_ids.setdefault(faq.menu_id, faq.id)
        if first != faq.id:
            table.wrong(f"has the same menu id {faq.menu_id} as {first}; rename one", "id")
        _check_references(table, faq, faqs, risk_lines)
        if len(faq.question.encode()) > MENU_TEXT_LIMIT_BYTES:
            table.wrong(f"has a question over {MENU_TEXT_LIMIT_BYTES} bytes, too long for a menu", "question")
        text = "\n\n".join([faq.answer, "\n".join(risk_lines.get(code, "") for code in faq.risk_lines)])
        size = len(text.encode()) + _SLOT_BYTES * len(reply_files.slots_of(faq.answer))
        if size > faq_files.LIMIT_BYTES:
            limit = faq_files.LIMIT_BYTES
            table.wrong(f"is {size} bytes with its risk lines; shorten the answer to fit {limit}", "answer")
        _check_wording(table, "answer", rules.check_text(text, Speaker.BOT, faq.line, EntityMode.LICENSED))
        _check_wording(table, "question", rules.check_text(faq.question, Speaker.BOT))


def check_replies(
    found: list[tables.Table],
    replies: Mapping[str, FixedReply],
    faqs: Mapping[str, Faq],
    rules: compliance.ComplianceRules,
) -> None:
    """Note menu entries that lead nowhere and forbidden wording."""
    for table in found:
        reply = replies.get(table.label)
        if reply is None:
            continue
        for entry in reply.menu:
            if not entry.id.startswith(_ACTIONS) and entry.id not in faqs:
                table.wrong(f"offers {entry.id!r}, which is no entry{tables.nearest(entry.id, faqs)}", "menu")
        words = "\n".join([reply.text, *(entry.text for entry in reply.menu), reply.tail])
        line = _line_of(reply.id)
        _check_wording(table, "text", rules.check_text(words, Speaker.BOT, line, EntityMode.LICENSED))


def _check_references(
    table: tables.Table, faq: Faq, faqs: Mapping[str, Faq], risk_lines: Mapping[str, str]
) -> None:
    for code in faq.risk_lines:
        if code not in risk_lines:
            table.wrong(f"has an unknown risk line {code!r}{tables.nearest(code, risk_lines)}", "risk_lines")
    for other in faq.follow_ups:
        if other not in faqs or other == faq.id:
            table.wrong(f"has an unknown follow-up {other!r}{tables.nearest(other, faqs)}", "follow_ups")
    reply_files.check_slots(table, "answer", faq.answer)


def _check_wording(table: tables.Table, key: str, problems: list[Problem]) -> None:
    if compliance.is_blocking(problems, Speaker.BOT):
        said = "; ".join(f"{problem.rule_id}: {problem.message}" for problem in problems)
        table.wrong(f"says what must not be said ({said}); reword it", key)


def _line_of(reply_id: str) -> Line | None:
    _, _, last = reply_id.rpartition(".")
    return Line(last) if last in {line.value for line in Line} else None
