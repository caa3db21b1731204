"""The frame around every page: templates, navigation, and parts of a page that renew themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from markupsafe import Markup

from console import words
from console.access import Right, Viewer
from console.assets import Assets
from console.context import ConsoleContext
from console.times import Times
from content import endings
from content.knowledge import Knowledge
from content.sop_shelf import Shelf
from domain.faq import EntityMode, Line
from store import case_reports

_FOLDER = Path(__file__).with_name("templates")


@dataclass(frozen=True, kw_only=True)
class Door:
    """A line of the navigation. `right` None: everybody; "talk": whoever sees conversations."""

    key: str
    path: str
    right: Right | str | None


NAVIGATION = (
    Door(key="overview", path="/console/", right=None),
    Door(key="desk", path="/console/desk", right="talk"),
    Door(key="conversations", path="/console/conversations", right="talk"),
    Door(key="search", path="/console/search", right=Right.SEARCH),
    Door(key="cases", path="/console/cases", right="talk"),
    Door(key="handovers", path="/console/handovers", right=Right.SEE_DUTY),
    Door(key="roster", path="/console/roster", right=Right.SEE_DUTY),
    Door(key="groups", path="/console/groups", right=Right.SEE_GROUPS),
    Door(key="sops", path="/console/sops", right=Right.SEE_CONTENT),
    Door(key="audit", path="/console/audit", right=Right.SEE_AUDIT),
    Door(key="own_audit", path="/console/audit/mine", right=Right.SEE_OWN_AUDIT),
    Door(key="deliveries", path="/console/deliveries", right=Right.SEE_DELIVERIES),
    Door(key="gaps", path="/console/gaps", right=Right.SEE_UNANSWERED),
    Door(key="drafts", path="/console/drafts", right=Right.WRITE_DRAFTS),
    Door(key="content", path="/console/content", right=Right.SEE_CONTENT),
    Door(key="false_alarms", path="/console/false-alarms", right=Right.DECIDE_FALSE_ALARMS),
    Door(key="try", path="/console/try", right=Right.SEE_CONTENT),
    Door(key="lines", path="/console/lines", right=Right.SEE_LINES),
    Door(key="events", path="/console/events", right=Right.SEE_EVENTS),
    Door(key="health", path="/console/health", right=Right.SEE_HEALTH),
    Door(key="logins", path="/console/logins", right=Right.MANAGE_LOGINS),
    Door(key="export", path="/console/export", right=Right.EXPORT),
    Door(key="privacy", path="/console/privacy", right=Right.ERASE),
    Door(key="access_log", path="/console/access-log", right=Right.SEE_ACCESS_LOG),
)

# The pages of the audit, in a line of their own below the head.
AUDIT_PAGES = (
    Door(key="audit_overview", path="/console/audit", right=Right.SEE_AUDIT),
    Door(key="audit_team", path="/console/audit/team", right=Right.SEE_AUDIT),
    Door(key="audit_response", path="/console/audit/response", right=Right.SEE_AUDIT),
    Door(key="audit_compliance", path="/console/audit/compliance", right=Right.SEE_AUDIT),
    Door(key="audit_sessions", path="/console/audit/sessions", right=Right.SEE_AUDIT),
    Door(key="audit_reviews", path="/console/audit/reviews", right=Right.REVIEW),
    Door(key="audit_appeals", path="/console/audit/appeals", right=Right.DECIDE_APPEALS),
    Door(key="audit_sampling", path="/console/audit/sampling", right=Right.REVIEW),
    Door(key="audit_agreement", path="/console/audit/agreement", right=Right.REVIEW),
    Door(key="audit_calibration", path="/console/audit/calibration", right=Right.REVIEW),
)


class Frame:
    """Renders templates with what every page needs."""

    def __init__(self, ctx: ConsoleContext) -> None:
        self.words = words.load()
        self.times = Times(ctx.clock, ctx.zone, self.words)
        self.assets = Assets(ctx.library_folder)
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(
            label=self.words.label,
            labels=self.words.section,
            outcome=self.words.outcome,
            reason=self.words.reason,
            repeated=self.words.repeated,
            times=self.times,
            company=ctx.company,
            asset=self.assets.url,
            library=self.assets.library_url,
            address=address,
            tint=tint,
            capped=capped,
            case_no=case_no,
            is_urgent=is_urgent,
            mode_word=mode_word,
            size=size,
            audit_pages=audit_pages,
        )

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """Return the filled template; every value is escaped."""
        return self._templates.get_template(template).render(values)

    def render_live(self, template: str, url: str, values: Mapping[str, Any]) -> tuple[Markup, str]:
        """Return a part of a page that asks `url` for its successor, and the mark of its content.

        The mark goes along with the question; while the content would be the same the answer is 204 and the browser
        leaves the page alone.
        """
        inner = self.render(template, values)
        mark = hashlib.sha256(inner.encode()).hexdigest()[:16]
        next_url = url + ("&" if "?" in url else "?") + urlencode({"mark": mark})
        return Markup(self.render("live.html", {"inner": Markup(inner), "url": next_url})), mark  # noqa: S704 - rendered by an escaping template above


def doors_for(viewer: Viewer, doors: Sequence[Door] = NAVIGATION) -> list[Door]:
    """Return the navigation of this person."""
    rights = viewer.rights
    return [
        door
        for door in doors
        if door.right is None or (viewer.sees_talk if door.right == "talk" else door.right in rights)
    ]


def audit_pages(viewer: Viewer) -> list[Door]:
    """Return the pages of the audit that this person may open."""
    return doors_for(viewer, AUDIT_PAGES)


def counts_for(knowledge: Knowledge, shelf: Shelf) -> dict[str, int]:
    """Return what waits behind a line of the navigation, by its key; what is not there waits not."""
    ending = endings.endings(endings.served_or_written(knowledge), knowledge.today)
    ending += endings.sop_endings(shelf, knowledge.today)
    return {"content": sum(one.kind in endings.URGENT for one in ending)}


def address(path: str, **query: object) -> str:
    """Return `path`, which may have a query already, with the parts of the query that are not empty."""
    parts = {key: str(value) for key, value in query.items() if value not in ("", None)}
    return f"{path}{'&' if '?' in path else '?'}{urlencode(parts)}" if parts else path


def tint(name: str) -> int:
    """Return one of six colours for a name, always the same one."""
    return hashlib.sha256(name.encode()).digest()[0] % 6


def case_no(case_id: int) -> str:
    """Return a case's number as customers are told it (bot/deciding.py): 000027."""
    return f"{case_id:06d}"


def is_urgent(reason: str) -> bool:
    """Say whether a case with this reason cannot wait."""
    return reason in case_reports.URGENT


def mode_word(line: str, mode: str) -> str:
    """Return the key of the words for a line's entity mode: services need no licence, so they have none to hold."""
    return "none" if line == Line.SERVICE and mode == EntityMode.LICENSED else str(mode)


def capped(count: int, cap: int = 1000) -> str:
    """Return a number, "1000+" beyond the cap of counting."""
    return f"{cap}+" if count > cap else str(count)


def size(count: int) -> str:
    """Return a file's size in the largest unit that keeps it above one: 25 B, 340 KB, 2.1 MB."""
    if count < 1024:
        return f"{count} B"
    if count < 1024 * 1024:
        return f"{count // 1024} KB"
    return f"{count / 1024 / 1024:.1f} MB"
