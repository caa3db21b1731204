"""The private keys of the archive by version, and what they open.

Runs in the child. A message's own key is encrypted with RSA (PKCS #1 v1.5) under the public key of its version; what
comes out is a printable text and goes to the library as it is (WeCom doc 91552). Imports nothing of ours.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_PADDING = PKCS1v15()


class NoKey(Exception):
    """No private key of this version is set up."""


class BadKey(Exception):
    """The key of this version does not open it."""


def read_key(pem: bytes, *, is_checked: bool = False) -> RSAPrivateKey:
    """Return an RSA key from PEM, PKCS #1 or PKCS #8. Raises ValueError that says what is wrong, in English.

    `is_checked`: its numbers were looked at before, which takes 50 ms.
    """
    if b"-----BEGIN" not in pem:
        raise ValueError("is no PEM file: it does not begin with -----BEGIN … PRIVATE KEY-----")
    if b"PUBLIC KEY-----" in pem and b"PRIVATE KEY-----" not in pem:
        raise ValueError("holds the public key; the private one is needed")
    try:
        key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=is_checked)
    except TypeError:
        raise ValueError("is protected by a password; write it without one and guard the file") from None
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"cannot be read as a private key ({type(error).__name__})") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("is no RSA key")
    return key


class Keys:
    """Opens message keys by private keys that were checked before (settings). Safe from several threads."""

    def __init__(self, pems: Mapping[int, str]) -> None:
        self._keys = {version: read_key(pem.encode(), is_checked=True) for version, pem in pems.items()}

    def open(self, version: int, random_key: str) -> bytes:
        """Return a message's key. Raises NoKey, BadKey."""
        key = self._keys.get(version)
        if key is None:
            raise NoKey
        try:
            opened = key.decrypt(base64.b64decode(random_key, validate=True), _PADDING)
        except (ValueError, binascii.Error):
            raise BadKey from None
        # A wrong key gives random bytes instead of an error (implicit rejection), the right one a printable text.
        if not opened or not opened.isascii() or not opened.decode().isprintable():
            raise BadKey
        return opened
