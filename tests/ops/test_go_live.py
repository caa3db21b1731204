"""The go-live manual tells the truth: its settings load, its commands exist, its doctor lines are printed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main

from bot import cli, config
from bot.config.table import SHIPPED_FOLDER
from domain.errors import ConfigError

MANUAL = (SHIPPED_FOLDER / "docs/go-live.md").read_text("utf-8")
SETTINGS = re.findall(r"^ *```toml\n(.*?)^ *```", MANUAL, re.MULTILINE | re.DOTALL)
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_settings_of_the_manual_are_keys_of_the_table(number: int, tmp_path: Path) -> None:
    given: dict[str, Any] = tomllib.loads(SETTINGS[number])

    try:
        config.build(given, tmp_path)
    except ConfigError as error:
        wrong = [one for one in error.problems if "Missing" not in one and "cannot be read" not in one]
        assert wrong == []


def test_commands_of_the_manual_exist() -> None:
    root = typer.main.get_command(cli.app)
    called = set(re.findall(r"(?:^|&& |\./)guanjia ((?:[a-z]+ ?){1,2})", SHELL, re.MULTILINE))

    assert len(called) > 8
    for words in called:
        first, _, second = words.strip().partition(" ")
        command = root.commands.get(first)  # type: ignore[attr-defined]  # a group
        assert command is not None, words
        if second and hasattr(command, "commands"):
            assert second in command.commands, words


def test_doctor_lines_of_the_manual_are_printed_by_the_doctor() -> None:
    code = "".join(path.read_text("utf-8") for path in (SHIPPED_FOLDER / "bot/doctor").glob("*.py"))

    for line in re.findall(r"「(.*?)」", MANUAL):
        assert f'"{line.split()[0]}' in code, line


def test_files_and_chapters_the_manual_names_are_there() -> None:
    for name in re.findall(r"deploy/[\w.]+", MANUAL):
        assert (SHIPPED_FOLDER / name).is_file(), name
    headings = {
        re.sub(r"[^\w\u3400-\u9fff-]", "", heading.lower().replace(" ", "-"))
        for heading in re.findall(r"^#+ (.*)$", MANUAL, re.MULTILINE)
    }
    for anchor in re.findall(r"\]\(#(.*?)\)", MANUAL):
        assert anchor in headings, anchor
