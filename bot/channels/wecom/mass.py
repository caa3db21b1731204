"""Mass sends (企业群发): a task for one member, who has to confirm it in the client before anything is sent.

`MassChannel` creates tasks for the outbox; `MassSends` asks what became of them. Creating cannot be repeated safely,
so a task whose creation broke off is looked for in the platform's list. Sources: WeCom docs 92135 (create), 93338
(results), 97610 (remind), 97611 (stop).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.channels.wecom import attachments, errors, fields
from bot.channels.wecom.client import WeComClient
from bot.channels.wecom.uploads import Uploads
from domain.delivery import Act, Delivery, Receipt
from domain.enrolment import TargetResult
from domain.errors import ChannelRefused
from domain.platform import SessionStatus
from domain.ports import Clock

log = logging.getLogger(__name__)

CHANNEL = "mass"
GROUP, SINGLE = "group", "single"
MOST_TARGETS = {GROUP: 2_000, SINGLE: 10_000}
TEXT_LIMIT_BYTES = 4000
MOST_ATTACHMENTS = 9
_CREATE = "externalcontact/add_msg_template"
STOPPED, _REMINDED_ENOUGH = 41093, 41094
_SENT_PART = 2  # Of get_groupmsg_task: 0 not confirmed, 2 sent.
_RESULTS = {
    0: TargetResult.UNSENT,
    1: TargetResult.SENT,
    2: TargetResult.NO_FRIEND,
    3: TargetResult.LIMITED,
}
_PAGE = 1000
_LIST_PAGE = 100
_CORP_ONLY = 0  # filter_type of the list: made by the company, not by a member.
# The platform's clock and ours differ by a little; a creation takes up to the client's time limit.
_SKEW = timedelta(minutes=2)
_LONGEST_LIST = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class SenderState:
    """Whether the sender has confirmed. `confirmed_at` None: not yet."""

    confirmed_at: datetime | None


class MassSends:
    """The mass sends of one corp.

    Every method raises ChannelBusy while the platform still hands a new task out (41063, some seconds), ChannelRefused
    for a msgid it does not know (41047), and otherwise as WeComClient.request.
    """

    def __init__(self, client: WeComClient, clock: Clock) -> None:
        self._client, self._clock = client, clock

    async def create(
        self,
        *,
        chat_type: str,
        sender: str,
        targets: Sequence[str],
        text: str,
        attached: Sequence[dict[str, Any]] = (),
    ) -> tuple[str, tuple[str, ...]]:
        """Make a task; return its msgid and the targets it will not reach. Not safe to repeat."""
        named = "chat_id_list" if chat_type == GROUP else "external_userid"
        body: dict[str, Any] = {"chat_type": chat_type, "sender": sender, named: list(targets)}
        body |= {"text": {"content": text}} if text else {}
        body |= {"attachments": list(attached)} if attached else {}
        answer = await self._client.post(_CREATE, data=body)
        msgid = fields.text(answer, "msgid")
        if not msgid:
            raise errors.uncertain(_CREATE, "an answer without a msgid")
        return msgid, fields.texts(answer, "fail_list")

    async def state(self, msgid: str, sender: str) -> SenderState:
        """Return whether `sender` has confirmed the task."""
        async for entry in self._pages(
            "externalcontact/get_groupmsg_task", {"msgid": msgid, "limit": _PAGE}, "task_list"
        ):
            if fields.text(entry, "userid") == sender and fields.number(entry, "status") == _SENT_PART:
                return SenderState(confirmed_at=fields.moment(entry, "send_time") or self._clock.now())
        return SenderState(confirmed_at=None)

    async def results(self, msgid: str, sender: str) -> dict[str, TargetResult]:
        """Return what came of the task by target; of groups only those are listed that were tried."""
        body = {"msgid": msgid, "userid": sender, "limit": _PAGE}
        found: dict[str, TargetResult] = {}
        async for entry in self._pages("externalcontact/get_groupmsg_send_result", body, "send_list"):
            target = fields.text(entry, "chat_id") or fields.text(entry, "external_userid")
            if target:
                found[target] = _RESULTS.get(fields.number(entry, "status"), TargetResult.UNSENT)
        return found

    async def remind(self, msgid: str) -> bool:
        """Remind the sender in the client; False when three reminders in 24 hours were made.

        Raises ChannelRefused with STOPPED when somebody stopped the task: nothing else of the platform tells that.
        """
        try:
            await self._client.post("externalcontact/remind_groupmsg_send", data={"msgid": msgid})
        except ChannelRefused as error:
            if error.errcode == _REMINDED_ENOUGH:
                return False
            raise
        return True

    async def cancel(self, msgid: str) -> None:
        """Stop what was not sent; what was sent stays. A task that was stopped before is no error."""
        try:
            await self._client.post("externalcontact/cancel_groupmsg_send", data={"msgid": msgid})
        except ChannelRefused as error:
            if error.errcode != STOPPED:
                raise

    async def find_created(
        self,
        sender: str,
        text: str,
        targets: Sequence[str],
        since: datetime,
        *,
        chat_type: str = GROUP,
        taken: Collection[str] = (),
    ) -> str:
        """Return the msgid of the one task made since `since` that says `text` for `sender`; "" when it is not sure.

        Not sure: none, or several that cannot be told apart. `taken`: msgids of other deliveries. The platform lists
        no targets; of what was sent the results must be among `targets`. Raises ChannelBusy while a task that may be
        the one is still handed out.
        """
        candidates = [
            msgid
            async for msgid in self._listed(chat_type, text, since)
            if msgid not in taken and await self._fits(msgid, sender, targets)
        ]
        return candidates[0] if len(candidates) == 1 else ""

    async def _listed(self, chat_type: str, text: str, since: datetime) -> AsyncIterator[str]:
        begin = since - _SKEW
        end = min(self._clock.now() + _SKEW, begin + _LONGEST_LIST)
        body = {
            "chat_type": chat_type,
            "start_time": int(begin.timestamp()),
            "end_time": int(end.timestamp()) + 1,
            "filter_type": _CORP_ONLY,
            "limit": _LIST_PAGE,
        }
        async for entry in self._pages("externalcontact/get_groupmsg_list_v2", body, "group_msg_list"):
            said = fields.text(fields.inner(entry, "text"), "content")
            if said.strip() == text.strip() and fields.text(entry, "msgid"):
                yield fields.text(entry, "msgid")

    async def _fits(self, msgid: str, sender: str, targets: Sequence[str]) -> bool:
        """Say whether the task is for `sender` and reached nobody but `targets`."""
        body = {"msgid": msgid, "limit": _PAGE}
        senders = [
            fields.text(entry, "userid")
            async for entry in self._pages("externalcontact/get_groupmsg_task", body, "task_list")
        ]
        return senders == [sender] and set(await self.results(msgid, sender)) <= set(targets)

    async def _pages(self, endpoint: str, body: dict[str, Any], listed: str) -> AsyncIterator[dict[str, Any]]:
        cursor = ""
        while True:
            answer = await self._client.post(endpoint, data=body | ({"cursor": cursor} if cursor else {}))
            for entry in fields.objects(answer, listed):
                yield entry
            cursor = fields.text(answer, "next_cursor")
            if not cursor:
                return


class MassChannel:
    """The Channel port for mass sends: one delivery, one task. Called by scheduler/outbox.py only."""

    def __init__(self, sends: MassSends, uploads: Uploads) -> None:
        self._sends, self._uploads = sends, uploads

    async def send(self, delivery: Delivery, *, account_id: str, customer: str) -> Receipt:
        """Make the task that `delivery` asks for; see domain.ports.Channel.

        The receipt's msgid names the task; `unreached`: targets it will not reach. Files are uploaded first, so that
        what breaks there is not a creation in doubt.
        """
        body = delivery.body
        _check(delivery)
        attached = await attachments.shapes(self._uploads, body.attachments, _CREATE)
        try:
            msgid, failed = await self._create(delivery, attached)
        except ChannelRefused as error:
            await attachments.upload_again(self._uploads, delivery, error)
            raise
        if failed:
            log.warning(
                "mass send leaves targets out",
                extra={"action": "mass_send_partly", "delivery": delivery.key, "count": len(failed)},
            )
        return Receipt(msgid=msgid, unreached=failed)

    async def session_status(self, account_id: str, customer: str) -> SessionStatus:
        """There are no sessions here."""
        return SessionStatus(state=None, servicer_id=None)

    async def _create(
        self, delivery: Delivery, attached: Sequence[dict[str, Any]]
    ) -> tuple[str, tuple[str, ...]]:
        body = delivery.body
        return await self._sends.create(
            chat_type=body.chat_type,
            sender=delivery.recipient,
            targets=body.targets,
            text=body.text,
            attached=attached,
        )


def _check(delivery: Delivery) -> None:
    body = delivery.body
    size, most = len(body.text.encode()), MOST_TARGETS.get(body.chat_type, 0)
    wrong = ""
    if delivery.act is not Act.MASS_SEND or not most:
        wrong = f"a {body.chat_type} {delivery.act} does not leave by this channel"
    elif not delivery.recipient:
        wrong = "nobody is named who has to confirm it"
    elif not 1 <= len(body.targets) <= most:
        wrong = f"{len(body.targets)} targets; allowed are 1 to {most}"
    elif size > TEXT_LIMIT_BYTES or not (size or body.attachments):
        wrong = f"{size} bytes of text; allowed are 1 to {TEXT_LIMIT_BYTES}, or none beside an attachment"
    if wrong:
        raise ChannelRefused(f"{_CREATE}: {wrong}", endpoint=_CREATE)
    attachments.check(body.attachments, MOST_ATTACHMENTS, _CREATE)
