"""The platform's own daily figures (WeCom docs 92132, 95489, 95490). Days are those of China.

Contact statistics are asked for one member at a time: the answer is summed over everybody asked for.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from bot.channels.wecom import fields
from bot.channels.wecom.client import WeComClient
from domain.official import OfficialDay, OfficialKind

_CHINA = timezone(timedelta(hours=8))
# The most days of one question, the first and the last included.
MOST_CONTACT_DAYS = 30
MOST_KF_DAYS = 31


class ContactStatistics:
    """联系客户统计, with the secret of the customer contacts."""

    def __init__(self, client: WeComClient) -> None:
        self._client = client

    async def days(self, staff_id: str, first: date, last: date) -> list[OfficialDay]:
        """Return a member's days (at most 30, of the last 180)."""
        body = {"userid": [staff_id], "start_time": _midnight(first), "end_time": _midnight(last)}
        answer = await self._client.post("externalcontact/get_user_behavior_data", data=body)
        return [
            OfficialDay(
                kind=OfficialKind.CONTACTS, subject=staff_id, day=day, figures=_figures(entry, {"stat_time"})
            )
            for entry in fields.objects(answer, "behavior_data")
            if (day := _day(entry)) is not None
        ]


class KfStatistics:
    """客服数据统计, with the secret of customer service."""

    def __init__(self, client: WeComClient) -> None:
        self._client = client

    async def account_days(self, account_id: str, first: date, last: date) -> list[OfficialDay]:
        """Return an account's days (at most 31, of the last 180)."""
        return await self._days(OfficialKind.KF_ACCOUNT, account_id, account_id, first, last)

    async def servicer_days(
        self, account_id: str, servicer_id: str, first: date, last: date
    ) -> list[OfficialDay]:
        """Return a servicer's days in an account (at most 31, of the last 180)."""
        return await self._days(OfficialKind.KF_SERVICER, servicer_id, account_id, first, last)

    async def _days(
        self, kind: OfficialKind, subject: str, account_id: str, first: date, last: date
    ) -> list[OfficialDay]:
        body = {"open_kfid": account_id, "start_time": _midnight(first), "end_time": _midnight(last)}
        path = "kf/get_corp_statistic"
        if kind is OfficialKind.KF_SERVICER:
            body["servicer_userid"] = subject
            path = "kf/get_servicer_statistic"
        answer = await self._client.post(path, data=body)
        return [
            OfficialDay(
                kind=kind,
                subject=subject,
                account_id=account_id,
                day=day,
                figures=_figures(fields.inner(entry, "statistic"), set()),
            )
            for entry in fields.objects(answer, "statistic_list")
            if (day := _day(entry)) is not None
        ]


def _figures(entry: dict[str, Any], without: set[str]) -> dict[str, float]:
    """Return every number under its own name; what is left out stays out."""
    return {
        name: value
        for name, value in entry.items()
        if name not in without and isinstance(value, int | float) and not isinstance(value, bool)
    }


def _day(entry: dict[str, Any]) -> date | None:
    told = fields.moment(entry, "stat_time")
    return None if told is None else told.astimezone(_CHINA).date()


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), _CHINA).timestamp())
