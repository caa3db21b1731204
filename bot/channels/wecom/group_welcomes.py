"""Group welcome templates (入群欢迎语素材): words that greet who joins a group whose owner has picked them.

The program only makes the template; picking it is done by the owner in the client, who is asked by a card of ours, so
the platform's own note to every owner is off. There is no list of templates, so one whose making broke off stays
unknown. At most 100 templates exist at once (41055). Source: WeCom doc 92366.
"""

from __future__ import annotations

from typing import Any

from bot.channels.wecom import attachments, errors, fields
from bot.channels.wecom.client import WeComClient
from bot.channels.wecom.uploads import Uploads
from domain.delivery import Act, Body, Delivery, Receipt
from domain.errors import ChannelRefused
from domain.platform import SessionStatus

CHANNEL = "welcome_library"
TEXT_LIMIT_BYTES = 3000
MOST_ATTACHMENTS = 1
_ADD = "externalcontact/group_welcome_template/add"
_NO_NOTE = 0


class GroupWelcomes:
    """The templates of one app. `agent_id` None: of the app the secret belongs to."""

    def __init__(self, client: WeComClient, agent_id: int | None) -> None:
        self._client, self._agent_id = client, agent_id

    async def add(self, text: str, attached: dict[str, Any] | None = None) -> str:
        """Make a template and return its id. Not safe to repeat."""
        body: dict[str, Any] = {"notify": _NO_NOTE}
        body |= {"text": {"content": text}} if text else {}
        body |= {attached["msgtype"]: attached[attached["msgtype"]]} if attached else {}
        body |= {"agentid": self._agent_id} if self._agent_id is not None else {}
        answer = await self._client.post(_ADD, data=body)
        template_id = fields.text(answer, "template_id")
        if not template_id:
            raise errors.uncertain(_ADD, "an answer without a template_id")
        return template_id


class WelcomeLibraryChannel:
    """The Channel port for group welcome templates. Called by scheduler/outbox.py only."""

    def __init__(self, welcomes: GroupWelcomes, uploads: Uploads) -> None:
        self._welcomes, self._uploads = welcomes, uploads

    async def send(self, delivery: Delivery, *, account_id: str, customer: str) -> Receipt:
        """Make the template; its id is the receipt's msgid. See domain.ports.Channel."""
        if delivery.act is not Act.GROUP_WELCOME:
            raise _refused(f"a {delivery.act} does not leave by this channel")
        body = delivery.body
        _check(body)
        shown = await attachments.shapes(self._uploads, body.attachments, _ADD)
        try:
            return Receipt(msgid=await self._welcomes.add(body.text, shown[0] if shown else None))
        except ChannelRefused as error:
            await attachments.upload_again(self._uploads, delivery, error)
            raise

    async def session_status(self, account_id: str, customer: str) -> SessionStatus:
        """There are no sessions here."""
        return SessionStatus(state=None, servicer_id=None)


def _check(body: Body) -> None:
    size = len(body.text.encode())
    if size > TEXT_LIMIT_BYTES or not (size or body.attachments):
        raise _refused(
            f"{size} bytes of text; allowed are 1 to {TEXT_LIMIT_BYTES}, or none beside an attachment"
        )
    attachments.check(body.attachments, MOST_ATTACHMENTS, _ADD)


def _refused(what: str) -> ChannelRefused:
    return ChannelRefused(f"{_ADD}: {what}", endpoint=_ADD)
