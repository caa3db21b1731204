"""Commands for the questions: faq try, explain, gaps, expiring, approve (bot/cli/questions.py), and faq bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import options, questions

_SHIPPED = Path(__file__).resolve().parents[2] / "content"


def register(app: typer.Typer) -> None:
    about = "问题：试问、解释、缺口、到期、审批、测评。 (Questions.)"
    faq = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
    faq.command("try")(questions.try_one)
    faq.command("explain")(questions.explain)
    faq.command("gaps")(questions.gaps)
    faq.command("expiring")(questions.expiring)
    faq.command("approve")(questions.approve)
    faq.command("bench")(bench)
    app.add_typer(faq, name="faq")


def bench(
    kb: Annotated[Path, typer.Option("--kb", help="知识库，每行一个 JSON：id、question、similar")],
    queries: Annotated[Path, typer.Option("--queries", help="客户消息，每行一个 JSON：query_id、text")],
    out: Annotated[Path, typer.Option("--out", help="结果写到哪里，每行一个 JSON")],
    lexical: Annotated[bool, typer.Option("--lexical", help="只比词句，不比意思")] = False,
) -> None:
    """用外部知识库测评匹配：只用给定的文件建索引，不用自带条目。 (Measure the matcher on a file.)"""
    options.quieten()
    from bot import faq_bench

    found = faq_bench.measure(kb, queries, out, content_folder=_SHIPPED, lexical=lexical)
    print(f"条目 {found.entries}，建索引 {found.build_seconds:.2f} 秒", end="")
    print(f"，句意向量 {found.meaning_seconds:.2f} 秒" if found.has_meaning else "，没有句意通道")
    print(f"消息 {found.queries}，每条 p50 {found.p50:.2f} 毫秒，p95 {found.p95:.2f} 毫秒")
    print(f"用到句意的消息 {100 * found.meaning_share:.1f}%，结果在 {out}")
