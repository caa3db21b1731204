"""Words of SOPs on the content page: read with their pictures and steps, approved by name, compared when changed."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

import pytest
import sqlalchemy as sa

from bot.clock import FrozenClock
from console import text_rows, words
from content import sop_freezing, sop_shelf
from content.sop_shelf import Shelf
from domain.login import Role
from domain.sop import AttachmentKind, BlockKind, ContentBlock, Template
from store import contents, sop_versions, tables
from store.database import Store
from tests.console import factory
from tests.console.conftest import Pages, Serve
from tests.console.test_pages import act, read

WEEK1 = "finance_week1"
PICTURE = factory.HOUSE / "content" / "sop" / WEEK1 / "opening.png"

on_one_engine = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def with_block(template: Template, **changes: Any) -> tuple[Template, ContentBlock]:
    """Return the template with other words for `light`."""
    block: ContentBlock = replace(template.blocks["light"], digest="c" * 64, **changes)
    return replace(template, blocks={**template.blocks, "light": block}), block


def shelf_of(*templates: Template, broken: Sequence[Template] = ()) -> Shelf:
    """Return a shelf of these templates; files of `broken` ones have mistakes."""
    every = {one.id: one for one in (*templates, *broken)}
    written = {one.id: one for one in templates}
    sops = replace(
        factory.sops(), templates=every, written=written, broken=frozenset(one.id for one in broken)
    )
    return replace(factory.shelf(), sops=sops)


async def stored(store: Store, clock: FrozenClock, *templates: Template, files: Any = ()) -> None:
    """Store what the library stores of these templates."""

    async def job(tx: Any) -> None:
        for one in templates:
            texts = [
                ("sop", sop_shelf.key_of(one.id, block), block.digest, sop_freezing.dump_block(block))
                for block in one.blocks.values()
            ]
            await contents.add(tx, texts, clock.now())
            body = sop_freezing.dump(one)
            await sop_versions.ensure(tx, one.id, 1, one.digest, body, files, clock.now())

    await store.write(job)


async def version_ids(store: Store, key: str) -> list[str]:
    async with store.read() as tx:
        wanted = sa.select(tables.content_version.c.id).where(tables.content_version.c.key == key)
        return [
            str(one) for one in (await tx.execute(wanted.order_by(tables.content_version.c.id))).scalars()
        ]


@on_one_engine
async def test_words_of_sops_are_listed_by_template_and_approved_by_name(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    await stored(store, frozen_clock, *factory.sops().templates.values())
    editor = await factory.sign_in(store, pages.names[Role.CONTENT], frozen_clock)
    everything = await read(pages, "/console/content?kind=sop", editor)
    weekly = await read(pages, "/console/content?kind=sop&sop=finance_weekly&state=waiting", editor)
    (version,) = await version_ids(store, f"{WEEK1}/light")

    assert all(f"<h2>{one.title}</h2>" in everything for one in factory.sops().templates.values())
    assert f"{WEEK1}/light" in everything
    assert "finance_weekly/" in weekly
    assert f"{WEEK1}/light" not in weekly
    assert (await act(pages, "/console/content/approve", editor, version=version)).endswith("done=approved")
    assert (await act(pages, "/console/content/approve", editor, version=version)).endswith("wrong=changed")
    approved = await read(pages, "/console/content?kind=sop&state=approved", editor)
    assert re.findall(rf"{WEEK1}/\w+(?=</small>)", approved) == [f"{WEEK1}/light"]
    assert "钱编辑" in approved


@on_one_engine
async def test_reviewer_reads_text_picture_links_risk_lines_and_the_steps_that_say_it(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    week = factory.sops().templates[WEEK1]
    opening = week.blocks["opening"]
    picture = PICTURE.read_bytes()
    files = [(one.digest, "opening.png", picture) for one in opening.attachments if one.path]
    await stored(store, frozen_clock, week, files=files)
    boss = await factory.sign_in(store, pages.names[Role.COMPLIANCE], frozen_clock)

    text = await read(pages, f"/console/content/sop/{WEEK1}/opening", boss)
    link = await read(pages, f"/console/content/sop/{WEEK1}/publication", boss)
    card = await read(pages, f"/console/content/sop/{WEEK1}/card_confirm", boss)

    assert opening.body.splitlines()[0] in text
    assert f"data:image/png;base64,{base64.b64encode(picture).decode()}" in text
    assert next(step.title for step in week.steps["calm"] if "opening" in step.content) in text
    assert "从容、完整" in text
    assert "的名义审批" in text
    assert f"{opening.file}:{opening.lineno}" in text
    assert all(one.title in link for one in week.blocks["publication"].attachments)
    assert all(factory.content().risk_lines[one] in link for one in week.blocks["publication"].risk_lines)
    assert "同事收到的卡片" in card
    assert "确认阶梯的卡片" in card


@on_one_engine
async def test_new_words_are_compared_with_those_that_were_approved(
    serve: Serve, store: Store, frozen_clock: FrozenClock
) -> None:
    week = factory.sops().templates[WEEK1]
    first = week.blocks["light"].body.splitlines()[0]
    changed, _ = with_block(week, body=week.blocks["light"].body.replace(first, "今天只聊天气。"))
    pages = await serve(shelf=lambda: shelf_of(changed))
    await stored(store, frozen_clock, week)
    (old,) = await version_ids(store, f"{WEEK1}/light")
    await store.write(lambda tx: contents.approve(tx, [int(old)], by="王合规", now=frozen_clock.now()))
    await stored(store, frozen_clock, changed)
    editor = await factory.sign_in(store, pages.names[Role.CONTENT], frozen_clock)

    text = await read(pages, f"/console/content/sop/{WEEK1}/light", editor)

    assert f"<del>{first}</del>" in text
    assert "<ins>今天只聊天气。</ins>" in text
    assert "在走的群仍用各自那一版" in text


@on_one_engine
async def test_template_with_broken_files_says_that_its_words_are_those_of_before(
    serve: Serve, store: Store, frozen_clock: FrozenClock
) -> None:
    weeks = factory.sops().templates
    pages = await serve(
        shelf=lambda: shelf_of(weeks["finance_weekly"], weeks["group_repair"], broken=[weeks[WEEK1]])
    )
    editor = await factory.sign_in(store, pages.names[Role.CONTENT], frozen_clock)

    listed = await read(pages, "/console/content?kind=sop", editor)
    one = await read(pages, f"/console/content/sop/{WEEK1}/light", editor)

    assert listed.count("的文件有错，下面是它上一次没有错的内容") == 1
    assert "这个流程的文件有错" in one


@on_one_engine
async def test_words_of_sops_that_end_are_on_the_list_and_in_the_count(
    serve: Serve, store: Store, frozen_clock: FrozenClock
) -> None:
    known = factory.knowledge()
    week = factory.sops().templates[WEEK1]
    ending, _ = with_block(week, valid_until=known.today, reviewer="王芳")
    usual = await serve()
    boss = await factory.sign_in(store, usual.names[Role.CONTENT], frozen_clock)
    before = await read(usual, "/console/content?state=ending", boss)
    pages = await serve(shelf=lambda: shelf_of(ending))

    after = await read(pages, "/console/content?state=ending&reviewer=王芳", boss)

    assert f"/console/content/sop/{WEEK1}/light" not in before
    assert f"/console/content/sop/{WEEK1}/light" in after
    assert _count(after) == _count(before) + 1


@on_one_engine
async def test_page_of_unknown_words_is_not_found(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    boss = await factory.sign_in(store, pages.names[Role.CONTENT], frozen_clock)

    for key in (f"{WEEK1}/nothing", "nothing/light", WEEK1, "a/b/c"):
        answer = await pages.client.get(f"/console/content/sop/{key}", cookies=boss)
        assert answer.status == 404, key


def test_comparison_shows_what_a_reader_sees_and_nothing_else() -> None:
    before = {"answer": "一\n二", "reviewer": "甲"}

    assert text_rows.changes("faq", before, {"answer": "一\n二", "reviewer": "乙"}) == []
    told = text_rows.changes("faq", before, {"answer": "一\n三"})
    assert [(one.sign, one.text) for one in told] == [("", "一"), ("-", "二"), ("+", "三")]


def _count(text: str) -> int:
    found = re.search(r'class="count"[^>]*>(\d+)<', text)
    return int(found[1]) if found else 0


@pytest.mark.parametrize(
    ("section", "members"), [("sop_block_reader", BlockKind), ("sop_attachment", AttachmentKind)]
)
def test_every_kind_of_words_and_attachments_has_a_label(section: str, members: type[StrEnum]) -> None:
    known = words.load()

    assert all(known.has(section, member.value) for member in members)
