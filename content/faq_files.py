"""Entries as written in content/faq/*.toml, checked one by one.

Checks that need the whole content (unknown risk lines, follow-ups, wording) are in content/loading.py.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar

from content import tables
from domain.faq import Faq, HandoverCode, Line, Scope
from domain.quick import QuickPhrase

KEYS = frozenset(
    [
        "id",
        "line",
        "source_id",
        "question",
        "asks",
        "keywords",
        "short",
        "answer",
        "lapsed",
        "calculation",
        "computed",
        "risk_lines",
        "handover",
        "handover_at_once",
        "scope",
        "source",
        "reviewer",
        "reviewed_on",
        "valid_from",
        "valid_until",
        "fact_valid_until",
        "follow_ups",
    ]
)
REQUIRED_ASKS = 6
LONGEST_VALIDITY = timedelta(days=184)  # Six months: rules in this field change that fast (faq_facts §0).
LIMIT_SHORT_BYTES = 360  # Two short answers, their questions and risk lines share one message.
LIMIT_BYTES = 1000  # Answer and risk lines: a menu head may hold 1,024 bytes (WeCom doc 94677).
LIMIT_ID = 64  # Characters; versions and drafts are kept under it.
SAMPLE_REVIEWER = "sample"

_ID = re.compile(r"^[a-z]+\.[a-z0-9_]+$")
NEVER = date(1970, 1, 1)
_Choice = TypeVar("_Choice", bound=StrEnum)


def parse_faq(table: tables.Table) -> Faq:
    """Return the entry of a table; what is wrong with it is noted in the table's mistakes."""
    table.check_keys(KEYS)
    entry_id = table.text("id")
    line = _choice(table, "line", Line, Line.SERVICE)
    if entry_id and not _ID.match(entry_id):
        table.wrong(
            'has a bad id; write the line, a dot and lower-case letters: id = "loan.prepay"',
            "id",
            '的 id 写法不对，请写业务线、点、小写字母，如 id = "loan.prepay"',
        )
    elif entry_id and not entry_id.startswith(f"{line.value}."):
        right = f"{line.value}.{entry_id.partition('.')[2]}"
        table.wrong(f"does not begin with its line; write {right}", "id", f"的 id 要以业务线开头：{right}")
    check_id(table, entry_id)
    handover = [code for code in table.texts("handover") if _is_code(table, code)]
    faq = Faq(
        id=entry_id,
        line=line,
        source_id=table.text("source_id", optional=True),
        question=table.text("question"),
        asks=table.texts("asks", at_least=REQUIRED_ASKS),
        keywords=table.texts("keywords", at_least=1),
        answer=table.text("answer"),
        short=table.text("short"),
        lapsed=table.text("lapsed", optional=True),
        calculation=table.text("calculation", optional=True),
        computed=table.text("computed", optional=True),
        risk_lines=table.texts("risk_lines"),
        handover=tuple(HandoverCode(code) for code in handover),
        handover_at_once=table.flag("handover_at_once"),
        scope=_choice(table, "scope", Scope, Scope.PRODUCT),
        source=table.text("source"),
        reviewer=table.text("reviewer"),
        reviewed_on=table.day("reviewed_on") or NEVER,
        valid_from=table.day("valid_from") or NEVER,
        valid_until=table.day("valid_until") or NEVER,
        fact_valid_until=table.day("fact_valid_until", optional=True),
        follow_ups=table.texts("follow_ups"),
        digest=digest_of(table.values),
        file=table.file,
        lineno=table.lineno,
    )
    check_days(table, faq)
    _check_texts(table, faq)
    return faq


def digest_of(values: Mapping[str, object]) -> str:
    """Return the SHA-256 of a table in a form that does not depend on key order or layout."""
    plain = json.dumps(values, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()


def _choice(table: tables.Table, key: str, choices: type[_Choice], fallback: _Choice) -> _Choice:
    value = table.text(key)
    known = [str(choice.value) for choice in choices]
    if value in known:
        return choices(value)
    if value:
        hint = tables.nearest(value, known)
        wanted = ", ".join(known)
        table.wrong(f"has {key} = {value!r}; write one of {wanted}{hint}", key, f"的 {key} 只能是 {wanted}")
    return fallback


def _is_code(table: tables.Table, code: str) -> bool:
    known = [str(member.value) for member in HandoverCode]
    if code in known:
        return True
    wanted = ", ".join(known)
    table.wrong(
        f"has an unknown hand-over code {code!r}; write one of {wanted}",
        "handover",
        f"的转人工代码 {code} 不认识，只能是 {wanted}",
    )
    return False


def _check_texts(table: tables.Table, faq: Faq) -> None:
    if len(faq.short.encode()) > LIMIT_SHORT_BYTES:
        table.wrong(
            f"has a short answer over {LIMIT_SHORT_BYTES} bytes; one or two sentences are enough",
            "short",
            f"的 short 超过 {LIMIT_SHORT_BYTES} 字节（约 {LIMIT_SHORT_BYTES // 3} 个汉字），一两句话就够",
        )
    if faq.fact_valid_until is not None and not faq.lapsed:
        table.wrong(
            "has a rule that ends (fact_valid_until) but no words for the time after it; add lapsed",
            "fact_valid_until",
            "的规则有到期日，请加上 lapsed：到期以后怎么告诉客户",
        )
    if bool(faq.calculation) != bool(faq.computed):
        present, absent = ("calculation", "computed") if faq.calculation else ("computed", "calculation")
        table.wrong(f"has {present} but no {absent}; write both", present, f"写了 {present}，还要写 {absent}")


def check_id(table: tables.Table, text_id: str) -> None:
    """Note an id that is too long to be kept."""
    if len(text_id) > LIMIT_ID:
        table.wrong(
            f"has an id of {len(text_id)} characters; shorten it to {LIMIT_ID}",
            "id",
            f"的 id 有 {len(text_id)} 个字符，请缩到 {LIMIT_ID} 个以内",
        )


def check_days(table: tables.Table, faq: Faq | QuickPhrase) -> None:
    """Note dates that contradict each other or promise too much."""
    if NEVER in (faq.reviewed_on, faq.valid_from, faq.valid_until):
        return
    if faq.valid_until < faq.valid_from:
        table.wrong(
            f"ends ({faq.valid_until}) before it begins ({faq.valid_from})",
            "valid_until",
            f"的有效期到 {faq.valid_until}，早于开始的 {faq.valid_from}",
        )
    elif faq.valid_until - faq.valid_from > LONGEST_VALIDITY:
        latest = faq.valid_from + LONGEST_VALIDITY
        table.wrong(
            f"is valid for over six months; set valid_until to {latest} or earlier",
            "valid_until",
            f"的有效期超过六个月，valid_until 最晚写 {latest}",
        )
    if faq.reviewed_on > faq.valid_from:
        table.wrong(
            "is valid before it was reviewed; set valid_from to reviewed_on or later",
            "valid_from",
            "还没审核就生效了，valid_from 不能早于 reviewed_on",
        )
