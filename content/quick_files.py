"""Quick phrases as written in content/quick/*.toml, checked one by one and against the wording rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from content import compliance, faq_files, reply_files, tables
from domain.compliance import Speaker
from domain.faq import EntityMode, Line, Refusal, Scope
from domain.quick import QuickPhrase
from domain.replies import SignalKind

KEYS = frozenset(
    [
        "id",
        "line",
        "scope",
        "title",
        "text",
        "asks",
        "signals",
        "keywords",
        "risk_lines",
        "source",
        "reviewer",
        "reviewed_on",
        "valid_from",
        "valid_until",
    ]
)
# Filled from the company's settings and the staff list, and from dated facts about this very customer.
COMPANY_SLOTS = frozenset({"company", "licence", "phone", "website", "hours", "advisor"})
CUSTOMER_SLOTS = frozenset({"policy_due", "loan_due", "maturity_due", "registered_on", "first_order_on"})
LIMIT_BYTES = 900  # With its risk lines a phrase stays on one screen of a phone.
LIMIT_TITLE_BYTES = 60  # One line of a list at 360 px.

_ID = re.compile(r"^[a-z]+\.[a-z0-9_]+$")


def parse_quick(table: tables.Table) -> QuickPhrase:
    """Return the phrase of a table; what is wrong with it is noted in the table's mistakes."""
    table.check_keys(KEYS)
    phrase_id, text = table.text("id"), table.text("text")
    line = _line(table)
    if phrase_id and not (_ID.match(phrase_id) and phrase_id.startswith(f"{line}.")):
        table.wrong(
            f'has a bad id; write the line, a dot and lower-case letters: id = "{line}.welcome"',
            "id",
            f'的 id 要写业务线、点、小写字母，如 id = "{line}.welcome"',
        )
    faq_files.check_id(table, phrase_id)
    phrase = QuickPhrase(
        id=phrase_id,
        line=line,
        scope=_scope(table),
        title=table.text("title"),
        text=text,
        asks=table.texts("asks"),
        signals=_signals(table),
        keywords=table.texts("keywords"),
        risk_lines=table.texts("risk_lines"),
        slots=reply_files.slots_of(text),
        source=table.text("source"),
        reviewer=table.text("reviewer"),
        reviewed_on=table.day("reviewed_on") or faq_files.NEVER,
        valid_from=table.day("valid_from") or faq_files.NEVER,
        valid_until=table.day("valid_until") or faq_files.NEVER,
        digest=faq_files.digest_of(table.values),
        file=table.file,
        lineno=table.lineno,
    )
    _check(table, phrase)
    return phrase


def check_quick(
    found: Sequence[tables.Table],
    phrases: Mapping[str, QuickPhrase],
    risk_lines: Mapping[str, str],
    rules: compliance.ComplianceRules,
) -> None:
    """Note unknown risk lines and forbidden wording. A phrase is read as strictly as the bot's own words."""
    for table in found:
        phrase = phrases.get(table.label)
        if phrase is None or (phrase.file, phrase.lineno) != (table.file, table.lineno):
            continue
        if "risk_lines" in table.mistakes.unread:
            continue
        for code in phrase.risk_lines:
            if code not in risk_lines:
                hint = tables.nearest(code, risk_lines)
                table.wrong(
                    f"has an unknown risk line {code!r}{hint}", "risk_lines", f"引用的提示语 {code} 不存在"
                )
        problems = rules.check_text(said(phrase, risk_lines), Speaker.BOT, phrase.line, EntityMode.LICENSED)
        if compliance.is_blocking(problems, Speaker.BOT):
            told = "；".join(f"{problem.rule_id}: {problem.message}" for problem in problems)
            names = ", ".join(problem.rule_id for problem in problems)
            table.wrong(
                f"says what must not be said by {names}; reword it",
                "text",
                f"里有不能说的话：{told}，请改写",
            )


def said(phrase: QuickPhrase, risk_lines: Mapping[str, str], values: Mapping[str, str] | None = None) -> str:
    """Return the phrase as it is sent: slots of `values` filled, its risk lines below."""
    text = phrase.text if values is None else reply_files.fill(phrase.text, values)
    below = "\n".join(risk_lines[code] for code in phrase.risk_lines if code in risk_lines)
    return "\n\n".join(filter(None, [text.strip(), below]))


def servable(
    phrase: QuickPhrase, *, entity_mode: EntityMode, today: date, approved: bool, stopped: bool
) -> Refusal | None:
    """Return why a phrase may not be said now, None when it may; the same rules as for entries (content/serving.py)."""
    if stopped:
        return Refusal.STOPPED
    if entity_mode is EntityMode.OFF:
        return Refusal.LINE_OFF
    if entity_mode is EntityMode.PLATFORM and phrase.scope is Scope.PRODUCT:
        return Refusal.PLATFORM_SCOPE
    if not approved:
        return Refusal.UNAPPROVED
    if today < phrase.valid_from:
        return Refusal.NOT_YET_VALID
    return Refusal.EXPIRED if today > phrase.valid_until else None


def _check(table: tables.Table, phrase: QuickPhrase) -> None:
    for slot in sorted(phrase.slots - COMPANY_SLOTS - CUSTOMER_SLOTS):
        hint = tables.nearest(slot, COMPANY_SLOTS | CUSTOMER_SLOTS)
        table.wrong(
            f"has an unknown slot {{{slot}}}{hint}", "text", f"里的 {{{slot}}} 没有人会填，请看看拼写"
        )
    for key, words, limit in (("text", phrase.text, LIMIT_BYTES), ("title", phrase.title, LIMIT_TITLE_BYTES)):
        size = len(words.encode())
        if size > limit:
            table.wrong(
                f"has {key} of {size} bytes; shorten it to {limit}",
                key,
                f"的 {key} 有 {size} 字节，请缩到 {limit} 字节以内（一个汉字 3 字节）",
            )
    faq_files.check_days(table, phrase)


def _line(table: tables.Table) -> Line:
    value = table.text("line")
    known = [str(line.value) for line in Line]
    if value not in known:
        if value:
            wanted = ", ".join(known)
            table.wrong(f"has line = {value!r}; write one of {wanted}", "line", f"的 line 只能是 {wanted}")
        return Line.SERVICE
    return Line(value)


def _scope(table: tables.Table) -> Scope:
    value = table.text("scope", optional=True) or Scope.GENERAL.value
    if value not in ("G", "P"):
        table.wrong(f"has scope = {value!r}; write G or P", "scope", "的 scope 只能是 G 或 P")
        return Scope.PRODUCT
    return Scope(value)


def _signals(table: tables.Table) -> tuple[SignalKind, ...]:
    known = [str(kind.value) for kind in SignalKind]
    found = []
    for name in table.texts("signals"):
        if name in known:
            found.append(SignalKind(name))
        else:
            hint = tables.nearest(name, known)
            table.wrong(f"has an unknown signal {name!r}{hint}", "signals", f"的 signals 里 {name} 不认识")
    return tuple(found)
