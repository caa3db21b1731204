"""What of the group SOPs may be used today: templates, their frozen versions, approved words, rules of enrolment.

Immutable; bot/library.py puts a new one on the shelf when files, approvals or the date change. A running enrolment asks
for the words of the version it began with, so blocks are found by their digest, whether or not the files still say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from content.sop_enrol import EnrolmentRule
from content.sop_files import HolidayYear, Sops
from domain.sop import ContentBlock, Template


class BlockRefusal(StrEnum):
    """Why a block may not be said today."""

    UNKNOWN = "unknown"  # Its template has no such block, or this version of it was never stored.
    UNAPPROVED = "unapproved"  # Nobody of the company approved exactly these words.
    NOT_YET = "not_yet"  # Its first day is still to come.
    EXPIRED = "expired"  # Its last day has passed.


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A stored version of a block: its content_version id, and who approved it ("" for nobody)."""

    version_id: int
    approved_by: str


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Today's SOPs.

    `sops`: templates that a group may begin; one that broke stays as it was. `frozen`: sop_version id of each of them,
    for new enrolments. `stored`: every version of every block, by key ("TEMPLATE/BLOCK") and digest. `serves_samples`:
    the demo, which says what nobody has approved.
    """

    sops: Sops
    frozen: Mapping[str, int]
    stored: Mapping[tuple[str, str], Stored]
    serves_samples: bool
    today: date
    is_loaded: bool = field(default=True)

    @property
    def rules(self) -> tuple[EnrolmentRule, ...]:
        """The rules by which groups begin by themselves, in their order."""
        return self.sops.rules

    @property
    def calendar_years(self) -> tuple[HolidayYear, ...]:
        """Years whose holidays the company wrote down itself, for calendars.known."""
        return self.sops.years

    @property
    def templates(self) -> Mapping[str, Template]:
        """Every template as its words can be approved: as it is written, or in use where the files are broken."""
        return dict(sorted({**self.sops.templates, **self.sops.written}.items()))

    def approver(self, template: Template, block_id: str) -> str:
        """Return who approved exactly these words, "" while nobody did."""
        found = self._find(template, block_id)
        return found.approved_by if found else ""

    def version_of(self, template: Template, block_id: str, today: date) -> int | None:
        """Return the content_version id of exactly these words if they may be said on `today`, None otherwise.

        `template`: as it was frozen, of today or of long ago.
        """
        found = self._find(template, block_id)
        return found.version_id if found and self.refusal(template, block_id, today) is None else None

    def refusal(self, template: Template, block_id: str, today: date) -> BlockRefusal | None:
        """Return why a block may not be said on `today`, None when it may."""
        found = self._find(template, block_id)
        if found is None:
            return BlockRefusal.UNKNOWN
        if not (found.approved_by or self.serves_samples):
            return BlockRefusal.UNAPPROVED
        block = template.blocks[block_id]
        if today < block.valid_from:
            return BlockRefusal.NOT_YET
        return BlockRefusal.EXPIRED if today > block.valid_until else None

    def unready(self, template: Template, today: date) -> Mapping[str, BlockRefusal]:
        """Return the blocks of a template that may not be said on `today`, by id, with the reason."""
        found = {key: self.refusal(template, key, today) for key in template.blocks}
        return {key: refusal for key, refusal in found.items() if refusal is not None}

    def _find(self, template: Template, block_id: str) -> Stored | None:
        block = template.blocks.get(block_id)
        return None if block is None else self.stored.get((key_of(template.id, block), block.digest))


def key_of(template_id: str, block: ContentBlock) -> str:
    """Return the key of a block among all texts: "TEMPLATE/BLOCK", at most 64 characters."""
    return f"{template_id}/{block.id}"


def empty(*, serves_samples: bool, today: date) -> Shelf:
    """Return the shelf of a house that has not read its SOPs yet; `is_loaded` tells it from one without any."""
    nothing = Sops(templates={}, years=(), mistakes=(), warnings=())
    return Shelf(
        sops=nothing, frozen={}, stored={}, serves_samples=serves_samples, today=today, is_loaded=False
    )
