"""The tables of an SOP around its steps: `[[template]]`, `[[ladder]]`, `[[guard]]`, `[[exit]]`, checked one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from content import sop_tables, sop_values, tables
from domain.faq import Line
from domain.sop import (
    DeliveryPolicy,
    ExitAct,
    ExitRule,
    LimitMode,
    NoSale,
    Reentry,
    RungAct,
    SopGuard,
    SopKind,
    SopRole,
)

TEMPLATE_KEYS = frozenset(
    ["id", "version", "kind", "scene", "title", "lines", "zone", "lock_before", "rhythms", "reentry"]
)
# When a ladder speaks to staff; each names a block.
OCCASIONS = ("prompt", "card", "tell", "hand_over", "missed")
LADDER_KEYS = frozenset(["id", "senders", "rungs", "max_official_reminds", "escalate_to", *OCCASIONS])
GUARD_KEYS = frozenset(
    [
        "quiet_from",
        "quiet_until",
        "min_gap",
        "limit_mode",
        "month_budget",
        "daily_cap_per_member",
        "staff_min_interval",
        "openings_per_owner",
        "min_members",
        "min_members_until",
        "exclusive_with",
        "kill_switch",
        "no_sale",
    ]
)
EXIT_KEYS = frozenset(["id", "mode", "conditions", "act", "target"])
OFFICIAL_REMINDS = 3  # A task may be reminded three times in 24 hours (WeCom doc 97610).
_DEFAULT_ZONE = "Asia/Shanghai"
# Known for other kinds; the alarms, experiments and the like of the data model come with later issues.
LATER_TABLES = ("alarm", "experiment")


@dataclass(frozen=True, kw_only=True)
class Head:
    """What `[[template]]` says."""

    id: str
    version: int
    kind: SopKind
    scene: str
    title: str
    lines: tuple[Line, ...]
    zone: ZoneInfo
    lock_before: timedelta
    rhythms: Mapping[str, str]
    reentry: Reentry


def parse_head(table: tables.Table, folder_name: str) -> Head:
    """Return the head of a template; its id is the name of its folder."""
    table.check_keys(TEMPLATE_KEYS)
    named = table.text("id")
    if named and named != folder_name:
        table.wrong(
            f"stands in the folder {folder_name}; write id = {folder_name!r} or rename the folder",
            "id",
            f"的 id 要和文件夹同名：{folder_name}",
        )
    return Head(
        id=folder_name,
        version=sop_tables.number(table, "version", 1, least=1),
        kind=sop_tables.choice(
            table, "kind", SopKind, SopKind.GROUP, required=True, later=[SopKind.CUSTOMER, SopKind.CALENDAR]
        ),
        scene=table.text("scene"),
        title=table.text("title"),
        lines=sop_tables.choices(table, "lines", Line),
        zone=_zone(table),
        lock_before=sop_tables.duration(table, "lock_before", timedelta(minutes=30)),
        rhythms=_rhythms(table),
        reentry=sop_tables.choice(table, "reentry", Reentry, Reentry.ONCE),
    )


def parse_ladder(table: tables.Table) -> DeliveryPolicy:
    """Return a ladder; its rungs must rise, and the official reminders fit the platform's limit."""
    table.check_keys(LADDER_KEYS)
    rungs = sop_tables.values(table, "rungs", sop_values.parse_rung)
    reminds = sop_tables.number(table, "max_official_reminds", OFFICIAL_REMINDS)
    distances = [rung.after for rung in rungs]
    if distances != sorted(distances):
        table.wrong(
            "has rungs out of order; write them by their distance", "rungs", "的 rungs 请按时间先后写"
        )
    asked = sum(rung.act is RungAct.REMIND for rung in rungs)
    if reminds > OFFICIAL_REMINDS or asked > reminds:
        table.wrong(
            f"reminds {asked} times; the platform allows {min(reminds, OFFICIAL_REMINDS)} in 24 hours",
            "rungs",
            f"官方提醒写了 {asked} 次，24 小时内最多 {min(reminds, OFFICIAL_REMINDS)} 次",
        )
    for rung in rungs:
        if rung.act in OCCASIONS and rung.act not in table.values:
            table.wrong(
                f'has a rung "{rung.act}" without words; add {rung.act} = "…", the id of a block',
                "rungs",
                f'的 rungs 里有 {rung.act}，请写 {rung.act} = "…"（内容块的 id）',
            )
    return DeliveryPolicy(
        id=table.text("id"),
        words={key: table.text(key) for key in OCCASIONS if key in table.values},
        senders=sop_tables.choices(table, "senders", SopRole) or (SopRole.OWNER,),
        rungs=rungs,
        max_official_reminds=reminds,
        escalate_to=sop_tables.choice(table, "escalate_to", SopRole, SopRole.SUPERVISOR),
    )


def parse_guard(table: tables.Table) -> SopGuard:
    """Return the guard of a template."""
    table.check_keys(GUARD_KEYS)
    quiet_from = sop_tables.value(table, "quiet_from", sop_values.parse_time, time(21))
    quiet_until = sop_tables.value(table, "quiet_until", sop_values.parse_time, time(9))
    if quiet_from <= quiet_until:
        table.wrong(
            "has quiet hours that do not span the night; write e.g. quiet_from 21:00, quiet_until 09:00",
            "quiet_from",
            "的安静时段要跨过夜里，如 quiet_from 21:00、quiet_until 09:00",
        )
    budget = sop_tables.number(table, "month_budget", 0) if "month_budget" in table.values else None
    return SopGuard(
        quiet_from=quiet_from,
        quiet_until=quiet_until,
        min_gap=sop_tables.duration(table, "min_gap", timedelta(hours=2)),
        limit_mode=sop_tables.choice(table, "limit_mode", LimitMode, LimitMode.MONTH),
        month_budget=budget,
        daily_cap_per_member=sop_tables.number(table, "daily_cap_per_member", 1),
        staff_min_interval=sop_tables.duration(table, "staff_min_interval", timedelta(minutes=10)),
        openings_per_owner=sop_tables.number(table, "openings_per_owner", 2, least=1),
        min_members=sop_tables.number(table, "min_members", 0),
        min_members_until=sop_tables.value(table, "min_members_until", sop_values.parse_time, time(15)),
        exclusive_with=table.texts("exclusive_with"),
        kill_switch=sop_tables.flag(table, "kill_switch", True),
        no_sale=sop_tables.choice(table, "no_sale", NoSale, NoSale.ALWAYS),
    )


def parse_exit(table: tables.Table) -> ExitRule:
    """Return an exit rule."""
    table.check_keys(EXIT_KEYS)
    mode = table.text("mode", optional=True) or "all"
    if mode not in ("any", "all"):
        table.wrong(f'has mode = {mode!r}; write "any" or "all"', "mode", '的 mode 只能是 "any" 或 "all"')
    act = sop_tables.choice(table, "act", ExitAct, ExitAct.END, required=True, later=[ExitAct.INVITE])
    return ExitRule(
        id=table.text("id"),
        requires_all=mode == "all",
        conditions=sop_tables.values(table, "conditions", sop_values.parse_measure),
        act=act,
        target=table.text("target", optional=act is ExitAct.END),
    )


def _zone(table: tables.Table) -> ZoneInfo:
    named = table.text("zone", optional=True) or _DEFAULT_ZONE
    try:
        return ZoneInfo(named)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError.
        table.wrong(
            f'has an unknown zone {named!r}; write zone = "{_DEFAULT_ZONE}"',
            "zone",
            f'的时区 {named} 不认识，请写 zone = "{_DEFAULT_ZONE}"',
        )
        return ZoneInfo(_DEFAULT_ZONE)


def _rhythms(table: tables.Table) -> Mapping[str, str]:
    """Return name and title of each rhythm: "calm 从容"; the first is the default."""
    found: dict[str, str] = {}
    for said in table.texts("rhythms") or ("usual 通常",):
        name, _, title = said.partition(" ")
        if not name.isidentifier() or not title.strip():
            table.wrong(
                f'has a rhythm {said!r}; write a name and a title: "calm 从容"',
                "rhythms",
                f'的节奏 {said} 要写英文名和中文名，如 "calm 从容"',
            )
        found[name] = title.strip() or name
    return found
