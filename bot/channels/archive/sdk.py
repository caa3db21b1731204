"""The Finance SDK's C functions, called by ctypes.

Runs in the child process only (child.py): the library aborts the whole process on some input. Imports nothing of ours.
One `Sdk` a corp, made once and kept: making one for each call ends in refused tokens (WeCom doc 91552). Functions and
structures are those of WeWorkFinanceSdk_C.h; each pointer is `c_void_p`, because an int would cut 64 bits to 32.
"""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int, c_uint, c_ulonglong, c_void_p
from typing import Any

# A shorter text aborts the process (std::out_of_range), whatever the key; measured on version 3 of 2025-02-05.
LEAST_ENCRYPTED = 13
# name: (result, arguments).
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "NewSdk": (c_void_p, []),
    "Init": (c_int, [c_void_p, c_char_p, c_char_p]),
    "GetChatData": (
        c_int,
        [c_void_p, c_ulonglong, c_uint, c_char_p, c_char_p, c_int, c_void_p],
    ),
    "DecryptData": (c_int, [c_char_p, c_char_p, c_void_p]),
    "GetMediaData": (
        c_int,
        [c_void_p, c_char_p, c_char_p, c_char_p, c_char_p, c_int, c_void_p],
    ),
    "DestroySdk": (None, [c_void_p]),
    "NewSlice": (c_void_p, []),
    "FreeSlice": (None, [c_void_p]),
    "GetContentFromSlice": (c_void_p, [c_void_p]),
    "GetSliceLen": (c_int, [c_void_p]),
    "NewMediaData": (c_void_p, []),
    "FreeMediaData": (None, [c_void_p]),
    "GetOutIndexBuf": (c_void_p, [c_void_p]),
    "GetData": (c_void_p, [c_void_p]),
    "GetIndexLen": (c_int, [c_void_p]),
    "GetDataLen": (c_int, [c_void_p]),
    "IsMediaDataFinish": (c_int, [c_void_p]),
}


class SdkError(Exception):
    """The library answered a number other than 0."""

    def __init__(self, call: str, code: int) -> None:
        self.call, self.code = call, code
        super().__init__(f"{call}: {code}")


class Sdk:
    """The open library. Raises OSError when it cannot be loaded, AttributeError when it lacks a function."""

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path)
        self._call: dict[str, Any] = {}
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
            self._call[name] = function
        self._sdk: int | None = None
        self._proxy = self._password = b""
        self._seconds = 10

    def init(self, corp_id: str, secret: str, proxy: str, password: str, seconds: int) -> None:
        """Make ready, once. `proxy`: "http://host:port" or "socks5://host:port", `password`: "user:pass", or ""."""
        self._proxy, self._password, self._seconds = proxy.encode(), password.encode(), seconds
        sdk = self._call["NewSdk"]()
        _check("Init", self._call["Init"](sdk, corp_id.encode(), secret.encode()))
        self._sdk = sdk

    def get_chat_data(self, seq: int, limit: int) -> bytes:
        """Return the JSON of the entries after `seq`."""
        slice_ = self._call["NewSlice"]()
        try:
            code = self._call["GetChatData"](
                self._sdk, seq, limit, self._proxy, self._password, self._seconds, slice_
            )
            _check("GetChatData", code)
            return self._content(slice_)
        finally:
            self._call["FreeSlice"](slice_)

    def decrypt(self, key: bytes, encrypted: bytes) -> bytes:
        """Return the plain JSON of a message. `key`: as RSA gave it. Raises ValueError for what would kill us."""
        if len(encrypted) < LEAST_ENCRYPTED or b"\0" in encrypted or b"\0" in key or not key:
            raise ValueError("too short, or holds a zero byte")
        slice_ = self._call["NewSlice"]()
        try:
            _check("DecryptData", self._call["DecryptData"](key, encrypted, slice_))
            return self._content(slice_)
        finally:
            self._call["FreeSlice"](slice_)

    def get_media(self, file_id: str, index: str) -> tuple[bytes, str, bool]:
        """Return one part of a file, where the next begins, and whether this was the last."""
        media = self._call["NewMediaData"]()
        try:
            code = self._call["GetMediaData"](
                self._sdk,
                index.encode(),
                file_id.encode(),
                self._proxy,
                self._password,
                self._seconds,
                media,
            )
            _check("GetMediaData", code)
            content = _copy(self._call["GetData"](media), self._call["GetDataLen"](media))
            following = _copy(self._call["GetOutIndexBuf"](media), self._call["GetIndexLen"](media))
            return content, following.decode("utf-8", "replace"), bool(self._call["IsMediaDataFinish"](media))
        finally:
            self._call["FreeMediaData"](media)

    def destroy(self) -> None:
        """End."""
        if self._sdk is not None:
            self._call["DestroySdk"](self._sdk)
            self._sdk = None

    def _content(self, slice_: int) -> bytes:
        return _copy(self._call["GetContentFromSlice"](slice_), self._call["GetSliceLen"](slice_))


def _check(call: str, code: int) -> None:
    if code != 0:
        raise SdkError(call, code)


def _copy(pointer: int | None, length: int) -> bytes:
    return ctypes.string_at(pointer, length) if pointer and length > 0 else b""
