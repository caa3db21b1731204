"""The numbers that were fitted: how much each feature counts. Nothing else of the measuring data is shipped.

Fitted by bench/faq_fit.py (2026-11-22); what they reach, tuned and cross-validated, stands in docs/notices.md. Features
whose weight came out as nothing are 0 and stay for the explanation.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from content.matching.features import NAMES

_RANK: Final = {
    "alike_meanings": 1.67,
    "alike_singles": 4.54,
    "alike_sounds": 0.15,
    "asked_meanings": 2.10,
    "asked_singles": 4.65,
    "said_singles": 0.96,
    "other_name": -4.22,
    "elsewhere": -0.75,
    "same_order": 4.74,
    "kind_fits": 0.23,
    "kind_differs": -0.58,
    "cannot_differs": -0.86,
    "not_differs": -1.07,
    "length_differs": -0.48,
}
RANK: Final = np.array([_RANK.get(name, 0.0) for name in NAMES])
RANK_MEANING: Final = np.array([0.624, 8.232])  # Of the sum above, and of the nearness in meaning.
# Log-odds. By words: 1, value above the crowd, margin, ln(length), elsewhere. By meaning: 1, margin, nearness and value
# above the crowd, ln(length), elsewhere. (judging.sure_by_words, judging.sure_by_meaning.) The last one of each, for
# things of other trades, is set by hand: fitted, on loans alone, it is -1.0 and -0.8.
SURE: Final = np.array([-12.628, 0.927, 0.544, 2.538, -2.0])
SURE_MEANING: Final = np.array([-10.77, 0.645, 9.785, 0.358, 1.84, -2.0])
# The same where entries have many phrases, fitted on messages of people who had not seen our own entries
# (tests/content/fresh_dev.toml, bench/faq_fresh.py), none of the outside data: of the sum above, the mean nearness of
# the nearest five phrases, and the share of the question's meanings the entry knows.
RANK_MANY: Final = np.array([0.418, 20.07, 5.14])
# 1, margin, nearness of the nearest and of five, value of the words, ln(length), meanings known, other trades.
SURE_MANY: Final = np.array([-11.13, 0.506, 1.492, 1.739, 0.0479, 2.936, 1.35, -1.142])
DOUBT_PER_SPAN: Final = 0.4  # Log-odds lost per ln(parts) when one part of a message is chosen.
# The semantic channel is asked where the confidence of the cheap layers lies between these.
HOPELESS: Final = 0.01
SURE_ENOUGH: Final = 0.98
