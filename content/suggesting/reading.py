"""What a talk asks now: the customer's last turn, without greetings and thanks, and what was asked before it.

Pure. A turn ends where a colleague speaks, or where the customer was silent for a while. Words that only keep the talk
going ("好的", "谢谢", a sticker) are no question: if nothing else was said, the turn before counts, unless somebody has
answered it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from content import normalising, turns
from content.matching import splitting
from content.signals import Signals
from domain.replies import SignalHit, SignalKind
from domain.suggestion import TalkLine

# The customer's pause that ends a turn; bubbles of one thought come within a minute or two.
_PAUSE = timedelta(minutes=3)
# What was asked longer ago is not what the talk is about any more (as handlers/answering.py forgets a topic).
_FRESH = timedelta(minutes=30)
_MOST_LINES = 8
_MOST_BEFORE = 3
_CHATTER = frozenset(
    {SignalKind.GREETING, SignalKind.THANKS, SignalKind.GOODBYE, SignalKind.FRAGMENT, SignalKind.CONTACT}
)
# Heard only while a person talks with a customer: nothing in it is asked.
_FILLER = re.compile(
    r"(?:[嗯恩哦噢喔啊呀哈嘿呵嘻唉哎额呃诶行好对是的吧了呢嘛哒呐哟]|ok|okay|收到|明白|知道|了解|可以|没事|没关系|不客气|"
    r"辛苦|麻烦|感谢|多谢|谢|稍等|等等|等一?下|马上|您忙|你忙|慢慢来|不急|好嘞|是吗|真的吗?|这样|那好|先这样|回头|再说|拜拜|再见|晚安|早安|早|"
    r"周末愉快|节日快乐|新年好|您|你|我|们|先|就|也|都|已经|还|很|太|请|在|吗|老师|经理|顾问|亲)+"
)
_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;\n]*")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be answered.

    `text`: the question, a line per bubble; "" when nothing was said. `before`: what the customer asked in earlier
    turns, the newest first. `hits`: signs in the words of the last turn, the most urgent first. `is_chatter`: nothing
    is asked, only greeted, thanked or the like.
    """

    text: str
    before: tuple[str, ...] = ()
    hits: tuple[SignalHit, ...] = ()
    is_chatter: bool = False


@dataclass(frozen=True, kw_only=True)
class _Turn:
    lines: tuple[TalkLine, ...]
    is_answered: bool  # A colleague spoke after it.


def read(lines: Sequence[TalkLine], signals: Signals, typed: str = "") -> Asked:
    """Return what a talk asks now. `lines`: oldest first. `typed`: the question as the advisor gave it, if so."""
    found = _turns(lines)
    if typed.strip():
        before = tuple(filter(None, (_question(turn, signals) for turn in found if _is_near(turn, found[0]))))
        return Asked(
            text=_shortened(typed.strip()),
            before=before[:_MOST_BEFORE],
            hits=tuple(signals.find(typed)),
            is_chatter=is_chatter(typed, signals),
        )
    if not found:
        return Asked(text="")
    last = found[0]
    questions = [(turn, _question(turn, signals)) for turn in found if _is_near(turn, last)]
    asked = next(((turn, text) for turn, text in questions if text), None)
    said = "\n".join(line.text for line in last.lines)
    hits = tuple(signals.find(said))
    if asked is None or (asked[0] is not last and asked[0].is_answered):
        before = tuple(text for _, text in questions if text)
        return Asked(
            text=said[: splitting.LIMIT_CHARACTERS],
            before=before[:_MOST_BEFORE],
            hits=hits,
            is_chatter=True,
        )
    turn, text = asked
    return Asked(
        text=text,
        before=tuple(other for one, other in questions if one is not turn and other)[:_MOST_BEFORE],
        hits=hits,
    )


def is_chatter(text: str, signals: Signals) -> bool:
    """Say whether a line asks nothing: a greeting, thanks, a sticker, "好的知道了"."""
    if turns.is_wordless(text):
        return True
    words = normalising.normalise(text).replace(" ", "")
    if not words or _FILLER.fullmatch(words):
        return True
    hits = signals.find(text)
    if any(hit.kind not in _CHATTER for hit in hits):
        return False
    return any(hit.whole and hit.kind is not SignalKind.CONTACT for hit in hits)


def _turns(lines: Sequence[TalkLine]) -> list[_Turn]:
    """Return the customer's turns, the newest first."""
    found: list[_Turn] = []
    held: list[TalkLine] = []
    is_answered = False
    for line in reversed(lines):
        if not line.is_customer:
            if held:
                found.append(_Turn(lines=tuple(reversed(held)), is_answered=is_answered))
                held = []
            is_answered = True
            continue
        if held and held[-1].at - line.at > _PAUSE:
            found.append(_Turn(lines=tuple(reversed(held)), is_answered=is_answered))
            held = []
        if len(held) < _MOST_LINES:
            held.append(line)
    if held:
        found.append(_Turn(lines=tuple(reversed(held)), is_answered=is_answered))
    return found


def _is_near(turn: _Turn, last: _Turn) -> bool:
    """Say whether an earlier turn still belongs to what is talked about."""
    return last.lines[-1].at - turn.lines[-1].at <= _FRESH


def _question(turn: _Turn, signals: Signals) -> str:
    """Return what a turn asks, "" for nothing but chatter."""
    asked = [line.text.strip() for line in turn.lines if not is_chatter(line.text, signals)]
    return _shortened("\n".join(asked))


def _shortened(text: str) -> str:
    """Return the text, or of a very long one the sentences that ask: the matcher reads 600 characters."""
    limit = splitting.LIMIT_CHARACTERS
    if len(text) <= limit:
        return text
    asking = [sentence for sentence in _SENTENCE.findall(text) if turns.asks(sentence)]
    return ("".join(asking) or text)[:limit]
