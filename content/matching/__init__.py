"""Which entry a customer's words mean, how sure that is, and why.

Layers: one writing for every way of typing (text.py, numbers.py), slips and pinyin (spelling.py, pinyin.py), words
with their meanings and characters in an inverted index (index.py), a re-ranker over a few features (features.py,
judging.py), the semantic channel where those are unsure (engine.py), a calibrated confidence (judging.py), the
askings of a message (splitting.py), and what may be done with them (deciding.py). The only fitted numbers are in
weights.py.
"""

from __future__ import annotations

from content.matching.deciding import decide
from content.matching.engine import Matcher
from content.matching.ranking import Subject
from content.matching.splitting import Asking, Reading

__all__ = ["Asking", "Matcher", "Reading", "Subject", "decide"]
