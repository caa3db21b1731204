"""The key that signs the chain: Ed25519, made by `guanjia chain key`, kept in a file outside the database.

A block's signature says that whoever held the key sealed this digest. It is no part of the digest, so an installation
may begin to sign at any time. `key_id` is the first 16 hex digits of the public key's SHA-256.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.errors import ConfigError
from domain.proof import Block, Head

# So that a signature over a block can be taken for nothing else.
_PREFIX = b"guanjia chain block "


class Signer:
    """Signs blocks and checks signatures. With the public half alone `sign` raises ConfigError."""

    def __init__(self, public: Ed25519PublicKey, private: Ed25519PrivateKey | None = None) -> None:
        self._public = public
        self._private = private
        self.key_id = hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]

    def sign(self, block: Block) -> Block:
        """Return the block with its signature."""
        if self._private is None:
            raise ConfigError(["proof.signing_key_file: this is a public key; signing needs the private one"])
        signature = base64.b64encode(self._private.sign(_said(block.number, block.digest))).decode()
        return dataclasses.replace(block, key_id=self.key_id, signature=signature)

    def sign_head(self, head: Head) -> Head:
        """Return the head with a signature of now; a block keeps the one it was sealed with."""
        if self._private is None:
            raise ConfigError(["proof.signing_key_file: this is a public key; signing needs the private one"])
        signature = base64.b64encode(self._private.sign(_said(head.number, head.digest))).decode()
        return dataclasses.replace(head, key_id=self.key_id, signature=signature)

    def is_signed(self, number: int, digest: str, signature: str) -> bool:
        """Say whether the signature is this key's over this block."""
        try:
            self._public.verify(base64.b64decode(signature, validate=True), _said(number, digest))
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


def load(path: Path) -> Signer:
    """Return the key of a PEM file, private or public. Raises ConfigError."""
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise ConfigError([f"proof.signing_key_file: {path} cannot be read ({error.strerror})"]) from error
    try:
        if b"PRIVATE" in pem:
            private = serialization.load_pem_private_key(pem, None)
            if isinstance(private, Ed25519PrivateKey):
                return Signer(private.public_key(), private)
        else:
            public = serialization.load_pem_public_key(pem)
            if isinstance(public, Ed25519PublicKey):
                return Signer(public)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError([f"proof.signing_key_file: {path} holds no key ({error})"]) from error
    raise ConfigError(
        [f"proof.signing_key_file: {path} is no Ed25519 key; make one with `guanjia chain key`"]
    )


def make(path: Path) -> tuple[Signer, Path]:
    """Write a new private key to `path` (readable by the owner only) and the public one beside it, `.pub`.

    Raises FileExistsError: a key that signed is never overwritten.
    """
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    public = path.with_name(path.name + ".pub")
    public.write_bytes(
        private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return Signer(private.public_key(), private), public


def _said(number: int, digest: str) -> bytes:
    return _PREFIX + f"{number} {digest}".encode()
