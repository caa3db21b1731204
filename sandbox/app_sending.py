"""message/send: messages of an app to members (WeCom doc 90236). What becomes of cards is in cards.py."""

from __future__ import annotations

import json

from sandbox import address_book, cards
from sandbox.codes import ApiError
from sandbox.messages import inner, integer, text
from sandbox.records import AppMessage, Json
from sandbox.settings import AppSettings
from sandbox.world import World

USERS, PARTIES, TAGS = 1000, 100, 100
DUPLICATE_SECONDS, DUPLICATE_MOST_SECONDS = 1800, 4 * 3600
MEMBER_PER_MINUTE, MEMBER_PER_HOUR = 30, 1000
PER_ACCOUNT_AND_DAY = 200
BEIJING_SECONDS = 8 * 3600
REMEMBERED = 10_000


def send(world: World, app: AppSettings, body: Json) -> Json:
    """Deliver an app message; returns the answer's fields. Raises ApiError for a broken rule."""
    if body.get("agentid") is None:
        raise ApiError(41011)
    if str(body["agentid"]) != str(app.agent_id):
        raise ApiError(301002)
    kind, content = _content(world, body)
    userids, answer = _recipients(world, app, body)
    interval = integer(
        body, "duplicate_check_interval", least=0, most=DUPLICATE_MOST_SECONDS, default=DUPLICATE_SECONDS
    )
    fingerprint = ""
    if integer(body, "enable_duplicate_check", least=0, most=1, default=0):
        parts = [app.agent_id, body.get("touser"), body.get("toparty"), body.get("totag"), kind, content]
        fingerprint = json.dumps(parts, sort_keys=True)
        sent_at, earlier = world.app_outbox.recent.get(fingerprint, (float("-inf"), {}))
        if world.clock.now() - sent_at < interval:
            return earlier
    cards.check_new(world, app, kind, content)
    _count_day(world, app, len(userids))
    dropped = tuple(userid for userid in userids if not _has_budget(world, app, userid))
    message = AppMessage(
        msgid=world.new_id("A"),
        at=world.clock.now(),
        agent_id=app.agent_id,
        userids=tuple(userid for userid in userids if userid not in dropped),
        msgtype=kind,
        body=content,
        dropped=dropped,
        task_id=str(content.get("task_id", "")) if kind == "template_card" else "",
    )
    answer["msgid"] = message.msgid
    if code := cards.keep(world, message):
        answer["response_code"] = code
    if fingerprint:
        _remember(world, fingerprint, answer)
    return answer


def _remember(world: World, fingerprint: str, answer: Json) -> None:
    recent = world.app_outbox.recent
    recent[fingerprint] = (world.clock.now(), answer)
    recent.move_to_end(fingerprint)
    if len(recent) > REMEMBERED:
        recent.popitem(last=False)


def _has_budget(world: World, app: AppSettings, userid: str) -> bool:
    """Count one message; False beyond 30 a minute or 1,000 an hour, dropped without a word (doc 90312)."""
    key, outbox, now = (app.agent_id, userid), world.app_outbox, world.clock.now()
    fits = True
    for counts, seconds, most in (
        (outbox.minutes, 60, MEMBER_PER_MINUTE),
        (outbox.hours, 3600, MEMBER_PER_HOUR),
    ):
        began, count = counts.get(key, (float("-inf"), 0))
        if now - began >= seconds:
            began, count = now, 0
        counts[key] = (began, count + 1)
        fits = fits and count < most
    return fits


def _count_day(world: World, app: AppSettings, persons: int) -> None:
    """Count person-times of a natural day in Beijing. Raises ApiError 45009."""
    today = int((world.clock.now() + BEIJING_SECONDS) // 86400)
    day, count = world.app_outbox.days.get(app.agent_id, (today, 0))
    count = persons + (count if day == today else 0)
    if count > world.settings.account_limit * PER_ACCOUNT_AND_DAY:
        raise ApiError(45009, "person-times of the day")
    world.app_outbox.days[app.agent_id] = (today, count)


def _recipients(world: World, app: AppSettings, body: Json) -> tuple[list[str], Json]:
    users, parties, tags = (_joined(body, name) for name in ("touser", "toparty", "totag"))
    if users == ["@all"]:
        everybody = [one for one in world.members if address_book.sees(world, app, one)]
        return everybody, {"invaliduser": "", "invalidparty": "", "invalidtag": ""}
    if not (users or parties or tags):
        raise ApiError(81012)
    for count, most, code in (
        (len(users), USERS, 40032),
        (len(parties), PARTIES, 82002),
        (len(tags), TAGS, 82003),
    ):
        if count > most:
            raise ApiError(code)
    known = {str(one) for one in address_book.visible_departments(world, app)}
    wanted = {int(one) for one in parties if one in known}
    named = [userid for userid in users if address_book.sees(world, app, userid)]
    good = named + ([one for one in world.members if _is_within(world, one, wanted)] if wanted else [])
    if not good:
        raise ApiError(81013)
    seen = set(named)
    return list(dict.fromkeys(good)), {
        "invaliduser": "|".join(userid.lower() for userid in users if userid not in seen),
        "invalidparty": "|".join(one for one in parties if one not in known),
        "invalidtag": "|".join(tags),
        "unlicenseduser": "",
    }


def _is_within(world: World, userid: str, departments: set[int]) -> bool:
    own = world.members[userid].departments
    return any(departments.intersection(address_book.lineage(world, one)) for one in own)


def _joined(body: Json, name: str) -> list[str]:
    value = body.get(name) or ""
    if not isinstance(value, str):
        raise ApiError(40058, f"{name} should be a string")
    return [part for part in value.split("|") if part]


def _content(world: World, body: Json) -> tuple[str, Json]:
    kind = text(body, "msgtype", least=1, most=32)
    if kind not in REQUIRED:
        raise ApiError(40008, kind)
    content = inner(body, kind)
    for name, most in REQUIRED[kind].items():
        _sized(content, name, most, least=1)
    for name, most in OPTIONAL.get(kind, {}).items():
        _sized(content, name, most, least=0)
    if "media_id" in REQUIRED[kind]:
        world.media.get(content["media_id"], world.clock.now())
    if kind in ("news", "mpnews"):
        articles = content.get("articles")
        if not isinstance(articles, list) or not 1 <= len(articles) <= 8:
            raise ApiError(45008)
    if kind == "template_card":
        cards.check(content)
    if body.get("safe") == 1 and kind in ("news", "markdown", "template_card", "textcard"):
        raise ApiError(40074)
    return kind, content


def _sized(content: Json, name: str, most: int, *, least: int) -> None:
    value = content.get(name)
    if value is None or value == "":
        if least:
            raise ApiError(44004 if name == "content" else 40063, f"{name} is missing")
        return
    if not isinstance(value, str):
        raise ApiError(40058, f"{name} should be a string")
    if len(value.encode()) > most:
        raise ApiError(45002, name)


# Bytes of UTF-8; where the page counts characters, three bytes for each.
REQUIRED: dict[str, dict[str, int]] = {
    "text": {"content": 2048},
    "image": {"media_id": 512},
    "voice": {"media_id": 512},
    "video": {"media_id": 512},
    "file": {"media_id": 512},
    "textcard": {"title": 128 * 3, "description": 512 * 3, "url": 2048},
    "news": {},
    "mpnews": {},
    "markdown": {"content": 2048},
    "miniprogram_notice": {"appid": 64, "title": 36},
    "template_card": {"card_type": 64},
}
OPTIONAL: dict[str, dict[str, int]] = {
    "video": {"title": 128, "description": 512},
    "textcard": {"btntxt": 12},
    "miniprogram_notice": {"description": 36, "page": 1024},
}
