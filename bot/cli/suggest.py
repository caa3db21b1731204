"""Commands for suggested replies: suggest bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import options

_SHIPPED = Path(__file__).resolve().parents[2] / "content"


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="推荐话术：测评。 (Suggested replies.)", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("bench")(bench)
    group.callback()(_group)
    app.add_typer(group, name="suggest")


def _group() -> None:
    """推荐话术：测评。 (Suggested replies.)"""


def bench(
    kb: Annotated[Path, typer.Option("--kb", help="知识库，每行一个 JSON：id、question、similar")],
    queries: Annotated[
        Path, typer.Option("--queries", help="客户消息，每行一个 JSON：query_id、text，可带 gold")
    ],
    out: Annotated[Path, typer.Option("--out", help="结果写到哪里，每行一个 JSON")],
    lexical: Annotated[bool, typer.Option("--lexical", help="只比词句，不比意思")] = False,
) -> None:
    """把每个问题放在两到四轮闲聊之后，看正确条目在不在三条推荐里。 (Measure the suggestions on a file.)"""
    options.quieten()
    from bot import suggest_bench

    found = suggest_bench.measure(kb, queries, out, content_folder=_SHIPPED, lexical=lexical)
    print(f"条目 {found.entries}，消息 {found.queries}，其中有正确条目的 {found.answerable}", end="")
    print("" if found.has_meaning else "，没有句意通道")
    if found.hit3 is not None and found.bare_hit3 is not None:
        print(f"闲聊之后，三条推荐里有正确条目：{100 * found.hit3:.1f}%")
        print(f"单独一个问题，匹配前三名里有：{100 * found.bare_hit3:.1f}%", end="")
        print(f"（相差 {100 * (found.hit3 - found.bare_hit3):+.1f} 个百分点）")
        print(f"被当成闲聊的问题 {found.misread} 个")
    print(f"每条 p50 {found.p50:.2f} 毫秒，p95 {found.p95:.2f} 毫秒，结果在 {out}")
