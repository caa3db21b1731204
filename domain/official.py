"""The platform's own daily figures: contact statistics of a member, customer service of an account or a servicer.

Pure data. The numbers keep the platform's own names (WeCom docs 92132, 95489, 95490); a figure it leaves out, because
there was nothing to divide, is missing and not zero. Kept by store/official_days.py beside our own measures, never
mixed with them: definitions differ (docs/audit.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class OfficialKind(StrEnum):
    """Which statistics a day belongs to."""

    CONTACTS = "contacts"  # 联系客户统计 of one member.
    KF_ACCOUNT = "kf_account"  # 客服数据统计 of one service account.
    KF_SERVICER = "kf_servicer"  # The same of one servicer in one account.


@dataclass(frozen=True, kw_only=True)
class OfficialDay:
    """One day in China of `subject` (a UserID, or the account's id). `account_id`: "" for contact statistics."""

    kind: OfficialKind
    subject: str
    day: date
    figures: Mapping[str, float]
    account_id: str = ""
