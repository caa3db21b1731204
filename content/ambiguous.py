"""Words that mean different things in different lines: 利率, 手续费, 到期 (faq_facts §5).

Pure. A text that says such a word and nothing else that tells which is meant gets a menu, never an answer. The words
stand in content/ambiguous.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from content import normalising, tables
from domain.faq import Faq

KEYS = frozenset({"id", "said", "offers", "must_match", "must_not_match"})
MOST_OFFERS = 3

# What may stand beside the word without telling which is meant.
_BESIDE = re.compile(
    r"请问|你好|您好|你们?这里|你们?这边|你们?|您们?|我们?|这个|那个|怎么样|怎么办|怎么算|怎么弄|怎么|如何|咋|啥时候|什么时候|为什么|为啥|什么|啥|多少|多久|"
    r"几天|几号|多高|多|几|在哪里?|哪里|哪儿|去哪里?|哪|能不能|可不可以|可以|能|会|要|需要|想|问|查询?|一下|看|有没有|没有|有|还|在|是|的|了|吗|呢|么|啊|呀|吧|办|弄|收|算|"
    r"高|低|不|才|成功|钱|我|操作|里|现在|已经"
)


@dataclass(frozen=True, kw_only=True)
class Ambiguous:
    """One word with what it may mean. `offers`: ids of entries, the likeliest first."""

    id: str
    said: re.Pattern[str]
    offers: tuple[str, ...]

    def is_all_of(self, text: str) -> bool:
        """Say whether the text says this and nothing that tells which is meant."""
        words = normalising.normalise(text).replace(" ", "")
        rest, found = self.said.subn("", words)
        return bool(found) and not _BESIDE.sub("", rest)


def parse_ambiguous(table: tables.Table) -> Ambiguous | None:
    """Return the word of a table, None when it cannot be used; what is wrong is noted in the table's mistakes."""
    table.check_keys(KEYS)
    said = table.text("said")
    try:
        pattern = re.compile(said)
    except re.error as error:
        table.wrong(
            f"has a bad pattern: {error}; mend said", "said", f"的 said 不是正确的正则表达式：{error}"
        )
        return None
    offers = table.texts("offers", at_least=2)
    if len(offers) > MOST_OFFERS:
        table.wrong(
            f"offers {len(offers)} entries; keep {MOST_OFFERS}", "offers", f"的 offers 最多 {MOST_OFFERS} 条"
        )
    found = Ambiguous(id=table.text("id"), said=pattern, offers=offers)
    for key, wanted in (("must_match", True), ("must_not_match", False)):
        for example in table.texts(key, at_least=1):
            if found.is_all_of(example) is not wanted:
                table.wrong(
                    f"does not obey its example {example!r} in {key}; mend said",
                    key,
                    f"没有照例句“{example}”来，请改 said 或 {key}",
                )
    return found if said else None


def check_offers(table: tables.Table, found: Ambiguous, faqs: Mapping[str, Faq]) -> None:
    """Note offers that are no entries."""
    for offer in found.offers:
        if offer not in faqs:
            hint = tables.nearest(offer, faqs)
            table.wrong(
                f"offers {offer!r}, which is no entry{hint}", "offers", f"的 offers 里没有 {offer} 这一条"
            )


def find(text: str, words: Iterable[Ambiguous]) -> Ambiguous | None:
    """Return the ambiguous word that is all the text says, None when there is none."""
    return next((word for word in words if word.is_all_of(text)), None)
