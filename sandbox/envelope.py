"""The encrypted envelope of callbacks, written from the page and not from the product's code.

Source: WeCom doc 90968. AES-256-CBC, the IV is the head of the key, padding to blocks of 32.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK_BYTES = 32


class EnvelopeError(Exception):
    """An envelope that cannot be opened; `code` is the number of WeCom's own library (doc 90968)."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


def signature_of(token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    """The lower-case hex signature over the four parts."""
    ordered = sorted(part.encode() for part in (token, timestamp, nonce, encrypted))
    return hashlib.sha1(b"".join(ordered)).hexdigest()


def seal(aes_key: str, receive_id: str, message: bytes, *, head: bytes | None = None) -> str:
    """Encrypt `message` for `receive_id`. `head`: the 16 random bytes, given only by tests."""
    key = _key_bytes(aes_key)
    plain = (head or os.urandom(16)) + len(message).to_bytes(4, "big") + message + receive_id.encode()
    pad = BLOCK_BYTES - len(plain) % BLOCK_BYTES
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()


def unseal(aes_key: str, receive_id: str, encrypted: str) -> bytes:
    """Decrypt and return the message. Raises EnvelopeError -40010, -40007, -40008 or -40005."""
    key = _key_bytes(aes_key)
    try:
        cipher_text = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EnvelopeError(-40010, "not base64") from error
    if not cipher_text or len(cipher_text) % 16:
        raise EnvelopeError(-40007, "not whole blocks")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    plain = decryptor.update(cipher_text) + decryptor.finalize()
    pad = plain[-1]
    if not 1 <= pad <= BLOCK_BYTES or plain[-pad:] != bytes([pad]) * pad:
        raise EnvelopeError(-40007, "padding is wrong")
    content = plain[:-pad]
    length = int.from_bytes(content[16:20], "big")
    if len(content) < 20 or 20 + length > len(content):
        raise EnvelopeError(-40008, "length is wrong")
    if not hmac.compare_digest(content[20 + length :], receive_id.encode()):
        raise EnvelopeError(-40005, "receive id is another")
    return content[20 : 20 + length]


def is_signed(signature: str, token: str, timestamp: str, nonce: str, encrypted: str) -> bool:
    """Whether `signature` belongs to the four parts, in constant time."""
    return hmac.compare_digest(signature.encode(), signature_of(token, timestamp, nonce, encrypted).encode())


def _key_bytes(aes_key: str) -> bytes:
    try:
        key = base64.b64decode(aes_key + "=")
    except binascii.Error as error:
        raise EnvelopeError(-40004, "key is not base64") from error
    if len(key) != 32:
        raise EnvelopeError(-40004, "key is not 32 bytes")
    return key
