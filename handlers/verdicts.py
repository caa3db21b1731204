"""The verdict on words a person is about to send: what is wrong, and how the same may lawfully be said.

Pure. The sidebar asks while somebody types and once more, on the server, the moment before the words leave; the second
answer is the one that counts (console/sidebar). The rules are content/compliance.py's, what to say instead is
content/rewriting.py's. Who may speak for a line today: handlers/qualification.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from content import compliance, normalising, rewriting
from content.knowledge import Knowledge
from domain.compliance import Audience, Problem, Registration, Severity, Speaker
from domain.faq import EntityMode, Line
from domain.verdict import Verdict

# The words of the scorecard (content/rubric/wording.toml) that tell which product line a text is about, where the
# speakers.toml of a folder is older than its [[subject]] tables.
_LINE_WORDS = {Line.INSURANCE: "line_insurance", Line.LOAN: "line_loan", Line.WEALTH: "line_wealth"}
_LICENSED = EntityMode.LICENSED


def check(
    knowledge: Knowledge,
    text: str,
    *,
    lines: Sequence[Line],
    registrations: Sequence[Registration],
    today: date,
    audience: Audience,
    before: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on words that a member of staff would send by hand.

    `lines`: what the words are about, the first the most (`lines_of`); empty when nobody knows. `registrations`: those
    of who sends; where the company asks for none in a line they are not looked at. `before`: what the same person just
    sent to the same customer, in order; what is blocked only when read together with it is blocked here. Nothing but
    the words decides whether they are blocked.
    """
    rules, role = knowledge.content.rules, _speaker(audience)
    # A line that is off has no more to say about products than one without a licence.
    bound = [line for line in lines if knowledge.entity_modes.get(line, _LICENSED) is not _LICENSED]
    first = next(iter([*bound, *lines]), None)
    mode = EntityMode.PLATFORM if bound else _LICENSED

    def look(draft: str) -> list[Problem]:
        found = rules.check_text(draft, role, first, mode, audience)
        for line in lines:
            if line is not first and audience is not Audience.STAFF:
                found += rules.check_disclosures(draft, role, line)
        return found

    found = look(text) + _spread(rules, text, before, role)
    line = next(iter(lines), None)
    rewrite = rewriting.rewritten(text, found, line=line, rewrites=rules.rewrites, check=look)
    if rewrite and _spread(rules, rewrite, before, role):
        rewrite = ""
    for one in lines:
        if one in knowledge.needs_registration:
            found = found + rules.check_speaker(one, registrations, today)
    return Verdict(
        problems=tuple(sorted(dict.fromkeys(found), key=lambda problem: (problem.severity, problem.span))),
        rewrite=rewrite,
        missing=rules.rewrites.missing(found),
    )


def _spread(
    rules: compliance.ComplianceRules, text: str, before: Sequence[str], role: Speaker
) -> list[Problem]:
    """Return what blocks the words only because of what was sent right before them (compliance.md §3.9)."""
    texts = [*before, text]
    return [
        replace(one.problem, span=span)
        for one in (rules.check_run(texts, role) if before else ())
        for at, span in one.spans
        if at == len(before) and one.problem.severity <= Severity.S1
    ]


def lines_of(knowledge: Knowledge, text: str) -> tuple[Line, ...]:
    """Return every product line the words are about: the one named most often first, insurance in doubt.

    Empty when no line is named, or only to hand the customer to a colleague. Insurance comes first because its first
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
    named = [line for line in counts if counts[line]]
    return tuple(sorted(named, key=lambda line: -counts[line]))


def _speaker(audience: Audience) -> Speaker:
    return Speaker.GROUP if audience is Audience.GROUP else Speaker.ADVISOR
