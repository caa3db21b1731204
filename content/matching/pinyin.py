"""Toneless pinyin: the syllables of characters, and letters cut into syllables.

Pure after the first call, which reads pypinyin's character table (0.05 s, 2026-11-22). Characters with several readings
customers use keep them all.
"""

from __future__ import annotations

import functools
import os
import re
import unicodedata

# Second readings that are common in our subjects; pypinyin lists rare ones too, which would make everything alike.
_ALSO = {
    "还": ("huan", "hai"),
    "行": ("xing", "hang"),
    "长": ("chang", "zhang"),
    "重": ("zhong", "chong"),
    "率": ("lv", "shuai", "lu"),
    "得": ("de", "dei"),
    "了": ("le", "liao"),
    "都": ("dou", "du"),
    "调": ("tiao", "diao"),
    "会": ("hui", "kuai"),
    "单": ("dan", "shan"),
    "降": ("jiang", "xiang"),
    "给": ("gei", "ji"),
    "差": ("cha", "chai"),
    "折": ("zhe", "she"),
    "呗": ("bei", "bai"),
    "绿": ("lv", "lu"),
    "女": ("nv", "nu"),
    "旅": ("lv", "lu"),
    "什": ("shen", "shi"),
    "么": ("me", "mo"),
    "地": ("de", "di"),
    "的": ("de", "di"),
    "参": ("can", "shen"),
    "省": ("sheng", "xing"),
    "查": ("cha", "zha"),
    "系": ("xi", "ji"),
    "约": ("yue", "yao"),
    "那": ("na", "nei"),
    "哪": ("na", "nei"),
    "这": ("zhe", "zhei"),
    "谁": ("shei", "shui"),
    "没": ("mei", "mo"),
    "乐": ("le", "yue"),
    "大": ("da", "dai"),
    "和": ("he", "huo"),
}
_SYLLABLE = re.compile(
    r"(?:[bpmf]?(?:a|ai|an|ang|ao|e|ei|en|eng|i|ian|iao|ie|in|ing|o|ou|u|iu)|[zcs]h?(?:a|ai|an|ang|ao|e|ei|en|eng|i|ong|ou|"
    r"u|ua|uai|uan|uang|ui|un|uo)|[dtnlgkhr](?:a|ai|an|ang|ao|e|ei|en|eng|i|ia|ian|iang|iao|ie|in|ing|iu|ong|ou|u|ua|"
    r"uai|uan|uang|ui|un|uo|v|ve|ue)|[jqx](?:i|ia|ian|iang|iao|ie|in|ing|iong|iu|u|uan|ue|un)|y(?:a|an|ang|ao|e|i|in|"
    r"ing|o|ong|ou|u|uan|ue|un)|w(?:a|ai|an|ang|ao|ei|en|eng|o|u)|a|ai|an|ang|ao|e|ei|en|er|o|ou)"
)
_LONGEST = 6


@functools.cache
def _table() -> dict[int, str]:
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")
    from pypinyin.pinyin_dict import pinyin_dict

    return dict(pinyin_dict)


@functools.cache
def readings(char: str) -> tuple[str, ...]:
    """Return the toneless readings of a Han character, the usual one first; empty for anything else."""
    known = _ALSO.get(char)
    if known:
        return known
    written = _table().get(ord(char), "")
    return (_toneless(written.partition(",")[0]),) if written else ()


def _toneless(written: str) -> str:
    plain = unicodedata.normalize("NFD", written.replace("ü", "v").replace("ǖ", "v").replace("ǘ", "v"))
    plain = plain.replace("ǚ", "v").replace("ǜ", "v").replace("u\u0308", "v")
    return "".join(char for char in plain if not unicodedata.combining(char))


@functools.lru_cache(maxsize=4096)
def is_syllable(letters: str) -> bool:
    """Say whether letters are one syllable."""
    return _SYLLABLE.fullmatch(letters) is not None


@functools.lru_cache(maxsize=4096)
def cuts(letters: str) -> tuple[tuple[str, ...], ...]:
    """Return the ways to cut letters into syllables, the fewest syllables first, at most four; empty for a word of
    another language ("wifi" cannot be cut)."""
    if len(letters) > 160:
        return ()
    best: list[list[tuple[str, ...]]] = [[()]]
    for end in range(1, len(letters) + 1):
        ways = [
            (*before, letters[start:end])
            for start in range(max(0, end - _LONGEST), end)
            if best[start] and is_syllable(letters[start:end])
            for before in best[start]
        ]
        best.append(sorted(ways, key=len)[:4])
    return tuple(best[-1])
