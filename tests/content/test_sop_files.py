"""SOP templates: the shipped ones hold, and every mistake is told with file, line and fix."""

from __future__ import annotations

import functools
import re
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from content import compliance, sop_files, sop_guard, tables
from domain.sop import DeliveryCode, OnMissed, Step, Template
from tests.content import shipped

WEEK1 = "finance_week1"


def load(folder: Path, today: date = shipped.TODAY) -> sop_files.Sops:
    return sop_files.load(folder, _rules(), today)


@functools.cache
def _rules() -> compliance.ComplianceRules:
    return sop_files.load_rules(shipped.FOLDER)


@pytest.fixture(scope="module")
def sops() -> sop_files.Sops:
    return load(shipped.FOLDER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped templates that a test may spoil."""
    copy = tmp_path / "content"
    shutil.copytree(shipped.FOLDER / "sop", copy / "sop")
    shutil.copy(shipped.FOLDER / "risk_lines.toml", copy / "risk_lines.toml")
    return copy


def spoil(folder: Path, file: str, old: str, new: str) -> int:
    """Replace the first `old` by `new` and return the line it begins on."""
    path = folder / "sop" / WEEK1 / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def steps(template: Template, rhythm: str) -> dict[str, Step]:
    return {step.key: step for step in template.steps[rhythm]}


def test_shipped_templates_have_no_mistake(sops: sop_files.Sops) -> None:
    assert sops.mistakes == ()
    assert sops.warnings == ()
    assert set(sops.templates) == {WEEK1, "finance_weekly", "group_repair"}


def test_first_week_has_every_numbered_step_of_the_handbook(sops: sop_files.Sops) -> None:
    numbers = {step.number for step in sops.templates[WEEK1].steps["full"]}

    assert numbers >= {
        *("0.1", "0.2", "0.3", "0.4", "1.1", "1.2", "1.4", "1.5", "1.6", "2.1", "2.2", "2.3", "2.4"),
        *("3.1", "3.2", "3.3", "3.4", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8"),
        *("1.3a", "1.3b", "1.3c", "1.3d", "1.3e"),
    }


@pytest.mark.parametrize(
    ("rhythm", "mass_sends"),
    [
        ("calm", ["opening", "notice", "publication", "review"]),
        ("full", ["opening", "misread", "notice", "reminder", "publication", "recap", "review"]),
    ],
)
def test_rhythm_has_its_mass_sends(sops: sop_files.Sops, rhythm: str, mass_sends: list[str]) -> None:
    week = sops.templates[WEEK1]

    assert [step.key for step in week.steps[rhythm] if step.is_mass_send] == mass_sends
    assert week.default_rhythm == "calm"


def test_calm_rhythm_lets_the_owner_skip_and_asks_nobody_by_name(sops: sop_files.Sops) -> None:
    calm, full = (steps(sops.templates[WEEK1], rhythm) for rhythm in ("calm", "full"))

    assert "need_poll" in full
    assert "need_poll" not in calm
    for key in ("misread", "reminder", "recap", "light"):
        assert calm[key].deliveries == (DeliveryCode.SIDEBAR,)
        assert calm[key].is_optional
        assert calm[key].on_missed is OnMissed.SKIP


def test_template_changes_its_digest_with_any_file(sops: sop_files.Sops, folder: Path) -> None:
    spoil(folder, "words_group.toml", "今天不谈钱", "今天只聊天气")

    changed = load(folder).templates

    different = [name for name, template in sops.templates.items() if template.digest != changed[name].digest]
    assert different == [WEEK1]


@pytest.mark.parametrize(
    ("change", "different"),
    [
        ("words", {"light"}),
        ("picture", {"opening"}),
        ("link", {"publication"}),
        ("a line more", set[str]()),
    ],
)
def test_new_version_is_what_a_reviewer_would_read_anew(
    sops: sop_files.Sops, folder: Path, change: str, different: set[str]
) -> None:
    if change == "words":
        spoil(folder, "words_group.toml", "今天不谈钱", "今天只聊天气")
    if change == "picture":
        shutil.copy(folder / "sop" / WEEK1 / "steps.toml", folder / "sop" / WEEK1 / "opening.png")
    if change == "link":
        spoil(folder, "words_group.toml", "约十分钟读完", "约八分钟读完")
    if change == "a line more":
        spoil(folder, "words_group.toml", "[[review]]", "# 一行说明\n[[review]]")

    changed = load(folder).templates[WEEK1].blocks

    before = sops.templates[WEEK1].blocks
    assert {key for key, block in changed.items() if block.digest != before[key].digest} == different


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "said"),
    [
        pytest.param(
            "steps.toml",
            'depends_on = ["notice + 24h"]',
            'depends_on = ["notice + 24h", "recap"]',
            "depends_on",
            "waits for itself: publication → recap → publication",
            id="cycle",
        ),
        pytest.param(
            "steps.toml",
            'window = "1h"\nexpire_after = "5h"',
            'window = "15h"\nexpire_after = "15h"',
            "window",
            "longer than a day without quiet hours",
            id="window longer than a day",
        ),
        pytest.param(
            "steps.toml",
            'window = "1h"\nexpire_after = "5h"',
            'window = "1h"\nexpire_after = "30m"',
            "expire_after",
            "expires before its window ends",
            id="expires before the window ends",
        ),
        pytest.param(
            "steps.toml",
            'window = "1h"\nexpire_after = "5h"',
            'window = "20m"\nexpire_after = "5h"',
            "ladder",
            "has a ladder of 30m in a window of 20m",
            id="ladder that does not fit",
        ),
        pytest.param(
            "steps.toml",
            'executor = "owner"\ndelivery = ["A"]\ncontent = ["binding"]',
            'executor = "boss"\ndelivery = ["A"]\ncontent = ["binding"]',
            "executor",
            "has executor = 'boss'; write one of owner, co_owner",
            id="unknown role",
        ),
        pytest.param(
            "steps.toml",
            'anchor = "member_joined"',
            'anchor = "member_came"',
            "anchor",
            "did you mean 'member_joined'?",
            id="unknown anchor",
        ),
        pytest.param(
            "steps.toml",
            'anchor = "member_joined"',
            'anchor = "birthday"',
            "anchor",
            "not supported yet",
            id="anchor of a later kind",
        ),
        pytest.param(
            "steps.toml",
            'delivery = ["P"]',
            'delivery = ["moments"]',
            "delivery",
            "not supported yet",
            id="delivery of a later kind",
        ),
        pytest.param(
            "steps.toml",
            'content = ["opening"]',
            'content = ["openning"]',
            "content",
            "has unknown content 'openning'; did you mean 'opening'?",
            id="unknown content",
        ),
        pytest.param(
            "steps.toml",
            'schedule = "day(1, 10:00)"\nwindow = "6h"',
            'schedule = "day(0, 15:00)"\nwindow = "5h"',
            "schedule",
            "is a second mass-send on the day of opening",
            id="two mass-sends on one day",
        ),
        pytest.param(
            "steps.toml",
            'schedule = "day(4, 19:30)"',
            'schedule = "day(3, 09:30)"',
            "depends_on",
            "comes 23h30m after notice, which needs 1d",
            id="publication too soon after its notice",
        ),
        pytest.param(
            "steps.toml",
            'depends_on = ["notice + 24h"]',
            'depends_on = ["notice"]',
            "depends_on",
            "is published without a notice 24 hours before",
            id="publication without the day's notice",
        ),
        pytest.param(
            "steps.toml",
            'schedule = "day(5, 10:00)"',
            'schedule = "day(4, 10:00)"',
            "depends_on",
            "comes -9h30m after publication",
            id="recap before publication",
        ),
        pytest.param(
            "steps.toml",
            'schedule = "day(6, 10:00)"',
            'schedule = "day(6, 08:00)"',
            "schedule",
            "falls into quiet hours (21:00-09:00) at 08:00",
            id="quiet hours",
        ),
        pytest.param(
            "steps.toml",
            'audience = "friend and not do_not_contact and silent"',
            'audience = "friend and silent"',
            "audience",
            "writes one-to-one to strangers",
            id="one-to-one to somebody who does not want it",
        ),
        pytest.param(
            "template.toml",
            'zone = "Asia/Shanghai"',
            'zone = "Asia/Shanhai"',
            "zone",
            "has an unknown zone 'Asia/Shanhai'",
            id="wrong zone",
        ),
        pytest.param(
            "template.toml",
            'kind = "group"',
            'kind = "customer"',
            "kind",
            "not supported yet",
            id="kind that comes later",
        ),
        pytest.param(
            "template.toml",
            '"1h remind", "2h remind"',
            '"1h remind", "1h remind", "2h remind"',
            "rungs",
            "reminds 4 times; the platform allows 3",
            id="four official reminders",
        ),
        pytest.param(
            "words_group.toml",
            'reviewer = "sample"\n',
            "",
            "reviewer",
            "is not approved: it has no reviewer",
            id="unapproved content",
        ),
        pytest.param(
            "words_group.toml",
            'attachments = ["event_card"]',
            'attachments = ["event_cart"]',
            "attachments",
            "names a missing attachment 'event_cart'; did you mean 'event_card'?",
            id="missing attachment",
        ),
        pytest.param(
            "words_group.toml",
            'file = "opening.png"',
            'file = "team.png"',
            "file",
            "names a file that is not there: team.png",
            id="missing file",
        ),
        pytest.param(
            "words_group.toml",
            'file = "opening.png"',
            'file = "../../../opening.png"',
            "file",
            "names a file that is not there",
            id="file outside the template",
        ),
        pytest.param(
            "words_group.toml",
            "今天不谈钱。",
            "今天不谈钱。" * 300,
            "text",
            "shorten it to 4000",
            id="text over the platform's limit",
        ),
        pytest.param(
            "words_group.toml",
            "今天不谈钱。",
            "欢迎选购我们的新品。",
            "text",
            "sells before the first week's score (sale.link)",
            id="product before the score",
        ),
        pytest.param(
            "words_group.toml",
            "今天不谈钱。",
            "今天进群送您一张免息券。",
            "text",
            "sells before the first week's score (sale.coupon)",
            id="coupon before the score",
        ),
        pytest.param(
            "words_group.toml",
            "今天不谈钱。",
            "买了稳赚不赔。",
            "text",
            "says what must not be said by promise.profit",
            id="forbidden wording",
        ),
        pytest.param(
            "words_group.toml",
            "{group}今天开群了",
            "{grop}今天开群了",
            "text",
            "has a slot {grop} that nothing fills; did you mean 'group'?",
            id="slot that nothing fills",
        ),
    ],
)
def test_mistake_is_told_with_its_place_and_the_others_are_served(
    folder: Path, file: str, old: str, new: str, key: str, said: str
) -> None:
    lineno = spoil(folder, file, old, new)

    found = load(folder)

    told = [text for text in found.mistakes if said in text]
    assert told, found.mistakes
    place = f"content/sop/{WEEK1}/{file}:"
    assert told[0].startswith(place)
    # The line of the key, or of the table where the key itself is missing; never far from the change.
    assert abs(int(told[0].removeprefix(place).partition(":")[0]) - lineno) <= 60, (key, told)
    assert set(found.templates) == {"finance_weekly", "group_repair"}


MEMBER = """
[[template]]
id = "newcomer"
kind = "member"
scene = "newcomer"
title = "新成员"
lines = ["service"]

[[ladder]]
id = "one_to_one"
senders = ["advisor"]
rungs = ["1h card advisor"]
card = "card"

[[stage]]
id = "first_days"
title = "头三天"
mission = "听一听需要什么"
clock = "member"
to = "3d"

[[step]]
id = "hello"
stage = "first_days"
title = "问一声"
anchor = "member_joined"
schedule = "day(1, 15:00)"
window = "3h"
audience = "friend and not do_not_contact"
executor = "advisor"
delivery = ["P"]
content = ["hello"]
ladder = "one_to_one"

[[review]]
source = "运营手册"
reviewer = "王芳"
reviewed_on = 2026-11-22
valid_from = 2026-11-22
valid_until = 2027-05-20

[[block]]
id = "hello"
text = "您好，群里有什么想听懂的，随时告诉我。"

[[block]]
id = "card"
kind = "card"
text = "还有人没联系。"
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", ""),
        ('clock = "member"', 'clock = "group"', "counts the group's days in a template for members"),
        (
            'lines = ["service"]',
            'lines = ["service"]\n[[alarm]]\nwords = ["投诉"]',
            "[[alarm]] is not supported yet",
        ),
        (
            "[[ladder]]",
            '[[guard]]\nexclusive_with = ["nobody"]\n[[ladder]]',
            "excludes an unknown template 'nobody'",
        ),
        ('delivery = ["P"]', 'delivery = ["X"]', ""),
        ('card = "card"\n', "", 'has a rung "card" without words'),
        ('card = "card"', 'card = "hello"', "goes to staff"),
    ],
)
def test_template_for_members_is_read_and_checked(folder: Path, old: str, new: str, said: str) -> None:
    path = folder / "sop" / "newcomer"
    path.mkdir()
    (path / "all.toml").write_text(MEMBER.replace(old, new, 1) if old else MEMBER, "utf-8")

    found = load(folder)

    assert ("newcomer" in found.templates) is (said == "")
    assert all("/newcomer/all.toml:" in text for text in found.mistakes)
    assert any(said in text for text in found.mistakes) is (said != "")


def test_every_mistake_is_told_at_once(folder: Path) -> None:
    spoil(folder, "steps.toml", 'schedule = "day(6, 10:00)"', 'schedule = "day(6, 08:00)"')
    spoil(folder, "words_group.toml", "今天不谈钱。", "欢迎选购。")
    spoil(folder, "template.toml", 'zone = "Asia/Shanghai"', 'zone = "Mars"')

    assert {text.partition(":")[0].rpartition("/")[2] for text in load(folder).mistakes} == {
        "steps.toml",
        "words_group.toml",
        "template.toml",
    }


def test_mistake_of_a_step_is_told_once_for_all_rhythms(folder: Path) -> None:
    spoil(folder, "steps.toml", 'window = "6h"\nexpire_after = "1d"', 'window = "soon"\nexpire_after = "1d"')

    assert sum("has window = 'soon'" in text for text in load(folder).mistakes) == 1


def test_expired_words_refuse_their_template_and_warn_a_month_before(folder: Path) -> None:
    last = date(2027, 5, 20)

    assert load(folder, last - timedelta(days=31)).warnings == ()
    assert all("2027-05-20 到期" in text for text in load(folder, last).warnings)
    assert set(load(folder, last).templates) == {WEEK1, "finance_weekly", "group_repair"}
    late = load(folder, last + timedelta(days=1))
    assert late.templates == {}
    assert all("expired on 2027-05-20" in text for text in late.mistakes)


def test_file_that_is_not_toml_is_the_only_mistake_of_its_template(folder: Path) -> None:
    spoil(folder, "steps.toml", 'id = "opening"', 'id = "opening')

    assert len(load(folder).mistakes) == 1


def test_holidays_of_a_year_are_read_from_a_file(folder: Path) -> None:
    (folder / "sop" / "calendar.toml").write_text(
        '[[year]]\nyear = 2027\nholidays = [2027-01-01]\nnames = ["元旦"]\n'
        'make_up = [2027-01-03]\nsource = "国务院办公厅通知"\n',
        "utf-8",
    )

    (year,) = load(folder).years

    assert year.holidays == {date(2027, 1, 1): "元旦"}
    assert year.make_up == {date(2027, 1, 3)}


def test_sale_rules_know_their_examples() -> None:
    mistakes = tables.Mistakes()
    path = shipped.FOLDER / "sop" / "no_sale.toml"
    found = tables.load_tables(path, shipped.FOLDER.parent, ("rule",), mistakes)

    rules = sop_guard.parse_rules(found or [])

    assert mistakes.texts == []
    assert len(rules) == 3


@st.composite
def spoilt_lines(draw: st.DrawFn) -> tuple[str, int, str]:
    """A file of the first week, a place in it, and what the value of that line becomes."""
    file = draw(st.sampled_from(["template.toml", "steps.toml", "words_staff.toml"]))
    value = draw(
        st.sampled_from(
            ['""', '"x"', "1", "-5", "true", "[]", '["x"]', '[""]', "[1]", "2026-11-22", "{}", '"{x}"']
        )
    )
    return file, draw(st.integers(0, 10_000)), value


@given(spoilt_lines())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_in_any_place_is_read_or_told_never_raised(
    tmp_path: Path, spoilt: tuple[str, int, str]
) -> None:
    file, place, value = spoilt
    base = tmp_path / "content" / "sop"
    shutil.rmtree(base, ignore_errors=True)
    for name in (WEEK1, "finance_weekly", "group_repair"):
        shutil.copytree(shipped.FOLDER / "sop" / name, base / name)
        if name != WEEK1:
            (base / name / "words.toml").unlink()  # Only the names matter, as where a group goes next.
    shutil.copy(shipped.FOLDER / "sop" / "no_sale.toml", base / "no_sale.toml")
    shutil.copy(shipped.FOLDER / "risk_lines.toml", tmp_path / "content" / "risk_lines.toml")
    lines = (base / WEEK1 / file).read_text("utf-8").splitlines()
    keyed = [
        number for number, line in enumerate(lines) if re.match(r"[a-z_]+ = [\"\[\dtf].*[\"\]\dse]$", line)
    ]
    chosen = keyed[place % len(keyed)]
    lines[chosen] = f"{lines[chosen].partition(' = ')[0]} = {value}"
    (base / WEEK1 / file).write_text("\n".join(lines) + "\n", "utf-8")

    found = load(base.parent)

    own = [text for text in found.mistakes if f"/{WEEK1}/" in text]
    assert bool(own) is (WEEK1 not in found.templates), lines[chosen]
    assert all(
        re.match(rf"content/sop/{WEEK1}/[a-z0-9_]+\.toml:\d+: .* \(.+\)", text, re.DOTALL) for text in own
    )
