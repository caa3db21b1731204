"""Vectors kept in the data folder, so that a restart does not compute those of the entries' phrases again.

Called by content.meaning. One file, whole or not there: written beside it and renamed, with a checksum at its end. What
cannot be read counts as empty, what cannot be written is told in the log and computed again at the next start. Holds
digests of the phrases, not their words. Several processes may share a folder: the last writer wins, and the others lose
time, not truth.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from content.meaning.weights import Floats

log = logging.getLogger(__name__)

MOST_VECTORS = 50_000  # 77 MB on disk at 384 numbers each.
_MARK = b"guanjia vectors 1\n"
_DIGEST = 16
_CHECKSUM = 32


class Kept:
    """The file of one model's vectors. `version` names the model: vectors of two versions cannot be compared."""

    def __init__(self, folder: Path, version: str, width: int) -> None:
        self._path = folder / "meaning.vectors"
        self._head = _MARK + f"{version} {width}\n".encode()
        self._width = width
        self._row = _DIGEST + 4 * width

    def read(self) -> dict[bytes, Floats]:
        """Return the vectors by digest, in the order they came in; empty when there are none or the file is broken."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as refused:
            log.warning("vectors unreadable", extra={"action": "vectors_unreadable", "reason": str(refused)})
            return {}
        rows = content[len(self._head) : -_CHECKSUM]
        if (
            not content.startswith(self._head)
            or len(rows) % self._row
            or _checksum(content[:-_CHECKSUM]) != content[-_CHECKSUM:]
        ):
            log.info("vectors discarded", extra={"action": "vectors_discarded"})
            return {}
        table = np.frombuffer(rows, np.uint8).reshape(-1, self._row)
        vectors = np.ascontiguousarray(table[:, _DIGEST:]).view("<f4")
        return {table[at, :_DIGEST].tobytes(): vectors[at] for at in range(len(table))}

    def write(self, vectors: Mapping[bytes, Floats]) -> None:
        """Replace the file by these; the newest when they are more than MOST_VECTORS."""
        newest = list(vectors.items())[-MOST_VECTORS:]
        rows = (name + vector.astype("<f4").tobytes() for name, vector in newest)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self._path, itertools.chain([self._head], rows))
        except OSError as refused:
            log.warning("vectors not kept", extra={"action": "vectors_not_kept", "reason": str(refused)})


def digest(text: str) -> bytes:
    """Return the name a text's vector is kept under."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM).digest()


def _replace(path: Path, parts: Iterable[bytes]) -> None:
    """Write the parts and their checksum, piece by piece: a file of 50,000 vectors is never whole in memory."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}-")
    checksum = hashlib.blake2b(digest_size=_CHECKSUM)
    try:
        with os.fdopen(handle, "wb") as out:
            for part in parts:
                checksum.update(part)
                out.write(part)
            out.write(checksum.digest())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
