"""Rules of the other files: shell scripts, documents, browser code, what may not be in the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.rules import sources

SCRIPTS = [
    path
    for path in sources.files()
    if path.suffix == ".sh" or (not path.suffix and path.read_bytes()[:9] == b"#!/bin/sh")
]
# A line longer than this was not written by a person: minified or generated.
LINE_LIMIT = 3_000
FILE_LIMIT_BYTES = 1_000_000


@pytest.mark.parametrize("path", SCRIPTS, ids=sources.name)
def test_shell_script_is_well_formed(path: Path) -> None:
    done = subprocess.run(["sh", "-n", str(path)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["run", "test", "guanjia", ".ci/run"])
def test_command_can_be_called(name: str) -> None:
    path = sources.ROOT / name

    assert path in SCRIPTS
    assert path.stat().st_mode & 0o111 == 0o111, f"chmod +x {name}"


def test_page_code_is_readable() -> None:
    long = [
        f"{sources.name(path)}:{number}"
        for path in sources.files(".js", ".mjs", ".css", ".html", ".svg")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if len(line) > LINE_LIMIT
    ]

    assert long == [], "minified files are fetched at set-up, not committed"


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_readme_names_both_commands(name: str) -> None:
    text = (sources.ROOT / name).read_text("utf-8")

    assert "./run" in text
    assert "./test" in text


@pytest.mark.parametrize("name", ["docs/glossary.md", "docs/architecture.md"])
def test_document_exists(name: str) -> None:
    assert (sources.ROOT / name).is_file()


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{sources.name(page)}: {target}"
        for page in sources.files(".md")
        for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)", page.read_text("utf-8"))
        if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists()
    ]

    assert broken == []


def test_no_large_file_is_tracked() -> None:
    large = [sources.name(path) for path in sources.files() if path.stat().st_size > FILE_LIMIT_BYTES]

    assert large == []
