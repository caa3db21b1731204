"""What hangs beside the words of mass sends and group welcomes: pictures, links, files, videos.

Sizes are checked before any call. Sources: WeCom docs 92135, 92137, 92366.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bot.channels.wecom.uploads import LIMIT_BYTES as FILE_KINDS
from bot.channels.wecom.uploads import Uploads
from domain.delivery import Attached, Delivery
from domain.errors import ChannelBusy, ChannelRefused

_TITLE_BYTES, _DESC_BYTES, _URL_BYTES = 128, 512, 2048
# With the time limit of one upload and of the call that follows, shorter than the outbox's lease on a delivery.
LONGEST = timedelta(seconds=20)
_UNKNOWN_MEDIA = 40007
_TRIES = 5


def check(attached: Sequence[Attached], most: int, endpoint: str) -> None:
    """Raise ChannelRefused for what the platform would not take."""
    if len(attached) > most:
        raise ChannelRefused(
            f"{endpoint}: {len(attached)} attachments; allowed are {most}", endpoint=endpoint
        )
    for one in attached:
        wrong = _wrong(one)
        if wrong:
            raise ChannelRefused(
                f"{endpoint}: attachment {one.name or one.title}: {wrong}", endpoint=endpoint
            )


async def shapes(uploads: Uploads, attached: Sequence[Attached], endpoint: str) -> list[dict[str, Any]]:
    """Return the attachments as the platform wants them, files uploaded.

    Raises as Uploads.media_id, and ChannelBusy when it took so long that the delivery may have been taken back: the
    next try finds what was uploaded.
    """
    began, shown = uploads.clock.wall(), []
    for one in attached:
        shown.append({"msgtype": one.kind, one.kind: await _shape(uploads, one)})
        if uploads.clock.wall() - began > LONGEST:
            what = f"{endpoint}: uploading took longer than {LONGEST.total_seconds():.0f} seconds"
            raise ChannelBusy(what, retry_after=timedelta(seconds=1), endpoint=endpoint)
    return shown


async def upload_again(uploads: Uploads, delivery: Delivery, error: ChannelRefused) -> None:
    """Raise ChannelBusy when `error` may be a file the platform has forgotten: the next try uploads it anew.

    Nothing was done, since it was refused. After some tries the refusal is believed.
    """
    files = [one for one in delivery.body.attachments if one.kind in FILE_KINDS]
    if error.errcode != _UNKNOWN_MEDIA or not files or delivery.attempt > _TRIES:
        return
    for one in files:
        await uploads.forget(one)
    raise ChannelBusy(
        str(error), retry_after=timedelta(seconds=1), errcode=error.errcode, endpoint=error.endpoint
    ) from error


def _wrong(one: Attached) -> str:
    if one.kind in FILE_KINDS:
        return "" if one.digest else "no file stands behind it"
    if one.kind != "link":
        return f"{one.kind} cannot be sent"
    if not one.title or not one.url.startswith(("https://", "http://")):
        return "a link needs a title and an address that begins with https://"
    sizes = ((one.title, _TITLE_BYTES), (one.desc, _DESC_BYTES), (one.url, _URL_BYTES))
    over = [f"{len(text.encode())} bytes of {most}" for text, most in sizes if len(text.encode()) > most]
    return ", ".join(over)


async def _shape(uploads: Uploads, one: Attached) -> dict[str, str]:
    if one.kind in FILE_KINDS:
        return {"media_id": await uploads.media_id(one)}
    link = {"title": one.title, "desc": one.desc, "url": one.url}
    return {name: text for name, text in link.items() if text}
