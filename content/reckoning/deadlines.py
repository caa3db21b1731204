"""Days and years the law counts from a date.

Pure: the date comes from the caller, the clock is not read. The day itself is not counted (民法典 201); a period of
years ends on the same day of the month, or on the month's last where there is none (民法典 202). A last day that is a
public holiday moves to the next working day (民法典 203): that is told in words, not reckoned here.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta

COOLING_OFF_MINIMUM_DAYS = 15  # 健康保险管理办法 15: long-term health insurance only, "not less than".
WAITING_MAXIMUM_DAYS = 180  # 健康保险管理办法 27: health insurance, "not more than".
GRACE_DAYS = 60  # 保险法 36: past the agreed day, unless the contract says otherwise.
GRACE_DEMANDED_DAYS = 30  # 保险法 36: from the insurer's demand.
REINSTATEMENT_YEARS = 2  # 保险法 37.
CONSENT_DAYS = 30  # 保险法司法解释(三) 8: no refusal within 30 days of the request counts as consent.
DECISION_DAYS = 30  # 保险法 23: from the first request with its papers; time for supplements not counted.
PAYMENT_DAYS = 10  # 保险法 23: after the agreement to pay.
REFUSAL_DAYS = 3  # 保险法 24: after the decision.
ADVANCE_DAYS = 60  # 保险法 25: pay first what can be determined.
SURRENDER_DAYS = 30  # 保险法 47: cash value back within 30 days of the notice.
LIFE_LIMITATION_YEARS = 5  # 保险法 26.
OTHER_LIMITATION_YEARS = 2  # 保险法 26.
CREDIT_RECORD_YEARS = 5  # 征信业管理条例 16: from the end of the bad conduct.
OBJECTION_DAYS = 20  # 征信业管理条例 25.
CREDIT_COMPLAINT_DAYS = 30  # 征信业管理条例 26.


def days_after(start: date, days: int) -> date:
    """Return the last day of a period of days that begins the day after `start`."""
    return start + timedelta(days=days)


def years_after(start: date, years: int) -> date:
    """Return the same day `years` later; 28 February for a leap day without its like."""
    year = start.year + years
    return date(year, start.month, min(start.day, calendar.monthrange(year, start.month)[1]))


def decision_by(submitted_on: date, supplement_days: int = 0) -> date:
    """Return the last day for the insurer's decision; days spent on supplements push it out (解释(二) 15)."""
    return days_after(submitted_on, DECISION_DAYS + supplement_days)
