"""The shipped content, loaded once for the tests of this folder."""

from __future__ import annotations

import functools
import tempfile
from datetime import date
from pathlib import Path

from content import loading, matching, segmentation, serving
from domain.faq import EntityMode, Refusal

FOLDER = Path(__file__).resolve().parents[2] / "content"
TODAY = date(2026, 11, 22)  # The day the shipped entries were reviewed; they expire within six months.


@functools.cache
def words() -> loading.Content:
    """Return the shipped content."""
    return loading.load(FOLDER)


@functools.cache
def matcher() -> matching.Matcher:
    """Return a matcher over all shipped entries that are valid on TODAY, with real segmentation."""
    segmentation.prepare(Path(tempfile.mkdtemp(prefix="guanjia-jieba-")), words().lexicon)
    faqs = [
        faq
        for faq in words().faqs.values()
        if serving.servable(faq, entity_mode=EntityMode.LICENSED, today=TODAY, approved=True, stopped=False)
        in (
            None,
            Refusal.OWN_MISSING,
        )  # Without the company's own steps it is found, and a person takes over.
    ]
    return matching.Matcher(map(matching.Subject.of, faqs), words().synonyms, words().lexicon)
