"""The numbers that were fitted: how much each feature counts. Nothing else of the measuring data is shipped.

Fitted by bench/faq_fit.py (2026-11-22); what they reach, tuned and cross-validated, stands in docs/notices.md. Features
whose weight came out as nothing are 0 and stay for the explanation.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from content.matching.features import NAMES

_RANK: Final = {
    "alike_meanings": 1.07,
    "alike_singles": 4.61,
    "alike_sounds": 0.13,
    "asked_meanings": 1.99,
    "asked_singles": 4.83,
    "said_singles": 0.88,
    "known_entry": 0.03,
    "missing_term": -0.03,
    "elsewhere": -0.94,
    "same_order": 5.60,
    "kind_fits": 0.12,
    "kind_differs": -0.59,
    "cannot_differs": -0.86,
    "not_differs": -1.01,
    "length_differs": -0.35,
}
RANK: Final = np.array([_RANK.get(name, 0.0) for name in NAMES])
RANK_MEANING: Final = np.array([0.566, 9.249])  # Of the sum above, and of the nearness in meaning.
# Log-odds. By words: 1, value above the crowd, margin, ln(length), elsewhere. By meaning: 1, margin, nearness and value
# above the crowd, ln(length), elsewhere. (judging.sure_by_words, judging.sure_by_meaning.) The last one of each, for
# things of other trades, is set by hand: fitted, on loans alone, it is -0.7 and -0.9.
SURE: Final = np.array([-12.667, 0.903, 0.492, 2.611, -2.0])
SURE_MEANING: Final = np.array([-11.533, 0.608, 11.529, 0.362, 1.908, -2.0])
DOUBT_PER_SPAN: Final = 0.4  # Log-odds lost per ln(parts) when one part of a message is chosen.
# The semantic channel is asked where the confidence of the cheap layers lies between these.
HOPELESS: Final = 0.01
SURE_ENOUGH: Final = 0.98
