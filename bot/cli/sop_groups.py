"""Commands for groups in SOPs: sop status, enrol, pause, resume, end. The acts are written into the group's history."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import options
from console import words

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.sop_desk import GroupLine

_WORDS = words.load()
FACTS = tuple(_WORDS.section("sop_fact"))

Group = Annotated[str, typer.Argument(help="群的编号（chat_id），或整个群名")]
Template = Annotated[str, typer.Option("--template", help="流程名，只在一个群同时在几个流程里时要写")]
Reason = Annotated[str, typer.Option("--reason", help="原因，会写进这个群的记录")]


def add_to(sop: typer.Typer) -> None:
    """Add the commands to `guanjia sop`."""
    for command in (status, enrol, pause, resume, end):
        sop.command(command.__name__)(command)


def status(
    late: Annotated[bool, typer.Option("--late", help="只看有人超时的群")] = False,
    config: options.Config = None,
) -> None:
    """列出流程中的群：状态、开群日、下一步、轮到谁、超时几步。 (Groups under way.)"""
    from rich.markup import escape
    from rich.table import Table

    from bot import sop_desk

    settings = options.load_settings(config)
    options.quieten()
    found = options.run(sop_desk.list_status(settings, only_late=late))
    if not found.lines:
        print("没有超时的群。" if late else "现在没有群在流程里。")
        return
    table = Table("群", "流程", "状态", "开群日", "下一步", "轮到谁", "超时")
    for one in found.lines:
        table.add_row(*map(escape, _cells(one, settings)), style="red" if one.late else "")
    options.console().print(table)
    if found.has_more:
        print(f"只列出前 {len(found.lines)} 个群，其余请看管理后台的“群”页。")


def _cells(one: GroupLine, settings: Settings) -> tuple[str, ...]:
    state = _WORDS.label("enrolment_state", one.state)
    why = f"（{_WORDS.label('occurrence_reason', one.reason)}）" if one.reason else ""
    day = f"，第 {one.day} 天" if one.day >= 0 else f"，还有 {-one.day} 天"
    at = options.local_time(one.step_at, settings)
    when = f"最晚 {at}" if one.is_waiting else at
    return (
        f"{one.group}\n{one.chat_id}" if one.group else one.chat_id,
        f"{one.template} {one.rhythm}",
        state + why,
        f"{one.opens_on}{day}",
        f"{one.step}\n{when}" if one.step else "—",
        one.who or "—",
        str(one.late) if one.late else "",
    )


def enrol(
    group: Group,
    template: Annotated[str, typer.Argument(help="流程名，见 guanjia sop list")],
    by: options.By,
    rhythm: Annotated[str, typer.Option("--rhythm", help="节奏，默认是流程的第一个")] = "",
    opens: Annotated[str, typer.Option("--opens", help="开群日，如 2026-11-30；默认尽早")] = "",
    fact: Annotated[
        list[str] | None,
        typer.Option("--fact", help=f"这个群自己的话，写成 名=值，可以写几次：{'、'.join(FACTS)}"),
    ] = None,
    config: options.Config = None,
) -> None:
    """让一个群进入流程。 (Enrol a group.)"""
    from bot import sop_desk

    opens_on, facts = _day(opens), _facts(fact or [])
    settings = options.load_settings(config)
    options.quieten()
    made = options.run(
        sop_desk.enrol(settings, group, template, rhythm=rhythm, opens_on=opens_on, facts=facts, by=by)
    )
    print(f"{made.group} 已进入“{made.template}”（{made.rhythm}），{made.opens_on} 开群。")
    if opens_on is not None and made.opens_on != opens_on:
        print(f"{opens_on} 排不下（这位群主当天的群已满，或那天不开群），顺延到 {made.opens_on}。")
    if made.unready:
        print(f"注意：流程里还有 {made.unready} 段话没有审批或已过期，到时会挡住；见 guanjia content list。")


def pause(
    group: Group, by: options.By, reason: Reason, template: Template = "", config: options.Config = None
) -> None:
    """暂停一个群的流程，没确认的群发会撤回。 (Pause a group.)"""
    from bot import sop_desk

    settings = options.load_settings(config)
    options.quieten()
    name = options.run(sop_desk.pause(settings, group, template=template, by=by, reason=reason))
    print(f"{name} 已暂停。")


def resume(
    group: Group, by: options.By, reason: Reason, template: Template = "", config: options.Config = None
) -> None:
    """恢复一个群的流程；停着时错过的，按各步的时间窗判断。 (Resume a group.)"""
    from bot import sop_desk

    settings = options.load_settings(config)
    options.quieten()
    name = options.run(sop_desk.resume(settings, group, template=template, by=by, reason=reason))
    print(f"{name} 已恢复。")


def end(
    group: Group, by: options.By, reason: Reason, template: Template = "", config: options.Config = None
) -> None:
    """提前结束一个群的流程，不能再恢复。 (End a group's SOP early.)"""
    from bot import sop_desk

    settings = options.load_settings(config)
    options.quieten()
    name = options.run(sop_desk.end(settings, group, template=template, by=by, reason=reason))
    print(f"{name} 已提前结束。")


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  A date has no zone.
    except ValueError:
        raise typer.BadParameter("日期写成 2026-11-23 这样", param_hint="--opens") from None


def _facts(given: list[str]) -> dict[str, str]:
    found = {}
    for one in given:
        name, is_pair, value = one.partition("=")
        if not is_pair or name not in FACTS:
            raise typer.BadParameter(f"写成 名=值，名只能是 {'、'.join(FACTS)}", param_hint="--fact")
        found[name] = value.strip()[:200]
    return found
