"""Commands that act on a running installation: replay, stop, resume, admin, kf."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bot.cli import options
from domain.faq import Line

LineName = Annotated[Line, typer.Argument(help="业务线：loan、insurance、wealth、service")]


def register(app: typer.Typer) -> None:
    app.command()(replay)
    app.command()(stop)
    app.command()(resume)
    admin = typer.Typer(help="后台账号。 (Console accounts.)", no_args_is_help=True, rich_markup_mode=None)
    admin.callback()(lambda: None)
    admin.command("add")(add_admin)
    app.add_typer(admin, name="admin")
    kf = typer.Typer(
        help="微信客服账号与入口链接。 (kf accounts.)", no_args_is_help=True, rich_markup_mode=None
    )
    kf.command("accounts")(kf_accounts)
    kf.command("link")(kf_link)
    app.add_typer(kf, name="kf")


def replay(
    key: Annotated[str, typer.Argument(help="事件的编号，见后台“事件”页或日志")],
    config: options.Config = None,
) -> None:
    """重新处理一个已收到的事件。 (Process an event again.)"""
    from bot import operations

    settings = options.load_settings(config)
    found = options.run(operations.replay(settings, key))
    print(f"已重新排队：{key}" if found else f"没有这个事件：{key}")
    raise typer.Exit(0 if found else 1)


def stop(
    line: LineName,
    by: options.By,
    reason: Annotated[str, typer.Option(help="原因，会记录在案")] = "",
    config: options.Config = None,
) -> None:
    """立即停用一条业务线的自动应答：客户收到已审批的等待语并转人工。 (Stop a product line.)"""
    from bot import operations

    settings = options.load_settings(config)
    changed = options.run(operations.stop_line(settings, line, by=by, reason=reason))
    print(f"{line} 已停用，一分钟内生效。" if changed else f"{line} 本来就已停用。")


def resume(line: LineName, by: options.By, config: options.Config = None) -> None:
    """恢复一条业务线的自动应答。 (Resume a product line.)"""
    from bot import operations

    settings = options.load_settings(config)
    changed = options.run(operations.resume_line(settings, line, by=by))
    print(f"{line} 已恢复。" if changed else f"{line} 没有停用。")


def add_admin(
    name: Annotated[str, typer.Argument(help="登录名")],
    role: Annotated[
        str, typer.Option(help="admin、supervisor、compliance、content、owner 或 advisor")
    ] = "admin",
    display_name: Annotated[str, typer.Option(help="显示的姓名")] = "",
    member: Annotated[str, typer.Option(help="企业微信成员的 UserID，绑定后可以扫码登录")] = "",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="从标准输入读密码")] = False,
    random_password: Annotated[
        bool, typer.Option("--random-password", help="生成密码，只显示这一次")
    ] = False,
    config: options.Config = None,
) -> None:
    """新增后台账号。 (Add a console account.)"""
    from bot import operations

    settings = options.load_settings(config)
    options.quieten()
    password = _password(from_stdin=password_stdin, made_up=random_password)
    options.run(
        operations.add_login(
            settings, name, password=password, role=role, display_name=display_name, member=member
        )
    )
    print(f"已新增 {name}（{role}）。 (Added.)")
    if random_password:
        print(f"密码（只显示这一次）: {password}")


def _password(*, from_stdin: bool, made_up: bool) -> str:
    if made_up:
        import secrets

        return secrets.token_urlsafe(15)
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            "没有终端可以输入密码，请用 --password-stdin 或 --random-password。 (No terminal to ask for the password.)"
        )
    return str(typer.prompt("密码", hide_input=True, confirmation_prompt="再输入一次"))


def kf_accounts(config: options.Config = None) -> None:
    """列出微信客服账号，以及本程序能否管理。 (List the kf accounts.)"""
    from rich.table import Table

    from bot import operations

    settings = options.load_settings(config)
    options.quieten()
    table = Table()
    for head in ("账号", "名称", "由本程序管理", "试点内"):
        table.add_column(head, overflow="fold")
    for account in options.run(operations.list_accounts(settings)):
        inside = not settings.pilot.accounts or account.account_id in settings.pilot.accounts
        table.add_row(
            account.account_id, account.name, "是" if account.is_managed else "否", "是" if inside else "否"
        )
    options.console().print(table)


def kf_link(
    account: Annotated[str, typer.Argument(help="客服账号 open_kfid，见 guanjia kf accounts")],
    scene: Annotated[str, typer.Argument(help="场景值，最多 32 个字母、数字、_ 或 -")] = "",
    param: Annotated[str, typer.Option(help="附带参数 scene_param，进入会话时原样带回")] = "",
    config: options.Config = None,
) -> None:
    """生成客服入口链接，不同入口用不同场景值。 (Make an entry link.)"""
    from bot import operations

    settings = options.load_settings(config)
    options.quieten()
    print(options.run(operations.make_link(settings, account, scene=scene, param=param)))
