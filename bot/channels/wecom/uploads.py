"""Files of SOPs on their way to the platform: uploaded when first needed, then named by their media_id.

A media_id lives three days and is good for every app of the corp (WeCom doc 90253); one is used until an hour before
its end, so that it does not expire between here and the call it is for. Files come from the table sop_file.
"""

from __future__ import annotations

import hashlib
import mimetypes
from datetime import timedelta

from bot.channels.wecom import errors, media
from bot.channels.wecom.client import WeComClient
from domain.delivery import Attached
from domain.errors import ChannelRefused, ChannelUncertain
from domain.ports import Clock
from store import sop_files, uploaded_media
from store.database import Store
from store.sop_files import SopFile

LIFE = timedelta(days=3)
MARGIN = timedelta(hours=1)
_ENDPOINT = "media/upload"
_MEBIBYTE = 1024 * 1024
LIMIT_BYTES = {"image": 10 * _MEBIBYTE, "video": 10 * _MEBIBYTE, "file": 20 * _MEBIBYTE}
_LEAST_BYTES = 6  # "All files > 5 bytes" (doc 90253).


class Uploads:
    """Gives media ids for attachments."""

    def __init__(self, client: WeComClient, store: Store, clock: Clock) -> None:
        self._client, self._store = client, store
        self.clock = clock

    async def media_id(self, one: Attached) -> str:
        """Return a media_id of the file behind `one`, good for an hour at least.

        Raises ChannelRefused when the file is not kept, or is too large or too small for its kind, and as
        WeComClient.request; never ChannelUncertain, since an upload that may have worked has told nobody anything.
        """
        key, now = _key(one), self.clock.now()
        async with self._store.read() as tx:
            known = await uploaded_media.find(tx, key, now + MARGIN)
            file = None if known else await sop_files.find(tx, one.digest)
        if known:
            return known
        if file is None:
            raise _refused(f"the file {one.name or one.digest} is not kept; freeze its template again")
        _check(one, file)
        media_id = await self._upload(one, file)
        await self._store.write(lambda tx: uploaded_media.keep(tx, key, media_id, now + LIFE))
        return media_id

    async def forget(self, one: Attached) -> None:
        """Have the file behind `one` uploaded anew next time: the platform refused its media_id."""
        await self._store.write(lambda tx: uploaded_media.forget(tx, _key(one)))

    async def _upload(self, one: Attached, file: SopFile) -> str:
        name = one.name or file.name
        content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        try:
            return await media.upload(self._client, one.kind, name, file.content, content_type)
        except ChannelUncertain as error:
            raise errors.unreachable(_ENDPOINT, str(error)) from None


def _key(one: Attached) -> str:
    """A media_id is of one kind and shows one name."""
    return hashlib.sha256(f"{one.kind}\0{one.name}\0{one.digest}".encode()).hexdigest()


def _check(one: Attached, file: SopFile) -> None:
    limit = LIMIT_BYTES.get(one.kind)
    if limit is None:
        raise _refused(f"{one.kind} is no kind of file that can be uploaded")
    size = len(file.content)
    if not _LEAST_BYTES <= size <= limit:
        raise _refused(f"{file.name} has {size} bytes; a {one.kind} may have {_LEAST_BYTES} to {limit}")


def _refused(what: str) -> ChannelRefused:
    return ChannelRefused(f"{_ENDPOINT}: {what}", endpoint=_ENDPOINT)
