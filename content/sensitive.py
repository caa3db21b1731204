"""Numbers a customer should not have typed: identity card, bank card, a code that was sent to them.

Pure. Nothing found here is kept or repeated to anybody; the customer is asked to take the message back.
"""

from __future__ import annotations

import re
from datetime import date

from content import normalising

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999.
_ID_CHECKS = "10x98765432"
_CARD_LENGTHS = range(15, 20)
# A run of digits as people type it, also "6222 0200 …" and "6222-0200-…"; an identity number may end in x.
_RUN = re.compile(r"(?<![\da-z])\d(?:[ -]?\d){13,18}(?:[ -]?x)?(?![\da-z])")
_CODE = re.compile(
    r"(?:验证码|校验码|动态码|动态口令|密码|口令)[^\d,。!?]{0,6}(?<!\d)(?:\d{6}|\d{4})(?![\d.%]|年|块|元|万)"
    r"|(?<!\d)\d{6}(?!\d)[^\d,。!?]{0,4}(?:验证码|校验码|动态码|动态口令)"
)


def find(text: str) -> list[tuple[int, int]]:
    """Return where such numbers stand in the folded text (normalising.folded), in order."""
    folded = normalising.folded(text)
    spans = [hit.span() for hit in _RUN.finditer(folded) if _is_known(hit[0])]
    return sorted(spans + [hit.span() for hit in _CODE.finditer(folded)])


def is_identity_number(number: str) -> bool:
    """Say whether this is an 18-character identity number: a real birthday and the ISO 7064 MOD 11-2 check."""
    number = number.lower()
    if not re.fullmatch(r"[1-9]\d{16}[\dx]", number):
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return _ID_CHECKS[total % 11] == number[17]


def is_card_number(number: str) -> bool:
    """Say whether this is a bank card number: 15 to 19 digits that pass Luhn (ISO/IEC 7812-1).

    No bank card begins with 0, 1 or 20; order numbers that carry the year do.
    """
    if not number.isascii() or not number.isdigit() or len(number) not in _CARD_LENGTHS:
        return False
    if number.startswith(("0", "1", "20")):
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_known(run: str) -> bool:
    number = run.replace(" ", "").replace("-", "")
    return is_identity_number(number) or is_card_number(number)
