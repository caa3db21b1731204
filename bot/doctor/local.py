"""What this machine alone can tell: settings, database, folders, content, browser libraries."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from bot import config
from bot.checking import Problem
from bot.config import rules
from bot.config.table import SHIPPED_FOLDER
from bot.doctor.finding import Finding, fail, ok, skip, warn
from content import loading
from domain.errors import ContentError, StoreUnavailable
from store import contents, database, schema

# Below this a day of pictures could fill the disk.
_LOW_DISK_BYTES = 2 * 1024**3
# The first release in which two writing connections cannot corrupt a WAL database.
_SAFE_SQLITE = (3, 51, 3)
# Put there by ./run, ./test or scripts/setup.sh.
_BROWSER_FOLDERS = ("node_modules/htmx.org/dist",)


def check_settings(settings: config.Settings, problems: Sequence[Problem]) -> Iterator[Finding]:
    """Tell what `guanjia check` found, and what the settings mean for real customers."""
    for problem in problems:
        if problem.is_error:
            yield fail("配置与内容", problem.text, "改正后运行 guanjia check")
        else:
            yield warn("配置与内容", problem.text, "确认是否需要处理")
    if not any(problem.is_error for problem in problems):
        yield ok("配置与内容", "没有错误")
    official = rules.is_official(settings.wecom.api_base)
    if official:
        yield ok("接口地址", "使用企业微信正式地址")
    else:
        yield warn(
            "接口地址",
            f"api_base 是 {settings.wecom.api_base}，不是企业微信正式地址",
            "只在沙箱或代理时这样设置",
        )
    if settings.clock.file:
        # The official host refuses it at load already, so this is a sandbox.
        yield warn("时钟", f"使用时钟文件 {settings.clock.file}，时间不是真实的", "正式使用前删除 clock.file")
    pilot = settings.pilot
    if pilot.accounts or pilot.advisors or pilot.groups or pilot.suggest_only:
        yield ok("试点", f"只对指定范围生效：{_pilot_words(settings)}")
    elif official:
        yield warn("试点", "没有限制范围，全部客服账号都会自动应答", "初次上线建议先在 [pilot] 写一个账号")


def _pilot_words(settings: config.Settings) -> str:
    pilot = settings.pilot
    parts = [f"{len(pilot.accounts)} 个客服账号"] if pilot.accounts else []
    parts += [f"{len(pilot.advisors)} 位顾问"] if pilot.advisors else []
    parts += [f"{len(pilot.groups)} 个群"] if pilot.groups else []
    parts += ["只给建议、不自动发送"] if pilot.suggest_only else []
    return "、".join(parts)


def check_machine(settings: config.Settings) -> Iterator[Finding]:
    """Look at the database, the data folder and the libraries for the browser."""
    yield from check_sqlite(settings)
    yield check_database(settings.store.url)
    yield from check_data_folder(settings.store.data_folder)
    yield check_browser_libraries(SHIPPED_FOLDER)


def check_sqlite(settings: config.Settings) -> Iterator[Finding]:
    """Tell the version: before 3.51.3 only our one-writer rule keeps a WAL database whole."""
    if not settings.store.url.startswith("sqlite"):
        return
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= _SAFE_SQLITE:
        yield ok("SQLite", f"版本 {version}")
    else:
        yield ok("SQLite", f"版本 {version}，早于 3.51.3；本程序只用一个写连接，请勿用其他工具写这个库")


def check_database(url: str) -> Finding:
    """Tell whether the database answers and has this program's schema; creates nothing."""
    shown = sa.make_url(url).render_as_string(hide_password=True)
    path = _sqlite_path(url)
    if path is not None and not path.exists():
        if os.access(_nearest_existing(path.parent), os.W_OK):
            return ok("数据库", f"{path} 尚未建立，首次启动时自动建立")
        return fail("数据库", f"{path.parent} 不可写", "把目录的属主改为运行服务的用户")
    try:
        version = schema.version_of(url)
    except StoreUnavailable as error:
        return fail("数据库", str(error), "检查 store.url、数据库是否启动、网络和密码")
    if version is None:
        return ok("数据库", f"{shown} 可以连接，是空库，首次启动时自动建表")
    if version != schema.HEAD:
        return fail(
            "数据库", f"{shown} 的结构是 {version}，程序需要 {schema.HEAD}", "先备份，再运行 guanjia migrate"
        )
    return ok("数据库", f"{shown} 可以连接，结构版本 {version}")


def _sqlite_path(url: str) -> Path | None:
    parsed = sa.make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _nearest_existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def check_data_folder(folder: Path) -> Iterator[Finding]:
    """Tell whether media can be kept and for how long the disk will do."""
    place = _nearest_existing(folder)
    if not os.access(place, os.W_OK | os.X_OK):
        yield fail("数据目录", f"{place} 不可写", "把目录的属主改为运行服务的用户，或改 store.data_folder")
        return
    free = shutil.disk_usage(place).free
    if free < _LOW_DISK_BYTES:
        yield warn(
            "数据目录", f"{folder} 所在磁盘只剩 {free / 1024**3:.1f} GiB", "清理或扩容，图片和语音会占用空间"
        )
    else:
        yield ok("数据目录", f"{folder} 可写，磁盘剩余 {free / 1024**3:.0f} GiB")


def check_browser_libraries(root: Path) -> Finding:
    """Tell whether the console has its libraries; without them pages work less well, the bot does not mind."""
    missing = [folder for folder in _BROWSER_FOLDERS if not (root / folder).is_dir()]
    if missing:
        return warn("浏览器组件", f"缺少 {'、'.join(missing)}", "运行 ./run 或 scripts/setup.sh 安装")
    return ok("浏览器组件", "已安装")


async def check_content(settings: config.Settings) -> AsyncIterator[Finding]:
    """Tell how much of the content a named person of the company has approved."""
    path = _sqlite_path(settings.store.url)
    try:
        words = loading.load(settings.content.folder)
        if (path is not None and not path.exists()) or schema.version_of(settings.store.url) != schema.HEAD:
            yield _told_approval(settings, words, frozenset())
            return
    except ContentError:
        return  # Told by check_settings, with file and line.
    except StoreUnavailable:
        yield skip("内容审批", "数据库不可用，无法查看")
        return
    store = await database.Store.open(settings.store.url)
    try:
        async with store.read() as tx:
            approved = {
                (version.key, version.digest)
                for version in await contents.list_versions(tx)
                if version.approved_by
            }
    finally:
        await store.close()
    yield _told_approval(settings, words, frozenset(approved))


def _told_approval(
    settings: config.Settings, words: loading.Content, approved: frozenset[tuple[str, str]]
) -> Finding:
    """Say how many entries and fixed replies are approved; both kinds have to be."""
    faqs, replies = len(words.faqs), len(words.replies)
    open_faqs = sum((faq.id, faq.digest) not in approved for faq in words.faqs.values())
    open_replies = sum((key, reply.digest) not in approved for key, reply in words.replies.items())
    total, waiting = f"{faqs} 条问答、{replies} 条话术", f"{open_faqs} 条问答、{open_replies} 条话术"
    fix = "业务和合规人员逐条看过后运行 guanjia content approve … --by 姓名"
    if not open_faqs and not open_replies:
        return ok("内容审批", f"{total}全部已审批")
    if settings.content.serve_samples:
        return warn(
            "内容审批",
            f"{total}中有 {waiting}待审批，作为示例使用",
            "正式使用前关闭 content.serve_samples",
        )
    if open_faqs == faqs:
        return fail("内容审批", f"{waiting}待审批，机器人没有可以回答的问题", fix)
    return warn("内容审批", f"{total}中有 {waiting}待审批，审批前不会使用（有旧版的沿用旧版）", fix)
