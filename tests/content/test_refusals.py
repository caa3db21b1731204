"""What staff read when an act cannot be done: every reason the code gives has its sentence, and no sentence is idle."""

from __future__ import annotations

import re

from content import refusals
from tests.rules import sources

# Built from the state of a step: refused(f"step_{state}").
BY_STATE = "step_"


def test_every_reason_has_a_sentence_and_every_sentence_a_reason() -> None:
    code = "\n".join(
        path.read_text("utf-8")
        for path in sources.files(".py", under=("scheduler", "bot", "handlers", "console"))
    )
    asked = set(re.findall(r'refused\(\s*"([a-z_]+)"', code))
    written = {reason for reason in refusals.words() if not reason.startswith(BY_STATE)}

    assert asked == written
