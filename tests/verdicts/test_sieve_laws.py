"""Laws of the sieve: looking only where a pattern could match finds what looking everywhere finds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from content import sieve, views
from tests.verdicts import factory

RULES = factory.knowledge().content.rules.rules
SAID = [text for rule in RULES for text in (*rule.must_match, *rule.must_not_match)]
ENDS = ["。", "！", "？", "\n", "，", "", "...", "；"]
# Each pattern by itself, in the order in which the sieve knows them.
PATTERNS = [(rule, index) for rule in RULES for index in range(len(rule.wanted.sources))]
SIEVE = sieve.Sieve(
    [rule.wanted.needed[index] for rule, index in PATTERNS],
    [rule.wanted.sources[index] for rule, index in PATTERNS],
)

long_texts = st.lists(st.tuples(st.sampled_from(SAID), st.sampled_from(ENDS)), min_size=12, max_size=24).map(
    lambda parts: views.folded("".join(text + end for text, end in parts))
)


@settings(max_examples=8)
@given(text=long_texts)
def test_what_is_found_near_the_words_is_what_is_found_anywhere(text: str) -> None:
    placed = SIEVE.candidates(text)

    for at, (rule, index) in enumerate(PATTERNS):
        near = set(rule.wanted.hits(text, {index: placed[at]})) if at in placed else set()
        assert near == set(rule.wanted.hits(text, {index: ()})), rule.wanted.sources[index]


@settings(max_examples=20)
@given(text=long_texts)
def test_sentences_hold_the_whole_text_once(text: str) -> None:
    assert "".join(text[start:end] for start, end in sieve.sentences_of(text)) == text


def test_most_patterns_stay_in_their_sentence() -> None:
    staying = sum(sieve.stays_in_sentence(source) for rule in RULES for source in rule.wanted.sources)

    assert staying > 0.95 * len(PATTERNS)
