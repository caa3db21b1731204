"""The message archive of the demo: the sandbox writes it and makes its library, the bot reads it like a real one.

The library is compiled by the sandbox; on a machine without a C compiler the demo simply has no archive.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.config.table import SHIPPED_FOLDER

_MAKE_SECONDS = 60.0
_POLL_SECONDS = 3


@dataclass(frozen=True, kw_only=True)
class DemoArchive:
    """Where the archive is, and what the company has set up. Each text is a part of a TOML file."""

    folder: Path
    library: Path
    key: Path
    version: int

    @property
    def sandbox_head(self) -> str:
        """The sandbox's setting at the top level."""
        return f"archive_folder = {json.dumps(str(self.folder))}\n"

    def bot_section(self, secret: str) -> str:
        """The bot's section."""
        return (
            f"[wecom.archive]\nlibrary = {json.dumps(str(self.library))}\nsecret = {json.dumps(secret)}\n"
            f"private_keys = [{json.dumps(f'{self.version}={self.key}')}]\n"
            f'poll_seconds = {_POLL_SECONDS}\npolicy_version = "demo"\n'
        )


def prepare(folder: Path) -> DemoArchive | None:
    """Have the sandbox make keys and library in `folder`; None where it cannot."""
    command = [sys.executable, "-m", "sandbox.archive", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - this program's own interpreter and module
            command, capture_output=True, text=True, timeout=_MAKE_SECONDS, check=True, cwd=SHIPPED_FOLDER
        )
    except (OSError, subprocess.SubprocessError):
        return None
    made = json.loads(done.stdout)
    return DemoArchive(
        folder=folder, library=Path(made["library"]), key=Path(made["key"]), version=int(made["version"])
    )
