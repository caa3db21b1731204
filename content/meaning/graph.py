"""The model as an ONNX graph, made from the weights file at load.

Called by encoder.py. ONNX is a protobuf format (onnx/onnx `onnx.proto`, IR version 9); the few messages used here are
written by hand, because the package `onnx` would be 18 MB more to install. Operators of "com.microsoft" are
onnxruntime's own (microsoft/onnxruntime `docs/ContribOperators.md`): MatMulNBits multiplies by 4-bit blocks directly.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from content.meaning.weights import BLOCK, Floats, Weights

INPUT, OUTPUT = "words", "states"
_MICROSOFT = "com.microsoft"
_EIGHT_BIT_SUMS = 4  # MatMulNBits' accuracy_level: multiply in 8-bit integers; 5 times as quick as in floats.
_FLOAT, _UINT8, _INT64 = 1, 2, 7  # TensorProto.DataType


def write(weights: Weights, path: Path) -> None:
    """Write the graph: (1, tokens, width) embeddings of words and places in, as many states out. 14 MB.

    Raises WeightsUnusable when a tensor is missing, OSError when the disk is full.
    """
    with path.open("wb") as out:
        out.writelines(_Graph(weights).model())


class _Graph:
    """Collects nodes and tensors. Names of tensors are the file's own."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._parts: list[bytes] = []
        shape = weights.shape
        self._tensor("thirds", np.array([shape.width] * 3, np.int64))
        states = self._norm(INPUT, "emb.ln")
        for layer in range(shape.layers):
            states = self._layer(f"l{layer}", states)
        self._node("Identity", [states], [OUTPUT])

    def model(self) -> list[bytes]:
        graph = [
            *self._parts,
            _text(2, "e5"),
            _field(11, self._value(INPUT)),
            _field(12, self._value(OUTPUT)),
        ]
        opsets = _field(8, _number(2, 17)) + _field(8, _text(1, _MICROSOFT) + _number(2, 1))
        return [_number(1, 9), opsets, _key(7, 2), _varint(sum(map(len, graph))), *graph]

    def _layer(self, name: str, states: str) -> str:
        """Add one layer as BERT has it (Devlin et al. 2018): attention, then two linear maps, a norm after each."""
        width, inner = self._weights.shape.width, self._weights.shape.inner
        self._linear(states, f"{name}.qkv", [f"{name}.q", f"{name}.k", f"{name}.v"], width)
        heads = [f"{name}.query", f"{name}.key", f"{name}.value"]
        self._node("Split", [f"{name}.qkv", "thirds"], heads, axis=-1)
        self._node(
            "MultiHeadAttention",
            heads,
            [f"{name}.seen"],
            domain=_MICROSOFT,
            num_heads=self._weights.shape.heads,
        )
        self._linear(f"{name}.seen", f"{name}.ao", [f"{name}.ao"], width)
        self._node("Add", [states, f"{name}.ao"], [f"{name}.attended"])
        attended = self._norm(f"{name}.attended", f"{name}.aln")
        self._linear(attended, f"{name}.fi", [f"{name}.fi"], width)
        self._node("Gelu", [f"{name}.fi"], [f"{name}.bent"], domain=_MICROSOFT)
        self._linear(f"{name}.bent", f"{name}.fo", [f"{name}.fo"], inner)
        self._node("Add", [attended, f"{name}.fo"], [f"{name}.done"])
        return self._norm(f"{name}.done", f"{name}.oln")

    def _linear(self, given: str, result: str, names: list[str], width: int) -> None:
        """Multiply by the matrices of these names set upon each other, and add their biases."""
        read = [self._weights.blocks(f"{name}.w", width) for name in names]
        weights = np.concatenate([part for part, _ in read])
        # ONNX keeps neighbours in one byte, where the file keeps the first with the 17th.
        self._tensor(f"{result}.w", weights[..., 0::2] | (weights[..., 1::2] << 4))
        self._tensor(f"{result}.s", np.concatenate([scales for _, scales in read]))
        self._tensor(f"{result}.b", np.concatenate([self._weights.floats(f"{name}.b") for name in names]))
        self._node(
            "MatMulNBits",
            [given, f"{result}.w", f"{result}.s", "", "", f"{result}.b"],
            [result],
            domain=_MICROSOFT,
            K=width,
            N=len(weights),
            bits=4,
            block_size=BLOCK,
            accuracy_level=_EIGHT_BIT_SUMS,
        )

    def _norm(self, given: str, name: str) -> str:
        for part in ("w", "b"):
            self._tensor(f"{name}.{part}", self._weights.floats(f"{name}.{part}"))
        epsilon = self._weights.shape.epsilon
        self._node(
            "LayerNormalization",
            [given, f"{name}.w", f"{name}.b"],
            [f"{name}.normal"],
            axis=-1,
            epsilon=epsilon,
        )
        return f"{name}.normal"

    def _node(
        self, kind: str, given: Iterable[str], results: Iterable[str], *, domain: str = "", **settings: float
    ) -> None:
        node = b"".join(
            [
                *(_text(1, name) for name in given),
                *(_text(2, name) for name in results),
                _text(4, kind),
                *(_field(5, _attribute(name, value)) for name, value in settings.items()),
                _text(7, domain),
            ]
        )
        self._parts.append(_field(1, node))

    def _tensor(self, name: str, values: Floats | npt.NDArray[np.uint8] | npt.NDArray[np.int64]) -> None:
        kind = {"f": _FLOAT, "u": _UINT8, "i": _INT64}[values.dtype.kind]
        sizes = b"".join(_number(1, size) for size in values.shape)
        self._parts.append(_field(5, sizes + _number(2, kind) + _text(8, name) + _field(9, values.tobytes())))

    def _value(self, name: str) -> bytes:
        sizes = [_number(1, 1), _text(2, "tokens"), _number(1, self._weights.shape.width)]
        shape = b"".join(_field(1, size) for size in sizes)
        return _text(1, name) + _field(2, _field(1, _number(1, _FLOAT) + _field(2, shape)))


def _attribute(name: str, value: float) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    return _text(1, name) + _key(2, 5) + struct.pack("<f", value) + _number(20, 1)


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())


def _field(number: int, content: bytes) -> bytes:
    return _key(number, 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _key(number, 0) + _varint(value)


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])
