"""The pages for customers of a group's first week, and their addresses.

Pure. Who shows them is console/week; messages carry their addresses as slots (scheduler), figures count their visitors
(store/page_visits.py). A page's words are the block `page_…` of the template; a template without it has no such page.
"""

from __future__ import annotations

from enum import StrEnum

# Blocks whose id begins so are the words of pages; no step sends them.
BLOCK_PREFIX = "page_"


class WeekPage(StrEnum):
    """A page of a group's week."""

    GUIDE = "guide"  # Who we are, what the group is and is not, how to ask, complain, leave.
    EVENT = "event"  # The notice of the education event, with one button: interested.
    ARTICLE = "article"  # The publication itself, from its release on.
    REPLAY = "replay"  # The same afterwards, with how many questions were answered.
    FEEDBACK = "feedback"  # One question, one to five.


# The slot of a message that holds a page's address (content/sop_blocks.py, SLOTS).
SLOTS = {
    "guide_url": WeekPage.GUIDE,
    "event_entry": WeekPage.EVENT,
    "event_url": WeekPage.ARTICLE,
    "replay_url": WeekPage.REPLAY,
    "feedback_url": WeekPage.FEEDBACK,
}


def url_of(page_code: str, page: WeekPage, public_url: str) -> str:
    """Return a page's address; empty where the server has no public address, so that a line with it is left out.

    `page_code`: of the enrolment. `public_url`: the setting, without a trailing slash.
    """
    return f"{public_url}/g/{page_code}/{page}" if public_url and page_code else ""


def slots_of(page_code: str, public_url: str) -> dict[str, str]:
    """Return the addresses of all pages by the slot that messages know them under."""
    return {slot: url_of(page_code, page, public_url) for slot, page in SLOTS.items()}


def company_guide_url(template: str, public_url: str) -> str:
    """Return the address of a template's guide that is the same for every group; empty without a public address.

    For the group welcome: the company has 100 templates of it (WeCom doc 96357), so its words may not differ by group.
    Who opens it is not counted.
    """
    return f"{public_url}/g/guide/{template}" if public_url else ""
