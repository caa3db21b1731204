"""Whether a customer has finished asking.

Pure. People type a question in several bubbles; a greeting or a fragment waits for the next one, a whole
question is answered at once. Who waits, and how long, is the handlers' business.
"""

from __future__ import annotations

import re
import unicodedata

from content import normalising, signals
from domain.replies import SignalKind

_ASKING = re.compile(
    r"[?]|吗|么$|呢$|怎么|如何|咋|多少|多久|几|哪|什么|啥|为何|为什么|能不能|可不可以|可以.{0,8}吗|是不是|会不会|"
    r"要不要|有没有|行不行|好不好|算不算|赔不赔|谁|是否|区别|帮我|查一?下"
)
_CAN_WAIT = frozenset({SignalKind.GREETING, SignalKind.FRAGMENT, SignalKind.CONTACT})
_COURTESIES = frozenset({SignalKind.THANKS, SignalKind.GOODBYE})
# Words that only say that something was heard.
_NOD = re.compile("好[的滴哒吧]?|嗯+|[哦噢]|行吧?|可以|知道了|明白了?|了解|收到|ok")
_LONG_ENOUGH = 7  # Characters of a statement that stands by itself: "我要把保险退了".
# The client's own faces arrive as words in brackets: "[微笑][玫瑰]".
_FACE = re.compile(
    r"\[(?:微笑|撇嘴|色|发呆|得意|流泪|害羞|闭嘴|睡|大哭|尴尬|发怒|调皮|呲牙|惊讶|难过|囧|抓狂|吐|偷笑|愉快|白眼|"
    r"傲慢|困|惊恐|憨笑|悠闲|咒骂|疑问|嘘|晕|衰|骷髅|敲打|再见|擦汗|抠鼻|鼓掌|坏笑|右哼哼|鄙视|委屈|快哭了|阴险|"
    r"亲亲|可怜|笑脸|生病|脸红|破涕为笑|恐惧|失望|无语|嘿哈|捂脸|奸笑|机智|皱眉|耶|吃瓜|加油|汗|天啊|emm|社会社会|"
    r"旺柴|好的|打脸|哇|翻白眼|666|让我看看|叹气|苦涩|裂开|嘴唇|爱心|心碎|拥抱|强|弱|握手|胜利|抱拳|勾引|拳头|ok|"
    r"合十|啤酒|咖啡|蛋糕|玫瑰|凋谢|菜刀|炸弹|便便|月亮|太阳|庆祝|礼物|红包|发|福|烟花|爆竹|猪头|跳跳|发抖|转圈)\]"
)


def is_wordless(text: str) -> bool:
    """Say whether the text is nothing but emoji, faces or other symbols, so that it counts as a sticker.

    False for a blank text and for bare punctuation: "？？" is impatience, not a sticker.
    """
    folded = normalising.folded(text)
    rest = _FACE.sub("", folded)
    if normalising.normalise(rest):
        return False
    return rest != folded or any(unicodedata.category(letter).startswith("S") for letter in rest)


def wants_answer(kind: str, text: str, found: signals.Signals) -> bool:
    """Say whether somebody who said this waits for an answer: not after thanks, a goodbye, a face or "好的".

    `kind`: of the message; what cannot be read, a picture or a voice, waits for one.
    """
    if kind != "text":
        return True
    if not text.strip() or is_wordless(text) or _NOD.fullmatch(normalising.normalise(text)):
        return False
    return not any(hit.whole and hit.kind in _COURTESIES for hit in found.find(text))


def asks(text: str) -> bool:
    """Say whether the words ask for something: "怎么", "吗", a question mark."""
    return bool(_ASKING.search(normalising.folded(text).strip()))


def is_whole_question(text: str, found: signals.Signals) -> bool:
    """Say whether the text can be answered now rather than after the customer's next bubble.

    True for anything urgent, for thanks and goodbyes, for words that ask, and for a longer statement; False
    for a bare greeting, an announcement ("想问一下"), a trailing comma, or a few words ("我的保单").
    """
    words = normalising.normalise(text)
    if not words:
        return False
    hits = found.find(text)
    kinds = {hit.kind for hit in hits}
    if kinds - _CAN_WAIT:
        return True
    if SignalKind.FRAGMENT in kinds:
        return False
    if SignalKind.CONTACT in kinds:
        return True
    if any(hit.kind is SignalKind.GREETING and hit.whole for hit in hits):
        return False
    return asks(text) or len(words) >= _LONG_ENOUGH
