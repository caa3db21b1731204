"""Which files the rules look at: what git tracks or would track, so that no build output is judged."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The folders whose import direction pyproject.toml fixes.
PACKAGES = ("audit", "bot", "console", "content", "domain", "handlers", "sandbox", "scheduler", "store")


@functools.cache
def files(*suffixes: str, under: tuple[str, ...] = ()) -> list[Path]:
    """Return the project's files with one of `suffixes`, sorted; `under` limits them to these folders."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *under],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = (ROOT / name for name in sorted(set(listed.stdout.split("\0"))) if name)
    return [path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes)]


def name(path: Path) -> str:
    """Return the path as seen from the root, for messages."""
    return path.relative_to(ROOT).as_posix()
