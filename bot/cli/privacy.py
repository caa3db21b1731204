"""Commands of privacy: erase, hold, retention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import options

if TYPE_CHECKING:
    from datetime import datetime

    from bot.config import Settings
    from scheduler.erasing import Part

Customer = Annotated[str, typer.Option("--customer", help="客户的 external_userid")]
Reason = Annotated[str, typer.Option("--reason", help="原因，会记录在案")]
_REASONS = ("request", "consent")


def register(app: typer.Typer) -> None:
    app.command()(erase)
    hold = typer.Typer(
        help="法律保全：保全期间不得删除。 (Legal holds.)", no_args_is_help=True, rich_markup_mode=None
    )
    hold.command("add")(add_hold)
    hold.command("lift")(lift_hold)
    hold.command("list")(list_holds)
    app.add_typer(hold, name="hold")
    retention = typer.Typer(
        help="保存期限。 (Periods of keeping.)", no_args_is_help=True, rich_markup_mode=None
    )
    retention.callback()(lambda: None)
    retention.command("report")(report)
    app.add_typer(retention, name="retention")


def erase(
    customer: Customer,
    by: options.By,
    reason: Annotated[str, typer.Option("--reason", help="request 客户申请，consent 撤回同意")] = "request",
    note: Annotated[str, typer.Option("--note", help="说明，如申请的编号")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="真的删除；不加只列出会删除什么")] = False,
    config: options.Config = None,
) -> None:
    """按客户申请删除：法律要求保存的除外，删除后不能恢复。 (Erase what the law does not keep.)"""
    from bot import privacy

    settings = options.load_settings(config)
    options.quieten()
    if reason not in _REASONS:
        raise typer.BadParameter(f"--reason 只能是 {' 或 '.join(_REASONS)}")
    for part in options.run(privacy.survey(settings, customer)):
        _show(part, settings)
    if not yes:
        print("以上只是预览，没有删除任何内容；确认后加 --yes。 (Nothing was erased; add --yes.)")
        return
    done = options.run(privacy.erase(settings, customer, reason=reason, by=by, note=note))
    print(
        f"已删除 {done.erased} 条原文、{done.files} 个文件；依法保留 {done.kept} 条，法律保全 {done.held} 条。"
        "会话发生过的事实、时间和摘要保留。"
    )


def _show(part: Part, settings: Settings) -> None:
    head = f"会话 {part.talk.conversation_id}（{part.talk.channel}）：{part.words} 条有原文，{part.erased} 条已删除"
    if part.hold is not None:
        why = f"法律保全：{part.hold.reason}"
    elif part.may_erase:
        why = "可以删除"
    else:
        kept = part.duties[0]
        why = f"须保留到 {_day(kept.until, settings)}：{kept.period.what}，{kept.period.law}"
    print(f"{head}；{why}。")


def _day(until: datetime | None, settings: Settings) -> str:
    return options.local_time(until, settings)[:10] or "合同或事项结束之后"


def add_hold(
    by: options.By,
    reason: Reason,
    customer: Annotated[str, typer.Option("--customer", help="客户的 external_userid")] = "",
    conversation: Annotated[
        int | None, typer.Option("--conversation", help="会话编号", show_default=False)
    ] = None,
    staff: Annotated[str, typer.Option("--staff", help="员工的 UserID")] = "",
    config: options.Config = None,
) -> None:
    """保全一位客户、一个会话或一名员工的全部会话。 (Place a hold.)"""
    from bot import privacy

    settings = options.load_settings(config)
    options.quieten()
    number = options.run(
        privacy.add_hold(
            settings, customer=customer, conversation=conversation, staff=staff, reason=reason, by=by
        )
    )
    print(f"已保全，编号 {number}。解除前任何期限和申请都不能删除。")


def lift_hold(
    number: Annotated[int, typer.Argument(help="保全的编号，见 guanjia hold list")],
    by: options.By,
    config: options.Config = None,
) -> None:
    """解除保全。 (Lift a hold.)"""
    from bot import privacy

    settings = options.load_settings(config)
    options.quieten()
    is_lifted = options.run(privacy.lift_hold(settings, number, by))
    print(f"已解除 {number}。" if is_lifted else f"没有生效中的保全 {number}。")
    raise typer.Exit(0 if is_lifted else 1)


def list_holds(config: options.Config = None) -> None:
    """列出全部保全。 (List the holds.)"""
    from rich.table import Table

    from bot import privacy

    settings = options.load_settings(config)
    options.quieten()
    table = Table()
    for head in ("编号", "对象", "原因", "谁", "何时", "解除"):
        table.add_column(head, overflow="fold")
    for one in options.run(privacy.list_holds(settings)):
        lifted = (
            f"{one.lifted_by} {options.local_time(one.lifted_at, settings)}" if one.lifted_at else "生效中"
        )
        placed = options.local_time(one.placed_at, settings)
        table.add_row(str(one.id), one.subject, one.reason, one.placed_by, placed, lifted)
    options.console().print(table)


def report(config: options.Config = None) -> None:
    """列出超过保存期限的会话，不删除任何内容。 (What is over its time; nothing is erased.)"""
    from collections import Counter

    from bot import privacy

    settings = options.load_settings(config)
    options.quieten()
    version, due = options.run(privacy.report(settings))
    print(f"保存期限 content/retention.toml 版本 {version}")
    counts: Counter[str] = Counter()
    for one in due:
        why = f"{one.why.period.what}（{one.why.period.law}）" if one.why else "没有适用的期限"
        state = f"法律保全中，不删除：{one.hold.reason}" if one.hold else "到期"
        until = options.local_time(one.why.until, settings)[:10] if one.why else ""
        print(f"会话 {one.conversation_id}：{one.words} 条原文，{state} {until}，{why}")
        counts["held" if one.hold else "due"] += one.words
    print(f"共 {counts['due']} 条原文到期，{counts['held']} 条因法律保全保留。")
    approved = settings.proof.retention_approved_by
    if settings.proof.retention_enabled:
        print(f"每天 {settings.proof.retention_at:%H:%M} 后自动删除，期限由 {approved} 核准。")
    else:
        print("自动删除没有开启：核对期限后，填写 proof.retention_approved_by 并设 proof.retention_enabled。")
