"""Rules of the Python code that no linter knows: direction, time, language, docstrings."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rules import sources

MODULES = sources.files(".py", under=sources.PACKAGES)
# Where real time may be read and waited for, and why nobody else may: a test could not move it.
MAY_KNOW_TIME = {
    "bot/clock.py": "the real clock",
    "scheduler/ticker.py": "the ticker",
    "sandbox/": "a world of its own, with its own reading of the clock file",
    "bot/demo.py": "starts processes and waits until they answer",
    "bot/channels/wecom/pacing.py": "the platform counts its limits in real seconds",
    "bot/channels/wecom/tokens.py": "waits for another replica's refresh",
    "store/database.py": "waits for another process's file lock, milliseconds",
    "store/direct.py": "a long job lets others run in between",
}
FORBIDDEN_TIMES = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.sleep",
    "asyncio.sleep",
}
# Customers' words live in content/*.toml, the console's in console/templates. Code may hold what an operator
# reads in a terminal, the sandbox's own page, and (content/) how people write, for recognising it.
MAY_SPEAK_CHINESE = (
    "bot/backup.py",
    "bot/checking.py",
    "bot/cli/",
    "bot/config/",
    "bot/demo.py",
    "bot/doctor/",
    "bot/operations.py",
    "content/",
    "sandbox/",
)
CHINESE = re.compile(r"[\u3400-\u9fff]")


def test_imports_go_to_the_right_only() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [sys.executable, str(program), "--no-cache"],
        cwd=sources.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", MODULES, ids=sources.name)
def test_module_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))

    assert ast.get_docstring(tree), f"{sources.name(path)} needs a docstring: first line what it is for"


def test_time_comes_from_the_clock() -> None:
    found = [
        f"{sources.name(path)}:{call.lineno}: {ast.unparse(call.func)}"
        for path in MODULES
        if not sources.name(path).startswith(tuple(MAY_KNOW_TIME))
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and _is_forbidden(call.func)
    ]

    assert not found, "use clock.now(); waiting is for scheduler/ticker.py:\n" + "\n".join(found)


def test_code_holds_no_sentence_for_customers() -> None:
    found = [
        f"{sources.name(path)}:{line}: {text}"
        for path in MODULES
        if not sources.name(path).startswith(MAY_SPEAK_CHINESE)
        for line, text in _strings(ast.parse(path.read_text("utf-8")))
        if _is_chinese(text)
    ]

    assert not found, "put the words into content/ or a template:\n" + "\n".join(found)


def test_modules_are_named_after_the_thing() -> None:
    vague = re.compile(r"^(utils?|helpers?|common|misc|managers?|base)$|_(utils?|helpers?|misc)$")

    assert not [sources.name(path) for path in MODULES if vague.search(path.stem)]


def _is_forbidden(function: ast.expr) -> bool:
    dotted = ast.unparse(function)
    return any(dotted == name or dotted.endswith(f".{name}") for name in FORBIDDEN_TIMES)


def _is_chinese(text: str) -> bool:
    """Say whether a text is a Chinese one; an English sentence may name a button of the platform."""
    return len(CHINESE.findall(text)) > len(re.findall("[A-Za-z]", text))


def _strings(tree: ast.Module) -> list[tuple[int, str]]:
    """Return line and value of the string literals that are not docstrings; those may give a Chinese term."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
