"""The numbers that were fitted: how much each feature counts. Nothing else of the measuring data is shipped.

Fitted by bench/faq_fit.py (2026-11-22); what they reach, tuned and cross-validated, stands in docs/notices.md. Features
whose weight came out as nothing are 0 and stay for the explanation.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from content.matching.features import NAMES

_RANK: Final = {
    "alike_meanings": 2.32,
    "alike_singles": 4.77,
    "alike_sounds": 1.01,
    "asked_meanings": 1.22,
    "asked_singles": 4.27,
    "said_singles": 0.55,
    "known_entry": 0.04,
    "same_order": 5.84,
    "kind_fits": 0.14,
    "kind_differs": -0.56,
    "cannot_differs": -0.81,
    "not_differs": -0.91,
    "length_differs": -0.39,
}
RANK: Final = np.array([_RANK.get(name, 0.0) for name in NAMES])
RANK_MEANING: Final = np.array([0.55, 9.07])  # Of the sum above, and of the nearness in meaning.
# Log-odds. By words: 1, value, margin, ln(length), elsewhere. By meaning: 1, margin, nearness, value, ln(length),
# elsewhere. (judging.sure_by_words, judging.sure_by_meaning)
SURE: Final = np.array([-13.400, 0.632, 0.895, 2.592, -2.5])
SURE_MEANING: Final = np.array([-14.938, 0.860, 8.864, 0.368, 2.542, -2.5])
DOUBT_PER_SPAN: Final = 0.4  # Log-odds lost per ln(parts) when one part of a message is chosen.
# The semantic channel is asked where the confidence of the cheap layers lies between these.
HOPELESS: Final = 0.01
SURE_ENOUGH: Final = 0.98
