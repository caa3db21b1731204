"""SOP templates, read from content/sop/ and checked as a whole.

    sop/NAME/*.toml      [[template]] [[guard]] [[ladder]] [[exit]] [[stage]] [[step]] [[variant]]
                         [[review]] [[block]] [[attachment]], spread over the files as the author likes
    sop/NAME/…           files named by attachments
    sop/no_sale.toml     [[rule]]    what may not be said in a first week
    sop/calendar.toml    [[year]]    holidays of years that the package does not know yet; may be missing
    sop/enrol.toml       [[rule]]    groups that begin a template by themselves; may be missing

Nothing here raises for a mistake: a template with mistakes is left out, and the others are there. `read` puts about 200
wordings through the wording rules (about 0.3 s); call it in a thread while serving. `usable` says what holds on a day.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType

from content import (
    compliance,
    sop_blocks,
    sop_enrol,
    sop_guard,
    sop_order,
    sop_steps,
    sop_template,
    sop_wording,
    tables,
)
from domain import week_pages
from domain.errors import ContentError
from domain.sop import ContentBlock, DeliveryPolicy, ExitAct, SopClock, SopKind, Stage, Template

FOLDER = "sop"
TABLES = (
    "template",
    "guard",
    "ladder",
    "exit",
    "stage",
    "step",
    "variant",
    "review",
    "block",
    "attachment",
)
NO_SALE, CALENDAR = "no_sale.toml", "calendar.toml"
_SOON_DAYS = 30
_KEY = re.compile(r"[a-z0-9_]+")
_KEY_LENGTH = 64  # Of "TEMPLATE/BLOCK" in the store.


@dataclass(frozen=True, kw_only=True)
class HolidayYear:
    """A year's days off set by hand, before the package knows them."""

    year: int
    holidays: Mapping[date, str]
    make_up: frozenset[date]


@dataclass(frozen=True, kw_only=True)
class Sops:
    """Every template without a mistake on a day, and every mistake of the others.

    `written`: templates without mistakes but perhaps their dates, whose words can be approved. `broken`: names of
    folders and files right under sop/ that have mistakes; a template that is neither there nor broken was taken away.
    """

    templates: Mapping[str, Template]
    years: tuple[HolidayYear, ...]
    mistakes: tuple[str, ...]
    warnings: tuple[str, ...]
    rules: tuple[sop_enrol.EnrolmentRule, ...] = ()
    written: Mapping[str, Template] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The files as they were read, whatever the date.

    `mistakes`: by name under sop/. `signed`: blocks with the tables that hold their dates, by template, also of those
    with other mistakes. `templates`: without mistakes but for their dates.
    """

    templates: Mapping[str, Template]
    signed: Mapping[str, Sequence[tuple[tables.Table, ContentBlock]]]
    years: tuple[HolidayYear, ...]
    rules: tuple[sop_enrol.EnrolmentRule, ...]
    mistakes: Mapping[str, tuple[str, ...]]


@dataclass
class _Draft:
    """One folder while it is read."""

    name: str
    mistakes: tables.Mistakes
    by_name: dict[str, list[tables.Table]] = field(default_factory=dict)
    signed: list[tuple[tables.Table, ContentBlock]] = field(default_factory=list)

    def of(self, name: str) -> list[tables.Table]:
        return self.by_name.get(name, [])

    def one(self, name: str) -> tables.Table:
        """Return the only table of a name; an empty one, and a mistake, where there is none or more than one."""
        found = self.of(name)
        for extra in found[1:]:
            extra.wrong(f"is a second [[{name}]]; keep one", name, f"[[{name}]] 写了两次，请只留一个")
        if found:
            return found[0]
        file = f"content/sop/{self.name}"
        if name == "template":
            self.mistakes.add(file, 1, "has no [[template]]; add one", "缺少 [[template]]，请加上")
        return tables.Table(name=name, values={}, file=file, lineno=1, key_lines={}, mistakes=self.mistakes)


def load_rules(folder: Path) -> compliance.ComplianceRules:
    """Return the wording rules of a content folder, for whoever checks SOPs without the rest. Raises ContentError."""
    mistakes = tables.Mistakes()
    found = [
        table
        for path in sorted(folder.glob("compliance/*.toml"))
        for table in _rows(path, folder.parent, compliance.TABLES, mistakes)
    ]
    if not mistakes.texts:
        rules = compliance.parse_rules(found)
    if mistakes.texts:
        raise ContentError(mistakes.texts)
    return rules


def load(folder: Path, rules: compliance.ComplianceRules, today: date) -> Sops:
    """Return what `read` finds under `folder`, as it holds on `today`."""
    return usable(read(folder, rules), today)


def read(
    folder: Path, rules: compliance.ComplianceRules, risk_lines: Mapping[str, str] | None = None
) -> Reading:
    """Return the templates under `folder` / sop; `folder` is the content folder, `rules` its wording rules.

    `risk_lines`: by code, where they are read already; else they are read from the folder. A content folder without
    sop/ has no templates, and that is no mistake. While the rules against sales cannot be read, no template counts as
    checked.
    """
    base = folder / FOLDER
    if not base.is_dir():
        return Reading(templates=MappingProxyType({}), signed={}, years=(), rules=(), mistakes={})
    found = {NO_SALE: tables.Mistakes(), CALENDAR: tables.Mistakes()}
    sales = sop_guard.parse_rules(_rows(base / NO_SALE, folder.parent, ("rule",), found[NO_SALE]))
    years = _years(base / CALENDAR, folder.parent, found[CALENDAR])
    lines = _risk_lines(folder) if risk_lines is None else risk_lines
    words = sop_wording.WordRules(compliance=rules, sales=sales, risk_lines=lines)
    names = sorted(path.name for path in base.iterdir() if path.is_dir() and not path.name.startswith("."))
    templates: dict[str, Template] = {}
    signed: dict[str, list[tuple[tables.Table, ContentBlock]]] = {}
    for name in names:
        draft = _Draft(name=name, mistakes=found.setdefault(name, tables.Mistakes()))
        template = _read_template(draft, base / name, folder.parent, names, words)
        signed[name] = draft.signed
        if template is not None and not draft.mistakes.texts and not found[NO_SALE].texts:
            templates[name] = template
    own = found.setdefault(sop_enrol.FILE, tables.Mistakes())
    path = base / sop_enrol.FILE
    rows = _rows(path, folder.parent, ("rule",), own) if path.is_file() else []
    begin = sop_enrol.parse_rules(rows, templates, names)
    return Reading(
        templates=MappingProxyType(templates),
        signed=signed,
        years=years,
        rules=() if own.texts else begin,
        # A variant repeats the mistakes of its step.
        mistakes={name: tuple(dict.fromkeys(one.texts)) for name, one in found.items() if one.texts},
    )


def usable(reading: Reading, today: date) -> Sops:
    """Return what of the files holds on a day of the company: words that expired, or are not valid yet, refuse theirs.

    Pure and quick.
    """
    mistakes = dict(reading.mistakes)
    for name, blocks in reading.signed.items():
        dated = tables.Mistakes()
        for table, block in blocks:
            sop_blocks.check_approved(replace(table, mistakes=dated), block, today)
        if dated.texts:
            mistakes[name] = (*mistakes.get(name, ()), *dict.fromkeys(dated.texts))
    good = {name: template for name, template in reading.templates.items() if name not in mistakes}
    unchecked = set(reading.signed) if NO_SALE in mistakes else set()
    return Sops(
        templates=MappingProxyType(good),
        years=reading.years,
        rules=reading.rules,
        mistakes=tuple(text for texts in mistakes.values() for text in texts),
        warnings=tuple(
            text for template in good.values() for text in [*_ending(template, today), *_unused(template)]
        ),
        written=reading.templates,
        broken=frozenset(mistakes) | unchecked,
    )


def _read_template(
    draft: _Draft, path: Path, root: Path, names: Sequence[str], rules: sop_wording.WordRules
) -> Template | None:
    mistakes = draft.mistakes
    for file in (one for one in files_of(path) if one.parent == path and one.suffix == ".toml"):
        known = (*TABLES, *sop_template.LATER_TABLES)
        for table in tables.load_tables(file, root, known, mistakes) or []:
            draft.by_name.setdefault(table.name, []).append(table)
    for name in sop_template.LATER_TABLES:
        for table in draft.of(name):
            table.wrong(f"[[{name}]] is not supported yet; take it out", name, f"[[{name}]] 暂不支持，请去掉")
    if mistakes.texts:
        return None  # A file that cannot be read would make every reference to it a mistake.
    head = sop_template.parse_head(draft.one("template"), path.name)
    guard = sop_template.parse_guard(draft.one("guard"))
    _check_named(draft.one("guard"), guard.exclusive_with, names)
    stages = _keyed(draft.of("stage"), [sop_steps.parse_stage(table) for table in draft.of("stage")])
    ladders = _policies(draft)
    exits = tuple(sop_template.parse_exit(table) for table in draft.of("exit"))
    _check_exits(draft, names)
    found, blocks = _blocks(draft, path)
    _check_keys(draft, path)
    for key, block in blocks.items():
        draft.signed.append((_signed(found[key], draft), block))
        sop_wording.check_words(found[key], block, head.lines, rules)
    sop_wording.check_ladders(draft.of("ladder"), ladders, blocks, found)
    _check_variants(draft, head.rhythms)
    by_rhythm = {}
    for rhythm in head.rhythms:
        placed = _placed(draft, rhythm)
        sop_order.check_order(placed, stages, ladders, guard)
        sop_wording.check_steps(placed, blocks, found)
        sop_wording.check_sales(placed, blocks, found, guard.no_sale, rules)
        by_rhythm[rhythm] = tuple(one.step for one in placed)
    _check_kind(draft, head.kind, stages)
    return Template(
        id=head.id,
        version=head.version,
        kind=head.kind,
        scene=head.scene,
        title=head.title,
        lines=head.lines,
        zone=head.zone,
        lock_before=head.lock_before,
        rhythms=MappingProxyType(dict(head.rhythms)),
        reentry=head.reentry,
        stages=tuple(stages.values()),
        steps=MappingProxyType(by_rhythm),
        blocks=MappingProxyType(blocks),
        policies=MappingProxyType(ladders),
        guard=guard,
        exits=exits,
        digest=digest_of(path),
        folder=path.relative_to(root).as_posix(),
    )


def _rows(path: Path, root: Path, names: tuple[str, ...], mistakes: tables.Mistakes) -> list[tables.Table]:
    """Return the tables of a file, none where it cannot be read (and a mistake)."""
    return tables.load_tables(path, root, names, mistakes) or []


def _risk_lines(folder: Path) -> Mapping[str, str]:
    """Return the risk lines; their own mistakes are told by content/loading.py."""
    found = _rows(folder / "risk_lines.toml", folder.parent, ("risk_line",), tables.Mistakes())
    return {str(table.values.get("code", "")): str(table.values.get("text", "")) for table in found}


def _years(path: Path, root: Path, mistakes: tables.Mistakes) -> tuple[HolidayYear, ...]:
    if not path.is_file():
        return ()
    return tuple(_year(table) for table in _rows(path, root, ("year",), mistakes))


def _year(table: tables.Table) -> HolidayYear:
    table.check_keys({"year", "names", "holidays", "make_up", "source"})
    table.text("source")
    year = table.values.get("year")
    found: dict[str, list[date]] = {}
    for key in ("holidays", "make_up"):
        said = table.values.get(key, [])
        days = [day for day in said if type(day) is date] if isinstance(said, list) else []
        if not isinstance(said, list) or len(days) != len(said) or any(day.year != year for day in days):
            table.wrong(
                f"has {key} that are no dates of {year}; write {key} = [{year}-01-01, …] without quotes",
                key,
                f"的 {key} 要写成 {year} 年的日期：{key} = [{year}-01-01, …]，不加引号",
            )
        found[key] = days
    named = table.texts("names")
    if len(named) != len(found["holidays"]):
        table.wrong(
            "has not one name per holiday; write names in the order of holidays",
            "names",
            "的 names 要和 holidays 一一对应",
        )
        named = tuple("" for _ in found["holidays"])
    return HolidayYear(
        year=year if isinstance(year, int) else 0,
        holidays=dict(zip(found["holidays"], named, strict=True)),
        make_up=frozenset(found["make_up"]),
    )


def _keyed(found: Sequence[tables.Table], stages: Sequence[Stage]) -> dict[str, Stage]:
    _check_twice(found)
    return {stage.key: stage for stage in stages if stage.key}


def _policies(draft: _Draft) -> dict[str, DeliveryPolicy]:
    _check_twice(draft.of("ladder"))
    parsed = [sop_template.parse_ladder(table) for table in draft.of("ladder")]
    return {policy.id: policy for policy in parsed if policy.id}


def _blocks(draft: _Draft, path: Path) -> tuple[dict[str, tables.Table], dict[str, ContentBlock]]:
    _check_twice(draft.of("attachment"))
    _check_twice(draft.of("block"))
    parsed = [sop_blocks.parse_attachment(table, path) for table in draft.of("attachment")]
    attachments = {one.id: one for one in parsed}
    found = {table.label: table for table in draft.of("block")}
    blocks = {
        key: sop_blocks.parse_block(table, _review(table, draft), attachments) for key, table in found.items()
    }
    return found, blocks


def _review(table: tables.Table, draft: _Draft) -> tables.Table | None:
    return next((review for review in draft.of("review") if review.file == table.file), None)


def _signed(table: tables.Table, draft: _Draft) -> tables.Table:
    """Return the block's table, whose dates may stand in the review of its file."""
    review = _review(table, draft)
    lines = {**(review.key_lines if review else {}), **table.key_lines}
    return tables.Table(
        name=table.name,
        values=table.values,
        file=table.file,
        lineno=table.lineno,
        key_lines=lines,
        mistakes=table.mistakes,
    )


def _placed(draft: _Draft, rhythm: str) -> list[sop_order.Placed]:
    """Return the steps of a rhythm, with its variants."""
    variants = {
        str(table.values.get("step", "")): table
        for table in draft.of("variant")
        if table.values.get("rhythm") == rhythm
    }
    _check_twice(draft.of("step"))
    placed: list[sop_order.Placed] = []
    for table in draft.of("step"):
        variant = variants.get(table.label)
        if variant is not None and variant.values.get("off") is True:
            continue
        whole = sop_steps.varied(table, variant) if variant else table
        placed.append(sop_order.Placed(step=sop_steps.parse_step(whole), table=whole))
    return placed


def _check_variants(draft: _Draft, rhythms: Mapping[str, str]) -> None:
    steps = {table.label: table for table in draft.of("step")}
    for table in draft.of("variant"):
        table.check_keys(sop_steps.VARIANT_KEYS)
        rhythm, step = table.text("rhythm"), table.text("step")
        table.flag("off")
        if rhythm and rhythm not in rhythms:
            hint = tables.nearest(rhythm, rhythms)
            table.wrong(f"has an unknown rhythm {rhythm!r}{hint}", "rhythm", f"的节奏 {rhythm} 不存在")
        if step and step not in steps:
            hint = tables.nearest(step, steps)
            table.wrong(f"changes an unknown step {step!r}{hint}", "step", f"改的步骤 {step} 不存在")
        elif step and steps[step].file != table.file:
            table.wrong(
                f"stands in another file than its step; move it to {steps[step].file}",
                "step",
                f"要和步骤写在同一个文件：{steps[step].file}",
            )


def _check_twice(found: Sequence[tables.Table]) -> None:
    first: dict[str, tables.Table] = {}
    for table in found:
        earlier = first.setdefault(table.label, table)
        if earlier is not table:
            place = f"{earlier.file}:{earlier.lineno}"
            table.wrong(
                f"is there twice, first at {place}; rename or remove one",
                "id",
                f"重复了，前一个在 {place}，请改一个",
            )


def _check_exits(draft: _Draft, names: Sequence[str]) -> None:
    for table in draft.of("exit"):
        target = table.values.get("target")
        if table.values.get("act") == ExitAct.MOVE_TO and isinstance(target, str) and target not in names:
            hint = tables.nearest(target, names)
            table.wrong(
                f"moves to an unknown template {target!r}{hint}", "target", f"要转去的流程 {target} 不存在"
            )


def _check_named(table: tables.Table, named: Sequence[str], names: Sequence[str]) -> None:
    for name in named:
        if name not in names:
            hint = tables.nearest(name, names)
            table.wrong(
                f"excludes an unknown template {name!r}{hint}", "exclusive_with", f"排除的流程 {name} 不存在"
            )


def _check_keys(draft: _Draft, path: Path) -> None:
    """Note names that the store and the pages cannot carry: both put "TEMPLATE/BLOCK" together."""
    if draft.of("template") and not _KEY.fullmatch(path.name):
        draft.of("template")[0].wrong(
            "stands in a folder whose name is not a-z, 0-9 and _; rename the folder",
            "id",
            "的文件夹名只能用小写字母、数字、下划线，请改名",
        )
    for table in draft.of("block"):
        if "id" not in table.values:
            continue  # Told already.
        if not _KEY.fullmatch(table.label) or len(f"{path.name}/{table.label}") > _KEY_LENGTH:
            table.wrong(
                "has an id that is not a-z, 0-9 and _, or too long; rename it",
                "id",
                "的 id 只能用小写字母、数字、下划线，和流程名合起来最多 63 个字符",
            )


def _check_kind(draft: _Draft, kind: SopKind, stages: Mapping[str, Stage]) -> None:
    """Note a member's template with a stage of the group's clock: a member has no group of its own to speak to."""
    if kind is not SopKind.MEMBER:
        return
    for table in draft.of("stage"):
        stage = stages.get(table.label)
        if stage is not None and stage.clock is SopClock.GROUP:
            table.wrong(
                'counts the group\'s days in a template for members; write clock = "member"',
                "clock",
                '是成员流程里的群时钟，请写 clock = "member"',
            )


def _ending(template: Template, today: date) -> list[str]:
    soon = [block for block in template.blocks.values() if (block.valid_until - today).days <= _SOON_DAYS]
    return [
        f"{block.file}:{block.lineno}: {block.id} {block.valid_until} 到期，请在这之前审核 "
        f"(expires on {block.valid_until}; review it before then)"
        for block in soon
    ]


def _unused(template: Template) -> list[str]:
    used = {name for steps in template.steps.values() for step in steps for name in step.content}
    used |= {name for policy in template.policies.values() for name in policy.words.values()}
    return [
        f"{block.file}:{block.lineno}: {block.id} 没有步骤在用 (no step uses it)"
        for block in template.blocks.values()
        if block.id not in used and not block.id.startswith(week_pages.BLOCK_PREFIX)
    ]


def files_of(path: Path) -> list[Path]:
    """Return the files under a folder, in order; those editors hide (".steps.toml.swp") are none of ours."""
    found = (one for one in path.rglob("*") if one.is_file())
    return sorted(
        one for one in found if not any(part.startswith(".") for part in one.relative_to(path).parts)
    )


def digest_of(path: Path) -> str:
    """Return the SHA-256 hex of every file under a folder, names included."""
    total = hashlib.sha256()
    for file in files_of(path):
        total.update(file.relative_to(path).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()
