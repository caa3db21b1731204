"""How the bot did beside its score: wrong answers, what it could not handle, how long a person took to take over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import BOT, Judgement, TalkKind
from store import bot_reports, evaluations
from store.database import Store
from tests.audit import factory
from tests.audit.test_judging import evaluated_of, judged


@pytest.mark.parametrize(
    ("lines", "answers", "wrong", "unhandled"),
    [
        ("23 10:00:00 C 犹豫期几天\n23 10:00:02 B 不少于15天\n23 10:02:00 C 好的谢谢", 1, 0, 0),
        ("23 10:00:00 C 犹豫期几天\n23 10:00:02 B 请看账单\n23 10:02:00 C 答非所问", 1, 1, 0),
        ("23 10:00:00 C 保单的犹豫期几天\n23 10:00:02 B 请看账单\n23 10:02:00 C 保单犹豫期几天啊", 1, 1, 0),
        ("23 10:00:00 C 犹豫期几天\n23 10:00:02 B 请看账单\n23 10:02:00 C 我要人工客服", 1, 1, 0),
        ("23 10:00:00 C 我要人工\n23 10:00:02 B! 好的，为您转接\n23 10:03:00 A:wang 您好", 0, 0, 1),
    ],
)
def test_answers_are_counted_with_what_became_of_them(
    lines: str, answers: int, wrong: int, unhandled: int
) -> None:
    figures = evaluated_of(judged({"lines": lines}), BOT).figures

    assert (figures.bot_answers, figures.bot_wrong, figures.bot_unhandled) == (answers, wrong, unhandled)


def test_person_takes_over_in_service_hours() -> None:
    lines = "22 20:59:00 C 我要人工\n22 20:59:00 B! 好的，为您转接\n23 09:02:00 A:wang 您好"

    figures = evaluated_of(judged({"lines": lines}), BOT).figures

    assert figures.takeovers == (timedelta(minutes=3),)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_tally_of_a_period_adds_up_what_is_on_record(store: Store) -> None:
    made = judged({"lines": "23 10:00:00 C 犹豫期几天\n23 10:00:02 B 请看账单\n23 10:02:00 C 答非所问"})

    async def fill(tx: AsyncConnection) -> bot_reports.BotTally:
        talk = await factory.talk(tx, TalkKind.KF, [(0, "C", "犹豫期几天"), (1, "B", "请看账单")])
        number = await factory.session(tx, talk)
        one = evaluations.Judged(
            session_id=number, started_at=talk.at(0), judgement=_without_findings(made), input_digest="d"
        )
        await evaluations.record_many(tx, [one], "r", "c", talk.at(9))
        return await bot_reports.read(tx, talk.at(-1), talk.at(9))

    found = await store.write(fill)

    assert (found.sessions, found.answers, found.wrong) == (1, 1, 1)
    assert (found.wrong_rate, found.unhandled_rate) == (1.0, 0.0)


def _without_findings(made: Judgement) -> Judgement:
    return Judgement(evaluated=made.evaluated, findings=())
