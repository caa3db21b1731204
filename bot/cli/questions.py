"""Commands that look into the questions: faq try, explain, gaps, expiring, approve. Registered by bot/cli/faq.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import options, talking

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from bot.asking import Explanation
    from domain.faq import Match

Words = Annotated[list[str], typer.Argument(help="客户的问题", show_default=False)]
Lexical = Annotated[bool, typer.Option("--lexical", help="只比词句，不比意思：第一次更快")]
Topic = Annotated[str, typer.Option("--after", help="刚回答过的条目编号，试追问用，如 loan.prepay")]
Ids = Annotated[list[str] | None, typer.Argument(help="条目编号，如 loan.prepay", show_default=False)]
_BAR = 12


def try_one(text: Words, after: Topic = "", lexical: Lexical = False, config: options.Config = None) -> None:
    """问一句，看客户会读到什么；不保存、不发送。 (What the customer would read.)"""
    from bot import asking

    settings = talking.settings_for_asking(config)

    async def answer() -> asking.Answer:
        async with talking.desk(settings, lexical=lexical) as desk:
            return await desk.ask(" ".join(text), after=after)

    talking.show(options.run(answer()))


def explain(text: Words, after: Topic = "", lexical: Lexical = False, config: options.Config = None) -> None:
    """每一层为什么选这条、不选那条。 (What each layer of the matcher says.)"""
    from bot import asking

    settings = talking.settings_for_asking(config)

    async def found() -> asking.Explanation:
        async with talking.desk(settings, lexical=lexical) as desk:
            return await desk.explain(" ".join(text), after=after)

    _show_explanation(options.run(found()))


def gaps(
    since: Annotated[int, typer.Option("--since", help="看最近几天", min=1)] = 30,
    limit: Annotated[int, typer.Option("--limit", help="最多列几类", min=1)] = 30,
    config: options.Config = None,
) -> None:
    """没答好的问题，相近的归在一起，问得最多的在前。 (Unanswered questions, grouped.)"""
    from rich.markup import escape

    from bot import operations

    settings = options.load_settings(config)
    options.quieten()
    found = options.run(operations.list_gaps(settings, since))
    table = _table("次数", "客户", "客户怎么问", "最接近的条目", "把握", "最近一次")
    for group in found.groups[:limit]:
        table.add_row(
            str(group.count),
            str(group.customers),
            escape("\n".join(group.examples[:3])),
            group.nearest or "—",
            f"{group.confidence:.0%}" if group.nearest else "—",
            options.local_time(group.last_at, settings),
        )
    if found.groups:
        options.console().print(table)
    print(f"最近 {since} 天有 {found.questions} 次没答好，归成 {len(found.groups)} 类。")


def expiring(
    by: Annotated[str, typer.Option("--reviewer", help="只看这位审核人的")] = "",
    config: options.Config = None,
) -> None:
    """30 天内到期、已到期、等公司补充的内容，含群运营流程，按紧急程度排。 (What ends, what is still to write.)"""
    from rich.markup import escape

    from bot import operations

    settings = options.load_settings(config)
    options.quieten()
    report = options.run(operations.list_endings(settings))
    table = _table("情况", "条目", "内容", "审核人", "到期", "文件")
    for one in report.endings:
        if by and one.reviewer != by:
            continue
        table.add_row(
            _KINDS[one.kind],
            f"sop:{one.key}" if one.of == "sop" else one.key,
            escape(one.title),
            "示例" if one.reviewer == "sample" else escape(one.reviewer),
            f"{one.ends_on}" + ("（规定本身）" if one.rule_ends else ""),
            f"{one.file}:{one.lineno}",
        )
    console = options.console()
    if table.row_count:
        console.print(table)
    print(f"三十天内到期或已到期：{table.row_count} 条。")
    if not report.unwritten or by:
        return
    waiting = _table("等公司补充", "写什么", "等着它的条目", "文件")
    for text in report.unwritten:
        entries = "\n".join(faq.id for faq in text.faqs)
        waiting.add_row(
            text.own.id, escape(text.own.what), entries or "—", f"{text.own.file}:{text.own.lineno}"
        )
    console.print(waiting)
    print(f"等公司补充：{len(report.unwritten)} 处；没写之前，这些条目转人工。")


def approve(
    by: options.By,
    ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="审批全部问答条目")] = False,
    note: Annotated[str, typer.Option(help="审批意见")] = "",
    config: options.Config = None,
) -> None:
    """审批问答条目，之后才会对客户使用；固定话术用 content approve。 (Approve entries.)"""
    from bot.cli import content

    content.approve_texts(ids, everything, by=by, note=note, config=config, kind="faq")


_KINDS = {
    "over": "[red]已到期[/]",
    "lapsed": "[red]规则已到期[/]",
    "day": "[red]1 天内[/]",
    "week": "[yellow]7 天内[/]",
    "month": "30 天内",
}
_LAYERS = {
    "words": "词",
    "synonyms": "同义词",
    "letters": "字",
    "pinyin": "读音",
    "coverage": "覆盖",
    "meaning": "句意",
}


def _show_explanation(found: Explanation) -> None:
    from rich.markup import escape
    from rich.table import Table

    console = options.console()
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(found):
        facts.add_row(f"[bold]{name}[/]", escape(value))
    console.print(facts)
    for place, match in enumerate(found.considered, start=1):
        used = "[green]用它回答[/]" if match in found.answers else ""
        used = used or ("[cyan]进入选项[/]" if match in found.offered else "")
        console.print(f"\n[bold]{place}. {match.faq_id}[/]  {escape(found.questions[match.faq_id])}  {used}")
        console.print(_layers(match, found.answer_at(match), found.menu_at))
        for reason in match.reasons:
            console.print(f"   · {escape(reason)}")
        if match.faq_id in found.refusals:
            console.print(f"   [red]{talking.REFUSALS[found.refusals[match.faq_id]]}[/]")
        console.print(f"   依据：{escape(found.sources[match.faq_id])}", soft_wrap=True)


def _facts(found: Explanation) -> list[tuple[str, str]]:
    facts = [("看成", found.normalised), ("判定", _CHOICES[found.choice])]
    if len(found.askings) > 1:
        facts.append(("几个问题", "；".join(found.askings)))
    if found.figures:
        facts.append(("读出的数字", "，".join(f"{name} {value}" for name, value in found.figures.items())))
    if found.signals:
        facts.append(("听出", "、".join(found.signals)))
    channel = "词句和句意" if found.compares_meaning else "词句；没有比句意"
    facts.append(("比的是", channel))
    return facts


_CHOICES = {"answer": "回答", "menu": "给出选项", "unknown": "没把握：请客户换个说法，第二次转人工"}


def _layers(match: Match, answer_at: float, menu_at: float) -> Table:
    """Return the layers as bars, the confidence first with the thresholds marked in it."""
    from rich.markup import escape
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    grid.add_row(
        "   把握",
        _bar(match.confidence, 24, marks=(menu_at, answer_at)),
        f"{match.confidence:.0%}",
        f"[dim]{menu_at:.0%} 起给选项，{answer_at:.0%} 起回答；排序分 {match.score:.2f}[/]",
    )
    for layer in match.layers:
        name = _LAYERS.get(layer.layer, layer.layer)
        grid.add_row(
            f"   {name}", _bar(layer.score, _BAR), f"{layer.score:.0%}", f"[dim]{escape(layer.detail)}[/]"
        )
    return grid


def _bar(value: float, width: int, marks: tuple[float, ...] = ()) -> Text:
    from rich.text import Text

    bar = Text()
    edges = {min(int(mark * width), width - 1) for mark in marks}
    for place in range(width):
        filled = (place + 0.5) / width <= value
        bar.append("┃" if place in edges else "█" if filled else "·", style="green" if filled else "dim")
    return bar


def _table(*heads: str) -> Table:
    from rich.table import Table

    table = Table()
    for head in heads:
        table.add_column(head, overflow="fold")
    return table
