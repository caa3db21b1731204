"""The wording check beyond single texts: disclosures, bounds, registrations, runs of messages, versions, figures."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from bench import compliance_figures as figures
from bot import cli
from content import compliance
from domain.compliance import Registration, Severity, Speaker
from domain.faq import EntityMode, Line
from tests import shared
from tests.content import shipped

RULES = shipped.words().rules
TODAY = date(2026, 11, 22)


def registration(days: int, line: Line = Line.INSURANCE) -> Registration:
    return Registration(line=line, number="02000012345678", valid_until=TODAY + timedelta(days=days))


@pytest.mark.parametrize(
    ("text", "line", "is_missing"),
    [
        ("近一年收益6.2%。", Line.WEALTH, True),
        ("近一年收益6.2%（产品定期报告），不代表未来表现，产品有风险。", Line.WEALTH, False),
        ("月息三厘。", Line.LOAN, True),
        ("可以提前还款。", Line.LOAN, False),
        ("给您推荐这款重疾险，每年交6000元。", Line.INSURANCE, True),
    ],
)
def test_advisor_must_carry_disclosures(text: str, line: Line, is_missing: bool) -> None:
    problems = RULES.check_text(text, Speaker.ADVISOR, line)

    assert any(problem.label == "DISCLOSURE" for problem in problems) is is_missing
    assert not any(compliance.is_red_line(problem) for problem in problems)
    assert not compliance.is_blocking(problems, Speaker.ADVISOR)


def test_line_without_a_licence_may_not_speak_of_a_product() -> None:
    text = "我给您算一下保费。"

    labels = {p.label for p in RULES.check_text(text, Speaker.ADVISOR, Line.INSURANCE, EntityMode.PLATFORM)}

    assert labels == {"ENTITY_MODE"}
    assert RULES.check_text(text, Speaker.ADVISOR, Line.INSURANCE) == []
    assert RULES.check_text(text, Speaker.CUSTOMER, Line.INSURANCE, EntityMode.PLATFORM) == []


@pytest.mark.parametrize(
    ("held", "severity"),
    [
        ([], Severity.S2),
        ([registration(400, Line.LOAN)], Severity.S2),
        ([registration(-1)], Severity.S2),
        ([registration(0)], Severity.S3),
        ([registration(29)], Severity.S3),
        ([registration(30)], None),
        ([registration(-1), registration(60)], None),
    ],
)
def test_speaker_needs_a_registration(held: list[Registration], severity: Severity | None) -> None:
    problems = compliance.check_speaker(RULES, Line.INSURANCE, held, TODAY)

    assert [problem.severity for problem in problems] == ([severity] if severity else [])
    assert all(problem.message for problem in problems)
    assert compliance.check_speaker(RULES, Line.SERVICE, [], TODAY) == []


def test_term_spread_over_messages_is_found() -> None:
    found = compliance.check_run(RULES, ["您好", "验证", "码发我"], Speaker.ADVISOR)

    assert [spread.problem.label for spread in found] == ["SENSITIVE_REQUEST"]
    assert [index for index, _ in found[0].spans] == [1, 2]
    assert compliance.check_run(RULES, ["验证", "码发我"], Speaker.CUSTOMER) == []
    assert compliance.check_run(RULES, ["验证码发我", "您看看"], Speaker.ADVISOR) == []


def test_rules_and_problems_carry_their_version() -> None:
    problem = RULES.check_text("这款产品保本", Speaker.ADVISOR)[0]

    assert len(RULES.version) == 12
    assert problem.rule_version == next(r.version for r in RULES.rules if r.id == problem.rule_id)


def test_every_rule_was_measured_as_it_stands() -> None:
    stale = [
        rule.id
        for rule in RULES.rules
        if rule.id not in RULES.measured or RULES.measured[rule.id].version != rule.version
    ]

    assert stale == [], "run python -m bench.compliance_figures --write"


def test_measured_figures_are_those_of_today() -> None:
    shared.path("compliance/dev.jsonl")

    assert figures.MEASURED.read_text("utf-8") == figures.measured_table(RULES, figures.labelled_cases())


@pytest.mark.parametrize("half", [0, 1])
def test_development_set_stays_within_the_bars(half: int) -> None:
    """Precision 0.95, recall 0.92 and 0.03 false alarms are asked for; these are a little stricter."""
    shared.path("compliance/dev.jsonl")
    source = ("dev, half read", "dev, half unread")[half]
    got = [
        (case, figures.found_labels(RULES, case))
        for case in figures.labelled_cases()
        if case.source == source
    ]

    caught = sum(bool(labels) for case, labels in got if case.labels)
    false = sum(bool(labels) for case, labels in got if not case.labels)

    assert caught / sum(bool(case.labels) for case, _ in got) >= 0.96
    assert false / sum(not case.labels for case, _ in got) <= 0.03


def test_scan_writes_one_result_a_line(tmp_path: Path) -> None:
    lines = [
        {"text": "这款产品保本保息", "role": "advisor"},
        {"text": "这款产品保本吗", "role": "customer"},
        {"text": "bao本的", "note": "role=group; kind=evasion:pinyin; x"},
        {"text": "明天见", "role": "bot"},
    ]
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")

    code = cli.main(["compliance", "scan", "--in", str(source), "--out", str(out)])

    found = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert code == 0
    assert [line["flagged"] for line in found] == [True, False, True, False]
    assert "GUARANTEE" in found[0]["labels"]
    assert found[0]["spans"][0][0] >= 0
    assert set(found[3]) == {"flagged", "labels", "spans", "rules"}


@pytest.mark.parametrize(
    "line", ['{"text": "a", "role": "boss"}', '{"text": "a"}', "nonsense", '{"role": "bot"}', "[]"]
)
def test_scan_names_the_line_it_cannot_read(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(f'{{"text": "您好", "role": "bot"}}\n{line}\n', "utf-8")

    code = cli.main(["compliance", "scan", "--in", str(source), "--out", str(tmp_path / "out.jsonl")])

    assert code == 2
    assert "in.jsonl:2" in capsys.readouterr().err
