"""Commands about people and groups: who does whose work, and reading everything anew."""

from __future__ import annotations

import typer

from bot.cli import options


def register(app: typer.Typer) -> None:
    people = typer.Typer(
        help="员工、客户和群。 (People and groups.)", no_args_is_help=True, rich_markup_mode=None
    )
    people.command("list")(list_people)
    people.command("refresh")(refresh)
    app.add_typer(people, name="people")


def list_people(config: options.Config = None) -> None:
    """列出员工、小组、上级和今天由谁代办。 (List staff, and who does whose work today.)"""
    from rich.table import Table

    from bot import staff_list

    settings = options.load_settings(config)
    options.quieten()
    members, mistakes = options.run(staff_list.list_members(settings))
    table = Table("账号", "姓名", "小组", "上级", "副群主", "今天由谁办", "状态")
    for one in members:
        status = _STATUSES.get(one.status, one.status)
        table.add_row(one.id, one.name, one.team, one.leader, one.co_owner, one.acting, status)
    options.console().print(table)
    for mistake in mistakes:
        options.console(to_stderr=True).print(mistake, markup=False)


def refresh(config: options.Config = None) -> None:
    """让运行中的服务在一分钟内从企业微信重读通讯录、客户和群。 (Read everything anew.)"""
    from bot import staff_list

    settings = options.load_settings(config)
    options.run(staff_list.want_refresh(settings))
    print("已安排：运行中的服务会在一分钟内开始重读通讯录、客户和群。")


_STATUSES = {
    "active": "在职",
    "disabled": "已禁用",
    "inactive": "未激活",
    "left": "已离开",
    "unknown": "未读到通讯录",
}
