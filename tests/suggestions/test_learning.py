"""What votes do to the order: little, never alone, and with a reason."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from content.suggesting import learning, own_words
from domain.faq import Choice, Decision, Match
from domain.suggestion import SuggestionSource, SuggestionState, Vote
from tests.suggestions.factory import ME, vote

NAME = (SuggestionSource.FAQ, "loan.prepay")
USED, EDITED, REFUSED = SuggestionState.USED, SuggestionState.EDITED, SuggestionState.REFUSED
_VOTES = st.lists(
    st.builds(
        vote,
        st.just("loan.prepay"),
        st.sampled_from([USED, EDITED, REFUSED]),
        by=st.sampled_from("abcdefgh"),
        count=st.integers(1, 500),
    ),
    max_size=30,
)


@given(_VOTES)
def test_a_step_is_bounded_and_does_not_depend_on_the_order(votes: list[Vote]) -> None:
    step = learning.steps(votes, ME, {}).get(NAME)
    other = learning.steps(reversed(votes), ME, {}).get(NAME)

    assert step == other
    assert step is None or abs(step.value) <= learning.LIMIT
    assert step is None or step.value == 0 or step.reasons


def test_one_person_moves_words_less_than_three_do() -> None:
    alone = learning.steps([vote("loan.prepay", REFUSED, by="a", count=100)], ME, {})[NAME].value
    three = learning.steps([vote("loan.prepay", REFUSED, by=who, count=3) for who in "abc"], ME, {})[
        NAME
    ].value

    assert three < alone < 0


def test_an_edited_suggestion_counts_half_of_one_sent_as_it_stood() -> None:
    used = learning.steps([vote("loan.prepay", USED)], ME, {})[NAME].value
    edited = learning.steps([vote("loan.prepay", EDITED)], ME, {})[NAME].value

    assert 0 < edited < used


def test_refusals_of_a_text_that_was_changed_since_are_forgotten() -> None:
    votes = [vote("loan.prepay", REFUSED, by=who, version=1) for who in "abc"]

    assert learning.steps(votes, ME, {NAME: 1})[NAME].value < 0
    assert NAME not in learning.steps(votes, ME, {NAME: 2})


def test_only_two_people_together_bring_words_that_were_not_found() -> None:
    alone = learning.steps([vote("loan.prepay", USED, by="a", count=9)], ME, {})
    both = learning.steps([vote("loan.prepay", USED, by=who) for who in "ab"], ME, {})

    assert learning.brought(alone, []) == {}
    assert list(learning.brought(both, [])) == [NAME]
    assert learning.brought(both, [NAME]) == {}


def test_the_key_of_a_question_is_its_nearest_entry_or_its_own_words() -> None:
    near = Match(faq_id="loan.prepay", score=0.9, confidence=0.9)
    unknown = Decision(choice=Choice.UNKNOWN)

    assert learning.key_of(Decision(choice=Choice.ANSWER, matches=(near,)), "x") == "faq:loan.prepay"
    assert learning.key_of(unknown, "这个 怎么弄！") == learning.key_of(unknown, "这个怎么弄")
    assert len(learning.key_of(unknown, "这个怎么弄")) <= 64
    assert learning.key_of(unknown, "？") == ""


def test_own_words_are_kept_only_without_figures_products_people_and_numbers() -> None:
    assert own_words.check_kept("提前还的话，先看看合同里怎么写的哈。") == []
    assert own_words.check_kept("第一时间回您，咱们一步一步来，一般以合同为准。") == []
    for text, what in {
        "好的": "short",
        "一年大概三个点": "figure",
        "大概要交五百块钱": "figure",
        "您可以看看《安心一生》这款": "product",
        "王女士您好，以合同为准": "person",
        "@李四 你看一下这个": "person",
        "长" * 500: "long",
    }.items():
        assert what in own_words.check_kept(text), text


def test_own_words_that_call_somebody_or_tell_of_a_private_matter_are_not_kept_6() -> None:
    for text in (
        "行，材料收到了晚点回您",
        "好的，我这边先帮您问问",
        "您好，麻烦您把材料发我一下",
        "一般来说，合同里会写清楚的",
        "您可以先不着急，回去和家里人商量商量",
    ):
        assert own_words.check_kept(text, ["王建国-客户", "🌸"]) == [], text
    for text, what in {
        "王建国您好，材料收到了哈": "person",
        "小美您好，材料收到了哈": "person",
        "小美，材料收到了晚点回您": "person",
        "您好，王建国，材料收到了哈": "person",
        "小美晚上好，材料收到了哈": "person",
        "您在望京的房子评估好了": "private",
        "您先生的材料我看过了": "private",
        "甲状腺结节的病历发我看看": "private",
        "您住得近，方便过来一趟吗": "private",
    }.items():
        assert what in own_words.check_kept(text), text
    for text, name in {
        "跟建国说的那样，先看合同": "王建国 望京",
        "先看合同，小美美别着急哈": "小美",
        "先看合同别着急哈TOMMY": "tommy",
    }.items():
        assert "person" in own_words.check_kept(text, [name]), text
