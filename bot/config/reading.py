"""Reads the settings: TOML, then the environment, then secrets from files.

Every mistake is collected and raised once as ConfigError, each as one sentence that names the file or
variable, the key and the fix. Where a value came from is kept beside it, so that a bad environment variable
is blamed by its name.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from bot.config import rules
from bot.config.table import AIBOT, Settings
from domain.errors import ConfigError

PREFIX = "GUANJIA_"
# Variables of that prefix which are not settings.
NOT_SETTINGS = frozenset({"GUANJIA_CONFIG"})

_NO_CONFIGURATION = (
    "没有配置：请把 config.example.toml 复制为 config.toml 并填写，或用 --config 指定文件。"
    " (No configuration: copy config.example.toml to config.toml and fill it in, or name one with --config.)"
)

Path_ = tuple[str, ...]


@dataclass(kw_only=True)
class Given:
    """The raw values as nested dicts, where each came from, and what was wrong so far."""

    values: dict[str, Any]
    file: str
    base: Path
    origins: dict[Path_, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    # Paths a sentence was already written about; what pydantic says about them is left out.
    blamed: set[Path_] = field(default_factory=set)

    def blame(self, path: Path_, sentence: str) -> None:
        self.blamed.add(path)
        self.problems.append(f"{self.name(path)} {sentence}")

    def name(self, path: Path_) -> str:
        """Return "config.toml: wecom.corp_id" or the name of the environment variable."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return f"{self.file}: {'.'.join(path)}" if self.file else variable(path)

    def find(self, path: Path_) -> Any:
        """Return the raw value at `path`, or None."""
        here: Any = self.values
        for part in path:
            here = here.get(part) if isinstance(here, dict) else None
        return here

    def put(self, path: Path_, value: Any) -> None:
        here = self.values
        for part in path[:-1]:
            below = here.get(part)
            if not isinstance(below, dict):
                below = here[part] = {}
            here = below
        here[path[-1]] = value

    def drop(self, path: Path_) -> Any:
        above = self.find(path[:-1]) if len(path) > 1 else self.values
        return above.pop(path[-1], None) if isinstance(above, dict) else None


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings from `path` (or GUANJIA_CONFIG, or ./config.toml) and then `environ`.

    Without any file the environment alone is enough; relative paths are then relative to the working folder.
    Raises ConfigError with all mistakes.
    """
    return _finish(_read(path, environ))


@dataclass(frozen=True, kw_only=True)
class SoFar:
    """Settings that may not be complete yet. `problems`: what `load` would complain about.

    `missing`: paths of credentials that are absent or wrong; `settings` holds a meaningless word in their place.
    """

    settings: Settings
    problems: tuple[str, ...] = ()
    missing: frozenset[Path_] = frozenset()

    def has(self, *path: str) -> bool:
        return path not in self.missing


def load_so_far(path: Path | None, environ: Mapping[str, str]) -> SoFar:
    """Read the settings like `load`, but go on without credentials: for the doctor, who is asked while they are filled.

    Raises ConfigError with all mistakes when there are others that leave no settings at all.
    """
    given = _read(path, environ)
    try:
        return SoFar(settings=_finish(given))
    except ConfigError as error:
        missing = _stand_in(given)
        try:
            settings = Settings.model_validate(given.values, context={"base": given.base})
        except ValidationError:
            raise error from None
        return SoFar(settings=settings, problems=tuple(error.problems), missing=missing)


# Meaningless, and of the shape the table asks for.
_STAND_INS = {"corp_id": "missing", "secret": "missing", "token": "missing", "aes_key": "A" * 43}


def _stand_in(given: Given) -> frozenset[Path_]:
    """Put a meaningless value wherever a credential is absent or was complained about; return where."""
    if not given.find(("wecom", "receivers")):
        given.put(("wecom", "receivers"), {"kf": {}})
    paths: list[Path_] = [("wecom", "corp_id")]
    paths += [
        ("wecom", "receivers", name, key)
        for name in given.find(("wecom", "receivers"))
        for key in ("secret", "token", "aes_key")
    ]
    missing = {path for path in paths if path in given.blamed or not given.find(path)}
    for path in missing:
        given.put(path, _STAND_INS[path[-1]])
    return frozenset(missing)


def _read(path: Path | None, environ: Mapping[str, str]) -> Given:
    if not is_given(path, environ):
        raise ConfigError([_NO_CONFIGURATION])
    path = path or _usual_file(environ)
    given = Given(
        values=_read_toml(path) if path else {},
        file=str(path) if path else "",
        base=(path.absolute().parent if path else Path.cwd()),
    )
    _apply_environment(given, environ)
    return given


def is_given(path: Path | None, environ: Mapping[str, str]) -> bool:
    """Say whether there is any configuration: a named file, the usual one, or variables of the environment."""
    by_variables = any(name.startswith(PREFIX) and "__" in name for name in environ)
    return path is not None or _usual_file(environ) is not None or by_variables


def _usual_file(environ: Mapping[str, str]) -> Path | None:
    if environ.get("GUANJIA_CONFIG"):
        return Path(environ["GUANJIA_CONFIG"])
    return Path("config.toml") if Path("config.toml").is_file() else None


def build(values: dict[str, Any], base: Path, *, file: str = "config.toml") -> Settings:
    """Return settings from nested dicts, for tests and the demo; relative paths start at `base`."""
    return _finish(Given(values=json.loads(json.dumps(values, default=str)), file=file, base=base))


def _finish(given: Given) -> Settings:
    for key, info in fields_of(Settings).items():
        if section_of(info) and key not in given.values:
            # A section made by pydantic itself would not know what relative paths are relative to.
            given.values[key] = {}
    _check_keys(given)
    _read_secret_files(given)
    _default_receive_ids(given)
    for path, sentence in rules.check_together(given.find):
        given.blame(path, sentence)
    try:
        settings = Settings.model_validate(given.values, context={"base": given.base})
    except ValidationError as error:
        for mistake in error.errors(include_url=False, include_input=True):
            _blame_mistake(given, mistake)
    if given.problems:
        raise ConfigError(given.problems)
    return settings


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        problem = (
            "没有这个文件，请检查 --config，或从 config.example.toml 复制一份。"
            " (No such file: check --config, or copy config.example.toml.)"
        )
    except tomllib.TOMLDecodeError as error:
        problem = f"不是有效的 TOML，请改正这一处：{error}。 (Not valid TOML; mend this place.)"
    except UnicodeDecodeError:
        problem = "不是 UTF-8 文本，请另存为 UTF-8。 (Not UTF-8 text; save it as UTF-8.)"
    except OSError as error:
        problem = f"读不了（{error.strerror}），请检查权限。 (Cannot be read; check its permissions.)"
    raise ConfigError([f"{path}: {problem}"])


# The table as a tree


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of `model` by the key a person writes."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def section_of(info: FieldInfo) -> type[BaseModel] | None:
    """Return the section behind a field, when it is one."""
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def named_section_of(info: FieldInfo) -> tuple[type[BaseModel], list[str]] | None:
    """Return the section and the allowed names of a field like `receivers`, when it is one."""
    arguments = get_args(info.annotation)
    extra = info.json_schema_extra
    if len(arguments) == 2 and isinstance(extra, dict) and "names" in extra:
        return arguments[1], [str(name) for name in extra["names"]]  # type: ignore[union-attr]
    return None


def is_secret(info: FieldInfo) -> bool:
    """Say whether the value may also come from a file: key + "_file"."""
    extra = info.json_schema_extra
    return info.annotation is SecretStr or (isinstance(extra, dict) and bool(extra.get("secret_file")))


def walk(model: type[BaseModel] = Settings, at: Path_ = ()) -> Iterator[tuple[Path_, FieldInfo]]:
    """Yield every setting with its path, named sections once per allowed name."""
    for key, info in fields_of(model).items():
        named = named_section_of(info)
        if section := section_of(info):
            yield from walk(section, (*at, key))
        elif named:
            for name in named[1]:
                yield from walk(named[0], (*at, key, name))
        else:
            yield (*at, key), info


def variable(path: Path_) -> str:
    """Return the environment variable of a setting: ("server", "port") → GUANJIA_SERVER__PORT."""
    return PREFIX + "__".join(part.upper() for part in path)


# The environment


def _apply_environment(given: Given, environ: Mapping[str, str]) -> None:
    flat = {variable(path).replace("__", "_"): variable(path) for path, _ in walk()}
    table = dict(walk())
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        if "__" not in name:
            # Container platforms put GUANJIA_PORT and the like into the environment; only a setting
            # written with one underscore is a mistake.
            if name in flat:
                given.problems.append(
                    f"{name} 不起作用，请写 {flat[name]}（两个下划线）。 (Has no effect; write {flat[name]}.)"
                )
            continue
        path = tuple(part.lower() for part in name.removeprefix(PREFIX).split("__"))
        given.origins[path] = name
        secret = path[-1].endswith("_file") and (*path[:-1], path[-1].removesuffix("_file"))
        if secret and secret in table and is_secret(table[secret]):
            given.drop(secret)
        elif path in table:
            given.drop((*path[:-1], path[-1] + "_file"))
        given.put(path, _parse_variable(environ[name], table.get(path)))


def _parse_variable(text: str, info: FieldInfo | None) -> Any:
    """Lists come as a TOML/JSON array or separated by commas; everything else stays text."""
    if info is None or "tuple" not in str(info.annotation):
        return None if text == "" and info is not None and "None" in str(info.annotation) else text
    if text.lstrip().startswith("["):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    separator = ";" if ";" in text else ","
    return [part.strip() for part in text.split(separator) if part.strip()]


# Keys, secret files, defaults


def _check_keys(given: Given) -> None:
    for path, near in _unknown_keys(given.values, Settings, ()):
        given.drop(path)
        shown = ".".join((*path[:-1], near)) if near else ""
        hint = variable((*path[:-1], near)) if near and path in given.origins else shown
        given.blame(path, _SENTENCES["near_key"].format(hint=hint) if near else _SENTENCES["unknown_key"])


def _unknown_keys(values: Any, model: type[BaseModel], at: Path_) -> list[tuple[Path_, str]]:
    if not isinstance(values, dict):
        return []
    known = fields_of(model)
    secrets = [f"{key}_file" for key, info in known.items() if is_secret(info)]
    unknown: list[tuple[Path_, str]] = []
    for key, value in values.items():
        if key in known:
            info = known[key]
            named = named_section_of(info)
            if section := section_of(info):
                unknown += _unknown_keys(value, section, (*at, key))
            elif named and isinstance(value, dict):
                for name, below in value.items():
                    if name in named[1]:
                        unknown += _unknown_keys(below, named[0], (*at, key, name))
                    else:
                        unknown.append(((*at, key, name), _near(name, named[1])))
        elif key not in secrets:
            unknown.append(((*at, key), _near(key, [*known, *secrets])))
    return unknown


def _near(key: str, known: list[str]) -> str:
    return next(iter(difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.6)), "")


def _read_secret_files(given: Given) -> None:
    for path, info in walk():
        beside = (*path[:-1], path[-1] + "_file")
        if not is_secret(info) or given.find(beside) is None:
            continue
        if given.find(path) not in (None, ""):
            given.blame(
                path, f"与 {beside[-1]} 只能写一个，请删去其一。 (Give this or {beside[-1]}, not both.)"
            )
        where = given.name(beside)
        name = given.drop(beside)
        try:
            value = (given.base / Path(str(name)).expanduser()).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            given.problems.append(f"{where} " + _SENTENCES["secret_file"].format(name=name, reason=reason))
            given.blamed.add(path)
            continue
        given.put(path, value)
        given.origins[path] = f"{where} ({name})"


def _default_receive_ids(given: Given) -> None:
    receivers = given.find(("wecom", "receivers"))
    corp_id = given.find(("wecom", "corp_id"))
    if isinstance(receivers, dict) and isinstance(corp_id, str):
        for name, receiver in receivers.items():
            if isinstance(receiver, dict) and receiver.get("receive_id") is None:
                receivers[name] = {**receiver, "receive_id": "" if name == AIBOT else corp_id}
    robot = receivers.get(AIBOT) if isinstance(receivers, dict) else None
    if isinstance(robot, dict):
        # A robot has no Secret: it calls nothing.
        receivers[AIBOT] = {"secret": "none", **robot}


# Sentences

# Our own and pydantic's error types → what to say; {ge} and the like come from the error's context.
_SENTENCES = {
    "near_key": "没有这个设置，是不是 {hint}？ (Unknown key; did you mean {hint}?)",
    "unknown_key": (
        "没有这个设置，请删除，全部设置见 docs/configuration.md。"
        " (Unknown key; remove it, all are in docs/configuration.md.)"
    ),
    "secret_file": (
        "读不了文件 {name}（{reason}），请检查路径和权限。"
        " (The file cannot be read; check path and permissions.)"
    ),
    "missing": "缺少这一项，请填写。 (Missing; fill it in.)",
    "too_short": "缺少这一项，请至少写一个。 (Missing; give at least one.)",
    "string_too_short": "是空的，请填写。 (Empty; fill it in.)",
    "string_type": "应为文字，请加引号。 (Must be text; put it in quotes.)",
    "int_type": "应为整数。 (Must be a whole number.)",
    "int_parsing": "应为整数。 (Must be a whole number.)",
    "int_from_float": "应为整数。 (Must be a whole number.)",
    "float_type": "应为数字。 (Must be a number.)",
    "float_parsing": "应为数字。 (Must be a number.)",
    "bool_type": "应为 true 或 false。 (Must be true or false.)",
    "bool_parsing": "应为 true 或 false。 (Must be true or false.)",
    "greater_than_equal": "太小，至少为 {ge}。 (Too small; at least {ge}.)",
    "greater_than": "太小，必须大于 {gt}。 (Too small; must be more than {gt}.)",
    "less_than_equal": "太大，最多为 {le}。 (Too large; at most {le}.)",
    "literal_error": "只能是 {expected} 之一。 (Must be one of {expected}.)",
    "timezone_aware": "缺少时区，请在末尾加 +08:00。 (Has no time zone; add +08:00 at the end.)",
    "tuple_type": '应为列表，请写 ["…", "…"]。 (Must be a list.)',
    "model_type": "应为一个小节，请写成 [小节] 下的键。 (Must be a section.)",
    "dict_type": "应为一个小节，请写成 [小节] 下的键。 (Must be a section.)",
    "string_pattern_mismatch": "格式不对，请看 docs/configuration.md。 (Malformed; see docs/configuration.md.)",
    "string_too_long": "太长，最多 {max_length} 个字符。 (Too long; at most {max_length} characters.)",
    "path_type": "应为文件路径。 (Must be a path.)",
}
_TIME_SENTENCE = (
    "不是有效的日期或时间，请写成 2026-12-01 或 2026-12-01T09:00:00+08:00。 (Not a valid date or time.)"
)


def _blame_mistake(given: Given, mistake: Any) -> None:
    path = tuple(str(part) for part in mistake["loc"] if not isinstance(part, int))
    if path in given.blamed:
        return
    kind, context = mistake["type"], mistake.get("ctx", {})
    if kind == "value_error":
        chinese, _, english = str(context["error"]).partition(" / ")
        sentence = f"{chinese}。 ({english[:1].upper()}{english[1:]}.)"
    elif kind.startswith(("datetime", "date_")):
        sentence = _TIME_SENTENCE
    else:
        sentence = _SENTENCES.get(kind, f"无效：{mistake['msg']}。").format(**context)
    if (
        kind in ("missing", "string_too_short", "too_short")
        and path in dict(walk())
        and is_secret(dict(walk())[path])
    ):
        sentence = (
            f"缺少这一项，请填写，或用 {path[-1]}_file 或环境变量 {variable(path)} 提供。"
            f" (Missing; fill it in, or give {path[-1]}_file or {variable(path)}.)"
        )
    given.blame(path, sentence)


def working_environment() -> Mapping[str, str]:
    """Return this process's environment; the only place that reads it."""
    return os.environ
