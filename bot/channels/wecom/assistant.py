"""Messages to our own staff from the app 合规助手 (message/send).

Sent with the platform's duplicate check: the same message twice within the interval reaches nobody twice, so a
send whose answer was lost may be repeated. Source: WeCom doc 90236.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.channels.wecom.client import WeComClient
from domain.errors import ChannelRefused

TEXT_LIMIT_BYTES = 2048
DUPLICATE_INTERVAL = timedelta(minutes=30)  # A lease on the delivery must be shorter.
_ENDPOINT = "message/send"


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """`message_id` can be recalled for 24 hours. `unreached_ids`: outside the app's range, in lower case."""

    message_id: str
    unreached_ids: tuple[str, ...]


async def send_text(client: WeComClient, agent_id: int, staff_ids: Sequence[str], text: str) -> Accepted:
    """Send `text` to up to 1,000 members. Raises ChannelRefused when nobody can get it, or when too long.

    To repeat safely send the identical text within DUPLICATE_INTERVAL. More than 30 a minute to one member
    are dropped by the platform without a word.
    """
    size = len(text.encode())
    if not 1 <= size <= TEXT_LIMIT_BYTES or not 1 <= len(staff_ids) <= 1000:
        what = (
            f"{_ENDPOINT}: {size} bytes to {len(staff_ids)} members; allowed are {TEXT_LIMIT_BYTES} to 1,000"
        )
        raise ChannelRefused(what, endpoint=_ENDPOINT)
    message = {
        "msgtype": "text",
        "text": {"content": text},
        "enable_duplicate_check": 1,
        "duplicate_check_interval": int(DUPLICATE_INTERVAL.total_seconds()),
    }
    answer = await client.message.send(agent_id, list(staff_ids), msg=message)
    unreached = str(answer.get("invaliduser") or "").split("|")
    return Accepted(message_id=str(answer.get("msgid") or ""), unreached_ids=tuple(filter(None, unreached)))
