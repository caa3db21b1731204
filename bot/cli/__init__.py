"""The command line: `guanjia …`, also `python -m bot …`.

Commands are grouped by file; each imports what it needs when it runs, so that `--help` stays quick. Exit codes: 0 fine,
1 the work failed, 2 wrong usage, configuration or content. Mistakes are printed to standard error, one a line.
"""

from __future__ import annotations

import sys

import typer

from bot.cli import (
    audit,
    compliance,
    content,
    exporting,
    faq,
    operating,
    people,
    privacy,
    proof,
    records,
    serving,
    set_up,
    sop,
    suggest,
    talking,
)
from domain import errors

app = typer.Typer(
    name="guanjia",
    help="企业微信客服机器人：应答、转人工、留痕。 (WeCom service bot.)",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (
    serving,
    set_up,
    talking,
    content,
    faq,
    suggest,
    sop,
    operating,
    people,
    records,
    audit,
    compliance,
    proof,
    privacy,
    exporting,
):
    module.register(app)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        app(args=arguments, prog_name="guanjia")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except KeyboardInterrupt:
        return 130
    except (errors.ConfigError, errors.ContentError) as error:
        return _complain(error.problems, code=2)
    except (errors.SchemaOutdated, errors.StoreUnavailable) as error:
        # Busy is a matter of the moment; everything else says that the set-up is wrong.
        return _complain([str(error)], code=1 if isinstance(error, errors.StoreBusy) else 2)
    except errors.BotError as error:
        return _complain([str(error)], code=1)
    except OSError as error:
        # A folder or file of the settings or the arguments; one without a name is our own mistake and stays whole.
        if error.filename is None:
            raise
        return _complain([_UNUSABLE.format(name=error.filename, reason=error.strerror)], code=2)
    return 0


_UNUSABLE = "{name} 用不了（{reason}），请检查路径和权限。 (Cannot be used; check path and permissions.)"


def _complain(problems: list[str], *, code: int) -> int:
    for problem in problems:
        print(f"错误 error: {problem}", file=sys.stderr)
    return code
