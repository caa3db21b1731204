"""Whether a customer belongs to a step's audience. Pure; the words are those of content/sop_audience.py.

What is not measured is neither true nor false: whom nothing shows to be meant is not written to.
"""

from __future__ import annotations

import operator
from datetime import datetime, timedelta

from domain.sop import AllOf, AnyOf, Expression, Negation, Term
from store.sop_audiences import Member

_COMPARE = {">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt, "==": operator.eq}


def means(expression: Expression, member: Member, now: datetime, *, size: int) -> bool | None:
    """Say whether the audience means this customer; None when what is on record does not tell."""
    match expression:
        case AllOf():
            found = [means(part, member, now, size=size) for part in expression.parts]
            return False if False in found else (None if None in found else True)
        case AnyOf():
            found = [means(part, member, now, size=size) for part in expression.parts]
            return True if True in found else (None if None in found else False)
        case Negation():
            inner = means(expression.part, member, now, size=size)
            return None if inner is None else not inner
        case Term():
            return _term(expression, member, now, size)


def _term(term: Term, member: Member, now: datetime, size: int) -> bool | None:
    match term.name:
        case "everyone":
            return True
        case "friend":
            return bool(member.advisors)
        case "do_not_contact":
            return member.has_opted_out
        case "consent":
            return not member.has_opted_out
        case "asked":
            return member.has_asked
        case "silent":
            # Whoever is not known to have asked; what is spoken in the group is seen only with an archive.
            return not member.has_asked
        case "complaining":
            return member.has_complaint
        case "tag":
            return term.value in member.tags
        case "join_scene":
            return member.join_scene == term.value
        case "left" | "staff":
            return False
        case "age" if member.joined_at is not None and isinstance(term.value, timedelta):
            return bool(_COMPARE[term.comparison](now - member.joined_at, term.value))
        case "size" if isinstance(term.value, float):
            return bool(_COMPARE[term.comparison](size, term.value))
        case _:
            return None
