"""What a page of the message archive becomes in our records: one transaction, together with the place in the archive.

Called by bot/archive_puller.py. Whatever cannot be read is put aside as it came; what is read is recorded once, by its
msgid, in whatever order it comes. After a customer disagreed it is recorded that something was said, but no words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.archive import parsing
from domain.archive import (
    Action,
    Archived,
    Consent,
    ConsentSource,
    ConsentStatus,
    Entry,
    HoldReason,
    Opened,
)
from domain.audit import TalkKind
from domain.talk import Author
from store import archive_media, archives, consents, conversations, customers, messages, staff, twins
from store.archives import ArchiveLease, NewHold
from store.messages import NewMessage

SOURCE = twins.ARCHIVE
WITHHELD = "withheld"
# The archive keeps five days. A message that says it is older than this, or from the future, has a wrong clock.
_OLDEST, _AHEAD = timedelta(days=366), timedelta(hours=1)
_EVENTS = frozenset({"revoke", "agree", "disagree"})
_ID_CHARACTERS = 64


@dataclass(frozen=True, kw_only=True)
class Read:
    """An entry with what became of it: a message, or the reason why there is none."""

    entry: Entry
    message: Archived | None = None
    reason: HoldReason | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """How many messages of a page were new, and how many entries were put aside."""

    new: int
    held: int


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where something was said. `customer`: external id of a one-to-one talk, "" elsewhere."""

    channel: TalkKind
    account_id: str
    customer: str = ""


@dataclass(frozen=True, kw_only=True)
class _Timed:
    """A message with the time under which it is recorded. `oddity`: why that is not its own.

    `speaker`: on whose side the one is who acted.
    """

    message: Archived
    entry: Entry
    place: _Place
    speaker: Author
    sent_at: datetime
    oddity: str = ""


def read(entry: Entry, opened: Opened) -> Read:
    """Return what an opened entry says. Pure."""
    if opened.reason is not None:
        return Read(entry=entry, reason=opened.reason, error=opened.error)
    try:
        return Read(entry=entry, message=parsing.parse(entry, opened.text))
    except parsing.Unreadable as error:
        return Read(entry=entry, reason=HoldReason.UNREADABLE, error=str(error))
    except Exception as error:
        # One entry that we did not foresee is put aside; it must not stop the archive. Its words are never told.
        return Read(entry=entry, reason=HoldReason.UNREADABLE, error=f"fault of ours: {type(error).__name__}")


async def record_page(
    tx: AsyncConnection,
    held: ArchiveLease,
    page: Sequence[Read],
    *,
    policy_version: str,
    now: datetime,
    until: datetime,
) -> Recorded | None:
    """Store a page and move on; None when another process has taken over: nothing is stored then.

    `until`: how long the right to read is kept (wall). `policy_version`: of the text customers agree to.
    """
    if not await archives.set_seq(tx, held, page[-1].entry.seq, now, until=until):
        return None
    aside = [
        NewHold(entry=one.entry, reason=one.reason, error=one.error) for one in page if one.reason is not None
    ]
    await archives.add_holds(tx, aside, now)
    new = await record(tx, page, policy_version=policy_version, now=now)
    return Recorded(new=new, held=len(aside))


async def record(tx: AsyncConnection, page: Sequence[Read], *, policy_version: str, now: datetime) -> int:
    """Record the messages of a page that are not on record; return how many."""
    timed = _timed(page, now, await _find_members(tx, page))
    known = await messages.find_known(tx, SOURCE, list(timed))
    fresh = [one for msgid, one in timed.items() if msgid not in known]
    if not fresh:
        return 0
    words = [one.message.consent for one in fresh if one.message.consent is not None]
    await consents.add(tx, words, source=ConsentSource.ARCHIVE, policy_version=policy_version, now=now)
    told = await consents.find_words(tx, {subject for one in fresh if (subject := _subject(one))})
    talks = await _ensure_talks(tx, fresh, now)
    new = [_new_message(one, talks[one.place], _word(one, told)) for one in fresh]
    numbers = await messages.add(tx, new, now)
    await _record_rest(tx, fresh, new, numbers, now)
    return len(fresh)


async def _record_rest(
    tx: AsyncConnection,
    fresh: Sequence[_Timed],
    new: Sequence[NewMessage],
    numbers: Sequence[int],
    now: datetime,
) -> None:
    """Record what hangs on the messages: recalls, files, times, twins, notes about wrong clocks."""
    latest: dict[int, datetime] = {}
    files, spoken = [], []
    for one, said, number in zip(fresh, new, numbers, strict=True):
        talk = said.conversation_id
        latest[talk] = max(one.sent_at, latest.get(talk, one.sent_at))
        if one.message.recalled_msgid:
            await messages.record_recall(
                tx,
                conversation_id=talk,
                source=SOURCE,
                msgid=one.message.recalled_msgid,
                recalled_by=one.speaker,
                at=one.sent_at,
            )
        if said.kind != WITHHELD:
            files += [(number, file) for file in one.message.files]
        if said.author is Author.SERVICER and said.text:
            spoken.append(
                twins.Spoken(
                    id=number,
                    conversation_id=talk,
                    servicer_id=said.servicer_id,
                    sent_at=one.sent_at,
                    text=said.text,
                )
            )
    await archive_media.add(tx, files, now)
    await conversations.set_heard(tx, latest, now)
    await twins.find_for_archived(tx, spoken, now)
    odd = [
        NewHold(entry=one.entry, reason=HoldReason.CLOCK, error=one.oddity, is_read=True)
        for one in fresh
        if one.oddity
    ]
    await archives.add_holds(tx, odd, now)


async def _find_members(tx: AsyncConnection, page: Sequence[Read]) -> frozenset[str]:
    """Return the members on a page whose UserIDs look like a customer's or a robot's (wongxm, wbclark)."""
    people = {who for one in page if one.message for who in (one.message.sender, *one.message.receivers)}
    doubtful = sorted(who for who in people if parsing.is_customer(who) or parsing.is_robot(who))
    known = set(await staff.find_ids(tx, doubtful))
    return frozenset(known | (await archives.find_archived(tx, doubtful)))


def place_of(one: Archived, members: frozenset[str] = frozenset()) -> _Place:
    """Return where a message was said, by its ids alone. `members`: known as such, whatever their ids look like."""
    people = [who for who in (one.sender, *one.receivers) if who]
    outside = [who for who in people if parsing.is_customer(who) and who not in members]
    told = parsing.is_external(one.msgid)
    if one.room_id:
        is_group = told if told is not None else bool(outside)
        return _Place(channel=TalkKind.GROUP if is_group else TalkKind.INTERNAL, account_id=one.room_id)
    inside = [who for who in people if who not in outside and (who in members or not parsing.is_robot(who))]
    if outside and inside:
        return _Place(channel=TalkKind.CHAT, account_id=inside[0], customer=outside[0])
    among = "|".join(sorted(set(people))) or one.msgid
    if len(among) > _ID_CHARACTERS:
        among = hashlib.sha256(among.encode()).hexdigest()
    return _Place(channel=TalkKind.INTERNAL, account_id=among)


def _timed(page: Sequence[Read], now: datetime, members: frozenset[str]) -> dict[str, _Timed]:
    """Return the messages by msgid, each with a time that can be true: its own or that of the one before it."""
    found: dict[str, _Timed] = {}
    before = now
    for one in page:
        message = one.message
        if message is None or message.msgid in found:
            continue
        told, oddity = message.told_at, ""
        if told is None or not now - _OLDEST <= told <= now + _AHEAD:
            oddity = f"its own time is {told.isoformat() if told else 'missing'}"
        else:
            before = told
        found[message.msgid] = _Timed(
            message=message,
            entry=one.entry,
            place=place_of(message, members),
            speaker=_speaker(message, members),
            sent_at=before,
            oddity=oddity,
        )
    return found


def _subject(one: _Timed) -> tuple[str, str, str] | None:
    """Return whose word about the archive a message falls under: customer, member, group; None: nobody's."""
    if one.place.channel is TalkKind.CHAT:
        return one.place.customer, one.place.account_id, ""
    if one.place.channel is TalkKind.GROUP and one.speaker is Author.CUSTOMER:
        return one.message.sender, "", one.place.account_id
    return None


def _word(one: _Timed, told: Mapping[tuple[str, str, str], Sequence[Consent]]) -> Consent | None:
    subject = _subject(one)
    return consents.word_at(told.get(subject, ()), one.sent_at) if subject else None


def _speaker(one: Archived, members: frozenset[str]) -> Author:
    """Return on whose side the person is who acted."""
    if one.sender in members:
        return Author.SERVICER
    if parsing.is_customer(one.sender):
        return Author.CUSTOMER
    return Author.SYSTEM if not one.sender or parsing.is_robot(one.sender) else Author.SERVICER


def _new_message(one: _Timed, talk: int, word: Consent | None) -> NewMessage:
    message = one.message
    is_said = message.action is Action.SEND and message.kind not in _EVENTS
    author = one.speaker if is_said else Author.SYSTEM
    is_withheld = is_said and word is not None and word.status is ConsentStatus.DISAGREE
    # In a one-to-one talk the conversation tells who the customer is.
    is_told_by_talk = author is Author.SERVICER or message.sender == one.place.customer
    return NewMessage(
        conversation_id=talk,
        source=SOURCE,
        msgid=message.msgid,
        author=author,
        kind=WITHHELD if is_withheld else message.kind,
        sent_at=one.sent_at,
        text="" if is_withheld else message.text,
        raw="" if is_withheld else message.raw,
        servicer_id=message.sender if author is Author.SERVICER else "",
        sender_id="" if is_told_by_talk else message.sender,
        consent_id=word.id if word else None,
    )


async def _ensure_talks(tx: AsyncConnection, fresh: Sequence[_Timed], now: datetime) -> dict[_Place, int]:
    """Return the conversation of each place; customers and members who are new are added."""
    places = {one.place for one in fresh}
    outside = {one.place.customer for one in fresh if one.place.customer}
    outside |= {one.message.sender for one in fresh if one.speaker is Author.CUSTOMER}
    who = await customers.ensure(tx, sorted(outside), now)
    inside = {place.account_id for place in places if place.channel is TalkKind.CHAT}
    inside |= {one.message.sender for one in fresh if one.speaker is Author.SERVICER}
    unknown = inside - set(await staff.find_ids(tx, sorted(inside)))
    await staff.ensure(tx, sorted(unknown), now)
    pairs = {
        (place.account_id, who[place.customer]): place for place in places if place.channel is TalkKind.CHAT
    }
    chats = await conversations.ensure_chats(tx, pairs, now)
    talks = {place: chats[pair] for pair, place in pairs.items()}
    rooms = {place.account_id: place for place in places if place.channel is TalkKind.GROUP}
    found = await conversations.ensure_group(tx, rooms, now)
    talks |= {place: found[room] for room, place in rooms.items()}
    inner = {place.account_id: place for place in places if place.channel is TalkKind.INTERNAL}
    found = await conversations.ensure_internal(tx, inner, now)
    return talks | {place: found[room] for room, place in inner.items()}
