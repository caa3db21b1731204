"""Commands of proof: verify, chain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import options

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.signing import Signer
    from bot.verifying import Verified
    from domain.proof import Flaw, Head

# More than these is a database that was put together anew; the first ones tell enough.
_SHOWN = 50


def register(app: typer.Typer) -> None:
    app.command()(verify)
    chain = typer.Typer(
        help="存证链：封存、链头、签名密钥。 (The chain of proof.)",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    chain.command("head")(head)
    chain.command("seal")(seal)
    chain.command("key")(key)
    app.add_typer(chain, name="chain")


def verify(
    from_block: Annotated[int, typer.Option("--from-block", min=1, help="从第几个区块开始核对")] = 1,
    head_file: Annotated[
        Path | None, typer.Option("--head", help="以前导出的链头文件，用来发现末尾被截断", show_default=False)
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option("--key", help="核对签名的公钥或私钥，默认 proof.signing_key_file", show_default=False),
    ] = None,
    config: options.Config = None,
) -> None:
    """核对存证链：每个区块、每行记录、每段原文；运行中也可以。 (Check the chain, every row and every text.)"""
    import time

    from bot import proof as proving

    settings = options.load_settings(config)
    options.quieten()
    kept = proving.load_head(head_file) if head_file else None
    begun = time.perf_counter()
    with Bar("核对记录") as progress:
        found = options.run(
            proving.verify(
                settings,
                from_block=from_block,
                kept=kept,
                signer=_signer(settings, key_file),
                progress=progress,
            )
        )
    _tell(found, time.perf_counter() - begun, kept)
    raise typer.Exit(1 if found.flaws else 0)


def _tell(found: Verified, seconds: float, kept: Head | None) -> None:
    for flaw in found.flaws[:_SHOWN]:
        print(f"问题: {_sentence(flaw)}")
    if len(found.flaws) > _SHOWN:
        print(f"……还有 {len(found.flaws) - _SHOWN} 处。 (and more)")
    speed = found.rows / seconds if seconds else 0
    print(
        f"核对了 {found.blocks} 个区块、{found.rows} 行记录、{found.bodies} 段原文，{found.erased} 段已依法删除，"
        f"{found.signed} 个签名；{seconds:.1f} 秒，每秒 {speed:,.0f} 行。"
    )
    if found.head is not None:
        print(f"链头: 第 {found.head.number} 块 {found.head.digest}")
    if found.pending:
        print(f"还有 {found.pending} 行新记录等待封存。 (Rows that wait to be sealed.)")
    if kept is None and not found.flaws:
        print("没有给出以前导出的链头（--head），末尾若被截断无从发现。 (Give --head to see a cut-off tail.)")
    if found.flaws:
        print(f"核对未通过：{len(found.flaws)} 处问题。 (Not whole.)")
    else:
        print("核对通过，记录完整。 (Whole.)")


_FAULTS = {
    "row_changed": "记录被改动",
    "row_missing": "记录缺失",
    "row_inserted": "封存之后插入的记录",
    "body_changed": "原文与当时的摘要不符",
    "body_missing": "原文所在的行缺失",
    "erased_without_record": "原文没有了，却没有删除记录",
    "erased_not_gone": "有删除记录，原文却还在",
    "block_changed": "区块本身被改动",
    "block_unlinked": "区块与前一块不衔接",
    "block_missing": "区块缺失",
    "signature_wrong": "签名不符",
    "tail_cut": "链的末尾被截断或换过：找不到导出的链头",
}


def _sentence(flaw: Flaw) -> str:
    place = flaw.table
    if flaw.row_id:
        place += f" id={flaw.row_id}"
    if flaw.column:
        place += f" 列 {flaw.column}"
    block = f"区块 {flaw.block}" if flaw.block else "不在任何区块"
    detail = f"（{flaw.detail}）" if flaw.detail else ""
    return f"{_FAULTS[flaw.fault]}：{place + '，' if place else ''}{block}{detail} [{flaw.fault}]"


def head(
    out: Annotated[
        Path | None, typer.Option("--out", help="写入文件，请保存到系统之外", show_default=False)
    ] = None,
    config: options.Config = None,
) -> None:
    """导出链头：最新区块的编号、摘要和签名。 (Export the head of the chain.)"""
    from bot import proof as proving

    settings = options.load_settings(config)
    options.quieten()
    found = options.run(proving.find_head(settings))
    if found is None:
        print("还没有区块；运行 guanjia chain seal 或启动服务。 (No block yet.)")
        raise typer.Exit(1)
    text = proving.head_json(found)
    if out is None:
        print(text)
    else:
        out.write_text(text + "\n", "utf-8")
        print(f"已写入 {out}：第 {found.number} 块 {found.digest}")


def seal(config: options.Config = None) -> None:
    """立即封存等待的记录，不等下一分钟。 (Seal what waits, now.)"""
    from bot import proof as proving

    settings = options.load_settings(config)
    options.quieten()
    print(f"封存了 {options.run(proving.seal(settings))} 个区块。")


def key(
    file: Annotated[Path, typer.Argument(help="私钥文件，如 secrets/chain.key；公钥写在旁边的 .pub")],
) -> None:
    """生成签名密钥（Ed25519），填入 proof.signing_key_file。 (Make the signing key.)"""
    from bot import signing
    from domain.errors import ConfigError

    try:
        signer, public = signing.make(file)
    except FileExistsError as error:
        raise ConfigError([f"{file} 已存在，不会覆盖签过名的密钥。 (Exists already.)"]) from error
    print(f"私钥 {file}（仅本人可读）、公钥 {public}，编号 {signer.key_id}。请把公钥交给核对的人。")


def _signer(settings: Settings, file: Path | None) -> Signer | None:
    from bot import signing

    wanted = file or settings.proof.signing_key_file
    return signing.load(wanted) if wanted else None


class Bar:
    """A progress bar on standard error; nothing when that is no terminal."""

    def __init__(self, words: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        shown = options.console(to_stderr=True)
        self._progress = Progress(
            TextColumn(words),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=shown,
            disable=not shown.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task(words, total=None)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total or None)
