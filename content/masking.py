"""Hides numbers that name a person in texts that leave the house: mobile phones, identity numbers, bank cards.

Narrow on purpose: only what a check digit or a fixed form makes sure, so that no order number is hidden (compliance.md
§6). Pure.
"""

from __future__ import annotations

import re

# Digits with the spaces and hyphens people put between them.
_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){9,18}[Xx]?(?![0-9A-Za-z])")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"


def mask(text: str) -> str:
    """Return the text with the middle of such numbers as stars: 138****6721, 110105********002X, 6222********0000."""
    return _NUMBER.sub(lambda found: _masked(found[0]), text)


def _masked(written: str) -> str:
    number = re.sub(r"[ -]", "", written).upper()
    if _MOBILE.fullmatch(number):
        return f"{number[:3]}****{number[-4:]}"
    if is_identity_number(number):
        return f"{number[:6]}********{number[-4:]}"
    if number.isdigit() and 13 <= len(number) <= 19 and is_luhn_right(number):
        return f"{number[:4]}{'*' * (len(number) - 8)}{number[-4:]}"
    return written


def is_identity_number(number: str) -> bool:
    """Say whether it is an 18-digit identity number with a right check digit (ISO 7064)."""
    if not re.fullmatch(
        r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]", number
    ):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return _CHECK[total % 11] == number[-1]


def is_luhn_right(number: str) -> bool:
    """Say whether the last digit of a card number is right (Luhn)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
