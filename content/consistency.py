"""Checks that need the whole content: references, sizes and wording.

Called by content/loading.py; every finding goes to the table it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from content import compliance, faq_files, normalising, reply_files, tables
from content.reckoning import calculations
from domain.compliance import Problem, Speaker
from domain.faq import EntityMode, Faq, Line
from domain.replies import HANDOVER_MENU_ID, FixedReply

MENU_TEXT_LIMIT_BYTES = reply_files.MENU_TEXT_LIMIT_BYTES
LIMIT_COMPUTED_BYTES = 700  # Figures, the formula and the risk lines share a message of 1,000 bytes with it.
_SLOT_BYTES = 60  # What a slot adds to an answer: a company's full name is about 20 characters.
_ACTIONS = ("act_", "sat_")  # Menu ids that are no entries: actions and satisfaction grades.


def check_faqs(
    found: list[tables.Table],
    faqs: Mapping[str, Faq],
    risk_lines: Mapping[str, str],
    rules: compliance.ComplianceRules,
    *,
    others: Iterable[Faq] = (),
) -> None:
    """Note unknown risk lines, follow-ups and slots, answers too long for a menu and forbidden wording.

    `others`: entries that stand beside those `found` and are right by themselves.
    """
    menu_ids: dict[str, str] = {HANDOVER_MENU_ID: HANDOVER_MENU_ID}
    phrases: dict[str, Faq] = {}
    for other in others:
        menu_ids.setdefault(other.menu_id, other.id)
        for asked in (other.question, *other.asks):
            phrases.setdefault(normalising.normalise(asked).replace(" ", ""), other)
    for table in found:
        faq = faqs.get(table.label)
        if faq is None or faq.lineno != table.lineno or faq.file != table.file:
            continue
        first = menu_ids.setdefault(faq.menu_id, faq.id)
        if first != faq.id:
            table.wrong(
                f"has the same menu id {faq.menu_id} as {first}; rename one",
                "id",
                f"和 {first} 的 id 太像，请改一个",
            )
        _check_references(table, faq, faqs, risk_lines)
        _check_phrases(table, faq, phrases)
        _check_computed(table, faq)
        if len(faq.question.encode()) > MENU_TEXT_LIMIT_BYTES:
            limit = MENU_TEXT_LIMIT_BYTES
            table.wrong(
                f"has a question over {limit} bytes, too long for a menu",
                "question",
                f"的 question 超过 {limit} 字节，菜单里放不下（一个汉字 3 字节）",
            )
        risk = "\n".join(risk_lines.get(code, "") for code in faq.risk_lines)
        text = f"{faq.answer}\n\n{risk}"
        size = len(text.encode()) + _SLOT_BYTES * len(reply_files.slots_of(faq.answer))
        if size > faq_files.LIMIT_BYTES:
            limit = faq_files.LIMIT_BYTES
            table.wrong(
                f"is {size} bytes with its risk lines; shorten the answer to fit {limit}",
                "answer",
                f"连同提示语有 {size} 字节，请把 answer 缩到 {limit} 字节以内（一个汉字 3 字节）",
            )
        if "risk_lines" not in table.mistakes.unread:
            said = rules.check_text(text, Speaker.BOT, faq.line, EntityMode.LICENSED)
            _check_wording(table, "answer", said)
            for key, words in (("short", faq.short), ("lapsed", faq.lapsed), ("computed", faq.computed)):
                whole = f"{words}\n\n{risk}"
                said = rules.check_text(whole, Speaker.BOT, faq.line, EntityMode.LICENSED) if words else []
                _check_wording(table, key, said)
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
            is_action = entry.id.startswith(_ACTIONS) or "faq" in table.mistakes.unread
            if not is_action and entry.id not in faqs:
                hint = tables.nearest(entry.id, faqs)
                table.wrong(
                    f"offers {entry.id!r}, which is no entry{hint}", "menu", f"的菜单里没有 {entry.id} 这一条"
                )
        words = "\n".join([reply.text, *(entry.text for entry in reply.menu), reply.tail])
        line = _line_of(reply.id)
        _check_wording(table, "text", rules.check_text(words, Speaker.BOT, line, EntityMode.LICENSED))


def _check_references(
    table: tables.Table, faq: Faq, faqs: Mapping[str, Faq], risk_lines: Mapping[str, str]
) -> None:
    unread = table.mistakes.unread
    for code in faq.risk_lines if "risk_lines" not in unread else ():
        if code not in risk_lines:
            hint = tables.nearest(code, risk_lines)
            table.wrong(
                f"has an unknown risk line {code!r}{hint}", "risk_lines", f"引用的提示语 {code} 不存在"
            )
    for other in faq.follow_ups if "faq" not in unread else ():
        if other not in faqs or other == faq.id:
            hint = tables.nearest(other, faqs)
            table.wrong(
                f"has an unknown follow-up {other!r}{hint}", "follow_ups", f"引用的问题 {other} 不存在"
            )
    reply_files.check_slots(table, "answer", faq.answer)


def _check_phrases(table: tables.Table, faq: Faq, phrases: dict[str, Faq]) -> None:
    """Note a wording that two entries claim: the matcher could only guess which is meant."""
    for said in (faq.question, *faq.asks):
        plain = normalising.normalise(said).replace(" ", "")
        first = phrases.setdefault(plain, faq)
        if first is not faq:
            place = f"{first.file}:{first.lineno}"
            table.wrong(
                f"claims {said!r}, as {first.id} does ({place}); keep it in one of them",
                "asks",
                f"的问法“{said}”在 {first.id}（{place}）里也有，请只留一处",
            )


def _check_computed(table: tables.Table, faq: Faq) -> None:
    """Note an unknown calculation, and slots of `computed` that it does not fill."""
    if not faq.calculation:
        return
    calculation = calculations.find(faq.calculation)
    if calculation is None:
        hint = tables.nearest(faq.calculation, calculations.names())
        table.wrong(
            f"has an unknown calculation {faq.calculation!r}{hint}",
            "calculation",
            f"的 calculation {faq.calculation} 不认识（docs/reckoning.md 有全部名字）",
        )
        return
    filled = calculations.value_names(faq.calculation) | reply_files.SLOTS
    for slot in sorted(reply_files.slots_of(faq.computed) - filled):
        hint = tables.nearest(slot, filled)
        table.wrong(
            f"has a slot {{{slot}}} in computed that {faq.calculation} does not fill{hint}",
            "computed",
            f"的 computed 里 {{{slot}}} 没有人会填（docs/reckoning.md 有全部名字）",
        )
    if len(faq.computed.encode()) > LIMIT_COMPUTED_BYTES:
        table.wrong(
            f"has a computed answer over {LIMIT_COMPUTED_BYTES} bytes; shorten it",
            "computed",
            f"的 computed 超过 {LIMIT_COMPUTED_BYTES} 字节，算出的数字还要占地方，请缩短",
        )


def _check_wording(table: tables.Table, key: str, problems: list[Problem]) -> None:
    if compliance.is_blocking(problems, Speaker.BOT):
        said = "；".join(f"{problem.rule_id}: {problem.message}" for problem in problems)
        rules = ", ".join(problem.rule_id for problem in problems)
        table.wrong(
            f"says what must not be said by {rules}; reword it",
            key,
            f"的 {key} 里有不能说的话：{said}，请改写",
        )


def _line_of(reply_id: str) -> Line | None:
    _, _, last = reply_id.rpartition(".")
    return Line(last) if last in {line.value for line in Line} else None
