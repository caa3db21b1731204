"""One answer to a colleague as it is read: notes, the entry, where it comes from, what comes near.

Called by handlers/colleagues.py, which decides what is meant. Markdown for the robot, plain text for the staff app.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from content import pii, reply_files
from content.colleague_words import ColleagueWords
from content.compliance import WARNING_BEFORE_END
from domain.colleague import ColleagueAnswer, ColleagueAsked, StaffQuestion
from domain.faq import Faq, Match, Refusal
from domain.replies import AnswerKind
from domain.talk import Topic, Turn
from handlers import computing, wording
from handlers.context import Context
from store import contents

# Entries shown beside an answer, and instead of one; below `_LEAST` a match says nothing (0 to 1).
_BESIDE, _INSTEAD, _LEAST = 3, 5, 0.03
_QUOTE_LIMIT = 60
_BREAK = "\n\n"


class Form(StrEnum):
    """How the words are written down."""

    MARKDOWN = "markdown"  # The robot's.
    PLAIN = "plain"  # The staff app's texts; the question stands above the answer.


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What is answered: the question, the same colleague's earlier ones in this chat (newest first), and the form.

    `limit_bytes`: how long the answer may be, in bytes of UTF-8. `at`: when it was asked.
    """

    asked: ColleagueAsked
    earlier: Sequence[StaffQuestion]
    form: Form
    limit_bytes: int
    at: datetime


class Page:
    """Puts one answer together: notes, words, where they come from, what comes near."""

    def __init__(self, asking: Asking, ctx: Context, words: ColleagueWords) -> None:
        self._asking, self._ctx, self._words = asking, ctx, words
        self._is_plain = asking.form is Form.PLAIN
        self._notes: list[str] = []
        if pii.find_pii(asking.asked.text):
            self.note(words.say["private"])

    def note(self, text: str) -> None:
        """Put a line above the answer."""
        self._notes.append(text)

    def said(self, decision: AnswerKind, text: str) -> ColleagueAnswer:
        """Return words of the program's own, without an entry."""
        return ColleagueAnswer(decision=decision, text=self._whole([text]))

    async def entry(
        self, faq: Faq, turn: Turn, topic: Topic | None, considered: Iterable[Match]
    ) -> ColleagueAnswer:
        """Return one entry, worked out with the figures that were named, and what comes near it."""
        refusal = self._ctx.knowledge.refusal(faq.id)
        if refusal is not None:
            return self._refused(faq, refusal, considered)
        say, _ = computing.answer(turn, faq, topic, self._ctx)
        parts = [self._title(faq.question), say.text, await self._marks(faq)]
        return ColleagueAnswer(
            decision=AnswerKind.ANSWER,
            text=self._whole([*parts, self._beside(considered, [faq])]),
            faq_id=faq.id,
            line=faq.line,
            content_version_id=self._ctx.knowledge.version_id("faq", faq.id),
            lines=(faq.line,),
            faq_ids=(faq.id,),
        )

    async def entries(self, faqs: Sequence[Faq], considered: Iterable[Match]) -> ColleagueAnswer:
        """Return the answers to two questions in one message; what may not be said is named instead."""
        ctx = self._ctx
        parts: list[str] = []
        told: list[Faq] = []
        for faq in faqs:
            refusal = ctx.knowledge.refusal(faq.id)
            if refusal is None:
                told.append(faq)
                text = self._short(faq) if self._is_plain else wording.answer(ctx, faq).text
                parts += [self._title(faq.question), text, await self._marks(faq)]
            else:
                parts.append(self._refusal(faq, refusal))
        return ColleagueAnswer(
            decision=AnswerKind.ANSWER if told else AnswerKind.HOLDING,
            text=self._whole([*parts, self._beside(considered, faqs)]),
            faq_id=told[0].id if told else "",
            lines=tuple(dict.fromkeys(str(faq.line) for faq in told)),
            faq_ids=tuple(faq.id for faq in told),
        )

    def near(
        self,
        decision: AnswerKind,
        head: str,
        matches: Iterable[Match],
        considered: Iterable[Match],
        *,
        alone: str = "",
    ) -> ColleagueAnswer:
        """Return entries to choose from under `head`; `alone` is said where there is none."""
        listed = self._listed([*matches, *considered], (), _INSTEAD)
        if not listed:
            return self.said(AnswerKind.CLARIFY, alone or self._words.say["unknown"])
        return ColleagueAnswer(
            decision=decision, text=self._whole([head, *self._joined(listed), self._words.say["pick"]])
        )

    def _refused(self, faq: Faq, refusal: Refusal, considered: Iterable[Match]) -> ColleagueAnswer:
        parts = [self._refusal(faq, refusal), self._beside(considered, [faq])]
        return ColleagueAnswer(decision=AnswerKind.HOLDING, text=self._whole(parts))

    def _refusal(self, faq: Faq, refusal: Refusal) -> str:
        words = self._words.refused
        head = words["head"].format(question=faq.question)
        return f"{head}\n{words[refusal].format(until=_day(faq.last_valid_on))}"

    def _title(self, question: str) -> str:
        return f"【{question}】" if self._is_plain else f"**{question}**"

    async def _marks(self, faq: Faq) -> str:
        """Return the lines below an answer: source, validity, who approved it."""
        words, today = self._words.mark, self._ctx.knowledge.today
        until = faq.valid_until if faq.has_lapsed(today) else faq.last_valid_on
        days = (until - today).days
        is_near = days <= WARNING_BEFORE_END.days
        approval = await self._approval(faq)
        source = reply_files.fill(faq.source, self._ctx.rules.facts) or faq.source
        lines = [
            words["lapsed"] if faq.has_lapsed(today) else "",
            words["source"].format(source=source),
            words["ends_soon" if is_near else "valid"].format(until=_day(until), days=days),
            approval or words["sample"],
            words["entry"].format(id=faq.id),
        ]
        mark = "" if self._is_plain else "> "
        return "\n".join(f"{mark}{line}" for line in lines if line)

    def _short(self, faq: Faq) -> str:
        """Return an entry in a sentence or two with its risk lines, so that two fit into one text."""
        ctx = self._ctx
        said = reply_files.fill(faq.short_on(ctx.knowledge.today), ctx.rules.facts)
        return "\n".join([said, *(ctx.knowledge.content.risk_lines[code] for code in faq.risk_lines)])

    async def _approval(self, faq: Faq) -> str:
        """Return who of the company approved the words that are served, and when; "" for samples."""
        served = self._ctx.knowledge.versions.get(f"faq:{faq.id}")
        if served is None or served.is_sample or served.version_id is None:
            return ""
        found = await contents.find_approval(self._ctx.tx, served.version_id)
        if found is None:
            return ""
        by, at = found
        on = at.astimezone(self._ctx.rules.hours.zone)
        return self._words.mark["approved"].format(by=by, on=_day(on))

    def _beside(self, considered: Iterable[Match], told: Sequence[Faq]) -> str:
        """Return what comes near, and what customers ask next."""
        listed = self._listed(considered, [faq.id for faq in told], _BESIDE)
        knowledge = self._ctx.knowledge
        after = [knowledge.faqs[one] for faq in told for one in faq.follow_ups if one in knowledge.faqs]
        known = {faq.id for faq in (*told, *listed)}
        for faq in after:
            if faq.id not in known and len(listed) < _BESIDE and knowledge.refusal(faq.id) is None:
                listed.append(faq)
                known.add(faq.id)
        if not listed:
            return ""
        return "\n".join([self._words.say["near"], *self._joined(listed), self._words.say["pick"]])

    def _listed(self, matches: Iterable[Match], told: Sequence[str], most: int) -> list[Faq]:
        """Return entries that may be said today, the likeliest first; those told already are left out."""
        knowledge = self._ctx.knowledge
        listed: dict[str, Faq] = {}
        for match in matches:
            is_near = match.confidence >= _LEAST and match.faq_id not in told
            if is_near and knowledge.refusal(match.faq_id) is None:
                listed.setdefault(match.faq_id, knowledge.faqs[match.faq_id])
        return list(listed.values())[:most]

    def _joined(self, faqs: Sequence[Faq]) -> list[str]:
        return ["\n".join(f"{number}. {faq.question}" for number, faq in enumerate(faqs, start=1))]

    def _whole(self, parts: Sequence[str]) -> str:
        head: list[str] = []
        if self._is_plain:
            # The staff app shows no quote, and drops a text that is the same as one before: so it begins with both.
            hours = self._ctx.rules.hours
            time = f"{self._asking.at.astimezone(hours.zone):%H:%M:%S}"
            head = [self._words.say["asked"].format(time=time, asked=quoted(self._asking.asked))]
        kept = [part for part in [*head, *self._notes, *parts] if part]
        limit = self._asking.limit_bytes
        # What comes near stands last, and goes first.
        while len(kept) > len(head) + 1 and _size(kept) > limit:
            kept.pop()
        text = _BREAK.join(kept)
        if len(text.encode()) <= limit:
            return text
        return text.encode()[: limit - 3].decode(errors="ignore") + "…"


def _size(parts: Sequence[str]) -> int:
    return len(_BREAK.join(parts).encode())


def quoted(asked: ColleagueAsked) -> str:
    """Return the question as it may be shown between 「」: short, on one line, numbers of persons hidden."""
    text = hide_numbers(asked.text or asked.quoted or asked.unread)
    line = " ".join(text.replace("「", "“").replace("」", "”").split())
    return line if len(line) <= _QUOTE_LIMIT else f"{line[: _QUOTE_LIMIT - 1]}…"


def _day(day: date) -> str:
    return f"{day:%Y-%m-%d}"


def hide_numbers(text: str) -> str:
    """Return a question as it is kept: numbers of persons hidden."""
    return pii.mask(text)
