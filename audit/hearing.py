"""What the wording rules find in the words of one subject: in each message, and in several of them read together. Pure.

Each message is checked once, as of the product line it is about; the disclosures it lacks are kept apart, because
another message of the session may carry them (audit/items_compliance.py).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from audit import seen
from audit.seen import Basis, Heard, Told
from domain.audit import Slice, Span
from domain.compliance import DISCLOSURE, Problem, Speaker
from domain.faq import EntityMode, Line

LINES: Mapping[Line, str] = {
    Line.LOAN: "line_loan",
    Line.INSURANCE: "line_insurance",
    Line.WEALTH: "line_wealth",
}
# A term that is split over messages leaves a short piece in one of them; other runs are not read twice.
_SPLIT = 10


Lines = Mapping[int, tuple[Line, ...]]  # Which product lines each message is about, by its id.


def lines_of(told: Sequence[Told], basis: Basis) -> Lines:
    """Return the product lines of the messages."""
    words = [(line, basis.rubric.words[name]) for line, name in LINES.items()]
    return {
        one.said.id: tuple(line for line, wanted in words if wanted.is_in(one.folded))
        for one in told
        if one.folded
    }


def hear(
    piece: Slice,
    subject: str,
    told: Sequence[Told],
    about: Lines,
    basis: Basis,
    modes: Mapping[Line, EntityMode],
) -> Heard:
    """Return what is wrong with what a subject said in a session. `about`: the lines of the messages."""
    speaker = seen.speaker_of(piece, subject)
    problems: list[tuple[Told, Problem]] = []
    missing: list[tuple[Told, Line, Problem]] = []
    for one in told:
        if not one.folded or one.said.subject != subject:
            continue
        lines: tuple[Line | None, ...] = about[one.said.id] or (None,)
        for at, line in enumerate(lines):
            mode = EntityMode.LICENSED if line is None else modes.get(line, EntityMode.LICENSED)
            for problem in basis.check(one.said.text, speaker, line, mode):
                if problem.label == DISCLOSURE:
                    missing += [(one, line, problem)] if line else []
                elif at == 0 or (one, problem) not in problems:
                    problems.append((one, problem))
    spread = tuple(found for run in _runs(told, subject) for found in _spread(run, basis, speaker))
    return Heard(speaker=speaker, problems=tuple(problems), spread=spread, missing=tuple(missing))


def _runs(told: Sequence[Told], subject: str) -> Iterator[list[Told]]:
    """Yield a subject's messages that follow each other, where one of them is short enough for a piece of a term."""
    for is_own, group in itertools.groupby(told, key=lambda one: one.said.subject == subject):
        run = [one for one in group if one.folded]
        if is_own and len(run) > 1 and any(len(one.folded) <= _SPLIT for one in run):
            yield run


def _spread(
    run: Sequence[Told], basis: Basis, speaker: Speaker
) -> Iterator[tuple[Told, Problem, tuple[Span, ...]]]:
    for found in basis.rules.check_run([one.said.text for one in run], speaker):
        spans = tuple(
            Span(message_id=run[at].said.id, start=start, end=end) for at, (start, end) in found.spans
        )
        yield run[found.spans[0][0]], found.problem, spans
