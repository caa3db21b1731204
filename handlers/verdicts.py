"""The verdict on words a person is about to send: what is wrong, and how the same may lawfully be said.

Pure. The sidebar asks while somebody types and once more, on the server, the moment before the words leave; the second
answer is the one that counts (console/sidebar). The rules are content/compliance.py's, what to say instead is
content/rewriting.py's. Who may speak for a line today: handlers/qualification.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from content import normalising, rewriting
from content.knowledge import Knowledge
from domain.compliance import Audience, Problem, Registration, Speaker
from domain.faq import EntityMode, Line
from domain.verdict import Verdict

# The words of the scorecard (content/rubric/wording.toml) that tell which product line a text is about, where the
# speakers.toml of a folder is older than its [[subject]] tables.
_LINE_WORDS = {Line.INSURANCE: "line_insurance", Line.LOAN: "line_loan", Line.WEALTH: "line_wealth"}


def check(
    knowledge: Knowledge,
    text: str,
    *,
    line: Line | None,
    registrations: Sequence[Registration],
    today: date,
    audience: Audience,
) -> Verdict:
    """Return the verdict on words that a member of staff would send by hand.

    `line`: None when unknown; `line_of` guesses. `registrations`: those of who sends; where the company asks for none
    in this line they are not looked at. Nothing but the words decides whether they are blocked.
    """
    rules, role = knowledge.content.rules, _speaker(audience)
    mode = EntityMode.LICENSED if line is None else knowledge.entity_modes.get(line, EntityMode.LICENSED)
    # A line that is off has no more to say about products than one without a licence.
    mode = EntityMode.LICENSED if mode is EntityMode.LICENSED else EntityMode.PLATFORM

    def look(draft: str) -> list[Problem]:
        return rules.check_text(draft, role, line, mode, audience)

    found = look(text)
    rewrite = rewriting.rewritten(text, found, line=line, rewrites=rules.rewrites, check=look)
    if line is not None and line in knowledge.needs_registration:
        found = found + rules.check_speaker(line, registrations, today)
    return Verdict(
        problems=tuple(sorted(found, key=lambda problem: (problem.severity, problem.span))),
        rewrite=rewrite,
        missing=rules.rewrites.missing(found),
    )


def line_of(knowledge: Knowledge, text: str) -> Line | None:
    """Return the product line the words are about: the only one, the one named most often, insurance in doubt.

    None when no line is named, or only to hand the customer to a colleague. Insurance comes first because its first
    message has to say who speaks (XS 24).
    """
    folded, words = normalising.folded(text), knowledge.content.rubric.words
    subjects = knowledge.content.rules.subjects
    if subjects:
        counts = {
            line: sum(1 for _ in subjects[line].hits(folded)) for line in _LINE_WORDS if line in subjects
        }
    else:
        counts = {line: len(words[name].spans(folded)) for line, name in _LINE_WORDS.items() if name in words}
    best = max(counts, key=lambda line: counts[line], default=None)
    return best if best is not None and counts[best] else None


def _speaker(audience: Audience) -> Speaker:
    return Speaker.GROUP if audience is Audience.GROUP else Speaker.ADVISOR
