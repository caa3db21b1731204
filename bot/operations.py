"""What an operator does from the command line to an installation, whether it runs or not.

Each function opens the house, does one act and closes it; a running `serve` sees the change through the database.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import app, config
from bot.channels.wecom.kf import Kf
from bot.loops import Loops
from console import approvers, passwords, unanswered_page
from content import endings, sop_shelf
from content.endings import Ending, Unwritten
from content.grouping import Group
from content.sop_shelf import Shelf
from domain.errors import ConfigError
from domain.faq import Faq, Line
from domain.login import Role
from domain.platform import KfAccount
from store import contents, events, gaps, lines, login_links, logins, staff

# scene_param of an entry link (WeCom doc 94665).
_PARAM_LIMIT_BYTES = 128
_SOP = "sop"
_QUICK = "quick"


@dataclass(frozen=True, kw_only=True)
class Approval:
    """What an approval changed: ids newly approved, approved before, and not found."""

    approved: tuple[str, ...]
    unchanged: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of `content list`. `approved_by`: who approved the text as it is in the file, or empty."""

    id: str
    question: str
    scope: str
    valid_until: str
    approved_by: str


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """Questions without a sure answer, put together. `questions`: how many there were."""

    groups: list[Group]
    questions: int


@dataclass(frozen=True, kw_only=True)
class Endings:
    """What ends or has ended, and what the company has still to write."""

    endings: list[Ending]
    unwritten: list[Unwritten]


async def approve(
    settings: config.Settings, ids: Sequence[str] | None, *, by: str, note: str = "", kind: str = ""
) -> Approval:
    """Record that `by` approves the current version of these texts, of all (of `kind`) when `ids` is None."""
    by = by.strip()
    if not approvers.is_usable(by):
        raise ConfigError(
            [f"--by {by!r} 不是姓名，请写审批人的真实姓名，如 --by 王芳。 (Name the person who approves.)"]
        )
    async with app.opened(settings) as house:
        current = await _digests(house, kind)
        async with house.store.read() as tx:
            versions = {
                _id_of(version): version
                for version in await contents.list_versions(tx)
                if current.get(_id_of(version)) == version.digest
            }
        wanted = set(current) if ids is None else {one for named in ids for one in _meant(named, current)}
        drafts = {
            key: version for key, version in versions.items() if key in wanted and not version.approved_by
        }

        async def job(tx: AsyncConnection) -> int:
            now = house.clock.now()
            return await contents.approve(tx, [one.id for one in drafts.values()], by=by, now=now, note=note)

        await house.store.write(job)
    return Approval(
        approved=tuple(sorted(drafts)),
        unchanged=tuple(sorted(wanted & (set(versions) - set(drafts)))),
        unknown=tuple(sorted(wanted - set(versions))),
    )


async def list_entries(settings: config.Settings) -> list[Entry]:
    """Return every text of the files with the approval of exactly that version, entries first."""
    async with app.opened(settings) as house:
        current = await _digests(house)
        async with house.store.read() as tx:
            approved = {
                _id_of(version): version.approved_by
                for version in await contents.list_versions(tx)
                if current.get(_id_of(version)) == version.digest
            }
        faqs = [_faq_entry(faq, approved) for faq in house.content.faqs.values()]
        replies = [
            Entry(
                id=key, question=reply.text[:24], scope="", valid_until="", approved_by=approved.get(key, "")
            )
            for key, reply in house.content.replies.items()
        ]
        quick = [
            Entry(
                id=f"{_QUICK}:{key}",
                question=phrase.title,
                scope=phrase.scope,
                valid_until=str(phrase.valid_until),
                approved_by=approved.get(f"{_QUICK}:{key}", ""),
            )
            for key, phrase in house.content.quick.items()
        ]
        return faqs + replies + quick + _sop_entries(house.library.shelf(), approved)


async def list_gaps(settings: config.Settings, days: int) -> Gaps:
    """Return what the bot had no sure answer to within so many days, put together, numbers hidden."""
    async with app.opened(settings) as house:
        since = house.clock.now() - timedelta(days=days)
        async with house.store.read() as tx:
            rows = await gaps.list_since(tx, since)
    return Gaps(groups=unanswered_page.groups_of(rows), questions=len(rows))


async def list_endings(settings: config.Settings) -> Endings:
    """Return the entries and words of SOPs that end within thirty days or have ended, and own texts that are empty."""
    async with app.opened(settings) as house:
        known = house.library.knowledge()
        async with house.store.read() as tx:
            approvers = {
                version.id: version.approved_by
                for version in await contents.list_versions(tx)
                if version.approved_by
            }
        served = {key: approvers.get(known.version_id("faq", key) or 0, "") for key in known.faqs}
        await house.library.load_sops()
        found = endings.endings(endings.served_or_written(known), known.today, served)
        found += endings.sop_endings(house.library.shelf(), known.today)
        return Endings(endings=endings.in_order(found), unwritten=endings.unwritten(known.content))


async def _digests(house: app.House, kind: str = "") -> dict[str, str]:
    """Return the digest of each text as the files say it (of `kind`), by the id that commands take."""
    if kind in ("", _SOP):
        await house.library.load_sops()
    digests = {
        "reply": {key: reply.digest for key, reply in house.content.replies.items()},
        "faq": {key: faq.digest for key, faq in house.content.faqs.items()},
        _QUICK: {f"{_QUICK}:{key}": phrase.digest for key, phrase in house.content.quick.items()},
        _SOP: {
            f"{_SOP}:{sop_shelf.key_of(template.id, block)}": block.digest
            for template in house.library.shelf().templates.values()
            for block in template.blocks.values()
        },
    }
    return digests[kind] if kind else {key: one for of in digests.values() for key, one in of.items()}


def _id_of(version: contents.Version) -> str:
    """Return the id by which commands call a text: words of SOPs and quick phrases say so, "sop:TEMPLATE/BLOCK"."""
    return f"{version.kind}:{version.key}" if version.kind in (_SOP, _QUICK) else version.key


def _meant(named: str, current: Collection[str]) -> list[str]:
    """Return the texts that an id means: "sop:TEMPLATE" all words of the template."""
    of_template = [key for key in current if key.startswith(f"{named}/") and named.startswith(f"{_SOP}:")]
    return of_template or [named]


def _sop_entries(shelf: Shelf, approved: dict[str, str]) -> list[Entry]:
    entries = []
    for template in shelf.templates.values():
        for block in template.blocks.values():
            name = f"{_SOP}:{sop_shelf.key_of(template.id, block)}"
            entries.append(
                Entry(
                    id=name,
                    question=block.title or block.body[:24],
                    scope="",
                    valid_until=block.valid_until.isoformat(),
                    approved_by=approved.get(name, ""),
                )
            )
    return entries


def _faq_entry(faq: Faq, approved: dict[str, str]) -> Entry:
    until: date = faq.last_valid_on
    return Entry(
        id=faq.id,
        question=faq.question,
        scope=faq.scope,
        valid_until=until.isoformat(),
        approved_by=approved.get(faq.id, ""),
    )


async def stop_line(settings: config.Settings, line: Line, *, by: str, reason: str) -> bool:
    """Stop a product line; False when it is stopped already."""
    async with app.opened(settings) as house:

        async def job(tx: AsyncConnection) -> bool:
            return await lines.stop(tx, line, by=by, reason=reason, now=house.clock.now())

        return await house.store.write(job)


async def resume_line(settings: config.Settings, line: Line, *, by: str) -> bool:
    """Resume a product line; False when it is not stopped."""
    async with app.opened(settings) as house:

        async def job(tx: AsyncConnection) -> bool:
            return await lines.resume(tx, line, by=by, now=house.clock.now())

        return await house.store.write(job)


async def replay(settings: config.Settings, key: str) -> bool:
    """Queue an event again; the running server takes it up. False when there is no such event."""
    async with app.opened(settings) as house:

        async def job(tx: AsyncConnection) -> bool:
            return await events.requeue(tx, key, house.clock.now())

        return await house.store.write(job)


async def add_login(
    settings: config.Settings,
    name: str,
    *,
    password: str,
    role: str,
    display_name: str = "",
    member: str = "",
    by: str = "cli",
) -> None:
    """Add a console login, which `member` (a UserID) may also enter by WeCom.

    Raises ConfigError for a bad name, role or password, a name that is taken, or a member who has a login.
    """
    problems = check_login(name, password, role)
    if problems:
        raise ConfigError(problems)
    password_hash = await asyncio.to_thread(passwords.hash_password, password)
    async with app.opened(settings) as house:

        async def job(tx: AsyncConnection) -> str:
            # Wall time: a login must not depend on where the demo's clock stands.
            wall = house.clock.wall()
            staff_id = 0
            if member:
                await staff.ensure(tx, [member], house.clock.now())
                staff_id = (await staff.find_ids(tx, [member]))[member]
                if await login_links.is_linked(tx, staff_id):
                    return f"成员 {member} 已绑定在别的账号上。 (The member has a login.)"
            added = await logins.add_login(
                tx,
                name=name,
                display_name=display_name or name,
                password_hash=password_hash,
                roles=[role],
                by=by,
                now=wall,
            )
            if added is None:
                return f"登录名 {name} 已被使用，请换一个。 (The name is taken.)"
            if member:
                await login_links.link(tx, added, staff_id, wall)
            return ""

        if problem := await house.store.write(job):
            raise ConfigError([problem])


def check_login(name: str, password: str, role: str) -> list[str]:
    """Return what is wrong with a new login."""
    problems = []
    if not re.fullmatch(r"[\w.@-]{1,64}", name):
        problems.append(
            f"登录名 {name!r} 只能含字母、数字、汉字和 . @ _ -，最多 64 个。 (Not a usable name.)"
        )
    if role not in list(Role):
        problems.append(f"没有角色 {role}，可用：{'、'.join(Role)}。 (No such role.)")
    if len(password) < passwords.MIN_LENGTH:
        problems.append(f"密码至少 {passwords.MIN_LENGTH} 个字符。 (The password is too short.)")
    return problems


async def list_routes(settings: config.Settings) -> list[tuple[str, str]]:
    """Return (method, path) of every address the server answers, by path."""
    async with app.opened(settings) as house:
        # Built, not served: the loops are made for the pages' sake and never started.
        application = app.application_of(house, Loops(house))
        found = {
            (route.method, route.resource.canonical)
            for route in application.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
    return sorted(found, key=lambda one: (one[1], one[0]))


async def list_accounts(settings: config.Settings) -> list[KfAccount]:
    """Return the kf accounts as the platform lists them for our app."""
    async with app.opened(settings) as house:
        return await _kf(house).accounts()


async def make_link(settings: config.Settings, account_id: str, *, scene: str, param: str = "") -> str:
    """Return an entry link of the account; `param` comes back as scene_param (WeCom doc 94665)."""
    if len(param.encode()) > _PARAM_LIMIT_BYTES:
        raise ConfigError([f"--param 最多 {_PARAM_LIMIT_BYTES} 字节。 (Too long.)"])
    async with app.opened(settings) as house:
        url = await _kf(house).contact_way(account_id, scene)
    return f"{url}{'&' if '?' in url else '?'}scene_param={quote(param, safe='')}" if param else url


def _kf(house: app.House) -> Kf:
    if house.kf is None:
        raise ConfigError(["没有配置 wecom.receivers.kf。 (No receiver named kf is configured.)"])
    return house.kf
