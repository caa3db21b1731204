"""The Channel port for 微信客服: one Delivery in, one platform call out.

Called by scheduler/outbox.py only. Which error means what for the delivery is decided there.
"""

from __future__ import annotations

from bot.channels.wecom.kf import Kf
from domain.delivery import Act, Body, Delivery, Receipt
from domain.errors import ServicerRefused
from domain.platform import MenuClick, SessionState, SessionStatus


class KfChannel:
    """Sends deliveries through the kf accounts of one corp."""

    def __init__(self, kf: Kf) -> None:
        self._kf = kf

    async def send(self, delivery: Delivery, *, account_id: str, customer: str) -> Receipt:
        """Do what `delivery` says; see domain.ports.Channel."""
        match delivery.act:
            case Act.TRANSFER:
                return await self._transfer(delivery, account_id, customer)
            case _ if delivery.body.code:
                await self._send_on_event(delivery)
            case Act.MENU:
                body = delivery.body
                await self._kf.send_menu(
                    account_id, customer, delivery.key, body.text, _clicks(body), body.tail
                )
            case Act.TEXT:
                await self._kf.send_text(account_id, customer, delivery.key, delivery.body.text)
        return Receipt(msgid=delivery.key)

    async def session_status(self, account_id: str, customer: str) -> SessionStatus:
        """Return who may speak in the session now."""
        return await self._kf.session_state(account_id, customer)

    async def _send_on_event(self, delivery: Delivery) -> None:
        body = delivery.body
        if body.menu:
            await self._kf.send_menu_on_event(body.code, delivery.key, body.text, _clicks(body), body.tail)
        else:
            await self._kf.send_text_on_event(body.code, delivery.key, body.text)

    async def _transfer(self, delivery: Delivery, account_id: str, customer: str) -> Receipt:
        """Give the session to the first servicer who can take it, or to the pool."""
        if delivery.attempt > 1:
            status = await self._kf.session_state(account_id, customer)
            if status.state in (SessionState.POOL, SessionState.SERVICER):
                return Receipt(servicer=status.servicer_id or "", was_repeat=True)
        if not delivery.body.servicers:
            code = await self._kf.transfer(account_id, customer, SessionState.POOL, None)
            return Receipt(msg_code=code or "")
        refused: ServicerRefused | None = None
        for servicer in delivery.body.servicers:
            try:
                code = await self._kf.transfer(account_id, customer, SessionState.SERVICER, servicer)
            except ServicerRefused as error:
                refused = error
            else:
                return Receipt(msg_code=code or "", servicer=servicer)
        assert refused is not None
        raise refused


def _clicks(body: Body) -> list[MenuClick]:
    return [MenuClick(menu_id=item.id, text=item.text) for item in body.menu]
