"""The documents keep up with the code: words, tables, commands, links, pictures."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from bot import cli
from content import compliance
from store import tables
from tests.rules import sources

READMES = [sources.ROOT / "README.md", sources.ROOT / "README.zh-CN.md"]
DOCS = sources.files(".md", under=("docs", "changes", "README.md", "README.zh-CN.md"))
GLOSSARY = sources.ROOT / "docs" / "glossary.md"
ARCHITECTURE = sources.ROOT / "docs" / "architecture.md"
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
# A command in a document: in code, at the start of a line of a block or of a word in back quotes.
COMMAND = re.compile(r"(?:^|`|\s\$ )(?:\./)?guanjia ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", re.MULTILINE)
PICTURE_LIMIT_BYTES = 300_000
# A path of somebody's own machine, or a package index: an installation uses what it is set up to use.
FOREIGN = re.compile(r"/root/|/home/\w|/simple/|\bregistry\.\w")


def test_every_word_of_domain_is_in_the_glossary() -> None:
    known = set(re.findall(r"[A-Za-z]+", GLOSSARY.read_text("utf-8")))
    classes = {
        node.name
        for path in sources.files(".py", under=("domain",))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }

    assert classes - known == set(), "add a line to docs/glossary.md"


def test_every_table_is_explained() -> None:
    explained = re.findall(r"^\| `([a-z_]+)` \|", ARCHITECTURE.read_text("utf-8"), re.MULTILINE)

    assert set(explained) == set(tables.metadata.tables), "docs/architecture.md, Records"


def test_every_wording_label_is_explained() -> None:
    rules = (sources.ROOT / "docs" / "rules.md").read_text("utf-8")

    assert {label for label in compliance.LABELS if f"| {label} |" not in rules} == set()


@pytest.mark.parametrize("readme", READMES, ids=sources.name)
def test_readme_names_two_commands_that_can_be_called(readme: Path) -> None:
    text = readme.read_text("utf-8")

    for command in ("./run", "./test"):
        assert re.search(rf"^{re.escape(command)}\b", text, re.MULTILINE), (
            f"{command} stands on no line of its own"
        )
        assert (sources.ROOT / command).stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize("readme", READMES, ids=sources.name)
def test_readme_shows_two_pictures_that_exist(readme: Path) -> None:
    shown = [target for is_picture, target in LINK.findall(readme.read_text("utf-8")) if is_picture]

    assert len(shown) >= 2
    assert [target for target in shown if not (sources.ROOT / target).is_file()] == []


def test_pictures_are_small_and_shown_somewhere() -> None:
    text = "\n".join(page.read_text("utf-8") for page in DOCS)
    pictures = sources.files(".png", under=("docs",))

    assert [sources.name(one) for one in pictures if one.stat().st_size > PICTURE_LIMIT_BYTES] == []
    assert [sources.name(one) for one in pictures if one.name not in text] == []


@pytest.mark.parametrize("page", DOCS, ids=sources.name)
def test_links_and_their_anchors_lead_somewhere(page: Path) -> None:
    broken = []
    for _, target in LINK.findall(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        wanted = page.parent / name if name else page
        if not wanted.exists() or (anchor and anchor not in _anchors(wanted)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("page", DOCS, ids=sources.name)
def test_commands_in_documents_exist(page: Path) -> None:
    commands = _parts(typer.main.get_command(cli.app))
    named = COMMAND.findall(page.read_text("utf-8"))

    assert [words for words in named if not _is_command(commands, words.split())] == []


@pytest.mark.parametrize("page", DOCS, ids=sources.name)
def test_document_names_no_private_place(page: Path) -> None:
    assert FOREIGN.findall(page.read_text("utf-8")) == []


def test_every_command_is_told_somewhere() -> None:
    commands = _parts(typer.main.get_command(cli.app))
    told = {words.split()[0] for page in DOCS for words in COMMAND.findall(page.read_text("utf-8"))}

    assert set(commands) - told == set()


def test_notices_name_every_locked_package() -> None:
    notices = (sources.ROOT / "docs" / "notices.md").read_text("utf-8")
    locked = {
        pin
        for lock in sources.files(".lock", under=("requirements*.lock",))
        for pin in re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock.read_text("utf-8"), re.MULTILINE)
    }

    assert sorted(name for name, version in locked if f"| {name} | {version} |" not in notices) == []


def _is_command(commands: dict[str, Any], words: list[str]) -> bool:
    """Say whether `words` begin with a command; what follows a command that has no parts is its argument."""
    if not words or words[0] not in commands:
        return False
    parts = _parts(commands[words[0]])
    return not parts or _is_command(parts, words[1:])


def _parts(command: Any) -> dict[str, Any]:
    """Return the commands of a group, none for a command."""
    return getattr(command, "commands", {})


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()).strip() for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}
