"""Stages and steps of an SOP, as written in `[[stage]]`, `[[step]]` and `[[variant]]`, checked one by one.

A `[[variant]]` changes a step for one rhythm. What needs the whole template is content/sop_consistency.py.
"""

from __future__ import annotations

from datetime import timedelta

from content import sop_audience, sop_tables, sop_values, tables
from domain.sop import (
    Anchor,
    AnchorKind,
    AudienceRule,
    CalendarPolicy,
    DeliveryCode,
    Offset,
    OnMissed,
    PastPolicy,
    QuietPolicy,
    Schedule,
    SopClock,
    SopDays,
    SopRole,
    Stage,
    Step,
    StepPart,
    Term,
    Window,
)

STAGE_KEYS = frozenset(["id", "title", "mission", "clock", "from", "to"])
STEP_KEYS = frozenset(
    [
        "id",
        "number",
        "stage",
        "title",
        "part",
        "anchor",
        "anchor_step",
        "schedule",
        "repeats_for",
        "window",
        "expire_after",
        "days",
        "calendar_policy",
        "quiet_policy",
        "past_policy",
        "depends_on",
        "min_gap",
        "audience",
        "audience_frozen",
        "executor",
        "delivery",
        "quota_cost",
        "content",
        "success",
        "ladder",
        "on_missed",
        "on_branch",
        "optional",
    ]
)
VARIANT_KEYS = (STEP_KEYS - {"id"}) | {"rhythm", "step", "off"}
ANCHORS_LATER = frozenset(
    [
        AnchorKind.FRIEND_ADDED,
        AnchorKind.TAG_ADDED,
        AnchorKind.FIELD_DATE,
        AnchorKind.SILENT_FOR,
        AnchorKind.HOLIDAY,
        AnchorKind.BIRTHDAY,
        AnchorKind.POLICY_DUE,
        AnchorKind.LOAN_DUE,
        AnchorKind.MATURITY_DUE,
    ]
)
DELIVERIES_LATER = frozenset([DeliveryCode.MOMENTS, DeliveryCode.CALL_TASK])
# These disturb nobody, or answer somebody who just did something.
RUNS_IN_QUIET = frozenset([DeliveryCode.SYSTEM, DeliveryCode.WELCOME, DeliveryCode.KF])
_EVERYONE = AudienceRule(expression=Term(name="everyone"), text="everyone")


def parse_stage(table: tables.Table) -> Stage:
    """Return a stage; what is wrong with it is noted in the table's mistakes."""
    table.check_keys(STAGE_KEYS)
    clock = sop_tables.choice(table, "clock", SopClock, SopClock.GROUP, later=[SopClock.CUSTOMER])
    return Stage(
        key=table.text("id"),
        title=table.text("title"),
        mission=table.text("mission"),
        clock=clock,
        begins=sop_tables.value(table, "from", _distance, timedelta(0)),
        ends=sop_tables.value(table, "to", _distance, timedelta(days=36_500)),
    )


def parse_step(table: tables.Table) -> Step:
    """Return a step; what is wrong with it is noted in the table's mistakes."""
    table.check_keys(STEP_KEYS)
    deliveries = _deliveries(table)
    runs = deliveries[0] in RUNS_IN_QUIET
    length = sop_tables.duration(table, "window", required=True)
    return Step(
        key=table.text("id"),
        number=table.text("number", optional=True),
        stage=table.text("stage"),
        title=table.text("title"),
        part=sop_tables.choice(table, "part", StepPart, StepPart.OTHER),
        anchor=_anchor(table),
        schedule=_schedule(table),
        schedule_text=table.text("schedule", optional=True),
        repeats_for=sop_tables.duration(table, "repeats_for") or None,
        window=Window(length=length, expire_after=sop_tables.duration(table, "expire_after", length)),
        days=sop_tables.choice(table, "days", SopDays, SopDays.ANY),
        calendar_policy=sop_tables.choice(table, "calendar_policy", CalendarPolicy, CalendarPolicy.SEND),
        quiet_policy=sop_tables.choice(
            table, "quiet_policy", QuietPolicy, QuietPolicy.RUN if runs else QuietPolicy.WAIT
        ),
        past_policy=sop_tables.choice(table, "past_policy", PastPolicy, PastPolicy.NEXT_SLOT),
        depends_on=sop_tables.values(table, "depends_on", sop_values.parse_dependency),
        min_gap=sop_tables.duration(table, "min_gap") if "min_gap" in table.values else None,
        audience=_audience(table),
        executor=sop_tables.choice(table, "executor", SopRole, SopRole.SYSTEM, required=True),
        deliveries=deliveries,
        quota_cost=sop_tables.number(
            table, "quota_cost", 1 if deliveries[0] is DeliveryCode.MASS_SEND else 0
        ),
        content=table.texts("content"),
        success=sop_tables.values(table, "success", sop_values.parse_measure),
        policy=table.text("ladder", optional=True),
        on_missed=sop_tables.choice(table, "on_missed", OnMissed, OnMissed.SKIP),
        branches=sop_tables.values(table, "on_branch", sop_values.parse_branch),
        is_optional=sop_tables.flag(table, "optional", False),
        file=table.file,
        lineno=table.lineno,
    )


def varied(table: tables.Table, variant: tables.Table) -> tables.Table:
    """Return a step's table with what the variant changes; both stand in the same file."""
    changed = {
        key: value for key, value in variant.values.items() if key not in ("rhythm", "step", "off", "id")
    }
    return tables.Table(
        name=table.name,
        values={**table.values, **changed},
        file=table.file,
        lineno=table.lineno,
        key_lines={**table.key_lines, **{key: variant.key_lines.get(key, variant.lineno) for key in changed}},
        mistakes=table.mistakes,
    )


def _anchor(table: tables.Table) -> Anchor:
    kind = sop_tables.choice(
        table, "anchor", AnchorKind, AnchorKind.GROUP_OPENED, required=True, later=ANCHORS_LATER
    )
    step = table.text("anchor_step", optional=True)
    if (kind is AnchorKind.PREVIOUS_STEP_DONE) != bool(step):
        table.wrong(
            'needs anchor_step exactly when anchor = "previous_step_done"',
            "anchor",
            'anchor = "previous_step_done" 要写 anchor_step（哪一步做完以后），其他起点不写',
        )
    return Anchor(kind=kind, step=step)


def _schedule(table: tables.Table) -> Schedule:
    nothing: Schedule = Offset(after=timedelta(0))
    return sop_tables.value(table, "schedule", sop_values.parse_schedule, nothing, required=True)


def _deliveries(table: tables.Table) -> tuple[DeliveryCode, ...]:
    found = sop_tables.choices(table, "delivery", DeliveryCode, later=DELIVERIES_LATER)
    if not found and not table.values.get("delivery"):
        table.wrong(
            'has no delivery; add delivery = ["M"]', "delivery", '缺少 delivery，请加上 delivery = ["M"]'
        )
    return found or (DeliveryCode.SYSTEM,)


def _audience(table: tables.Table) -> AudienceRule:
    text = table.text("audience", optional=True)
    if not text:
        return _EVERYONE
    try:
        return sop_audience.parse_audience(text, is_frozen=table.flag("audience_frozen"))
    except sop_audience.AudienceUnreadable as error:
        table.wrong(f"has an audience that {error}", "audience", f"的 audience {error.zh}")
        return _EVERYONE


def _distance(text: str) -> timedelta:
    """Return a duration that may lie before the zero: "-3d"."""
    if text.startswith("-"):
        return -sop_values.parse_duration(text[1:])
    return sop_values.parse_duration(text)
