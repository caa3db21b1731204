"""Settings: every mistake at once, environment and files, secrets masked, documents that match the table."""

from __future__ import annotations

import re
import tomllib
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import config
from bot.config import reading
from bot.config.table import SHIPPED_FOLDER
from domain.errors import ConfigError

GOOD = """
[wecom]
corp_id = "ww0000000000000001"
api_base = "http://127.0.0.1:8081"
[wecom.receivers.kf]
secret = "s3cret-of-the-app"
token = "token01"
aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
"""


def write(folder: Path, text: str = GOOD) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return path


def problems_of(folder: Path, text: str = GOOD, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config.load(write(folder, text), environ)
    return caught.value.problems


def test_the_least_configuration_is_enough_and_paths_start_at_its_folder(tmp_path: Path) -> None:
    settings = config.load(write(tmp_path), {})

    assert settings.store.url == f"sqlite:///{tmp_path}/data/guanjia.db"
    assert settings.media_folder == tmp_path / "data" / "media"
    assert settings.content.folder == SHIPPED_FOLDER / "content"
    assert settings.wecom.receivers["kf"].receive_id == "ww0000000000000001"
    assert settings.entity_mode.loan == "platform"
    assert settings.entity_mode.service == "licensed"


def test_own_content_folder_beside_the_file_goes_before_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()

    assert config.load(write(tmp_path), {}).content.folder == tmp_path / "content"


def test_all_mistakes_are_told_at_once_each_with_its_place_and_fix(tmp_path: Path) -> None:
    text = (
        GOOD.replace('secret = "s3cret-of-the-app"\n', "").replace("ABCDEFG", "ABCDEF")
        + '[servr]\nport = 1\n[server]\nprot = 2\n[service]\nhours = ["mon 18:00-09:00"]\n[log]\nlevel = "loud"\n'
    )

    problems = problems_of(tmp_path, text, GUANJIA_OUTBOX__IN_FLIGHT="many")

    told = "\n".join(problems)
    assert len(problems) == 7
    assert re.search(r"config.toml: servr .*did you mean server", told)
    assert re.search(r"config.toml: server.prot .*did you mean server.port", told)
    assert re.search(r"wecom.receivers.kf.secret .*secret_file", told)
    assert re.search(r"wecom.receivers.kf.aes_key .*42.*43", told)
    assert re.search(r"service.hours .*mon 18:00-09:00", told)
    assert re.search(r"log.level .*debug", told)
    assert re.search(r"^GUANJIA_OUTBOX__IN_FLIGHT .*whole number", told, re.MULTILINE)


def test_a_mistake_never_shows_a_secret(tmp_path: Path) -> None:
    told = "\n".join(
        problems_of(tmp_path, GOOD.replace('"token01"', '"not a token!"').replace("ABCDEFG", "A"))
    )

    assert "not a token" not in told
    assert "abcdefghij" not in told


def test_environment_goes_before_the_file(tmp_path: Path) -> None:
    environ = {
        "GUANJIA_SERVER__PORT": "9000",
        "GUANJIA_WECOM__RECEIVERS__KF__TOKEN": "fromEnvironment",
        "GUANJIA_SERVICE__DUTY": "zhangsan, lisi",
        "GUANJIA_SERVICE__HOURS": '["mon-fri 09:00-18:00", "sat,sun 10:00-12:00"]',
        "GUANJIA_COMPANY__INSTITUTIONS__LOAN__NAME": "示例银行",
        "GUANJIA_KF__GO_LIVE_AT": "2026-12-01T09:00:00+08:00",
        "GUANJIA_LOG__JSON": "false",
        "HOME": "/root",
    }

    settings = config.load(write(tmp_path), environ)

    assert settings.server.port == 9000
    assert settings.wecom.receivers["kf"].token.get_secret_value() == "fromEnvironment"
    assert settings.service.duty == ("zhangsan", "lisi")
    assert len(settings.service.periods) == 7
    assert settings.company.institutions["loan"].name == "示例银行"
    assert settings.kf.go_live_at is not None
    assert settings.log.as_json is False


def test_the_environment_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {
        "GUANJIA_WECOM__CORP_ID": "ww1",
        "GUANJIA_WECOM__RECEIVERS__KF__SECRET": "s",
        "GUANJIA_WECOM__RECEIVERS__KF__TOKEN": "t",
        "GUANJIA_WECOM__RECEIVERS__KF__AES_KEY": "a" * 43,
    }

    assert config.load(None, environ).wecom.corp_id == "ww1"


def test_no_configuration_at_all_says_where_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError, match=r"config\.example\.toml"):
        config.load(None, {"PATH": "/bin"})


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file"), (b"[server\n", "line 1"), (b"\xff\xfe", "UTF-8")],
)
def test_an_unreadable_file_is_one_sentence(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        config.load(path, {})

    assert len(caught.value.problems) == 1
    assert told in caught.value.problems[0]


def test_a_variable_with_one_underscore_is_a_mistake_but_those_of_container_platforms_are_not(
    tmp_path: Path,
) -> None:
    assert config.load(
        write(tmp_path), {"GUANJIA_PORT": "tcp://10.0.0.1:80", "GUANJIA_SERVICE_HOST": "10.0.0.1"}
    )

    assert "GUANJIA_SERVER__PORT" in problems_of(tmp_path, GUANJIA_SERVER_PORT="9000")[0]
    assert "GUANJIA_SERVER__PORT" in problems_of(tmp_path, GUANJIA_SERVER__PROT="9000")[0]


def test_secrets_and_the_database_address_come_from_files_too(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-a-file\n")
    (tmp_path / "url").write_text("postgresql://u:pass@db/x\n")
    text = (
        GOOD.replace('secret = "s3cret-of-the-app"', 'secret_file = "secret"') + '[store]\nurl_file = "url"\n'
    )

    settings = config.load(write(tmp_path, text), {})
    assert settings.wecom.receivers["kf"].secret.get_secret_value() == "from-a-file"
    assert settings.store.url == "postgresql://u:pass@db/x"

    both = text.replace("secret_file", 'secret = "x"\nsecret_file')
    assert "not both" in problems_of(tmp_path, both)[0]
    missing = problems_of(tmp_path, text.replace('"secret"', '"gone"'))
    assert len(missing) == 1
    assert "gone" in missing[0]


def test_a_file_from_the_environment_replaces_the_secret_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("newer")

    settings = config.load(write(tmp_path), {"GUANJIA_WECOM__RECEIVERS__KF__SECRET_FILE": "secret"})

    assert settings.wecom.receivers["kf"].secret.get_secret_value() == "newer"


def test_secrets_show_nowhere(tmp_path: Path) -> None:
    text = GOOD + '[store]\nurl = "postgresql://guanjia:hunter2@db/x"\n'

    settings = config.load(write(tmp_path, text), {})

    shown = repr(settings) + str(settings) + config.masked_text(settings)
    for secret in ("s3cret-of-the-app", "token01", "abcdefghij", "hunter2"):
        assert secret not in shown
    assert "postgresql://guanjia:********@db/x" in config.masked_text(settings)
    assert tomllib.loads(config.masked_text(settings))["server"]["port"] == 8080


@pytest.mark.parametrize(
    ("extra", "key"),
    [
        ('[clock]\nfile = "clock.json"\n', "clock.file"),
        ("[content]\nserve_samples = true\n", "content.serve_samples"),
        ("[console]\npicker = true\n", "console.picker"),
    ],
)
def test_what_belongs_to_the_demo_is_refused_against_the_official_host(
    tmp_path: Path, extra: str, key: str
) -> None:
    assert config.load(write(tmp_path, GOOD + extra), {})

    official = GOOD.replace('api_base = "http://127.0.0.1:8081"\n', "")
    problems = problems_of(tmp_path, official + extra)

    assert len(problems) == 1
    assert key in problems[0]


def test_picker_and_plain_cookies_are_for_loopback_only(tmp_path: Path) -> None:
    text = GOOD + "[console]\npicker = true\nsecure_cookies = false\n[server]\nhost = "
    assert config.load(write(tmp_path, text + '"::1"\n'), {})

    told = "\n".join(problems_of(tmp_path, text + '"0.0.0.0"\n'))

    assert "console.picker" in told
    assert "console.secure_cookies" in told


def test_names_need_the_licence_that_covers_them(tmp_path: Path) -> None:
    text = GOOD + '[company]\nname = "示例"\nshort_name = "示例保险管家"\n[entity_mode]\ninsurance = '

    licensed = config.warnings(config.load(write(tmp_path, text + '"licensed"\n'), {}))
    unlicensed = config.warnings(config.load(write(tmp_path, text + '"platform"\n'), {}))

    assert not any("short_name" in warning for warning in licensed)
    assert any("short_name" in warning and "保险" in warning for warning in unlicensed)


def test_opening_hours_are_read_by_day_and_time() -> None:
    periods = config.parse_hours(["sat 09:00-12:00", "mon-tue 13:00-24:00", "mon 9:00-12:00"])

    assert [(period.weekday, period.opens.hour) for period in periods] == [(0, 9), (0, 13), (1, 13), (5, 9)]
    assert periods[1].closes == time.max


@pytest.mark.parametrize(
    "line",
    ["", "mon", "mon 9-18", "mon 18:00-09:00", "fri-mon 09:00-18:00", "mun 09:00-18:00", "mon 25:00-26:00"],
)
def test_an_unreadable_line_of_hours_is_quoted(line: str) -> None:
    with pytest.raises(ValueError, match="mon-fri 09:00-18:00"):
        config.parse_hours([line])


def test_overlapping_periods_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="overlap"):
        config.parse_hours(["mon 09:00-12:00", "mon-fri 11:00-18:00"])


@given(
    st.dictionaries(
        st.text(max_size=8), st.recursive(st.integers() | st.text(max_size=8), st.lists, max_leaves=3)
    )
)
def test_any_section_is_either_accepted_or_told_as_a_mistake(values: dict[str, object]) -> None:
    for section in ("server", "wecom", "service", "company"):
        whole = {"wecom": {"corp_id": "x"}} | {section: values}
        with pytest.raises(ConfigError) as caught:
            config.build(whole, Path("/nowhere"))
        assert all(problem.strip() for problem in caught.value.problems)


def test_the_shipped_documents_are_those_of_the_table() -> None:
    fix = "run ./guanjia settings --write-docs ."
    assert (SHIPPED_FOLDER / "config.example.toml").read_text("utf-8") == config.example(), fix
    assert (SHIPPED_FOLDER / "docs/configuration.md").read_text("utf-8") == config.documentation(), fix


def test_every_setting_is_explained_and_shown_in_the_example() -> None:
    uncommented = re.sub(r"^# (?=\w+ = |\[)", "", config.example(), flags=re.MULTILINE)
    shown = tomllib.loads(uncommented)

    for path, info in reading.walk():
        assert info.description, f"{path} has no help"
        if path[:2] == ("wecom", "receivers") and path[2] != "kf":
            continue
        if path[:2] == ("company", "institutions") and path[2] != "loan":
            continue
        here: object = shown
        for part in path:
            assert isinstance(here, dict)
            assert part in here, f"{'.'.join(path)} is not in the example"
            here = here[part]


def test_the_example_lacks_only_what_nobody_else_can_know(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(config.example(), "utf-8")

    with pytest.raises(ConfigError) as caught:
        config.load(path, {})

    missing = {problem.split()[1] for problem in caught.value.problems}
    kf = "wecom.receivers.kf."
    assert missing == {"wecom.corp_id", f"{kf}secret", f"{kf}token", f"{kf}aes_key"}
