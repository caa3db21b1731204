"""Whether words that were offered before may still be sent: what was approved then may be over, changed or withdrawn.

What the check says of the words, and who may speak for their line, is asked when they leave (the sidebar's judging.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from content.knowledge import Knowledge
from domain.faq import Refusal
from domain.suggestion import OwnWording, Suggestion, SuggestionSource
from handlers import suggesting
from store import own_wordings

# An entry without the company's own steps is offered in its short form (content/suggesting/offers.py).
_SERVED = frozenset({None, Refusal.OWN_MISSING})


async def list_current(
    tx: AsyncConnection, knowledge: Knowledge, staff_platform_id: str, offered: Sequence[Suggestion]
) -> list[Suggestion]:
    """Return those of the suggestions made for this member whose words still hold as they stand, in their order."""
    own: dict[str, OwnWording] = {}
    if any(one.source is SuggestionSource.OWN for one in offered):
        own = {str(one.id): one for one in await own_wordings.list_of(tx, staff_platform_id)}
    return [one for one in offered if _is_current(knowledge, one, own)]


def _is_current(knowledge: Knowledge, one: Suggestion, own: Mapping[str, OwnWording]) -> bool:
    if one.valid_until is not None and one.valid_until < knowledge.today:
        return False
    key, version_id = one.source_id, one.content_version_id
    match one.source:
        case SuggestionSource.FAQ:
            return knowledge.refusal(key) in _SERVED and knowledge.version_id("faq", key) == version_id
        case SuggestionSource.QUICK:
            return knowledge.quick_refusal(key) is None and knowledge.version_id("quick", key) == version_id
        case SuggestionSource.FIXED:
            return key in knowledge.replies and knowledge.version_id("reply", key) == version_id
        case SuggestionSource.OWN:
            return key in own and suggesting.may_offer(knowledge, own[key])
    return True
