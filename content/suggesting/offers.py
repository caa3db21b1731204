"""From a candidate to words that may be sent now, or to nothing.

Pure. Here it is decided that nothing expired, stopped, outside the line's entity mode, or forbidden by the wording
check is ever offered; facts about a customer are filled in only where they are known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from content import compliance, followups, quick_files, reply_files
from content.knowledge import Knowledge
from content.reckoning import calculations
from content.reckoning import reading as reckoned
from content.reckoning.slots import Slots
from content.suggesting import own_words, spoken, words
from content.suggesting.finding import Candidate
from domain.compliance import Audience, Problem, Severity, Speaker
from domain.faq import EntityMode, Faq, Line, Refusal
from domain.quick import QuickPhrase
from domain.suggestion import NewSuggestion, SuggestionSource

_DATE = "{0.year}年{0.month}月{0.day}日"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """For whom words are made. `company`: the company's own facts and the advisor's name, by slot.

    `customer`: dated facts about this customer by kind, as they are stored. `asked`: the question. `topic_slots`: the
    figures the customer named before (JSON of content/reckoning/slots.py) for an entry of `topic_line`. `institutions`:
    who to turn to for a line that is not ours, by line. `before`: what the customer asked before, the newest first.
    `is_group`: nothing of one customer may be filled in.
    """

    company: Mapping[str, str]
    customer: Mapping[str, str] = field(default_factory=dict)
    asked: str = ""
    before: tuple[str, ...] = ()
    topic_slots: str = ""
    topic_line: Line | None = None
    institutions: Mapping[str, str] = field(default_factory=dict)
    is_group: bool = False


def offer(knowledge: Knowledge, candidate: Candidate, setting: Setting) -> NewSuggestion | None:
    """Return the suggestion of a candidate as it may be sent now, None when it may not."""
    match candidate.source:
        case SuggestionSource.FAQ:
            made = _of_entry(knowledge, candidate, setting)
        case SuggestionSource.QUICK:
            made = _of_phrase(knowledge, candidate, setting)
        case SuggestionSource.OWN:
            return _of_own(knowledge, candidate, setting)
        case _:
            return None
    return None if made is None else _checked(knowledge, made, setting)


def fixed(knowledge: Knowledge, reply_id: str, setting: Setting, **values: str) -> NewSuggestion | None:
    """Return a fixed reply as a suggestion, None where nobody has approved it or nothing of it is left."""
    reply = knowledge.replies.get(reply_id)
    if reply is None:
        return None
    text = reply_files.fill(reply.text, {**setting.company, **values}).strip()
    if not text:
        return None
    made = NewSuggestion(
        source=SuggestionSource.FIXED,
        source_id=reply_id,
        question="",
        text=text,
        line=None,
        score=1.0,
        reasons=(words.reason("fixed"),),
        content_version_id=knowledge.version_id("reply", reply_id),
    )
    return _checked(knowledge, made, setting)


def stand_in(knowledge: Knowledge, faq_id: str, setting: Setting) -> NewSuggestion | None:
    """Return what is said in place of an entry that may not be served now, None where nothing is.

    The same sentences the bot would say: the line is on hold, somebody else's business, or not offered.
    """
    faq = knowledge.faqs.get(faq_id)
    if faq is None:
        return None
    match knowledge.refusal(faq_id):
        case Refusal.STOPPED:
            made = fixed(knowledge, f"holding.{faq.line}", setting) or fixed(knowledge, "holding", setting)
            return None if made is None else replace(made, reasons=(words.reason("stopped"),))
        case Refusal.PLATFORM_SCOPE:
            name = setting.institutions.get(faq.line, "")
            return fixed(knowledge, "platform_refer", setting, institution=name)
        case Refusal.LINE_OFF:
            return fixed(knowledge, "line_off", setting)
    return None


def phrase_text(
    knowledge: Knowledge, phrase: QuickPhrase, company: Mapping[str, str], customer: Mapping[str, str]
) -> str | None:
    """Return a quick phrase as it is sent, None while a fact it needs is not known.

    `customer`: facts as they are stored; pass none where the words go to a group.
    """
    facts = _shown(customer)
    values = {**company, **facts}
    if any(not values.get(slot) for slot in phrase.slots):
        return None
    return quick_files.said(phrase, knowledge.content.risk_lines, values)


# --- the sources --------------------------------------------------------------------------------------------


def _of_entry(knowledge: Knowledge, candidate: Candidate, setting: Setting) -> NewSuggestion | None:
    faq = knowledge.faqs.get(candidate.source_id)
    refusal = knowledge.refusal(candidate.source_id)
    if faq is None or refusal not in (None, Refusal.OWN_MISSING):
        return None
    content, reasons = knowledge.content, candidate.reasons
    risk = "\n".join(content.risk_lines[code] for code in faq.risk_lines)
    if refusal is Refusal.OWN_MISSING:
        # What is true without the company's own steps; the advisor knows them and adds them.
        if not faq.short:
            return None
        said = reply_files.fill(faq.short, setting.company)
        text, reasons = "\n\n".join(filter(None, [said, risk])), (words.reason("own_missing"), *reasons)
    else:
        reckoned_text = _computed(knowledge, faq, setting)
        if reckoned_text:
            text = "\n\n".join(filter(None, [reckoned_text, risk]))
            reasons = (words.reason("computed"), *reasons)
        else:
            text = content.answer_text(faq, setting.company, today=knowledge.today)
    by_person = spoken.by_person(text)
    if by_person is None:
        return None
    return NewSuggestion(
        source=SuggestionSource.FAQ,
        source_id=faq.id,
        question=faq.question,
        text=by_person,
        line=faq.line,
        score=candidate.score,
        reasons=reasons,
        content_version_id=knowledge.version_id("faq", faq.id),
        origin=faq.source,
        valid_until=faq.next_end(knowledge.today),
        risk_line=risk,
    )


def _computed(knowledge: Knowledge, faq: Faq, setting: Setting) -> str:
    """Return the entry worked out with the customer's own numbers, "" where they are not all said.

    Not for groups: what one customer pays is nobody else's business.
    """
    today = knowledge.today
    if not faq.calculation or setting.is_group or faq.has_lapsed(today):
        return ""
    earlier = _earlier(faq, setting, today)
    expecting = calculations.expected(faq.calculation, earlier, today)
    known = Slots.merged(earlier, reckoned.read_slots(setting.asked, today, expecting))
    result = calculations.calculate(faq.calculation, known, today)
    if not isinstance(result, calculations.Computed):
        return ""
    return reply_files.fill(faq.computed, {**setting.company, **result.values})


def _earlier(faq: Faq, setting: Setting, today: date) -> Slots:
    """Return the figures the customer named before; those of another line mean something else there."""
    if setting.topic_slots and setting.topic_line is faq.line:
        return Slots.from_json(json.loads(setting.topic_slots))
    known = Slots()
    # Without a topic of the conversation, only figures that come by themselves belong to what was asked before.
    for said in reversed(setting.before if followups.is_only_figures(setting.asked) else ()):
        known = Slots.merged(known, reckoned.read_slots(said, today))
    return known


def _of_phrase(knowledge: Knowledge, candidate: Candidate, setting: Setting) -> NewSuggestion | None:
    phrase = knowledge.quick.get(candidate.source_id)
    if phrase is None or knowledge.quick_refusal(phrase.id) is not None:
        return None
    customer = {} if setting.is_group else setting.customer
    text = phrase_text(knowledge, phrase, setting.company, customer)
    if text is None:
        return None
    told = [words.fact(slot) for slot in sorted(phrase.slots & quick_files.CUSTOMER_SLOTS)]
    filled = (words.reason("facts", facts="、".join(told)),) if told else ()
    return NewSuggestion(
        source=SuggestionSource.QUICK,
        source_id=phrase.id,
        question=phrase.title,
        text=text,
        line=phrase.line,
        score=candidate.score,
        reasons=(*filled, *candidate.reasons),
        content_version_id=knowledge.version_id("quick", phrase.id),
        origin=phrase.source,
        valid_until=phrase.valid_until,
        risk_line="\n".join(knowledge.content.risk_lines[code] for code in phrase.risk_lines),
    )


def _of_own(knowledge: Knowledge, candidate: Candidate, setting: Setting) -> NewSuggestion | None:
    own = candidate.own
    if own is None or own_words.check_kept(own.text):
        return None
    line = own.line
    if line is not None and (line in knowledge.stopped or knowledge.entity_modes[line] is EntityMode.OFF):
        return None
    mode = knowledge.entity_modes[line or Line.SERVICE]
    problems = own_words.check_said(own.text, knowledge.content.rules, line, mode, is_group=setting.is_group)
    if problems:
        return None
    return NewSuggestion(
        source=SuggestionSource.OWN,
        source_id=str(own.id),
        question="",
        text=own.text,
        line=line,
        score=candidate.score,
        reasons=candidate.reasons,
        is_approved=False,
    )


def _checked(knowledge: Knowledge, made: NewSuggestion, setting: Setting) -> NewSuggestion | None:
    """Return the suggestion with what the check says of it today; None when a person may not say it."""
    speaker, audience = (
        (Speaker.GROUP, Audience.GROUP) if setting.is_group else (Speaker.ADVISOR, Audience.CUSTOMER)
    )
    mode = knowledge.entity_modes[made.line or Line.SERVICE]
    problems: list[Problem] = knowledge.content.rules.check_text(
        made.text, speaker, made.line, mode, audience
    )
    if compliance.is_blocking(problems, speaker):
        return None
    return replace(made, problems=tuple(one for one in problems if one.severity > Severity.S1))


def _shown(customer: Mapping[str, str]) -> dict[str, str]:
    """Return facts as a customer reads them: dates written out. A value that is no date is not used."""
    found = {}
    for kind in quick_files.CUSTOMER_SLOTS & customer.keys():
        try:
            found[kind] = _DATE.format(date.fromisoformat(customer[kind]))
        except ValueError:
            continue
    return found
