"""Commands of the quality audit: audit import, audit rescore."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from bot.cli import options

if TYPE_CHECKING:
    from audit.closings import Closings
    from audit.seen import Basis
    from bot.cli.dialogues import Dialogue
    from bot.config import Settings
    from domain.audit import Figures
    from domain.working_time import WorkingCalendar

_TELL_EVERY = 2000  # Lines after which a big file tells how far it is.


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="质检：文件评分、重新评分。 (The audit.)", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("import")(import_dialogues)
    group.command("rescore")(rescore)
    app.add_typer(group, name="audit")


def import_dialogues(
    dialogues: Annotated[Path, typer.Argument(help="每行一段对话的 JSONL 文件")],
    out: Annotated[Path, typer.Option("--out", help="评分写到哪个文件，每行一段")],
    config: options.Config = None,
) -> None:
    """给文件里的对话评分，不用数据库。 (Score the dialogues of a file.)

    每行 {"id", "turns": [{"speaker": "customer|advisor|bot", "text", "at"}]}；at 可以不写，不写就不评及时性。
    """
    options.quieten()
    settings = _settings(config)
    judge = _Judge(settings, options.clock_of(settings).now())
    count = 0
    # What is no UTF-8 comes as halves of surrogate pairs, so that json_lines can name its line.
    with (
        dialogues.open(encoding="utf-8-sig", errors="surrogateescape") as lines,
        out.open("w", encoding="utf-8") as written,
    ):
        count = _judge_all(judge, lines, written, dialogues.name)
    print(f"评完 {count} 段对话，评分表 {judge.basis.rubric.version}，写在 {out}。")


def _judge_all(judge: _Judge, lines: TextIO, written: TextIO, file: str) -> int:
    from bot.cli import dialogues

    count = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found = judge.line(dialogues.parse(line, number, file, judge.now))
        written.write(json.dumps(found, ensure_ascii=False) + "\n")
        count += 1
        if count % _TELL_EVERY == 0:
            options.console(to_stderr=True).print(f"已评 {count} 段……")
    return count


def _settings(config: Path | None) -> Settings:
    from bot import asking
    from bot.config.table import SHIPPED_FOLDER

    if options.is_configured(config):
        settings = options.load_settings(config)
        options.quieten()
        return settings
    return asking.sample_settings(SHIPPED_FOLDER / "content", "示例信息服务有限公司")


class _Judge:
    """Everything a dialogue is judged with, made once."""

    def __init__(self, settings: Settings, now: datetime) -> None:
        from audit import bases, closings
        from content import loading
        from domain.hours import ServiceHours
        from domain.working_time import WorkingCalendar

        content = loading.load(settings.content.folder)
        service = settings.service
        hours = ServiceHours(
            zone=service.zone, periods=service.periods, closed_on=frozenset(service.closed_on)
        )
        self.now = now
        self.basis: Basis = bases.basis_of(content)
        self.calendar: WorkingCalendar = WorkingCalendar(hours)
        self.closings: Closings = closings.load()
        self.names = {item.id: item.name for item in content.rubric.items}

    def line(self, dialogue: Dialogue) -> dict[str, Any]:
        """Return the judgement of a dialogue, ready to be written."""
        from audit import judging, remaking, timing
        from bot.cli import dialogues
        from domain.replies import SignalKind

        piece, basis = dialogue.piece, self.basis
        figures: Mapping[str, Figures] = {}
        if dialogue.has_times:
            figures = timing.measure(
                piece,
                self.calendar,
                remaking.limits_for(basis, piece),
                self.closings,
                complains=lambda text: SignalKind.COMPLAINT in basis.signs(text),
            )
        background = judging.Background(hours=self.calendar.hours, has_times=dialogue.has_times)
        judgement = judging.judge(piece, figures, background, basis, session_id=0, now=piece.ended_at)
        return dialogues.result(dialogue, judgement, self.names)


def rescore(
    since: Annotated[str, typer.Option("--from", help="从哪天开始的会话，如 2026-11-01")],
    until: Annotated[str, typer.Option("--until", help="到哪天为止（含），默认到今天")] = "",
    config: options.Config = None,
) -> None:
    """按现在的评分表重新评这段时间的会话；旧结果保留。 (Judge sessions anew, keep the old results.)"""
    settings = options.load_settings(config)
    options.quieten()
    from bot import rescoring

    zone = settings.service.zone
    first = datetime.combine(_day(since, "--from"), time.min, zone)
    last = _day(until, "--until") if until else options.today(settings)
    beyond = datetime.combine(last + timedelta(days=1), time.min, zone)
    count = options.run(rescoring.mark(settings, first, beyond))
    print(f"已标记 {count} 个对话，服务运行时会逐个重评；评分表没有变的会话不会变。")


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("请写日期，如 2026-11-01", param_hint=name) from None
