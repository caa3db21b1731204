"""The platform's library from outside: its C functions, its deaths, its errors. The stand-in is sandbox/finance_sdk."""

from __future__ import annotations

import ctypes
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.channels.archive import errors, sdk
from bot.channels.archive.keys import BadKey, Keys, NoKey, read_key
from bot.channels.archive.process import LibraryProcess, LibrarySettings
from domain.archive import HoldReason
from domain.errors import ChannelBusy, ChannelUnauthorised
from sandbox import archive
from tests.archive.library import CORP, SECRET, Archive, key_pair, message


def test_every_function_of_the_header_is_called_with_whole_pointers(archived: Archive) -> None:
    library = ctypes.CDLL(str(archived.library))
    names = (
        "NewSdk Init GetChatData DecryptData GetMediaData DestroySdk NewSlice FreeSlice GetContentFromSlice "
        "GetSliceLen NewMediaData FreeMediaData GetOutIndexBuf GetData GetIndexLen GetDataLen IsMediaDataFinish"
    )

    opened = sdk.Sdk(str(archived.library))

    assert set(opened._call) == set(names.split())
    assert all(hasattr(library, name) for name in opened._call)
    pointer = opened._call["NewSlice"]()
    assert pointer > 2**32, "an int result would cut this pointer"
    opened._call["FreeSlice"](pointer)


def test_a_page_is_read_and_opened_through_the_library(archived: Archive) -> None:
    archived.held.add(message(1, "中文与\n换行"))
    opened = sdk.Sdk(str(archived.library))
    opened.init(CORP, SECRET, "", "", 5)
    entry = json.loads(opened.get_chat_data(0, 10))["chatdata"][0]
    key = Keys(archived.keys).open(1, entry["encrypt_random_key"])

    plain = opened.decrypt(key, entry["encrypt_chat_msg"].encode())

    assert json.loads(plain)["text"]["content"] == "中文与\n换行"
    with pytest.raises(sdk.SdkError, match="10000"):
        opened.get_chat_data(0, 1001)
    with pytest.raises(sdk.SdkError, match="10008"):
        opened.decrypt(b"x" * 32, entry["encrypt_chat_msg"].encode())
    opened.destroy()


@pytest.mark.parametrize("encrypted", [b"", b"x" * 12, b"with\0zero byte in it"])
def test_what_would_abort_the_process_never_reaches_the_library(archived: Archive, encrypted: bytes) -> None:
    opened = sdk.Sdk(str(archived.library))

    with pytest.raises(ValueError, match="too short"):
        opened.decrypt(b"k" * 32, encrypted)


@pytest.mark.parametrize("pkcs1", [True, False])
def test_private_keys_of_both_forms_open(tmp_path: Path, pkcs1: bool) -> None:
    held = archive.Archive(tmp_path)
    pem = held.new_key(3, pkcs1=pkcs1)
    entry = held.entry(message(1))

    assert ("BEGIN RSA PRIVATE KEY" in pem) == pkcs1
    assert len(Keys({3: pem}).open(3, entry["encrypt_random_key"])) == archive.KEY_CHARACTERS
    with pytest.raises(NoKey):
        Keys({2: pem}).open(3, entry["encrypt_random_key"])
    with pytest.raises(BadKey):
        Keys({3: key_pair(1)}).open(3, entry["encrypt_random_key"])
    with pytest.raises(BadKey):
        Keys({3: pem}).open(3, "no base64!")


def test_a_file_that_is_no_private_key_is_explained() -> None:
    public = serialization.load_pem_private_key(key_pair(1).encode(), None).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    for pem, said in (
        (b"MIIEvgIBADANBg", "no PEM"),
        (public.public_bytes(serialization.Encoding.PEM, form), "public key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"),
        (elliptic, "no RSA"),
    ):
        with pytest.raises(ValueError, match=said):
            read_key(pem)


async def test_entries_come_in_order_after_the_given_one(archived: Archive) -> None:
    reader = archived.reader()
    archived.held.add_many([message(number) for number in range(5)])
    archived.held.skip_seqs(10)
    archived.held.add(message(6))

    first = await reader.pull(0, 3)
    rest = await reader.pull(first[-1].seq, 1000)

    assert [one.seq for one in first] == [1, 2, 3]
    assert [one.seq for one in rest] == [4, 5, 16]
    assert await reader.pull(16, 1000) == ()
    assert all(one.text for one in await reader.open([*first, *rest]))
    await reader.close()


async def test_an_entry_that_kills_the_library_is_found_and_the_others_are_read(archived: Archive) -> None:
    deaths: list[int] = []
    reader = archived.reader(on_death=lambda: deaths.append(1))
    bad = archived.held.entry(message(100)) | {"encrypt_chat_msg": "POISON" * 5}
    archived.held.add_many([message(number) for number in range(9)])
    archived.held.add_entries([bad])
    archived.held.add_many([message(number) for number in range(10, 16)])

    opened = await reader.open(await reader.pull(0, 1000))

    assert [one.reason for one in opened].count(HoldReason.POISON) == 1
    assert opened[9].reason is HoldReason.POISON
    assert sum(1 for one in opened if one.text) == 15
    assert deaths
    await reader.close()


async def test_a_library_that_hangs_is_killed_and_started_again(archived: Archive) -> None:
    settings = LibrarySettings(
        library=str(archived.library), corp_id=CORP, secret=SECRET, keys=archived.keys, call_seconds=1
    )
    process = LibraryProcess(settings)
    archived.held.add(message(1))
    archived.held.set_faults(hang_at_chat=1)

    with pytest.raises(errors.ChildDied):
        await process.call("pull", seconds=0.3, seq=0, limit=10)
    archived.held.set_faults()
    _, page = await process.call("pull", seconds=10, seq=0, limit=10)

    assert b'"seq":1' in page
    await process.close()


async def test_a_library_that_dies_again_and_again_is_not_started_all_the_time(archived: Archive) -> None:
    at = [0.0]
    reader = archived.reader(monotonic=lambda: at[0])
    archived.held.set_faults(abort_at_chat=1)
    for _ in range(3):
        with pytest.raises(errors.ChildDied) as first:
            await reader.pull(0, 10)
        assert first.value.endpoint == "pull"

    with pytest.raises(errors.ChildDied, match="again and again") as waits:
        await reader.pull(0, 10)
    archived.held.set_faults()
    at[0] += 5

    assert waits.value.retry_after.total_seconds() > 0
    assert await reader.pull(0, 10) == ()
    await reader.close()


async def test_a_library_that_cannot_be_loaded_names_the_setting(tmp_path: Path) -> None:
    settings = LibrarySettings(library=str(tmp_path / "none.so"), corp_id=CORP, secret=SECRET, keys={})
    process = LibraryProcess(settings)

    with pytest.raises(errors.LibraryUnusable, match=r"wecom\.archive\.library"):
        await process.call("pull", seconds=10, seq=0, limit=10)
    await process.close()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (10001, ChannelBusy),
        (10002, ChannelBusy),
        (10003, ChannelBusy),
        (10009, ChannelUnauthorised),
        (10010, errors.FileExpired),
        (301052, ChannelUnauthorised),
        (301058, errors.TooBig),
    ],
)
def test_the_librarys_numbers_mean_what_the_page_says(code: int, kind: type[Exception]) -> None:
    assert type(errors.of_code("GetChatData", code)) is kind


@pytest.mark.parametrize("code", [10000, 10005])
def test_what_is_wrong_for_good_is_not_tried_again(code: int) -> None:
    assert not isinstance(errors.of_code("GetMediaData", code), ChannelBusy)


async def test_an_answer_that_would_be_too_big_is_asked_for_in_parts(archived: Archive) -> None:
    reader = archived.reader()
    archived.held.add_many([message(number) for number in range(40)])
    archived.held.set_faults(too_big_over=12)

    sizes, seq = [], 0
    while page := await reader.pull(seq, 40):
        sizes.append(len(page))
        seq = page[-1].seq

    assert max(sizes) <= 12
    assert sum(sizes) == 40
    await reader.close()


async def test_a_file_comes_in_parts_of_512_kb(archived: Archive) -> None:
    reader = archived.reader()
    content = bytes(range(256)) * 5000
    archived.held.put_file("SDKFILE-1", content)

    parts, index = [], ""
    while True:
        piece = await reader.fetch("SDKFILE-1", index)
        parts.append(piece.content)
        index = piece.next_index
        if piece.is_last:
            break

    assert [len(part) for part in parts] == [524288, 524288, 231424]
    assert hashlib.md5(b"".join(parts)).digest() == hashlib.md5(content).digest()
    await reader.close()
