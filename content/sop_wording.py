"""Checks of an SOP's words in the place where they are used: sizes by way of sending, wording rules, the no-sale guard.

Called by content/sop_files.py. The same block may travel in several ways; the narrowest decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from content import compliance, sop_audience, sop_guard, sop_order, tables
from domain import week_pages
from domain.compliance import Audience, Problem, Severity, Speaker
from domain.faq import EntityMode, Line
from domain.sop import (
    BlockKind,
    ContentBlock,
    DeliveryCode,
    DeliveryPolicy,
    Negation,
    NoSale,
    StepPart,
    Term,
)

# Bytes of a text by way of sending (WeCom docs 92135, 96357, 90236; sendChatMessage names none, so as a mass-send).
LIMIT_BYTES = {
    DeliveryCode.WELCOME: 3000,
    DeliveryCode.MASS_SEND: 4000,
    DeliveryCode.SIDEBAR: 4000,
    DeliveryCode.PERSONAL: 4000,
    DeliveryCode.APP: 2048,
    DeliveryCode.INTERNAL: 2048,
    DeliveryCode.KF: 2048,
}
_SLOT_BYTES = 60  # As for the FAQ: a company's full name is about 20 characters.
_STAFF_KINDS = frozenset([BlockKind.CARD, BlockKind.CHECKLIST, BlockKind.REPORT])
_TO_STAFF = frozenset([DeliveryCode.APP, DeliveryCode.INTERNAL])
_SILENT = frozenset([DeliveryCode.SYSTEM])
_COMPANY_SLOTS = frozenset(["company", "licence", "phone", "website", "guide_url"])
_FRIEND = Term(name="friend")
_LEFT_ALONE = Negation(part=Term(name="do_not_contact"))


@dataclass(frozen=True, kw_only=True)
class WordRules:
    """What words are held against."""

    compliance: compliance.ComplianceRules
    sales: Sequence[sop_guard.SaleRule]
    risk_lines: Mapping[str, str]


def check_steps(
    placed: Sequence[sop_order.Placed],
    blocks: Mapping[str, ContentBlock],
    found: Mapping[str, tables.Table],
) -> None:
    """Note unknown content, sizes over the platform's limits and one-to-one words to the wrong people."""
    for one in placed:
        step, table = one.step, one.table
        speaks = [code for code in step.deliveries if code not in _SILENT]
        if speaks and not step.content:
            table.wrong("says nothing; add content", "content", "没有内容，请加上 content")
        for name in step.content:
            if name not in blocks:
                hint = tables.nearest(name, blocks)
                table.wrong(f"has unknown content {name!r}{hint}", "content", f"的内容 {name} 不存在")
        if DeliveryCode.PERSONAL in step.deliveries:
            certain = sop_audience.conjuncts(step.audience.expression)
            if _FRIEND not in certain or _LEFT_ALONE not in certain:
                table.wrong(
                    'writes one-to-one to strangers; begin audience with "friend and not do_not_contact"',
                    "audience",
                    '一对一只能发给愿意联系的好友，audience 要含 "friend and not do_not_contact"',
                )
        for name in step.content:
            if name in blocks:
                _check_fit(found[name], blocks[name], speaks)


def check_ladders(
    written: Sequence[tables.Table],
    policies: Mapping[str, DeliveryPolicy],
    blocks: Mapping[str, ContentBlock],
    found: Mapping[str, tables.Table],
) -> None:
    """Note cards of ladders that are missing, or are no words for staff."""
    for table in written:
        policy = policies.get(table.label)
        for occasion, name in policy.words.items() if policy else ():
            if name not in blocks:
                hint = tables.nearest(name, blocks)
                table.wrong(
                    f"has unknown content {name!r}{hint}", occasion, f"的 {occasion} 引用的内容 {name} 不存在"
                )
            elif blocks[name].kind not in _STAFF_KINDS:
                found[name].wrong(
                    'goes to staff; write kind = "card"', "kind", '是给员工的，请写 kind = "card"'
                )
            else:
                _check_fit(found[name], blocks[name], [DeliveryCode.APP])


def check_words(table: tables.Table, block: ContentBlock, lines: Sequence[Line], rules: WordRules) -> None:
    """Note unknown risk lines and words that must not be said."""
    for code in block.risk_lines:
        if code not in rules.risk_lines:
            hint = tables.nearest(code, rules.risk_lines)
            table.wrong(
                f"has an unknown risk line {code!r}{hint}", "risk_lines", f"引用的提示语 {code} 不存在"
            )
    risk = "\n".join(rules.risk_lines.get(code, "") for code in block.risk_lines)
    said = f"{sop_guard.words_of(block)}\n\n{risk}"
    audience = Audience.STAFF if block.kind in _STAFF_KINDS else Audience.GROUP
    problems: dict[str, Problem] = {}
    for line in lines or tuple(Line):
        for problem in rules.compliance.check_text(said, Speaker.BOT, line, EntityMode.LICENSED, audience):
            if problem.severity <= Severity.S2:
                problems.setdefault(problem.rule_id, problem)
    if problems:
        told = "；".join(f"{problem.rule_id}: {problem.message}" for problem in problems.values())
        table.wrong(
            f"says what must not be said by {', '.join(problems)}; reword it",
            "text",
            f"里有不能说的话：{told}，请改写",
        )


def check_sales(
    placed: Sequence[sop_order.Placed],
    blocks: Mapping[str, ContentBlock],
    found: Mapping[str, tables.Table],
    no_sale: NoSale,
    rules: WordRules,
) -> None:
    """Note words that sell before they may: all of a template, or those that do not wait for the week's score."""
    after = _after_score(placed) if no_sale is NoSale.UNTIL_SCORE else set()
    if no_sale is NoSale.OFF:
        return
    guarded = {name for one in placed if one.step.key not in after for name in one.step.content}
    guarded |= {name for name in blocks if name.startswith(week_pages.BLOCK_PREFIX)}
    for name in sorted(guarded & set(blocks)):
        for rule in sop_guard.sales_words(rules.sales, sop_guard.words_of(blocks[name])):
            found[name].wrong(
                f"sells before the first week's score ({rule.id}); reword it",
                "text",
                f"在首周评分之前营销：{rule.message}（{rule.id}），请改写",
            )


def _after_score(placed: Sequence[sop_order.Placed]) -> set[str]:
    """Return the steps that wait for a score step, directly or through others."""
    waiting = {one.step.key for one in placed if one.step.part is StepPart.SCORE}
    after: set[str] = set()
    while True:
        more = {
            one.step.key
            for one in placed
            if one.step.key not in after
            and any(before in waiting | after for before in sop_order.before(one.step))
        }
        if not more:
            return after
        after |= more


def _check_fit(table: tables.Table, block: ContentBlock, codes: Sequence[DeliveryCode]) -> None:
    size = len(block.body.encode()) + _SLOT_BYTES * len(block.slots)
    limit = min((LIMIT_BYTES[code] for code in codes), default=size)
    if size > limit:
        table.wrong(
            f"is {size} bytes by its way of sending ({', '.join(codes)}); shorten it to {limit}",
            "text",
            f"有 {size} 字节，用 {'、'.join(codes)} 发送最多 {limit} 字节，请缩短（一个汉字 3 字节）",
        )
    if DeliveryCode.WELCOME in codes and block.slots - _COMPANY_SLOTS:
        own = ", ".join(sorted(_COMPANY_SLOTS))
        table.wrong(
            f"differs by group; a group welcome is one of 100 templates of the company, use {own} only",
            "text",
            f"每个群都不一样；入群欢迎语全公司最多 100 个模板，只能用 {own}",
        )
    if DeliveryCode.WELCOME in codes and len(block.attachments) > 1:
        table.wrong(
            "has more than one attachment; a group welcome takes text and one other",
            "attachments",
            "的附件多于一个，入群欢迎语只能带一个附件",
        )
    if block.kind in _STAFF_KINDS and not set(codes) <= _TO_STAFF:
        table.wrong(
            f"is a {block.kind} for staff but reaches customers; take another kind",
            "kind",
            f"是给员工看的（{block.kind}），却会发给客户，请换 kind",
        )
