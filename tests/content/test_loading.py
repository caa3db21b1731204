"""Loading: every mistake at once, with file, line and fix."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from content import loading
from domain.errors import ContentError
from tests.content import shipped

Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped content that a test may spoil."""
    copy = tmp_path / "content"
    for name in ("faq", "own", "quick", "replies", "compliance", "rubric", "sop"):
        shutil.copytree(shipped.FOLDER / name, copy / name)
    for path in (*shipped.FOLDER.glob("*.toml"), *shipped.FOLDER.glob("*.txt")):
        shutil.copy(path, copy / path.name)
    return copy


def spoil(folder: Path, file: str, old: str, new: str) -> int:
    """Replace the first `old` by `new` and return the line it begins on."""
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(ContentError) as caught:
        loading.load(folder)
    return caught.value.problems


def test_copy_of_the_shipped_content_is_fine_and_has_the_same_digest(folder: Path) -> None:
    assert loading.load(folder).digest == shipped.words().digest


def test_changed_answer_changes_the_digest_of_its_entry_only(folder: Path) -> None:
    spoil(folder, "faq/loan.toml", "可以提前还。", "可以提前还款。")

    changed = loading.load(folder)

    assert changed.digest != shipped.words().digest
    different = [
        faq_id for faq_id, faq in changed.faqs.items() if faq.digest != shipped.words().faqs[faq_id].digest
    ]
    assert different == ["loan.prepay"]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "faq/loan.toml",
            'reviewer = "sample"\n',
            "",
            'loan.annual_rate 缺少 reviewer，请加上 reviewer = "…" (has no reviewer; add reviewer = "…")',
        ),
        ("faq/loan.toml", "reviewer = ", "reviewr = ", "unknown key 'reviewr'; did you mean 'reviewer'?"),
        ("faq/loan.toml", '"RL-LOAN"', '"RL-LOANS"', "unknown risk line 'RL-LOANS'; did you mean 'RL-LOAN'?"),
        ("faq/loan.toml", '"loan.cost_table"', '"loan.cost_tabel"', "did you mean 'loan.cost_table'?"),
        ("faq/loan.toml", '"H6"', '"H66"', "unknown hand-over code 'H66'"),
        ("faq/loan.toml", 'scope = "G"', 'scope = "X"', "write one of G, P"),
        ("faq/loan.toml", 'line = "loan"', 'line = "lone"', "did you mean 'loan'?"),
        (
            "faq/loan.toml",
            "valid_until = 2027-05-20",
            'valid_until = "2027-05-20"',
            "write a date without quotes",
        ),
        ("faq/loan.toml", "valid_until = 2027-05-20", "valid_until = 2026-05-20", "before it begins"),
        ("faq/loan.toml", "valid_until = 2027-05-20", "valid_until = 2028-05-20", "over six months"),
        ("faq/loan.toml", "reviewed_on = 2026-11-22", "reviewed_on = 2026-12-01", "before it was reviewed"),
        (
            "faq/loan.toml",
            "看贷款贵不贵",
            "我们保本保息。看贷款贵不贵",
            "says what must not be said by promise.principal",
        ),
        ("faq/loan.toml", "看贷款贵不贵", "长" * 400, "bytes with its risk lines; shorten"),
        (
            "faq/loan.toml",
            "看贷款贵不贵",
            "{compny}看贷款贵不贵",
            "unknown slot {compny}; did you mean 'company'?",
        ),
        ("faq/loan.toml", "asks = [\n", 'asks = ["年化"]\nothers = [\n', "asks; write at least 6"),
        ("faq/loan.toml", 'id = "loan.cost_table"', 'id = "loan.annual_rate"', "is there twice, first at"),
        ("faq/loan.toml", "short = ", "shrt = ", "has no short"),
        ("faq/loan.toml", "{annual_360}", "{anual_360}", "does not fill; did you mean 'annual_360'?"),
        ("faq/loan.toml", 'calculation = "', 'calculation = "my_', "unknown calculation 'my_"),
        ("faq/loan.toml", "computed = ", "lapsed = ", "has calculation but no computed"),
        (
            "faq/loan.toml",
            "看贷款贵不贵",
            "{own.loan_aply}看贷款贵不贵",
            "asks for the company's own text 'loan_aply'",
        ),
        ("own/loan.toml", 'what = "', 'wat = "', "unknown key 'wat'; did you mean 'what'?"),
        (
            "faq/loan.toml",
            "valid_until = 2027-05-20",
            "valid_until = 2027-05-20\nfact_valid_until = 2027-01-01",
            "no words for the time after it; add lapsed",
        ),
        ("faq/service.toml", "handover_at_once = false", "handover_at_once = 0", "write true or false"),
        ("replies/talk.toml", 'id = "thanks"', 'id = "thank"', "has no reply 'thanks'"),
        (
            "replies/people.toml",
            'id = "friend_welcome"',
            'id = "friend_hello"',
            "has no reply 'friend_welcome'",
        ),
        ("replies/people.toml", 'id = "opt_out_done"', 'id = "opt_out"', "缺少固定话术 opt_out_done"),
        (
            "replies/talk.toml",
            '{id = "loan.prepay", text = ""}',
            '{id = "loan.prepai", text = ""}',
            "no entry",
        ),
        ("replies/talk.toml", "我是{company}", "我是{firm}", "unknown slot {firm}"),
        ("replies/talk.toml", "不客气", "保本保息", "says what must not be said"),
        ("signals.toml", '"我不想活了"', '"今天天气好"', "does not match its example '今天天气好'"),
        ("signals.toml", 'code = "H2"', 'code = "H22"', "unknown code 'H22'"),
        ("signals.toml", "'逼死|", "'(逼死|", "has a bad pattern"),
        (
            "compliance/promises.toml",
            'label = "GUARANTEE"',
            'label = "GARANTEE"',
            "did you mean 'GUARANTEE'?",
        ),
        ("compliance/promises.toml", '"我们的产品不保本"', '"我们的产品保本"', "which it must not"),
        ("compliance/promises.toml", 'severity = "S0"', 'severity = "S9"', "write S0, S1, S2 or S3"),
    ],
)
def test_mistake_is_told_with_its_fix(folder: Path, file: str, old: str, new: str, said: str) -> None:
    spoil(folder, file, old, new)

    found = mistakes(folder)

    assert any(said in text for text in found), found
    assert all(text.startswith("content/") for text in found)


def test_phrase_that_two_entries_claim_is_refused_with_both_places(folder: Path) -> None:
    first = shipped.words().faqs["insurance.surrender_value"]
    spoil(folder, "faq/loan.toml", "asks = [\n", f'asks = [\n    "{first.asks[0]}！", ')

    found = mistakes(folder)

    assert any("loan.annual_rate" in text and "insurance.surrender_value" in text for text in found), found


def test_mistake_names_file_and_line(folder: Path) -> None:
    line = spoil(folder, "faq/insurance.toml", 'scope = "G"', 'scope = "Q"')

    assert mistakes(folder)[0].startswith(f"content/faq/insurance.toml:{line}: insurance.cooling_off ")


def test_missing_key_is_told_at_the_head_of_its_table(folder: Path) -> None:
    spoil(folder, "faq/wealth.toml", 'reviewer = "sample"\n', "")
    text = (folder / "faq/wealth.toml").read_text("utf-8")
    line = text[: text.index("[[faq]]")].count("\n") + 1

    said = '缺少 reviewer，请加上 reviewer = "…" (has no reviewer; add reviewer = "…")'
    assert mistakes(folder) == [f"content/faq/wealth.toml:{line}: wealth.principal {said}"]


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    spoil(folder, "faq/loan.toml", 'scope = "G"', 'scope = "Q"')
    spoil(folder, "faq/wealth.toml", '"H4"', '"H44"')
    spoil(folder, "replies/kinds.toml", 'id = "kind.image"', 'id = "kind.picture"')

    assert len(mistakes(folder)) == 3


def test_broken_toml_is_told_with_its_line(folder: Path) -> None:
    spoil(folder, "faq/loan.toml", 'id = "loan.annual_rate"', "id = loan.annual_rate")

    found = mistakes(folder)

    assert len(found) == 1
    assert found[0].startswith("content/faq/loan.toml:5: 这一行附近的格式不对")
    assert "(is not TOML: " in found[0]


@pytest.mark.parametrize(
    "file",
    [
        "faq/loan.toml",
        "replies/talk.toml",
        "replies/handover.toml",
        "compliance/excuses.toml",
        "compliance/promises.toml",
        "risk_lines.toml",
        "signals.toml",
        "synonyms.toml",
    ],
)
def test_file_that_is_not_toml_is_the_only_mistake(folder: Path, file: str) -> None:
    (folder / file).write_text("这不是 TOML", "utf-8")

    found = mistakes(folder)
    warned = loading.check(folder, shipped.TODAY)

    assert [text.partition(":")[0] for text in found] == [f"content/{file}"]
    assert [notice.text for notice in warned if notice.level is loading.Level.ERROR] == found


def test_broken_file_does_not_hide_a_mistake_of_another(folder: Path) -> None:
    (folder / "risk_lines.toml").write_text("[[", "utf-8")
    spoil(folder, "faq/loan.toml", 'scope = "G"', 'scope = "X"')

    assert {text.partition(":")[0] for text in mistakes(folder)} == {
        "content/risk_lines.toml",
        "content/faq/loan.toml",
    }


@pytest.mark.parametrize("said", ['valid_until = "soon"', "valid_until = soon", ""])
def test_date_that_cannot_be_read_is_an_error_and_no_expiry(folder: Path, said: str) -> None:
    spoil(folder, "faq/loan.toml", "valid_until = 2027-05-20", said)

    texts = [notice.text for notice in loading.check(folder, shipped.TODAY) if "loan.toml" in notice.text]

    assert not any("1970" in text for text in texts)
    assert sum("one_time_repair" not in text for text in texts) == 1


def test_every_mistake_is_told_in_chinese_first(folder: Path) -> None:
    spoil(folder, "faq/loan.toml", "reviewer = ", "reviewr = ")
    spoil(folder, "faq/loan.toml", "看贷款贵不贵", "我们保本保息。看贷款贵不贵")
    spoil(folder, "faq/wealth.toml", '"RL-WM"', '"RL-WN"')
    spoil(folder, "faq/insurance.toml", 'id = "insurance.grace"', 'id = "insurance.waiting"')
    spoil(folder, "replies/talk.toml", 'id = "thanks"', 'id = "thank"')

    for text in mistakes(folder):
        chinese = text.index(next(letter for letter in text if "\u4e00" <= letter <= "\u9fff"))
        assert chinese < text.index("("), text
        assert text.endswith(")"), text


def test_file_that_is_not_utf8_is_told(folder: Path) -> None:
    (folder / "faq/loan.toml").write_bytes('[[faq]]\nid = "贷款"'.encode("gb18030"))

    assert any("cannot be read" in text for text in mistakes(folder))


def test_missing_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()

    assert any("content/faq/*.toml:1: 不见了" in text for text in mistakes(tmp_path / "content"))


def test_same_menu_id_twice_is_refused(folder: Path) -> None:
    spoil(folder, "faq/loan.toml", 'id = "loan.equal_principal"', 'id = "loan.a_b"')
    spoil(folder, "faq/loan.toml", 'id = "loan.interest_first"', 'id = "loan_a.b"')

    assert any("bad id" in text for text in mistakes(folder))


def test_entry_that_soon_expires_is_a_warning(folder: Path) -> None:
    notices = loading.check(folder, date(2026, 12, 20))

    assert any(
        notice.level is loading.Level.WARNING and "loan.subsidy 2026-12-31 到期" in notice.text
        for notice in notices
    )
