"""Every address with every role, compared with docs/access.md."""

from __future__ import annotations

import functools
import re

import pytest
from aiohttp import ClientResponse

from bot.clock import FrozenClock
from domain.login import Role
from domain.platform import SessionState
from store import conversations, handovers, logins
from store.database import Store
from tests.console import audit_scene, factory
from tests.console.audit_scene import AuditScene
from tests.console.conftest import Pages
from tests.console.group_factory import Groups

CSRF = "csrf-of-the-test"
COLUMNS = ("anonymous", *Role)


def documented() -> dict[str, dict[str, str]]:
    """The table of docs/access.md: address to column to word."""
    text = (factory.HOUSE / "docs" / "access.md").read_text("utf-8")
    header, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if re.match(r"\| (address|GET|POST) ?", line)
    ]
    assert header == ["address", *COLUMNS]
    return {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in rows}


def registered(pages: Pages) -> set[str]:
    """Every address the application answers, in the form of the table."""
    found = set()
    for resource in pages.app.router.resources():
        for route in resource:
            path = route.resource.canonical if route.resource else ""
            if route.method != "HEAD" and path != "/console":
                found.add(f"{route.method} {path}")
    return found


class Walker:
    """Asks for addresses as somebody, with ids of the scene. `whose`: own or other."""

    def __init__(
        self,
        pages: Pages,
        scene: factory.Scene,
        groups: Groups,
        audit: AuditScene,
        store: Store,
        clock: FrozenClock,
    ) -> None:
        self._pages, self._scene, self._store, self._clock = pages, scene, store, clock
        self._groups, self._audit = groups, audit

    async def ask(self, address: str, column: str, whose: str) -> ClientResponse:
        method, path = address.split(" ")
        cookies = {}
        if column != "anonymous":
            # A fresh session each time: some of the addresses end it.
            cookies = await factory.sign_in(
                self._store,
                self._pages.names[Role(column)],
                self._clock,
                csrf=CSRF,
                token=f"{address} {column} {whose}",
            )
        return await self._pages.client.request(
            method,
            await self._filled(path, column, whose),
            data={"csrf": CSRF, "note": "x", "name": "x"} if method == "POST" else None,
            cookies=cookies,
            allow_redirects=False,
        )

    async def _filled(self, path: str, column: str, whose: str) -> str:
        scene = self._scene
        owned = "owners" if column == Role.OWNER else "own"
        prefix = owned if whose == "own" else "other"
        ids = {
            "conversations": getattr(scene, f"{prefix}_talk"),
            # Somebody else's here: a session of a colleague. Who queues is for everybody who is receiving.
            "desk": scene.owners_talk if (column == Role.OWNER) == (whose == "own") else scene.own_talk,
            "media": getattr(scene, f"{prefix}_media"),
            "cases": getattr(scene, f"{prefix}_case"),
            "deliveries": scene.unknown_delivery,
            "events": scene.failed_event,
            "privacy": 1,
            "handovers": 1,
            "drafts": self._scene.draft,
            "wordings": 1,
            "versions": self._scene.version,
        }
        group = "own" if whose == "own" else "other"
        ids["groups"] = getattr(self._groups, group)
        area = path.split("/")[2]
        if area == "false-alarms":
            ids[area] = await factory.tell_false_alarm(self._store, self._clock)
        if area == "logins":
            async with self._store.read() as tx:
                found = await logins.find_login(tx, "somebody")
            assert found is not None
            ids["logins"] = found.id
        if area == "audit":
            return self._audit.filled(path, column, whose)
        if area == "static":
            return f"/console/static/{'0' * 16}/console.css"
        return (
            path.replace("{id}", str(ids.get(area, 0)))
            .replace("{enrolment}", str(getattr(self._groups, f"{group}_enrolment")))
            .replace("{occurrence}", str(getattr(self._groups, f"{group}_step")))
            .replace("{line}", "loan")
            .replace("{kind}", "faq")
            .replace("{key}", "loan.prepay")
            .replace("{name}", "htmx.js")
            .replace("{template}", "finance_week1")
            .replace("{session}", "0" * 16)
        )


def is_as_documented(word: str, method: str, answer: ClientResponse, whose: str) -> bool:
    location = answer.headers.get("Location", "")
    to_login = answer.status == 303 and location.partition("?")[0] == "/console/login"
    match word:
        case "login":
            return to_login
        case "no":
            return answer.status == 403
        case "open":
            return answer.status == 200 or to_login
        case "own" if whose == "other":
            return answer.status == 404
        case "yes" | "own":
            # Signing out is the one allowed act that ends at the login page.
            left = "logout" in answer.url.path and location.endswith("told=ended")
            return (
                answer.status == 200
                if method == "GET" or answer.url.path == "/console/drafts/check"
                else answer.status == 303 and (left or not to_login)
            )
    raise AssertionError(f"docs/access.md has a word no one knows: {word}")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_every_address_answers_every_role_as_documented(
    pages: Pages, scene: factory.Scene, groups: Groups, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.add_login(store, frozen_clock, "somebody", Role.ADVISOR)
    serves = functools.partial(conversations.set_state, servicer_id="lisi", now=frozen_clock.now())
    await store.write(lambda tx: serves(tx, scene.owners_talk, SessionState.SERVICER))
    audit = await audit_scene.make_audit_scene(store, frozen_clock, pages.names)
    talk = scene.other_talk
    await store.write(lambda tx: handovers.assign(tx, talk, "zhangsan", frozen_clock.now()))
    walker = Walker(pages, scene, groups, audit, store, frozen_clock)
    wrong = []

    for address, row in documented().items():
        for column, word in row.items():
            for whose in ("own", "other"):
                answer = await walker.ask(address, column, whose)
                if not is_as_documented(word, address.split(" ")[0], answer, whose):
                    wrong.append(f"{address} as {column} ({whose}): {word}, got {answer.status}")

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_no_address_is_missing_from_the_documentation(pages: Pages) -> None:
    assert registered(pages) == set(documented())


async def test_opening_a_talk_is_written_down_for_every_role(
    pages: Pages, scene: factory.Scene, store: Store, frozen_clock: FrozenClock
) -> None:
    for role in (Role.ADMIN, Role.SUPERVISOR, Role.COMPLIANCE, Role.ADVISOR):
        cookies = await factory.sign_in(store, pages.names[role], frozen_clock)
        for headers in ({}, {"HX-Request": "true"}):
            await pages.client.get(
                f"/console/conversations/{scene.own_talk}", cookies=cookies, headers=headers
            )

    async with store.read() as tx:
        entries = await logins.list_access(tx, limit=50, subject=f"conversation:{scene.own_talk}")
    assert sorted(entry.actor for entry in entries) == sorted(
        pages.names[role] for role in (Role.ADMIN, Role.SUPERVISOR, Role.COMPLIANCE, Role.ADVISOR)
    )


async def test_an_advisor_lists_only_their_own_talks_and_cases(
    pages: Pages, scene: factory.Scene, store: Store, frozen_clock: FrozenClock
) -> None:
    advisor = await factory.sign_in(store, pages.names[Role.ADVISOR], frozen_clock)
    supervisor = await factory.sign_in(store, pages.names[Role.SUPERVISOR], frozen_clock)

    for path in ("/console/conversations", "/console/cases", "/console/cases?whose=nobody", "/console/"):
        page = await (await pages.client.get(path, cookies=advisor)).text()
        assert "陈阿姨" not in page, path
    for path in ("/console/conversations", "/console/cases", "/console/"):
        assert "陈阿姨" in await (await pages.client.get(path, cookies=supervisor)).text(), path
        assert "李先生" in await (await pages.client.get(path, cookies=advisor)).text(), path


async def test_the_raw_body_is_for_administrators_only(
    pages: Pages, scene: factory.Scene, store: Store, frozen_clock: FrozenClock
) -> None:
    path = f"/console/events/{scene.failed_event}"
    texts = {}
    for role in (Role.ADMIN, Role.SUPERVISOR):
        cookies = await factory.sign_in(store, pages.names[role], frozen_clock)
        texts[role] = await (await pages.client.get(path, cookies=cookies)).text()

    assert "13800000000" in texts[Role.ADMIN]
    assert "13800000000" not in texts[Role.SUPERVISOR]
    assert "api forbidden" in texts[Role.SUPERVISOR]
