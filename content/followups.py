"""Questions that lean on what was said before: "那提前还呢？", "要多久", "24期呢".

Pure. Says whether a text can stand alone, and writes it out with the subject it leaves unsaid; what is done with that
is content/knowledge.py's business. A text is only ever read as a follow-up when it says too little by itself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from content import normalising
from domain.faq import Choice, Decision, Faq, Line, Match, Thresholds

_LONGEST = 14  # Characters of a follow-up; longer ones name their subject.
_ASKED_NEXT = 2.0  # How much likelier an entry is that the topic names as asked next.
_ENOUGH = 0.4  # Confidence that is enough for a follow-up, with a lead of
_LEAD_OVER = 1.6  # so many times the next one.
_A_NAME = 4  # Characters of a keyword that is a name by itself: 等额本金, not 到账.
_SUBJECTS = 3  # Keywords of the topic that are tried as the unsaid subject.
_LEAD = re.compile(
    r"^(?:那么?|那如果|那要是|如果|要是|假如|假设|还有|另外|然后|接着|再问一?下|顺便问一?下|对了|好的?|嗯|哦|ok|明白了?|知道了)+"
)
_TAIL = re.compile(r"(?:的话)?(?:呢|咧|嘞)$")
_THIS = re.compile(r"^(?:这个|那个|它|这种|那种|这样|这|那)(?:的)?")
_BARE = re.compile(
    r"^(?:我|一般|大概|最快|最晚|最多|最少|具体|都|需要|需|要|得|会|能|可以|一共|总共)*"
    r"(?:多久|多长时间|几天|什么时候|啥时候|多少钱?|几次|几号|怎么办理?|咋办|怎么弄|咋弄|怎么操作|怎么申请|怎么算|咋算|在哪里?|哪里|去哪里?|找谁|"
    r"什么材料|哪些材料|什么资料|哪些资料|什么条件|什么手续|什么流程|什么后果|什么影响|为什么|为啥|收费|花钱|安全|合法|影响征信|上征信|到账)"
    r"(?:才)?(?:能|会|可以)?(?:到账|到|办好|好|办|搞定|下来|完|算|吗|么|呀|啊|呢|了)*$"
)
_YES_NO = re.compile(
    r"^(?:可以|能|会|要|需要|用|行|得)(?:不|没)?(?:可以|能|会|要|用|行)?[^吗么]{0,5}(?:吗|么|不)$"
)


_FIGURE = re.compile(
    r"[\d.,%￥¥]+|[零〇一二两三四五六七八九十百千万亿半]+|每|分|期|个?月|年|天|日|元|块钱?|毛|厘|w|k|"
    r"已经?|还了|年?(?:利率|化|息)|月(?:利率|息|供)|日(?:利率|息)|本金|金额|借款?|贷款?|总共|一共|大概|大约|左右|是|按|百分之|万分之|千分之"
)
_MOST_WORDS = 2  # Characters beside the figures: "逾期15天", "到手4万7".


def is_only_figures(text: str) -> bool:
    """Say whether the text is an answer to "which rate, how many months": figures with hardly a word beside them."""
    words = normalising.normalise(text).replace(" ", "")
    rest = _FIGURE.sub("", _rest(words))
    return bool(re.search(r"[\d零一二两三四五六七八九十百千万半]", words)) and len(rest) <= _MOST_WORDS


def is_follow_up(text: str) -> bool:
    """Say whether the text leaves its subject unsaid, so that what was answered last may be meant."""
    words = normalising.normalise(text).replace(" ", "")
    if not words or len(words) > _LONGEST:
        return False
    rest = _rest(words)
    if rest != words:
        return True
    return bool(_BARE.match(words) or _YES_NO.match(words))


def names(text: str, faq: Faq) -> bool:
    """Say whether the text names the entry's subject itself: "等额本金呢"."""
    words = normalising.normalise(text).replace(" ", "")
    return any(len(word) >= _A_NAME and normalising.normalise(word) in words for word in faq.keywords)


def written_out(text: str, topic: Faq) -> tuple[str, ...]:
    """Return the text with each likely subject of `topic` before it, the likeliest first: "理赔 要多久"."""
    rest = _rest(normalising.normalise(text).replace(" ", ""))
    return tuple(f"{subject}{rest}" for subject in topic.keywords[:_SUBJECTS])


def pooled(readings: Iterable[Iterable[Match]], topic: Faq, lines: Mapping[str, Line]) -> list[Match]:
    """Return what several readings of one follow-up agree on, the best first.

    Entries of another line are left out, and the topic itself: it was answered. What customers are known to ask next
    counts double. `lines`: the line of each entry.
    """
    best: dict[str, Match] = {}
    for match in itertools.chain.from_iterable(readings):
        if match.faq_id == topic.id or lines.get(match.faq_id) not in (topic.line, Line.SERVICE):
            continue
        known = best.get(match.faq_id)
        if known is None or match.confidence > known.confidence:
            best[match.faq_id] = match
    weighed = [_weighed(match, topic) for match in best.values()]
    return sorted(weighed, key=lambda match: -match.confidence)


def decide(found: list[Match], thresholds: Thresholds) -> Decision:
    """Return what a follow-up allows: the entry that clearly leads, a menu, or nothing.

    The talk before it narrows what can be meant, so less confidence is asked for than of words that stand alone; the
    entry must then lead the next one clearly.
    """
    considered = tuple(found[:5])
    if not found or found[0].confidence < thresholds.menu_at:
        return Decision(choice=Choice.UNKNOWN, considered=considered)
    second = found[1].confidence if len(found) > 1 else 0.0
    if found[0].confidence >= _ENOUGH and found[0].confidence >= _LEAD_OVER * second:
        return Decision(choice=Choice.ANSWER, matches=(found[0],), considered=considered)
    return Decision(choice=Choice.MENU, matches=tuple(found[: thresholds.menu_size]), considered=considered)


def _weighed(match: Match, topic: Faq) -> Match:
    subject = topic.keywords[0] if topic.keywords else topic.question
    said = f"结合上文“{subject}”来理解"
    factor = _ASKED_NEXT if match.faq_id in topic.follow_ups else 1.0
    confidence = min(0.99, match.confidence * factor)
    return replace(match, confidence=confidence, score=confidence, reasons=(said, *match.reasons))


def _rest(words: str) -> str:
    """Return the words without what only ties them to the talk before; the words when nothing is left."""
    rest = _TAIL.sub("", _THIS.sub("", _LEAD.sub("", words)))
    return rest or words
