"""The message archive (会话存档) of the pretend company: what is archived, under which keys, who agreed.

Writes the folder that finance_sdk/finance_sdk.c serves: a C library with the ABI of the platform's own. RSA is real;
the encryption of the message itself is a LABELLED STAND-IN, because the platform does not publish its own: XOR with
the key and a check sum. Sources: WeCom docs 91552, 91774.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

SOURCE = Path(__file__).parent / "finance_sdk" / "finance_sdk.c"
LIBRARY = "libfinance_standin.so"
KEY_CHARACTERS = 32


class NoCompiler(Exception):
    """No C compiler is here (cc), so the stand-in for the archive's library cannot be made; install gcc, libc6-dev."""


def compile_library(folder: Path) -> Path:
    """Make the stand-in library in `folder`, where it finds what it serves, unless it is there. Raises NoCompiler."""
    made = folder / LIBRARY
    if made.exists() and made.stat().st_mtime >= SOURCE.stat().st_mtime:
        return made
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    if compiler is None:
        raise NoCompiler((NoCompiler.__doc__ or "").strip())
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{LIBRARY}.{os.getpid()}"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(fresh), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        raise NoCompiler(f"{compiler} cannot compile the stand-in library: {done.stderr.strip()[:500]}")
    fresh.replace(made)
    return made


class Archive:
    """What a company's archive holds, in `folder`. Not for two writers at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._public: dict[int, rsa.RSAPublicKey] = {}
        (folder / "media").mkdir(parents=True, exist_ok=True)
        self._chat = folder / "chat.jsonl"
        self.seq = self._last_seq()

    def own_key(self, version: int) -> Path:
        """Encrypt under a key pair kept in the folder, made the first time; return the file of the private key."""
        path = self.folder / "keys" / f"{version}.pem"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(0o600)
            path.write_text(self.new_key(version), "ascii")
        self.use_key(version, path.read_text("ascii"))
        return path

    def new_key(self, version: int, *, pkcs1: bool = False) -> str:
        """Let the company set up a key pair of its own; return the private key in PEM, PKCS #8 or #1."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._public[version] = key.public_key()
        form = serialization.PrivateFormat.TraditionalOpenSSL if pkcs1 else serialization.PrivateFormat.PKCS8
        no_password = serialization.NoEncryption()
        return key.private_bytes(serialization.Encoding.PEM, form, no_password).decode()

    def use_key(self, version: int, private_pem: str) -> None:
        """Encrypt under the public part of this key from now on, where `version` is asked for."""
        key = serialization.load_pem_private_key(private_pem.encode(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("no RSA key")
        self._public[version] = key.public_key()

    def add(self, message: Mapping[str, Any] | str, *, version: int | None = None) -> int:
        """Archive a message (its plain JSON); return its seq. `version`: of the key, the newest without it."""
        return self.add_many([message], version=version)[0]

    def add_many(self, messages: list[Mapping[str, Any] | str], *, version: int | None = None) -> list[int]:
        """Archive messages in one go; return their seqs."""
        return self.add_entries([self.entry(one, version=version) for one in messages])

    def entry(self, message: Mapping[str, Any] | str, *, version: int | None = None) -> dict[str, Any]:
        """Return the entry of a message, without its seq."""
        chosen = max(self._public) if version is None else version
        key = secrets.token_hex(KEY_CHARACTERS // 2).encode()
        plain = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
        told = "" if isinstance(message, str) else str(message.get("msgid", ""))
        return {
            "msgid": told or secrets.token_hex(16),
            "publickey_ver": chosen,
            "encrypt_random_key": base64.b64encode(self._public[chosen].encrypt(key, PKCS1v15())).decode(),
            "encrypt_chat_msg": standin_encrypt(key, plain.encode()),
        }

    def add_entries(self, entries: list[dict[str, Any]]) -> list[int]:
        """Append entries as they are, numbered; whole lines in one write, as the library reads them."""
        seqs = []
        lines = []
        for one in entries:
            self.seq += 1
            seqs.append(self.seq)
            lines.append(json.dumps({"seq": self.seq, **one}, separators=(",", ":")) + "\n")
        with self._chat.open("a", encoding="ascii") as file:
            file.write("".join(lines))
        return seqs

    def skip_seqs(self, count: int) -> None:
        """Leave numbers out, as the real archive does."""
        self.seq += count

    def put_file(self, file_id: str, content: bytes) -> dict[str, Any]:
        """Keep the bytes behind an sdkfileid of letters, digits, - and _; return what a message tells of the file."""
        (self.folder / "media" / file_id).write_bytes(content)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return {"sdkfileid": file_id, "md5sum": md5, "filesize": len(content)}

    def refuse_file(self, file_id: str, code: int) -> None:
        """Answer `code` for this file from now on, e.g. 10010: too old."""
        (self.folder / "media" / f"{file_id}.code").write_text(str(code))

    def set_faults(self, **faults: int) -> None:
        """Let the library misbehave from its next call on; the names stand in finance_sdk.c."""
        path = self.folder / "faults"
        fresh = path.with_suffix(".new")
        fresh.write_text("".join(f"{name} {value}\n" for name, value in faults.items()))
        fresh.replace(path)

    def _last_seq(self) -> int:
        if not self._chat.exists():
            return 0
        with self._chat.open(encoding="ascii") as file:
            return max((int(json.loads(line)["seq"]) for line in file if line.endswith("\n")), default=0)


def standin_encrypt(key: bytes, plain: bytes) -> str:
    """Return what the stand-in's DecryptData turns back into `plain`. NOT the platform's own algorithm."""
    told = zlib.crc32(plain).to_bytes(4, "big") + plain
    pad = (key * (len(told) // len(key) + 1))[: len(told)]
    mixed = int.from_bytes(told, "big") ^ int.from_bytes(pad, "big")
    return base64.b64encode(mixed.to_bytes(len(told), "big")).decode()


def main() -> None:
    """`python -m sandbox.archive FOLDER`: make keys and library, print where they are; 1 without a compiler."""
    folder = Path(sys.argv[1])
    try:
        library = compile_library(folder)
    except NoCompiler as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    key = Archive(folder).own_key(1)
    print(json.dumps({"library": str(library), "key": str(key), "version": 1}))


if __name__ == "__main__":
    main()
