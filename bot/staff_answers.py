"""Answers to colleagues as deliveries: which door they leave by, how they may be repeated, until when.

Pure. bot/staff_questions.py writes them down; docs/aibot.md has the table of ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.channels.wecom import aibot, app_messages
from domain.colleague import (
    ColleagueAnswer,
    ColleagueAsked,
    ColleagueEntered,
    NewStaffQuestion,
    StaffQuestion,
)
from domain.delivery import Act, Body, DeliveryState, NewDelivery, Purpose, SendClass
from handlers import colleague_page
from scheduler.keys import key_of

CHANNEL = aibot.RECEIVER
REPLY_ID = "colleague"
FETCH_TIME = timedelta(minutes=aibot.STREAM_MINUTES)
# How long a late answer is taken (WeCom doc 101138), and how long an app's answer is still of use.
LATE_TIME = timedelta(hours=1)
# Somebody looks whether an answer lapsed every few seconds; until then it is not yet known as unreported.
_UNREPORTED_AFTER = FETCH_TIME + timedelta(minutes=1)
_WELCOME_TIME = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Ready:
    """An answer with the delivery it goes by."""

    answer: ColleagueAnswer
    delivery: NewDelivery


def msgid_of(asked: ColleagueAsked) -> str:
    """Return the message's id behind the door it came through."""
    return f"{asked.receiver}:{asked.msgid}"


def question_of(asked: ColleagueAsked, asked_at: datetime) -> NewStaffQuestion:
    """Return a question as it is kept."""
    msgid = msgid_of(asked)
    return NewStaffQuestion(
        msgid=msgid,
        stream_id=key_of("stream", msgid),
        staff_id=asked.staff_id,
        chat_id=asked.chat_id,
        asked=colleague_page.hide_numbers(asked.text or asked.quoted),
        asked_at=asked_at,
        response_url=asked.response_url,
    )


def delivery(
    asked: ColleagueAsked, answer: ColleagueAnswer, new: NewStaffQuestion, now: datetime
) -> NewDelivery:
    """Return an answer on its way: in the response that the platform fetches, or as a message of the staff app."""
    is_app = asked.receiver != aibot.RECEIVER
    return NewDelivery(
        key=key_of("colleague", new.msgid),
        act=Act.TEXT if is_app else Act.PASSIVE,
        send_class=SendClass.CHECKED if is_app else SendClass.REPORTED,
        purpose=Purpose.SERVICE,
        channel=app_messages.CHANNEL if is_app else CHANNEL,
        conversation_id=None,
        recipient=asked.staff_id,
        reply_id=REPLY_ID,
        faq_id=answer.faq_id,
        line=answer.line,
        content_version_id=answer.content_version_id,
        body=Body(text=answer.text, lines=answer.lines),
        due_at=now,
        expires_at=now + LATE_TIME if is_app else new.asked_at + _UNREPORTED_AFTER,
        state=DeliveryState.DUE if is_app else DeliveryState.ATTEMPTING,
    )


def welcome(entered: ColleagueEntered, text: str, now: datetime) -> NewDelivery:
    """Return the welcome of somebody who opened the single chat."""
    return NewDelivery(
        key=key_of(CHANNEL, "welcome", entered.msgid),
        act=Act.PASSIVE,
        send_class=SendClass.REPORTED,
        purpose=Purpose.SERVICE,
        channel=CHANNEL,
        conversation_id=None,
        recipient=entered.staff_id,
        reply_id=REPLY_ID,
        body=Body(text=text),
        due_at=now,
        expires_at=now + _WELCOME_TIME,
        state=DeliveryState.ATTEMPTING,
    )


def late_key(question: StaffQuestion) -> str:
    """Return the key of the delivery that goes to the question's own address."""
    return key_of("colleague", "late", question.msgid)


def late(question: StaffQuestion, unsent: NewDelivery, now: datetime) -> NewDelivery:
    """Return the same words for the question's own address, which takes one message."""
    return NewDelivery(
        key=late_key(question),
        act=Act.TEXT,
        send_class=SendClass.ONCE,
        purpose=unsent.purpose,
        channel=CHANNEL,
        conversation_id=None,
        recipient=unsent.recipient,
        reply_id=REPLY_ID,
        faq_id=unsent.faq_id,
        line=unsent.line,
        content_version_id=unsent.content_version_id,
        body=unsent.body,
        due_at=now,
        expires_at=question.asked_at + LATE_TIME,
    )


def instead(
    question: StaffQuestion, passive: NewDelivery, other: ColleagueAnswer, now: datetime
) -> NewDelivery:
    """Return other words in the place of an answer that may not be said any more."""
    return NewDelivery(
        key=key_of("colleague", "instead", question.msgid),
        act=passive.act,
        send_class=passive.send_class,
        purpose=passive.purpose,
        channel=passive.channel,
        conversation_id=None,
        recipient=passive.recipient,
        reply_id=REPLY_ID,
        body=Body(text=other.text),
        due_at=now,
        expires_at=passive.expires_at,
        state=DeliveryState.ATTEMPTING,
    )
