"""Questions of colleagues: to the company's robot (智能机器人) and to the staff app, and what became of them.

The callbacks are read by bot/channels/wecom/aibot.py and parsing.py; handlers/colleagues.py answers, and
store/staff_questions.py keeps question and answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from domain.platform import PlatformEvent
from domain.replies import AnswerKind


@dataclass(frozen=True, kw_only=True)
class ColleagueAsked(PlatformEvent):
    """A member asked something. `chat_id`: the group where the robot was named with @, "" in a single chat.

    `text`: what was typed, or what a voice message says. `quoted`: the words of the message that the question quotes.
    `unread`: what it holds besides that nobody can read, e.g. "image"; "" for words alone. `response_url`: takes one
    late answer, once, within an hour (WeCom doc 101138); "" at the staff app.
    """

    msgid: str
    staff_id: str
    chat_id: str
    text: str
    quoted: str = ""
    unread: str = ""
    response_url: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class ColleagueEntered(PlatformEvent):
    """A member opened the single chat with the robot, for the first time that day; a welcome is due within 5 s."""

    msgid: str
    staff_id: str


@dataclass(frozen=True, kw_only=True)
class StreamAsked(PlatformEvent):
    """The platform asks how far an answer has come. `stream_id`: the id we gave with the first words."""

    stream_id: str


class Feedback(IntEnum):
    """What a member tapped below an answer (WeCom doc 101027)."""

    ACCURATE = 1  # 准确
    INACCURATE = 2  # 不准确
    WITHDRAWN = 3  # The earlier word is taken back.


@dataclass(frozen=True, kw_only=True)
class AnswerRated(PlatformEvent):
    """A member said how good an answer was. `stream_id`: the answer's, which we gave as the id of its feedback."""

    msgid: str
    staff_id: str
    stream_id: str
    feedback: Feedback


class StaffQuestionState(StrEnum):
    """Where a colleague's question stands."""

    WORKING = "working"  # The answer is sought, or waits until the platform fetches it.
    DONE = "done"  # The whole answer was fetched, or given to the outbox.
    LAPSED = "lapsed"  # Nobody fetched it within six minutes; it goes by the late way, where there is one.


@dataclass(frozen=True, kw_only=True)
class NewStaffQuestion:
    """A question to be kept. `msgid`: "aibot:…" or "assistant:…" and the platform's own; `asked`: numbers hidden."""

    msgid: str
    stream_id: str
    staff_id: str
    chat_id: str
    asked: str
    asked_at: datetime
    response_url: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class StaffQuestion(NewStaffQuestion):
    """A question as it stands. `answered_at`: None while the answer is sought; `shown_at`: when all of it left."""

    id: int
    state: StaffQuestionState
    answer: str
    faq_id: str
    decision: str
    delivery_key: str
    answered_at: datetime | None
    shown_at: datetime | None
    feedback: Feedback | None


@dataclass(frozen=True, kw_only=True)
class ColleagueAnswer:
    """What a colleague is told, in Markdown or plain as it was asked for.

    `faq_id`, `line`, `content_version_id`: of the one entry the words are from, else empty. `lines`: of every entry
    in them; none of these may be stopped when the words leave. `faq_ids`: every entry whose answer is in them.
    """

    decision: AnswerKind
    text: str
    faq_id: str = ""
    line: str = ""
    content_version_id: int | None = None
    lines: tuple[str, ...] = ()
    faq_ids: tuple[str, ...] = ()
