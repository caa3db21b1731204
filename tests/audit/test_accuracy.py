"""Knowledge accuracy: what advisors say against the facts of the FAQ that held then."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from audit import accuracy
from audit.accuracy import Facts, Standing
from content import facts, normalising
from tests.content import shipped

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
WRITTEN = tomllib.loads(Path(__file__).with_name("statements.toml").read_text("utf-8"))
_CALLED = {Standing.CONTRADICTS, Standing.EXPIRED}


def shipped_facts() -> Facts:
    return Facts.of(shipped.words().rubric.facts, shipped.words().faqs)


def standings(known: Facts, said: str, asked: str = "", at: datetime = NOW) -> list[Standing]:
    found = known.claims(normalising.folded(said), normalising.folded(asked), at, at.date())
    return [claim.standing for claim in found]


def test_every_slot_reads_its_fact_out_of_the_shipped_answer() -> None:
    words = shipped.words()
    unread = []
    for slot in words.rubric.facts:
        faq = words.faqs[slot.faq_id]
        if facts.fact_of(slot, normalising.folded(faq.answer)) is None:
            unread.append(slot.id)

    assert not unread


@pytest.mark.parametrize("slot", shipped.words().rubric.facts, ids=lambda slot: slot.id)
def test_examples_of_a_slot_stand_as_it_says(slot: facts.Slot) -> None:
    faq = shipped.words().faqs[slot.faq_id]
    fact = facts.fact_of(slot, normalising.folded(faq.answer))
    assert fact is not None

    for verdict, texts in (("agrees", slot.agrees), ("contradicts", slot.contradicts)):
        for text in texts:
            (said,) = facts.statements(normalising.folded(text), "", [slot])
            assert facts.compare(said, fact) == verdict, text


def test_contradictions_are_called_with_a_precision_of_nine_tenths(
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = shipped_facts()
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for kind in ("agrees", "contradicts", "unsupported"):
        for one in WRITTEN[kind]:
            found = standings(known, one["said"], one.get("asked", ""))
            if _CALLED & set(found):
                judged = "contradicts"
            else:
                judged = "agrees" if Standing.AGREES in found else "unsupported"
            counts[kind, judged] += 1
            if judged != kind:
                wrong.append(f"{kind} → {judged}: {one['said']}")

    called = sum(count for (_, judged), count in counts.items() if judged == "contradicts")
    precision = counts["contradicts", "contradicts"] / called
    recall = counts["contradicts", "contradicts"] / len(WRITTEN["contradicts"])
    checked = sum(count for (kind, judged), count in counts.items() if judged != "unsupported")
    with capsys.disabled():
        print(
            f"\nknowledge accuracy: {sum(counts.values())} statements, contradict precision {precision:.3f} "
            f"recall {recall:.3f}, agree {counts['agrees', 'agrees']}/{len(WRITTEN['agrees'])}, checked {checked}"
        )
        print("\n".join(wrong))

    assert sum(counts.values()) >= 60
    assert precision >= 0.9
    assert recall >= 0.8


def test_right_number_of_other_days_is_right_in_part() -> None:
    assert standings(shipped_facts(), "退保金30个工作日内退到账户") == [Standing.PARTIAL]


def test_statement_is_held_against_the_version_of_its_moment() -> None:
    words = shipped.words()
    faq = words.faqs["loan.credit_error"]
    before = replace(faq, answer=faq.answer.replace("20日", "15日"), valid_from=date(2026, 1, 1))
    changed = NOW - timedelta(days=1)
    known = Facts(words.rubric.facts, {faq.id: [(NOW - timedelta(days=90), before), (changed, faq)]})

    said = "征信异议15日内答复"

    assert standings(known, said, at=changed - timedelta(hours=1)) == [Standing.AGREES]
    assert standings(known, said, at=NOW) == [Standing.EXPIRED]
    assert standings(known, "征信异议9日内答复", at=NOW) == [Standing.CONTRADICTS]
    assert standings(known, said, at=NOW - timedelta(days=91)) == []


def test_rule_that_has_ended_is_not_said_any_more() -> None:
    said = "一次性信用修复要在2026年3月31日前还清"

    assert standings(shipped_facts(), said, at=NOW) == [Standing.LAPSED]
    assert standings(shipped_facts(), said, at=datetime(2026, 3, 1, tzinfo=UTC)) == [Standing.AGREES]


def test_accuracy_is_agreement_over_what_could_be_compared() -> None:
    known = shipped_facts()
    said = ["犹豫期不少于15天", "犹豫期是7天", "犹豫期是30天"]
    claims = [claim for one in said for claim in known.claims(one, "", NOW, NOW.date())]

    found = accuracy.accuracy_of(claims)

    assert (found.agree, found.contradict, found.statements) == (1, 1, 3)
    assert found.share == 0.5
    assert found.coverage == pytest.approx(2 / 3)
    assert accuracy.accuracy_of([]).share is None
