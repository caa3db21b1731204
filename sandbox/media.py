"""Temporary media (临时素材): size and type rules of upload, three days of life on the virtual clock.

Source: WeCom docs 90253 and 90254. The samples are drawn here, so that a demo needs no file at hand.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from sandbox.codes import ApiError

LIFE_SECONDS = 3 * 24 * 3600
KEPT_BYTES = 256 * 1024 * 1024
MEBIBYTE = 1024 * 1024
LIMIT_BYTES = {"image": 10 * MEBIBYTE, "voice": 2 * MEBIBYTE, "video": 10 * MEBIBYTE, "file": 20 * MEBIBYTE}
SIZE_CODES = {"image": 40009, "voice": 40006, "video": 40011, "file": 40006}
CONTENT_TYPES = {
    "image": "image/png",
    "voice": "audio/amr",
    "video": "video/mp4",
    "file": "application/octet-stream",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Media:
    media_id: str
    kind: str
    filename: str
    content_type: str
    content: bytes
    created_at: float
    scene: int = 0  # attachment_type of media/upload_attachment; 0: media/upload


class MediaShelf:
    """Holds media by id; forgets the oldest when more than 256 MiB are kept."""

    def __init__(self) -> None:
        self._kept: dict[str, Media] = {}
        self._bytes = 0

    def put(self, media: Media) -> Media:
        self._kept[media.media_id] = media
        self._bytes += len(media.content)
        while self._bytes > KEPT_BYTES:
            oldest = next(iter(self._kept))
            self._bytes -= len(self._kept.pop(oldest).content)
        return media

    def get(self, media_id: str, now: float) -> Media:
        """The media of this id. Raises ApiError 41006 or 40007 (unknown, or older than three days)."""
        if not media_id:
            raise ApiError(41006)
        media = self._kept.get(media_id)
        if media is None or now >= media.created_at + LIFE_SECONDS:
            raise ApiError(40007)
        return media

    def describe(self, media_id: str) -> dict[str, object] | None:
        """File name and size, for the page; None when nothing is kept under this id."""
        media = self._kept.get(media_id)
        return {"filename": media.filename, "bytes": len(media.content)} if media else None


def check_upload(kind: str, content: bytes) -> str:
    """The content type of an upload. Raises ApiError for a wrong kind, form or size."""
    if kind not in LIMIT_BYTES:
        raise ApiError(40004)
    if not content:
        raise ApiError(44001)
    if not 5 < len(content) <= LIMIT_BYTES[kind]:
        raise ApiError(SIZE_CODES[kind])
    if kind == "image":
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            return "image/png"
        if content.startswith(b"\xff\xd8\xff"):
            return "image/jpeg"
        raise ApiError(40005)
    if kind == "voice" and not content.startswith(b"#!AMR"):
        raise ApiError(301017)
    if kind == "video" and content[4:8] != b"ftyp":
        raise ApiError(40005)
    return CONTENT_TYPES[kind]


def sample(kind: str) -> tuple[str, bytes]:
    """File name and content of a small valid sample of this kind."""
    if kind == "image":
        return "sample.png", _png(64, 48, (7, 193, 96))
    if kind == "voice":
        return "sample.amr", b"#!AMR\n" + b"\x7c" * 150  # 3 s of frames that carry no sound
    if kind == "video":
        return "sample.mp4", struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 512, b"isom", b"mp41") + bytes(
            64
        )
    return "sample.txt", "这是一个示例文件。\n".encode()


def _png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    row = b"\x00" + bytes(colour) * width
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(row * height)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
