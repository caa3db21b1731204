"""The requirement locks: complete, hashed, without an address, and of one mind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.rules import sources

LOCKS = sorted(sources.ROOT.glob("requirements*.lock"))
ADDRESS = re.compile(r"[a-z]+://|\b[a-z0-9-]+\.(?:org|com|cn|io|net)\b")
MEND = "run scripts/lock.sh"


@pytest.mark.parametrize("lock", LOCKS, ids=sources.name)
def test_lock_names_no_address(lock: Path) -> None:
    pinned = re.sub(r"^\s*#.*$", "", lock.read_text("utf-8"), flags=re.MULTILINE)

    assert not ADDRESS.findall(re.sub(r"^[\w.-]+==", "", pinned, flags=re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=sources.name)
def test_every_pinned_package_has_hashes(lock: Path) -> None:
    text = re.sub(r"^\s*#.*\n", "", lock.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")

    assert [line for line in text.splitlines() if line and "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("lock", LOCKS, ids=sources.name)
def test_lock_answers_every_requirement(lock: Path) -> None:
    pins = _pins(lock)

    unanswered = [
        str(wanted)
        for wanted in _wanted(lock.with_suffix(".in"))
        if not _answers(pins.get(canonicalize_name(wanted.name)), wanted)
    ]

    assert unanswered == [], MEND


@pytest.mark.parametrize("lock", LOCKS, ids=sources.name)
def test_locks_agree_on_versions(lock: Path) -> None:
    """./run accepts what ./test installed, so a package has one version in all locks."""
    others = {name: version for other in LOCKS for name, version in _pins(other).items()}

    assert {name: version for name, version in _pins(lock).items() if others[name] != version} == {}, MEND


def test_npm_lock_has_integrity_and_no_address() -> None:
    lock = json.loads((sources.ROOT / "package-lock.json").read_text("utf-8"))
    wanted = json.loads((sources.ROOT / "package.json").read_text("utf-8"))
    packages = {path: entry for path, entry in lock["packages"].items() if path}

    for kind in ("dependencies", "devDependencies"):
        assert lock["packages"][""][kind] == wanted[kind]
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not any("resolved" in entry for entry in packages.values())


def _pins(lock: Path) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text("utf-8"), flags=re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def _wanted(source: Path) -> list[Requirement]:
    lines = [line.partition(" #")[0].strip() for line in source.read_text("utf-8").splitlines()]
    wanted = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r "))]
    included = [line.removeprefix("-r ") for line in lines if line.startswith("-r ")]
    return wanted + [each for name in included for each in _wanted(source.with_name(name))]


def _answers(version: str | None, wanted: Requirement) -> bool:
    return version is not None and wanted.specifier.contains(version, prereleases=True)
