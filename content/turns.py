"""Whether a customer has finished asking.

Pure. People type a question in several bubbles; a greeting or a fragment waits for the next one, a whole
question is answered at once. Who waits, and how long, is the handlers' business.
"""

from __future__ import annotations

import re

from content import normalising, signals
from domain.replies import SignalKind

_ASKING = re.compile(
    r"[?]|吗|么$|呢$|怎么|如何|咋|多少|多久|几|哪|什么|啥|为何|为什么|能不能|可不可以|可以.{0,8}吗|是不是|会不会|"
    r"要不要|有没有|行不行|好不好|算不算|赔不赔|谁|是否|区别|帮我|查一?下"
)
_SMALL_TALK = (SignalKind.GREETING, SignalKind.FRAGMENT)
_LONG_ENOUGH = 7  # Characters of a statement that stands by itself: "我要把保险退了".


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
    if kinds - set(_SMALL_TALK):
        return True
    if SignalKind.FRAGMENT in kinds:
        return False
    if any(hit.kind is SignalKind.GREETING and hit.whole for hit in hits):
        return False
    return bool(_ASKING.search(normalising.folded(text).strip())) or len(words) >= _LONG_ENOUGH
