"""The company's own texts (content/own/*.toml): steps, places, terms that only the company knows.

An entry names one as `{own.NAME}`; it is put in when files are read, so that whoever approves the entry approves the
whole text. An entry whose text nobody has written yet is not answered: a person takes over (content/serving.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from content import faq_files, tables
from domain.faq import Faq

KEYS = frozenset({"id", "what", "text"})
LIMIT_BYTES = 600  # The answer around it and its risk lines need the rest of a message (WeCom doc 94677).

_ID = re.compile(r"^[a-z][a-z0-9_]*$")
_SLOT = re.compile(r"\{own\.([^{}]*)\}")


@dataclass(frozen=True, kw_only=True)
class OwnText:
    """One text of the company. `what`: what to write here, for the editor. `text`: empty until somebody has."""

    id: str
    what: str
    text: str
    file: str
    lineno: int


def parse_own(table: tables.Table) -> OwnText:
    """Return the text of a table; what is wrong with it is noted in the table's mistakes."""
    table.check_keys(KEYS)
    own_id = table.text("id")
    if own_id and not _ID.match(own_id):
        table.wrong(
            'has a bad id; write lower-case letters, digits and _: id = "loan_apply_steps"',
            "id",
            '的 id 写法不对，请用小写字母、数字和下划线，如 id = "loan_apply_steps"',
        )
    text = str(table.values.get("text", "")).strip()
    if len(text.encode()) > LIMIT_BYTES:
        table.wrong(
            f"has a text over {LIMIT_BYTES} bytes; shorten it or link to a page of your own",
            "text",
            f"的 text 超过 {LIMIT_BYTES} 字节（约 {LIMIT_BYTES // 3} 个汉字），请缩短，或给出官网页面",
        )
    return OwnText(id=own_id, what=table.text("what"), text=text, file=table.file, lineno=table.lineno)


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of the own texts that `text` asks for, in order."""
    return tuple(dict.fromkeys(_SLOT.findall(text)))


def filled(faq: Faq, own: Mapping[str, OwnText]) -> Faq:
    """Return the entry with the company's texts put in.

    A line whose text is not written yet is left out and named in `missing_own`. The digest covers the texts.
    """
    names = names_in(faq.answer)
    if not names:
        return faq
    texts = {name: own[name].text if name in own else "" for name in names}
    lines = [line for line in faq.answer.split("\n") if all(texts[name] for name in _SLOT.findall(line))]
    return replace(
        faq,
        answer=_SLOT.sub(lambda found: texts[found[1]], "\n".join(lines)),
        missing_own=tuple(name for name, text in texts.items() if not text),
        answer_source=faq.answer,
        digest=faq_files.digest_of({"entry": faq.digest, "own": texts}),
    )


def as_written(faq: Faq, written: Faq | None) -> Faq:
    """Return a stored entry with its `answer_source` where it was stored before there was one.

    `written`: the entry as the files have it; the same digest stands for the same words.
    """
    if faq.answer_source or written is None or written.digest != faq.digest:
        return faq
    return replace(faq, answer_source=written.answer_source)


def source_of(faq: Faq) -> str:
    """Return the answer as its author writes it, with `{own.…}` where the company's texts stand.

    Where nobody kept it, texts that are missing are asked for at the end: an answer without them is never whole.
    """
    if faq.answer_source:
        return faq.answer_source
    return "\n".join([faq.answer, *(f"{{own.{name}}}" for name in faq.missing_own)])


def check_names(table: tables.Table, faq: Faq, own: Mapping[str, OwnText]) -> None:
    """Note own texts that are asked for and stand nowhere. `faq`: before `filled`."""
    for name in names_in(faq.answer):
        if name not in own:
            hint = tables.nearest(name, own)
            table.wrong(
                f"asks for the company's own text {name!r}, which is not in own/*.toml{hint}",
                "answer",
                f"用到的 {{own.{name}}} 在 content/own 里没有，请补上或改正",
            )
