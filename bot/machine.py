"""The name under which a process holds work, and whether the process behind a name is still there.

A lease runs out by itself, after half a minute or two. After a crash on this machine nobody needs to wait for that: the
name says machine, process and when that process began, so the next one to start here sees that it is gone. Names of
other machines and containers are never judged.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from pathlib import Path

_PROCESSES = Path("/proc")


def owner_name() -> str:
    """Return a name for this process, unique for each house in it, at most 64 characters."""
    began = _began_at(os.getpid()) or "0"
    return f"{_machine()}:{os.getpid()}:{began}:{secrets.token_hex(4)}"


def is_gone(name: str) -> bool:
    """Say whether the process called `name` surely ended; False when that cannot be known."""
    machine, _, rest = name.partition(":")
    parts = rest.split(":")
    if machine != _machine() or len(parts) != 3 or not parts[0].isdigit() or parts[1] == "0":
        return False
    began = _began_at(int(parts[0]))
    # Another user's process may be invisible under /proc (ProtectProc, hidepid) and yet be alive.
    return not _exists(int(parts[0])) if began is None else began != parts[1]


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    stat = _PROCESSES / str(process) / "stat"
    # One we may signal is our own user's and visible; if its stat says nothing better, it is a zombie.
    return not stat.exists()


def _machine() -> str:
    """Return a mark of this boot and this space of process numbers; containers on one host have different ones."""
    try:
        boot = (_PROCESSES / "sys/kernel/random/boot_id").read_text()
        space = os.readlink(_PROCESSES / "self/ns/pid")
    except OSError:
        boot, space = socket.gethostname(), "no /proc"
    return hashlib.sha256(f"{boot}\0{space}".encode()).hexdigest()[:16]


def _began_at(process: int) -> str | None:
    """Return when a process began (clock ticks since boot), None when there is none (proc(5), field 22 of stat)."""
    try:
        fields = (_PROCESSES / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    # A killed process that nobody has waited for yet is a zombie: it does nothing any more.
    return None if fields[0] in "ZX" else fields[19]
