"""Texts of the editor as files: what is written reads back, and a version that is put into a file is known again."""

from __future__ import annotations

import io
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from content import draft_checks, draft_files, draft_making, faq_files, own_files, word_diff
from domain.draft import DraftKind, DraftState
from domain.faq import Faq, Refusal
from domain.login import Role
from store import content_drafts, contents, tables
from store.database import Store
from tests.console import factory
from tests.knowledge.conftest import Desk, MakeLibrary
from tests.knowledge.test_editor import ENTRY, KEY, add, approve

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXT,
        "question": TEXT,
        "answer": TEXT.map(lambda text: f'{text}\n"""{text}\\'),
        "asks": st.lists(TEXT, max_size=4),
        "handover_at_once": st.booleans(),
        "valid_until": st.dates().map(lambda day: day.isoformat()),
        "source": st.sampled_from(['"', '"""', "\\", "a\tb", "{own.x}", "'''"]),
    },
)


@given(BODIES)
def test_a_body_that_is_written_as_toml_reads_back_the_same(body: dict[str, Any]) -> None:
    plain = draft_files.canonical(DraftKind.FAQ, body)

    found, wrong = draft_files.load(draft_files.dump([(DraftKind.FAQ, plain)]))

    assert wrong == []
    assert found == [(DraftKind.FAQ, plain)]


@given(st.lists(TEXT, max_size=3), st.lists(TEXT, max_size=3))
def test_pieces_of_a_change_give_both_texts_back(old: list[str], new: list[str]) -> None:
    before, now = "，".join(old), "，".join(new)

    found = word_diff.pieces(before, now)

    assert "".join(one.text for one in found if one.sign != "-") == now
    assert "".join(one.text for one in found if one.sign != "+") == before


def test_shipped_texts_pass_the_editor_as_they_stand_and_read_back() -> None:
    known = factory.knowledge()
    records: list[draft_files.Record] = [*known.faqs.values(), *known.replies.values()]
    records += known.content.quick.values()
    for place, record in enumerate(records):
        kind, body = draft_files.kind_of(record), draft_files.body_of(record)

        if place % 6 == 0:  # Each check takes 20 ms.
            checked = draft_checks.check(kind, body, known, served=body, with_similar=False)
            assert not checked.mistakes, (record.id, checked.mistakes)
        assert draft_files.load(draft_files.dump([(kind, body)]))[0] == [(kind, body)]
        assert draft_files.record_of_version(kind, draft_files.version_body(record)) == record


def test_an_entry_with_own_texts_is_written_as_its_file_has_it_6() -> None:
    known = factory.knowledge()
    waiting = [one for one in known.content.faqs.values() if one.missing_own]
    assert waiting
    for served in waiting[:3]:  # Each check takes long.
        stored = draft_files.version_body(served)
        former = draft_files.record_of_version(
            DraftKind.FAQ, {key: value for key, value in stored.items() if key != "answer_source"}
        )
        assert isinstance(former, Faq)
        assert "{own." in draft_files.body_of(former)["answer"]
        for one in (served, own_files.as_written(former, served)):
            record, mistakes = draft_checks.record_of(DraftKind.FAQ, draft_files.body_of(one), known)
            assert isinstance(record, Faq)
            assert (record.answer, record.missing_own, mistakes) == (served.answer, served.missing_own, ())


def test_texts_keep_the_digests_they_were_approved_under_6() -> None:
    entries = factory.knowledge().content.faqs
    files = sorted((factory.HOUSE / "content" / "faq").glob("*.toml"))
    written = [one for file in files for one in tomllib.loads(file.read_text("utf-8"))["faq"]]

    assert len(written) == len(entries)
    for values in written:
        faq = entries[values["id"]]
        digest = faq_files.digest_of(values)
        if names := own_files.names_in(values["answer"]):
            texts = {name: factory.knowledge().content.own[name].text for name in names}
            digest = faq_files.digest_of({"entry": digest, "own": texts})
        assert digest == faq.digest


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_an_edited_entry_waits_for_own_texts_as_before_6(desk: Desk, store: Store) -> None:
    known = desk.library.knowledge()
    faq = next(one for one in known.faqs.values() if one.missing_own)
    body = draft_making.from_served(faq, known.today)
    body["asks"] = [*body["asks"], "火星问法怎么说"]
    fields = {
        key: "\n".join(value) if key in ("asks", "keywords", "follow_ups") else value
        for key, value in body.items()
        if key not in draft_files.BY_APPROVAL
    }

    await desk.post("/console/drafts/add", kind="faq", key=faq.id, submit="1", **fields)
    async with store.read() as tx:
        (draft,) = await content_drafts.list_drafts(tx, [DraftState.REVIEW])
    await approve(desk, draft.id)
    answer = await desk.client.get("/console/content-export", cookies=desk.cookies[Role.CONTENT])
    packed = zipfile.ZipFile(io.BytesIO(await answer.read()))

    now = desk.library.knowledge()
    assert "火星问法怎么说" in now.faqs[faq.id].asks
    assert now.refusal(faq.id) is Refusal.OWN_MISSING
    exported = packed.read(f"content/faq/{faq.line}.toml").decode()
    assert f"{{own.{faq.missing_own[0]}}}" in exported


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_text_is_kept_under_its_own_id_or_not_at_all_6(desk: Desk, store: Store) -> None:
    body = draft_files.body_of(desk.library.knowledge().faqs["loan.prepay"])
    too_long = {**body, "id": "loan." + "x" * 60}
    just_right = {**body, "id": "loan." + "x" * 59}

    refused = await desk.post("/console/drafts/import", toml=draft_files.dump([(DraftKind.FAQ, too_long)]))
    taken = await desk.post("/console/drafts/import", toml=draft_files.dump([(DraftKind.FAQ, just_right)]))
    mistakes = draft_checks.check(DraftKind.FAQ, too_long, desk.library.knowledge()).mistakes

    assert refused.headers["Location"] == "/console/drafts?wrong=import_unreadable"
    assert "done=imported" in taken.headers["Location"]
    assert "id" in {one.field for one in mistakes}
    async with store.read() as tx:
        (draft,) = await content_drafts.list_drafts(tx, [DraftState.DRAFT])
    assert draft.key == draft.body["id"] == just_right["id"]

    # Another name that got in by another way is approved by nobody.
    values = {"body": {**draft.body, "id": "loan.other"}, "state": DraftState.REVIEW.value}
    changed = sa.update(tables.content_draft).where(tables.content_draft.c.id == draft.id).values(values)
    await store.write(lambda tx: tx.execute(changed))
    assert (await approve(desk, draft.id)).endswith("wrong=draft_incomplete")


def test_names_are_spelt_in_latin_letters() -> None:
    assert draft_making.spelling("提前还款 ABC 24期？") == "tiqianhaikuanabc24qi"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_an_approved_text_that_is_put_into_a_file_is_the_same_version(
    desk: Desk, store: Store, make_library: MakeLibrary, content_folder: Path
) -> None:
    await approve(desk, await add(desk, submit="yes"))
    async with store.read() as tx:
        (version,) = await contents.list_of(tx, "faq", KEY)

    toml = await desk.read(f"/console/versions/{version.id}/toml")
    (content_folder / "faq" / "more.toml").write_text(toml, "utf-8")
    library = await make_library(content_folder, serves_samples=False)

    async with store.read() as tx:
        assert [one.id for one in await contents.list_of(tx, "faq", KEY)] == [version.id]
    assert library.knowledge().version_id("faq", KEY) == version.id


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_everything_is_handed_out_and_only_what_differs_is_taken_in(desk: Desk, store: Store) -> None:
    answer = await desk.client.get("/console/content-export", cookies=desk.cookies[Role.CONTENT])
    packed = zipfile.ZipFile(io.BytesIO(await answer.read()))
    loan = packed.read("content/faq/loan.toml").decode()
    known = desk.library.knowledge()
    changed = loan.replace(known.faqs["loan.prepay"].short, "可以提前还，看合同。")

    same = await desk.post("/console/drafts/import", toml=loan)
    taken = await desk.post("/console/drafts/import", toml=changed)
    broken = await desk.post("/console/drafts/import", toml="[[faq]\nid = 1")

    assert {"content/replies/replies.toml", "content/quick/loan.toml"} <= set(packed.namelist())
    assert same.headers["Location"].endswith("wrong=import_same")
    assert taken.headers["Location"] == "/console/drafts?show=writing&done=imported"
    assert broken.headers["Location"].endswith("wrong=import_unreadable")
    async with store.read() as tx:
        drafts = await content_drafts.list_drafts(tx, [DraftState.DRAFT])
    assert [(one.key, one.body["short"]) for one in drafts] == [("loan.prepay", "可以提前还，看合同。")]


def test_the_entry_of_the_tests_is_right() -> None:
    body = {**ENTRY, "id": KEY, "asks": str(ENTRY["asks"]).splitlines(), "keywords": ["宠物险"]}
    body = {key: value for key, value in body.items() if key in draft_files.ORDER[DraftKind.FAQ]}

    assert draft_checks.check(DraftKind.FAQ, body, factory.knowledge()).mistakes == ()
