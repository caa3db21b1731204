"""Files of the platform: download to our disk by digest, upload from memory.

A media_id lives three days, so the inbox fetches files soon after their message. The answer of media/get is the
file itself, or JSON with an errcode; a customer's own JSON file has a Content-Disposition and an error has
none. Sources: WeCom docs 90253 (upload), 90254 (download).
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

import aiohttp

from bot.channels.wecom import errors
from bot.channels.wecom.client import Request, WeComClient, decode_answer
from domain.errors import ChannelRefused
from domain.platform import MediaFile

LIMIT_BYTES = 20 * 1024 * 1024  # The largest file a customer can send (doc 94670).
_CHUNK = 64 * 1024
_ENDPOINT = "media/get"
_UPLOAD = "media/upload"
_UPLOAD_SECONDS = 30.0


async def download(
    client: WeComClient, media_id: str, folder: Path, limit_bytes: int = LIMIT_BYTES
) -> MediaFile:
    """Fetch a file into `folder`, named by its SHA-256, and return where it is.

    A file that is there already is kept. Nothing is left behind on failure. Raises ChannelRefused (40007: the
    id has expired; or larger than `limit_bytes`) and as WeComClient.request.
    """

    async def read(response: aiohttp.ClientResponse) -> MediaFile:
        await _raise_for_error(client, response)
        return await _keep(response, folder, limit_bytes)

    request = Request(
        method="get",
        endpoint=_ENDPOINT,
        params={"media_id": media_id},
        timeout_seconds=client.settings.media_seconds,
    )
    return await client.request(request, read)


async def upload(client: WeComClient, kind: str, file_name: str, content: bytes, content_type: str) -> str:
    """Send a file and return its media_id, valid for three days. `kind`: image, voice, video or file."""
    request = Request(
        method="post",
        endpoint=_UPLOAD,
        params={"type": kind},
        form={"media": (file_name, content, content_type)},
        timeout_seconds=_UPLOAD_SECONDS,
    )
    answer = await client.request(request, functools.partial(client.read_json, _UPLOAD))
    media_id = answer.get("media_id")
    if not isinstance(media_id, str) or not media_id:
        raise errors.uncertain(_UPLOAD, "an answer without a media_id")
    return media_id


async def _raise_for_error(client: WeComClient, response: aiohttp.ClientResponse) -> None:
    is_file = "Content-Disposition" in response.headers or response.content_type not in (
        "application/json",
        "text/plain",
    )
    if response.status == 200 and is_file:
        return
    answer = decode_answer(await response.content.read(_CHUNK))
    if answer is None or "errcode" not in answer:
        raise errors.of_status(_ENDPOINT, response.status)
    client.raise_for(_ENDPOINT, answer)
    raise errors.uncertain(_ENDPOINT, "an answer without a file")


async def _keep(response: aiohttp.ClientResponse, folder: Path, limit_bytes: int) -> MediaFile:
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".download-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            digest, size = await _copy(response, file, limit_bytes)
            # Durable before the database says that we have it.
            await asyncio.to_thread(_sync, file)
        path = folder / digest
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    disposition = response.content_disposition
    return MediaFile(
        digest=digest,
        size=size,
        content_type=response.content_type,
        file_name=(disposition.filename if disposition else None) or "",
        path=path,
    )


async def _copy(response: aiohttp.ClientResponse, file: BinaryIO, limit_bytes: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    async for chunk in response.content.iter_chunked(_CHUNK):
        size += len(chunk)
        if size > limit_bytes:
            what = f"{_ENDPOINT}: the file is larger than {limit_bytes} bytes"
            raise ChannelRefused(what, endpoint=_ENDPOINT)
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest(), size


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
