"""A group's first week from enrolment to score, as owner, co-owner and supervisor live it (docs/sop.md)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from domain.enrolment import EnrolmentState, EvidenceKind, OccurrenceState
from tests.weeks.valley import CO_OWNER, OWNER, SUPERVISOR, local, valley

OPENS_ON = date(2026, 11, 30)


async def test_a_week_with_a_prompt_owner_is_opened_taught_and_scored(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url) as v:
        chat = await v.group()
        one = await v.enrol(chat, opens_on=OPENS_ON)
        for who in (OWNER, CO_OWNER, SUPERVISOR):
            v.box.behaviour.set_mood(who, "prompt")
        await v.until(local("11-27 11:00"))
        await v.ready(one)
        await v.until(local("12-08 12:00"))

        found = await v.steps(one.id)
        sends = [found[key] for key in ("opening", "notice", "publication", "review")]
        assert {each.state for each in sends} == {OccurrenceState.SENT}
        assert {each.evidence.kind for each in sends if each.evidence} == {EvidenceKind.PLATFORM}
        times = [each.sent_at for each in sends if each.sent_at]
        assert times == sorted(times)
        assert (times[2] - times[1]).total_seconds() >= 24 * 3600
        opened = found["opening"].sent_at
        cues = [each for key, each in found.items() if key.startswith("cue_")]
        assert len(cues) == 5
        assert all(opened is not None and each.due_at > opened for each in cues)
        ended = await v.enrolment(one.id)
        assert ended.state is EnrolmentState.COMPLETED
        assert ended.score is not None
        assert ended.score_parts["compliance"] is None, "no archive, so it was not measured"
        after = await v.enrolment(ended.moved_to_id or 0)
        assert after.template == ("finance_weekly" if ended.score >= 60 else "group_repair")
        assert "report 「首周一群」：首日小结" in await v.told(SUPERVISOR)
