"""The sealed envelope of callbacks: verify, open, and seal passive replies.

Called by bot/webhook.py before anything is parsed, logged or stored; what is inside is read by parsing.py.
Order is the point: find <Encrypt> by its bytes, compare the signature in constant time, and only then decode.
Source: WeCom docs 90968 (scheme and error numbers), 90930 (callbacks), 90241 (replies), 101033 (JSON form).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from domain.errors import EnvelopeError

BAD_SIGNATURE = -40001
BAD_MARKUP = -40002
BAD_KEY = -40004
BAD_RECEIVER = -40005
BAD_CIPHERTEXT = -40007
BAD_BUFFER = -40008
BAD_BASE64 = -40010

_BLOCK = 32  # PKCS#7 to 32 bytes, not to AES's 16: standard unpadders refuse pads 17-32.
_HEAD = 20  # 16 random bytes, 4 bytes of length.
_PADS = [bytes([size]) * size for size in range(_BLOCK + 1)]
_JSON_ENCRYPT = re.compile(rb'"encrypt"\s*:\s*"([A-Za-z0-9+/=\\]+)"')


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """One callback address with its own token, key and receive_id. Raises EnvelopeError -40004 on a bad key.

    `aes_key`: 43 characters. `receive_id`: the corp id, empty for an in-house aibot.
    """

    name: str
    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    receive_id: str
    agent_id: int | None = None
    _cipher: Cipher[modes.CBC] = field(init=False, repr=False, compare=False)
    _token_bytes: bytes = field(init=False, repr=False, compare=False)
    _receive_bytes: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            # Not strict: the last of the 43 characters may carry bits that no byte uses.
            key = base64.b64decode(self.aes_key + "=", validate=True)
        except ValueError:
            key = b""
        if len(self.aes_key) != 43 or len(key) != 32:
            raise EnvelopeError(BAD_KEY, f"aes_key of receiver {self.name} is not 43 base64 characters")
        object.__setattr__(self, "_cipher", Cipher(algorithms.AES(key), modes.CBC(key[:16])))
        object.__setattr__(self, "_token_bytes", self.token.encode())
        object.__setattr__(self, "_receive_bytes", self.receive_id.encode())


def open_post(receiver: Receiver, query: Mapping[str, str], body: bytes) -> bytes:
    """Return the plaintext of a pushed callback, XML or JSON envelope. Raises EnvelopeError only."""
    return _open(receiver, query, _find_encrypt(body))


def open_echo(receiver: Receiver, query: Mapping[str, str]) -> bytes:
    """Return what the URL check must be answered with, as the whole body. Raises EnvelopeError only."""
    return _open(receiver, query, query.get("echostr", "").encode("utf-8", "replace"))


def seal(
    receiver: Receiver, plaintext: bytes, timestamp: str, nonce: str, prefix: bytes = b""
) -> tuple[str, str]:
    """Return (encrypt, signature) for a reply. `prefix`: 16 bytes; random unless a test fixes them."""
    head = (prefix or os.urandom(16)) + len(plaintext).to_bytes(4, "big")
    framed = head + plaintext + receiver._receive_bytes
    framed += _PADS[_BLOCK - len(framed) % _BLOCK]
    encrypt = base64.b64encode(receiver._cipher.encryptor().update(framed))
    return encrypt.decode(), _signature(receiver, timestamp, nonce, encrypt)


def reply_xml(receiver: Receiver, plaintext: bytes, timestamp: str, nonce: str, prefix: bytes = b"") -> bytes:
    """Return the body of a passive reply. `timestamp` (decimal seconds) and `nonce` are ours to choose."""
    encrypt, signature = seal(receiver, plaintext, timestamp, nonce, prefix)
    return (
        f"<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
        f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
    ).encode()


def reply_json(
    receiver: Receiver, plaintext: bytes, timestamp: str, nonce: str, prefix: bytes = b""
) -> bytes:
    """Return the JSON reply of an aibot. `nonce`: the one of the callback's address (WeCom doc 101033)."""
    encrypt, signature = seal(receiver, plaintext, timestamp, nonce, prefix)
    reply = {"encrypt": encrypt, "msgsignature": signature, "timestamp": int(timestamp), "nonce": nonce}
    return json.dumps(reply).encode()


def open_file(receiver: Receiver, sealed: bytes) -> bytes:
    """Return the content of a file an aibot callback points to: same key, no frame. Raises EnvelopeError."""
    return _unpad(_decrypt(receiver, sealed))


def dedupe_key(receiver: Receiver, plaintext: bytes) -> str:
    """Return the key under which a callback is stored once: SHA-256 hex over receiver, agent and plaintext.

    The platform repeats a callback with a fresh nonce and identical plaintext. MsgId does not exist for
    events, and FromUserName + CreateTime is shared by different events of one second. The AgentID of the
    envelope is not signed, so the configured one is used.
    """
    digest = hashlib.sha256(f"{receiver.name}\0{receiver.agent_id}\0".encode())
    digest.update(plaintext)
    return digest.hexdigest()


def _find_encrypt(body: bytes) -> bytes:
    start = body.find(b"<Encrypt>")
    if start >= 0:
        end = body.find(b"</Encrypt>", start)
        found = body[start + 9 : end].strip() if end > 0 else b""
        if found.startswith(b"<![CDATA[") and found.endswith(b"]]>"):
            found = found[9:-3]
    else:
        match = _JSON_ENCRYPT.search(body)
        found = match[1].replace(b"\\/", b"/") if match else b""
    if not found:
        raise EnvelopeError(BAD_MARKUP, "the body holds no Encrypt element")
    return found


def _open(receiver: Receiver, query: Mapping[str, str], encrypt: bytes) -> bytes:
    expected = _signature(receiver, query.get("timestamp", ""), query.get("nonce", ""), encrypt)
    given = query.get("msg_signature", "").encode("utf-8", "replace")
    if not hmac.compare_digest(expected.encode(), given):
        raise EnvelopeError(BAD_SIGNATURE, "wrong signature")
    try:
        sealed = binascii.a2b_base64(encrypt, strict_mode=True)
    except ValueError:
        raise EnvelopeError(BAD_BASE64, "Encrypt is not base64") from None
    return _unframe(receiver, _unpad(_decrypt(receiver, sealed)))


def _decrypt(receiver: Receiver, sealed: bytes) -> bytes:
    if not sealed or len(sealed) % 16:
        raise EnvelopeError(BAD_CIPHERTEXT, "the ciphertext is not a whole number of blocks")
    return receiver._cipher.decryptor().update(sealed)


def _unpad(padded: bytes) -> bytes:
    pad = padded[-1]
    if not 1 <= pad <= _BLOCK or not padded.endswith(_PADS[pad]):
        raise EnvelopeError(BAD_BUFFER, "wrong padding")
    return padded[:-pad]


def _unframe(receiver: Receiver, content: bytes) -> bytes:
    end = _HEAD + int.from_bytes(content[16:_HEAD], "big")
    if len(content) < _HEAD or end > len(content):
        raise EnvelopeError(BAD_BUFFER, "the length field is larger than the message")
    if not hmac.compare_digest(content[end:], receiver._receive_bytes):
        raise EnvelopeError(BAD_RECEIVER, "receiveid is not ours; check corp_id and receive_id")
    return content[_HEAD:end]


def _signature(receiver: Receiver, timestamp: str, nonce: str, encrypt: bytes) -> str:
    address = timestamp.encode("utf-8", "replace"), nonce.encode("utf-8", "replace")
    parts = sorted((receiver._token_bytes, *address, encrypt))
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).hexdigest()
