"""Cents, and how figures are written for customers.

Money is `decimal.Decimal` in yuan, rates are fractions (0.072 for 7.2%). No float comes near either.
Everything is rounded half up (四舍五入), as repayment plans are; one place says so: here.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal

CENT = Decimal("0.01")
ZERO = Decimal(0)
ONE = Decimal(1)

# Half-cent ties must not be lost to division: 50 digits leave more than 30 behind the point for any sum we take.
EXACT = Context(prec=50, rounding=ROUND_HALF_UP)


def cents(amount: Decimal) -> Decimal:
    """Return the amount rounded half up to the cent."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP, context=EXACT)


def rounded(number: Decimal, places: int) -> Decimal:
    """Return the number rounded half up to so many places."""
    return number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=EXACT)


def written(amount: Decimal) -> str:
    """Return an amount of money as "10,394.28", without the unit."""
    return f"{cents(amount):,.2f}"


def plain(number: Decimal) -> str:
    """Return a number as short as it is exact, with thousands commas: "120,000", "9,790.72", "1.025"."""
    short = f"{number:,f}"
    return short.rstrip("0").rstrip(".") if "." in short else short


def percent(rate: Decimal, places: int = 2) -> str:
    """Return a computed rate as a percentage of fixed places: "13.03%"."""
    return f"{rounded(rate * 100, places):.{places}f}%"


def given_percent(rate: Decimal) -> str:
    """Return a rate as the customer gave it, "7.2%"; what does not end within six places is rounded there."""
    return f"{plain(rounded(rate * 100, 6))}%"


def chinese_date(day: date) -> str:
    """Return a date as "2026年11月1日"."""
    return f"{day.year}年{day.month}月{day.day}日"
