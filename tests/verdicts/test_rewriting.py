"""What may lawfully be said instead: what is blocked is replaced, what lacks is added, the rest stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from content import rewriting, tables
from domain.compliance import LABELS, Audience
from domain.faq import Line
from tests.verdicts import factory

REWRITES = factory.knowledge().content.rules.rewrites


def test_only_the_blocked_sentence_changes() -> None:
    said = "王女士您好，这款产品保本保息，放心买。合同我下午发您邮箱。"

    verdict = factory.verdict(said)

    assert verdict.is_blocked
    assert verdict.rewrite.startswith("王女士您好，这个产品的本金和收益都不是固定的，有可能亏损。")
    assert verdict.rewrite.endswith("合同我下午发您邮箱。")


def test_the_product_line_chooses_the_words() -> None:
    said = "这款产品保本保息，放心买。"

    texts = {line: factory.verdict(said, line).rewrite for line in (Line.WEALTH, Line.INSURANCE, Line.LOAN)}

    assert "净值" in texts[Line.WEALTH] or "亏损" in texts[Line.WEALTH]
    assert "保单利益" in texts[Line.INSURANCE]
    assert "审批" in texts[Line.LOAN]


def test_words_that_need_nothing_are_left_alone() -> None:
    for said in ("好的，明天上午十点我在门店等您。", "", "我们的产品不保本，有可能亏损。"):
        assert factory.verdict(said).rewrite == ""


def test_a_line_that_has_to_stand_there_is_put_below() -> None:
    verdict = factory.verdict("近一年收益6.2%。", Line.WEALTH)

    assert not verdict.is_blocked
    assert verdict.missing == ("以上是过往业绩，不代表未来表现，收益不确定。",)
    assert verdict.rewrite == "近一年收益6.2%。\n以上是过往业绩，不代表未来表现，收益不确定。"
    assert factory.verdict(verdict.rewrite, Line.WEALTH).problems == ()


def test_a_figure_nobody_can_know_is_asked_for_and_not_made_up() -> None:
    verdict = factory.verdict("日息只要0.05%，可以提前还。", Line.LOAN)

    assert [one.rule_id for one in verdict.warnings] == ["disclosure.loan_rate"]
    assert (verdict.missing, verdict.rewrite) == ((), "")


def test_an_opening_of_a_group_gets_what_a_group_opening_says() -> None:
    verdict = factory.verdict("欢迎各位加入本群，有问题随时问。", Line.SERVICE, audience=Audience.GROUP)

    assert verdict.rewrite.endswith("本群不推荐具体产品、不收款、不索要验证码。")


def test_several_flaws_far_apart_are_all_replaced() -> None:
    said = "全网最低价！明天我在。\n亏了算我的。您把验证码发我一下？\n好的"

    verdict = factory.verdict(said)

    assert verdict.is_blocked
    assert not factory.verdict(verdict.rewrite).is_blocked
    assert "明天我在。\n" in verdict.rewrite
    assert verdict.rewrite.endswith("\n好的")


def test_a_term_split_over_lines_is_rewritten_as_well() -> None:
    said = "这款产品保\n本\n保\n息"

    verdict = factory.verdict(said)

    assert verdict.is_blocked
    assert verdict.rewrite
    assert not factory.verdict(verdict.rewrite).is_blocked


@pytest.mark.parametrize("label", sorted(LABELS))
def test_there_are_words_for_every_label(label: str) -> None:
    assert any(one.label == label and one.line is None and not one.rules for one in REWRITES.rewrites)


@pytest.mark.parametrize("rewrite", REWRITES.rewrites, ids=lambda one: one.id)
def test_what_is_said_instead_passes_for_everybody_and_every_line(rewrite: rewriting.Rewrite) -> None:
    lines = (rewrite.line,) if rewrite.line else (None, *Line)
    for line in lines:
        for audience in (Audience.CUSTOMER, Audience.GROUP):
            assert not factory.verdict(rewrite.text, line, audience=audience).is_blocked


def parsed(tmp_path: Path, text: str) -> tuple[rewriting.Rewrites, list[str]]:
    path = tmp_path / "rewrites.toml"
    path.write_text(text, "utf-8")
    mistakes = tables.Mistakes()
    found = tables.load_tables(path, tmp_path, ("rewrite", "completion"), mistakes)
    return rewriting.parse(found or (), {"promise.profit"}, {"disclosure.wealth"}), mistakes.texts


def test_mistakes_of_the_file_are_told_with_line_and_fix(tmp_path: Path) -> None:
    text = (
        '[[rewrite]]\nid = "a"\nlabel = "GARANTEE"\ntext = "x"\n'
        '[[rewrite]]\nid = "b"\nlabel = "GUARANTEE"\nrules = ["promise.profits"]\nline = "bonds"\ntext = "x"\n'
        '[[completion]]\nid = "disclosure.wealt"\ntext = "x"\n'
    )

    _, mistakes = parsed(tmp_path, text)

    assert [one.partition(" ")[0] for one in mistakes] == [
        "rewrites.toml:3:",
        "rewrites.toml:9:",
        "rewrites.toml:8:",
        "rewrites.toml:12:",
    ]
    assert "did you mean 'GUARANTEE'?" in mistakes[0]
    assert "did you mean 'promise.profit'?" in mistakes[2]


def test_words_of_a_rule_come_before_words_of_its_label() -> None:
    own = factory.verdict("亏了算我的。").rewrite

    assert own.startswith("盈亏都由投资者本人承担")
