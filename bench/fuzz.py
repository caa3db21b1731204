"""Bad input: `python -m bench.fuzz` throws 100,000 mutated requests at /callback of the real program.

Must hold: no 5xx, no hang, no stack trace to the caller, and nothing stored that was not verified. Half of the requests
are signed with the right key, because what is inside a good envelope may be rotten too. Seeded: a run can be repeated.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bench import hammer, wecom
from bench.callback import envelopes, receiver
from bench.house import House, Plan
from bench.report import Report
from bot.channels.wecom import envelope
from sandbox import server
from store.database import Store
from store.tables import event

CHUNK = 2000
# A hang would be seen here: the slowest request of all must come back within this.
SLOWEST_SECONDS = 10.0
GOOD = b"<xml><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[something_new]]></Event></xml>"


class Fuzzer:
    """Makes requests; `signed` counts the plaintexts that were sealed with the right key."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._ours = receiver()
        self._good = envelopes(50, seed)
        self.signed: set[str] = set()
        self.kinds: Counter[str] = Counter()
        self._makers: list[Callable[[], bytes]] = [
            self._flipped_signature,
            self._flipped_body,
            self._truncated,
            self._bad_base64,
            self._bad_query,
            self._no_query,
            self._unsigned_bomb,
            self._signed_rubbish,
            self._signed_nesting,
            self._signed_entities,
            self._signed_not_utf8,
            self._signed_controls,
            self._signed_mutation,
            self._signed_pad,
            self._signed_length,
            self._wrong_receiveid,
            self._unknown_path,
            self._just_too_large,
            self._json_envelope,
        ]

    def requests(self, count: int) -> Iterator[bytes]:
        """Yield so many requests, every kind in turn, at random."""
        for number in range(count):
            if number % 5000 == 1999:
                self.kinds["_seven_megabytes"] += 1
                yield self._post(
                    "kf", self._query(b"x"), b"<xml><Encrypt>" + b"A" * 7_000_000 + b"</Encrypt></xml>"
                )
                continue
            make = self._dice.choice(self._makers)
            self.kinds[make.__name__] += 1
            yield make()

    # --- unverified ----------------------------------------------------------------------------------------

    def _flipped_signature(self) -> bytes:
        one = self._dice.choice(self._good)
        at = self._dice.randrange(40)
        signature = one.query["msg_signature"]
        flipped = signature[:at] + self._dice.choice("0123456789abcdefzZ ") + signature[at + 1 :]
        if flipped == signature:
            flipped = ""
        return self._post("kf", {**one.query, "msg_signature": flipped}, one.body)

    def _flipped_body(self) -> bytes:
        one = self._dice.choice(self._good)
        body = bytearray(one.body)
        start = body.index(b"<Encrypt>") + 20
        for _ in range(self._dice.randint(1, 5)):
            at = self._dice.randrange(start, len(body) - 30)
            body[at] = (body[at] + self._dice.randint(1, 255)) % 256
        return self._post("kf", one.query, bytes(body))

    def _truncated(self) -> bytes:
        one = self._dice.choice(self._good)
        return self._post("kf", one.query, one.body[: self._dice.randrange(len(one.body) - 40)])

    def _bad_query(self) -> bytes:
        one = self._dice.choice(self._good)
        query = dict(one.query)
        query[self._dice.choice(list(query))] = self._noise_text()
        return self._post("kf", query, one.body)

    def _no_query(self) -> bytes:
        return self._post("kf", {}, self._dice.choice(self._good).body)

    def _unsigned_bomb(self) -> bytes:
        return self._post("kf", self._query(b"none"), self._nested(20_000)[:60_000])

    def _wrong_receiveid(self) -> bytes:
        framed = self._framed(GOOD, receive_id=b"ww0000000000000000")
        return self._sealed(framed, counts=False)

    def _unknown_path(self) -> bytes:
        one = self._dice.choice(self._good)
        name = self._dice.choice(
            ["nobody", "KF", "kf/../contacts", "..%2f..%2fetc", "kf%00", "%ff%fe", "", "a" * 900]
        )
        return self._post(name, one.query, one.body, raw=True)

    def _just_too_large(self) -> bytes:
        one = self._dice.choice(self._good)
        return self._post("kf", one.query, one.body + b" " * (65 * 1024 - len(one.body)))

    # --- signed with the right key -------------------------------------------------------------------------

    def _bad_base64(self) -> bytes:
        encrypt = self._dice.choice(
            [b"", b"=", b"A", b"AAAA", b"A" * 43, b"!" * 64, self._dice.randbytes(60)]
        )
        encrypt = encrypt.replace(b"<", b"x").replace(b"]", b"x").strip() or b"A"
        return self._with_signature(encrypt)

    def _signed_rubbish(self) -> bytes:
        return self._sealed(self._framed(self._dice.randbytes(self._dice.randrange(300))))

    def _signed_nesting(self) -> bytes:
        return self._sealed(self._framed(self._nested(self._dice.choice([31, 33, 300, 3000]))))

    def _signed_entities(self) -> bytes:
        levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
        bomb = f'<!DOCTYPE xml [<!ENTITY a0 "ha">{levels}]><xml><MsgType>&a8;</MsgType></xml>'
        reader = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><MsgType>&f;</MsgType></xml>'
        return self._sealed(self._framed(self._dice.choice([bomb, reader]).encode()))

    def _signed_not_utf8(self) -> bytes:
        return self._sealed(
            self._framed(GOOD.replace(b"something_new", b"\xff\xfe\xc0" + self._dice.randbytes(4)))
        )

    def _signed_controls(self) -> bytes:
        return self._sealed(self._framed(GOOD.replace(b"_new", bytes([self._dice.randrange(32)]) + b"_new")))

    def _signed_mutation(self) -> bytes:
        plain = bytearray(GOOD)
        for _ in range(self._dice.randint(1, 6)):
            at = self._dice.randrange(len(plain))
            match self._dice.randrange(3):
                case 0:
                    plain[at] = self._dice.randrange(256)
                case 1:
                    del plain[at : at + self._dice.randrange(9)]
                case _:
                    plain[at:at] = self._dice.choice(
                        [b"<a>", b"]]>", b"&#0;", b"&lt;", b"<!--", b"<?x?>", b"\x00"]
                    )
        return self._sealed(self._framed(bytes(plain)))

    def _signed_pad(self) -> bytes:
        framed = self._framed(GOOD, pad=False)
        pad = self._dice.choice([0, 33, 255, 16])
        framed += bytes([pad]) * (32 - len(framed) % 32)
        return self._sealed(framed, counts=False)

    def _signed_length(self) -> bytes:
        size = self._dice.choice([0, 2**31, 2**32 - 1, len(GOOD) + 1, len(GOOD) - 1, 10_000])
        return self._sealed(self._framed(GOOD, size=size), counts=False)

    def _json_envelope(self) -> bytes:
        one = self._dice.choice(self._good)
        return self._post("kf", one.query, b'{"encrypt": "' + self._dice.randbytes(9).hex().encode() + b'"}')

    # --- parts ---------------------------------------------------------------------------------------------

    def _framed(
        self,
        plain: bytes,
        *,
        receive_id: bytes = wecom.CORP.encode(),
        size: int | None = None,
        pad: bool = True,
    ) -> bytes:
        length = (len(plain) if size is None else size).to_bytes(4, "big")
        framed = self._dice.randbytes(16) + length + plain + receive_id
        if pad:
            missing = 32 - len(framed) % 32
            framed += bytes([missing]) * missing
        if size is None and pad and receive_id == wecom.CORP.encode():
            self.signed.add(envelope.dedupe_key(self._ours, plain))
        return framed

    def _sealed(self, framed: bytes, *, counts: bool = True) -> bytes:
        key = base64.b64decode(wecom.AES_KEY + "=")
        encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
        return self._with_signature(base64.b64encode(encryptor.update(framed)))

    def _with_signature(self, encrypt: bytes) -> bytes:
        body = b"<xml><Encrypt><![CDATA[" + encrypt + b"]]></Encrypt></xml>"
        return self._post("kf", self._query(encrypt), body)

    def _query(self, encrypt: bytes) -> dict[str, str]:
        timestamp, nonce = "1763700000", str(self._dice.randrange(10**9))
        return {
            "msg_signature": envelope._signature(self._ours, timestamp, nonce, encrypt),
            "timestamp": timestamp,
            "nonce": nonce,
        }

    def _nested(self, depth: int) -> bytes:
        return b"<xml>" + b"<a>" * depth + b"x" + b"</a>" * depth + b"</xml>"

    def _noise_text(self) -> str:
        return "".join(chr(self._dice.choice([0x20, 0x41, 0x4E2D, 0xFF, 0x1F600, 0x0])) for _ in range(12))

    @staticmethod
    def _post(name: str, query: dict[str, str], body: bytes, *, raw: bool = False) -> bytes:
        path = name if raw else quote(name)
        return hammer.request_of(f"/callback/{path}?{urlencode(query)}", body)


async def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Send everything, then look into the database and the log."""
    fuzzer = Fuzzer(chosen.seed)
    with tempfile.TemporaryDirectory(prefix="guanjia-fuzz-") as name:
        async with server.running(wecom.settings(None, customers=1)) as box:
            url = f"sqlite:///{name}/guanjia.db"
            house = House(Plan(folder=Path(name), database_url=url, api_base=box.url, poll_seconds=60))
            await house.start()
            try:
                total = await _throw(fuzzer, house, chosen, report)
                await house.ready()
            finally:
                house.stop()
            await _judge_store(url, fuzzer, report)
            _judge_log(house, report)
    statuses = total.statuses
    report.row("requests", len(total.seconds), f"{total.per_second:.0f}/s")
    for status, count in sorted(statuses.items()):
        report.row(f"HTTP {status}", count)
    report.row("slowest", f"{max(total.seconds) * 1e3:.0f} ms")
    # A body of 7 MB is refused while it is still being sent, so the connection may break before its 413 is read.
    large = fuzzer.kinds["_seven_megabytes"]
    report.row("connections broken by the server", total.broken, f"of {large} bodies of 7 MB")
    report.must(total.broken <= large, f"{total.broken} requests got no answer")
    report.must(not any(status >= 500 for status in statuses), f"answers of the 5xx kind: {dict(statuses)}")
    report.must(max(total.seconds) < SLOWEST_SECONDS, f"the slowest answer took {max(total.seconds):.1f} s")


async def _throw(fuzzer: Fuzzer, house: House, chosen: argparse.Namespace, report: Report) -> hammer.Blows:
    total = hammer.Blows()
    requests = fuzzer.requests(chosen.requests)
    while chunk := [request for _, request in zip(range(CHUNK), requests, strict=False)]:
        blows = await asyncio.wait_for(hammer.strike(house.port, chunk, 32), 300)
        total.took += blows.took
        total.seconds += blows.seconds
        total.statuses += blows.statuses
        total.broken += blows.broken
        if len(total.seconds) // 20_000 != (len(total.seconds) - len(blows.seconds)) // 20_000:
            report.progress(f"{len(total.seconds)} answered, {dict(total.statuses)}")
    return total


async def _judge_store(url: str, fuzzer: Fuzzer, report: Report) -> None:
    store = await Store.open(url)
    try:
        async with store.read() as tx:
            rows = (await tx.execute(sa.select(event.c.key, event.c.receiver, event.c.kind))).all()
    finally:
        await store.close()
    known = fuzzer.signed | {
        envelope.dedupe_key(receiver(), envelope.open_post(receiver(), one.query, one.body))
        for one in fuzzer._good
    }
    foreign = [row.kind for row in rows if row.receiver == "kf" and row.key not in known]
    report.row(
        "events stored", len(rows), "all of them verified" if not foreign else f"{len(foreign)} unverified"
    )
    report.must(not foreign, f"stored without a verified envelope: {foreign[:3]}")


def _judge_log(house: House, report: Report) -> None:
    text = house.log.read_text("utf-8", "replace")
    report.row("stack traces in the log", text.count("Traceback"))
    report.must("Traceback" not in text, f"a stack trace in the log: {text[text.find('Traceback') :][:800]}")


def main(arguments: list[str] | None = None) -> int:
    """Run the bench; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    report = Report("mutated callbacks")
    asyncio.run(measure(parser.parse_args(arguments), report))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
