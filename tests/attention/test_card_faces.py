"""How cards look."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from content import card_words
from domain.attention import CardAnswer, Notice, NoticeKind
from domain.delivery import CardFace
from domain.enrolment import OPEN_STATES, UNRELEASED_STATES, OccurrenceState
from scheduler import card_faces
from scheduler.card_faces import FaceRules
from tests.attention import factory
from tests.attention.factory import at

RULES = FaceRules(words=card_words.load(), public_url="https://bot.example.com", zone=factory.SHANGHAI)


def face(*told: Notice, rules: FaceRules = RULES) -> CardFace:
    return card_faces.face(told, "task", rules)


def notice(**changes: Any) -> Notice:
    return factory.notice(changes.pop("due_at", at("10:00")), **changes)


def test_one_step_shows_its_own_words_and_three_buttons() -> None:
    shown = face(notice(title="开群仪式", text="请确认群发。", url="/sidebar/steps/7", occurrence_id=7))

    assert (shown.title, shown.text) == ("开群仪式", "请确认群发。")
    assert shown.url == "https://bot.example.com/sidebar/steps/7"
    assert [button.key for button in shown.buttons] == ["done", "later", "problem"]
    assert all(len(button.text) <= 10 for button in shown.buttons)


def test_what_a_person_only_learns_has_no_buttons() -> None:
    assert face(notice(kind=NoticeKind.TELL, occurrence_id=7)).buttons == ()
    assert face(notice(kind=NoticeKind.STEP)).buttons == ()


def test_what_the_platform_proves_cannot_be_ticked_off() -> None:
    answers = {CardAnswer.LATER, CardAnswer.PROBLEM}
    shown = card_faces.face([notice(occurrence_id=7)], "task", RULES, answers)

    assert [button.key for button in shown.buttons] == ["later", "problem"]


def test_several_matters_are_a_list_with_the_way_to_the_page() -> None:
    shown = face(
        notice(title="开群仪式", is_exempt=True, occurrence_id=7),
        notice(title="收集问题", due_at=at("10:15")),
    )

    assert shown.title == "2 件事"
    assert shown.desc == "其中 1 件要马上办"
    assert shown.rows == (("10:00", "开群仪式"), ("10:15", "收集问题"))
    assert (shown.url, shown.buttons) == ("https://bot.example.com/sidebar/", ())


def test_the_same_step_in_several_groups_is_one_row() -> None:
    shown = face(*(notice(title="回看" * 20) for _ in range(12)))

    ((_, value),) = shown.rows
    assert value.endswith("… ×12")
    assert shown.title == "12 件事"


def test_more_than_six_rows_are_counted_not_shown() -> None:
    shown = face(*(notice(title=f"第 {number} 件") for number in range(9)))

    assert len(shown.rows) == 6
    assert shown.rows[-1] == ("其他", "还有 4 件，点开看")


def test_the_day_lists_its_work_once() -> None:
    day = notice(kind=NoticeKind.DAY, title="今天", text="09:30 开群仪式 · 一群\n10:00 收集问题 · 二群")
    shown = face(notice(title="开群仪式 · 一群", due_at=at("09:00")), day)

    assert shown.title == "今天 2 件事"
    assert shown.rows == (("09:00", "开群仪式 · 一群"), ("10:00", "收集问题 · 二群"))


def test_without_a_public_address_there_is_no_link() -> None:
    rules = FaceRules(words=RULES.words, public_url="", zone=RULES.zone)

    assert face(notice(url="/sidebar/steps/7"), rules=rules).url == ""


words = st.text(max_size=400)


@given(
    st.lists(
        st.builds(
            notice,
            kind=st.sampled_from(NoticeKind),
            title=words.filter(str.strip),
            text=words,
            is_exempt=st.booleans(),
            occurrence_id=st.none() | st.integers(1, 9),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_every_face_keeps_to_the_sizes_of_the_platform(told: list[Notice]) -> None:
    shown = face(*told)

    assert len(shown.title) <= 36
    assert len(shown.desc) <= 44
    assert len(shown.text) <= 160
    assert len(shown.rows) <= 6
    assert all(len(name) <= 5 and len(value) <= 30 for name, value in shown.rows)


def test_every_answer_and_every_end_of_a_step_has_words() -> None:
    ends = set(OccurrenceState) - OPEN_STATES - UNRELEASED_STATES
    said = RULES.words

    assert set(said.button) == set(said.answered) == set(CardAnswer)
    assert set(said.note) == {CardAnswer.LATER, CardAnswer.PROBLEM}
    assert ends <= set(said.state)
