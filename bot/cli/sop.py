"""Commands for the group SOPs: sop list, check, preview, which read files only, and those of sop_groups.py."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import options, sop_groups
from console import sop_words, words

if TYPE_CHECKING:
    from rich.table import Table

    from content.sop_files import Sops
    from domain.sop import Template
    from scheduler.preview import Preview, Row

_WORDS = words.load()
ROLES = _WORDS.section("sop_role")
DELIVERIES = _WORDS.section("sop_delivery")
RUNGS = _WORDS.section("sop_rung")
SHIFTS = _WORDS.section("sop_shift")
SKIPS = _WORDS.section("sop_skip")
KINDS = _WORDS.section("sop_kind")
_HEAD_LENGTH = 22

Name = Annotated[str, typer.Argument(help="流程名，也就是 content/sop/ 里的文件夹名")]


def register(app: typer.Typer) -> None:
    about = "群运营流程：列出、检查、预览。 (Group SOPs.)"
    sop = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
    sop.command("list")(list_templates)
    sop.command("check")(check)
    sop.command("preview")(preview)
    sop_groups.add_to(sop)
    app.add_typer(sop, name="sop")


def list_templates(config: options.Config = None) -> None:
    """列出全部流程：节奏、步骤数、群发数。 (List the templates.)"""
    from rich.table import Table

    found = _load(config)
    table = Table("流程", "名称", "对象", "版本", "节奏（第一个是默认）")
    for template in found.templates.values():
        rhythms = []
        for name, title in template.rhythms.items():
            steps = template.steps[name]
            sends = sum(step.is_mass_send for step in steps)
            rhythms.append(f"{name} {title}：{len(steps)} 步，群发 {sends} 条")
        kind = KINDS[template.kind]
        table.add_row(template.id, template.title, kind, str(template.version), "\n".join(rhythms))
    options.console().print(table)
    if found.mistakes:
        print(f"有错误的流程没有列出，共 {len(found.mistakes)} 处，请运行 guanjia sop check。")


def check(config: options.Config = None) -> None:
    """检查全部流程，列出所有错误：文件、行号和改法。 (Check the templates.)"""
    found = _load(config)
    for text in found.mistakes:
        print(f"错误 error: {text}")
    for text in found.warnings:
        print(f"注意 warning: {text}")
    print(
        f"检查完毕：{len(found.templates)} 个流程可用，{len(found.mistakes)} 个错误，{len(found.warnings)} 个提醒。"
    )
    raise typer.Exit(2 if found.mistakes else 0)


def preview(
    name: Name,
    start: Annotated[str, typer.Option("--from", help="开群日（D0），如 2026-11-23")],
    rhythm: Annotated[str, typer.Option("--rhythm", help="节奏，默认是流程的第一个")] = "",
    weeks: Annotated[int, typer.Option("--weeks", help="看几周，默认看到流程结束", min=0)] = 0,
    config: options.Config = None,
) -> None:
    """画出一个群会收到的日历：哪天、几点、谁、怎么发、发什么，还剩多少群发额度。 (Show the calendar.)"""
    from scheduler import calendars
    from scheduler import preview as previews

    found = _load(config)
    template = _find(found, name)
    if rhythm and rhythm not in template.rhythms:
        raise typer.BadParameter(f"只能是 {'、'.join(template.rhythms)}", param_hint="--rhythm")
    made = previews.preview(
        template,
        _day(start),
        calendars.known(found.years),
        rhythm=rhythm,
        length=timedelta(weeks=weeks) if weeks else None,
    )
    _show(made)


def _load(config: Path | None) -> Sops:
    from bot.config.table import SHIPPED_FOLDER
    from content import sop_files

    options.quieten()
    settings = options.load_settings(config) if options.is_configured(config) else None
    folder = settings.content.folder if settings else SHIPPED_FOLDER / "content"
    return sop_files.load(folder, sop_files.load_rules(folder), options.today(settings))


def _find(found: Sops, name: str) -> Template:
    from domain.errors import ContentError

    template = found.templates.get(name)
    if template is not None:
        return template
    own = [text for text in found.mistakes if f"/sop/{name}/" in text]
    if own:
        raise ContentError(own)
    known = "、".join(found.templates)
    raise typer.BadParameter(f"没有流程 {name}，现有：{known}", param_hint="NAME")


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  A date has no zone.
    except ValueError:
        raise typer.BadParameter("日期写成 2026-11-23 这样", param_hint="--from") from None


def _show(made: Preview) -> None:
    template = made.template
    console = options.console()
    console.width = max(console.width, 168)  # Ten columns; a narrower terminal wraps the lines itself.
    rhythm = template.rhythms[made.rhythm]
    console.print(
        f"{template.title}（{template.id} 第 {template.version} 版，{rhythm}节奏），{made.opens_on} 开群"
    )
    console.print(_table(template, made.rows))
    if made.member_rows:
        console.print("每位成员按自己的入群时间算；下面以开群时入群为例：")
        console.print(_table(template, made.member_rows))
    for week in made.weeks:
        console.print(
            f"第 {week.number} 周，一位成员收到：必发 {week.sure} 条，群主可省 {week.optional} 条，"
            f"一对一最多 {week.one_to_one} 次（只给符合条件的人）。"
        )
    used = sum(row.planned.is_mass_send for row in made.rows)
    console.print(f"这个群共用群发 {used} 条；“余额”是当天发完以后，按月、按周、按天三种限额各还剩几条。")
    for year in made.unknown_years:
        console.print(
            f"[yellow]注意：{year} 年的节假日还不知道，只按周末排。国务院公布以后请升级 chinesecalendar，"
            f"或写在 content/sop/calendar.toml。 (Holidays of {year} are unknown.)[/]"
        )


def _table(template: Template, rows: tuple[Row, ...]) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("日期", "", "时间", "步骤", "谁", "方式", "没确认时", "内容", "成员累计", "余额 月/周/日"):
        table.add_column(column, no_wrap=column in ("日期", "时间"))
    before: date | None = None
    for row in rows:
        is_new = row.on != before
        before = row.on
        table.add_row(
            *map(escape, _cells(template, row, is_new=is_new)), style="dim" if row.planned.skipped else ""
        )
    return table


def _cells(template: Template, row: Row, *, is_new: bool) -> tuple[str, ...]:
    planned, step = row.planned, row.planned.step
    day = (
        f"{sop_words.weekday(row.on, _WORDS)} {row.holiday or ('调休上班' if row.is_make_up else '')}".strip()
    )
    ways = [DELIVERIES[planned.delivery], *(DELIVERIES[code] for code in step.deliveries[1:])]
    told = SKIPS[planned.skipped] if planned.skipped else "、".join(SHIFTS[one] for one in planned.shifts)
    head = row.head if len(row.head) <= _HEAD_LENGTH else f"{row.head[:_HEAD_LENGTH]}…"
    if row.is_expired:
        head = f"{head}（届时已过期）"
    optional = f"+{row.optional}" if row.optional else ""
    quota = "/".join(str(row.quota[mode]) for mode in row.quota)
    is_sent = planned.is_mass_send
    return (
        f"{sop_words.day_name(row.day)} {row.on:%m-%d}" if is_new else "",
        day if is_new else "",
        "不发" if planned.skipped else f"{row.at:%H:%M}",
        f"{step.number} {step.title}" + (f"（{told}）" if told else ""),
        ROLES[step.executor],
        "、".join(ways),
        _ladder(template, row),
        head,
        f"{row.to_member}{optional}",
        quota if is_sent else "",
    )


def _ladder(template: Template, row: Row) -> str:
    """Return the rungs of a step: "10分 卡片群主"; "" for a step without a ladder."""
    if row.planned.skipped:
        return ""
    policy = template.policies.get(row.planned.step.policy)
    return sop_words.ladder(policy, row.planned.delivery, _WORDS)
