"""The Channel port for 微信客服: one Delivery in, one platform call out.

Called by scheduler/outbox.py only. Which error means what for the delivery is decided there.
"""

from __future__ import annotations

from bot.channels.wecom.kf import Kf
from domain import handover
from domain.delivery import Act, Body, Delivery, Receipt
from domain.errors import ServicerRefused, SessionRefused
from domain.platform import MenuClick, SessionState, SessionStatus

_MOVE = "kf/service_state/trans"


class KfChannel:
    """Sends deliveries through the kf accounts of one corp."""

    def __init__(self, kf: Kf) -> None:
        self._kf = kf

    async def send(self, delivery: Delivery, *, account_id: str, customer: str) -> Receipt:
        """Do what `delivery` says; see domain.ports.Channel."""
        match delivery.act:
            case Act.TRANSFER:
                return await self._transfer(delivery, account_id, customer)
            case Act.END:
                return await self._end(delivery, account_id, customer)
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
        """Give the session to the first servicer who can take it, or to the pool.

        The state is asked for first: what was decided may be overtaken, and no other move than a known one is tried.
        """
        body = delivery.body
        status = await self._kf.session_state(account_id, customer)
        if delivery.attempt > 1 and _is_given(status, body):
            return Receipt(servicer=status.servicer_id or "", was_repeat=True)
        _check_move(status, SessionState.SERVICER if body.servicers else SessionState.POOL, body.taken_from)
        if not body.servicers:
            code = await self._kf.transfer(account_id, customer, SessionState.POOL, None)
            return Receipt(msg_code=code or "")
        refused: list[str] = []
        problem: ServicerRefused | None = None
        for servicer in body.servicers:
            try:
                code = await self._kf.transfer(account_id, customer, SessionState.SERVICER, servicer)
            except ServicerRefused as error:
                problem, refused = error, [*refused, servicer]
            else:
                return Receipt(msg_code=code or "", servicer=servicer, unreached=tuple(refused))
        assert problem is not None
        raise problem

    async def _end(self, delivery: Delivery, account_id: str, customer: str) -> Receipt:
        """End the session of `taken_from`; the code lets the words out, which are another delivery."""
        status = await self._kf.session_state(account_id, customer)
        if delivery.attempt > 1 and status.state is SessionState.ENDED:
            return Receipt(was_repeat=True)  # The code is lost; it lives 20 seconds only.
        _check_move(status, SessionState.ENDED, delivery.body.taken_from)
        code = await self._kf.transfer(account_id, customer, SessionState.ENDED, None)
        return Receipt(msg_code=code or "")


def _is_given(status: SessionStatus, body: Body) -> bool:
    """Say whether an earlier try of a transfer has worked."""
    if status.state is SessionState.POOL:
        return not body.taken_from and not body.servicers
    return status.state is SessionState.SERVICER and status.servicer_id != body.taken_from


def _check_move(status: SessionStatus, wanted: SessionState, taken_from: str) -> None:
    """Raise SessionRefused unless the platform allows the move and the session is with whom it was decided about."""
    is_served = status.state is SessionState.SERVICER
    is_other = is_served and (not taken_from or status.servicer_id != taken_from)
    if is_other or not handover.may_move(status.state, wanted):
        what = f"{_MOVE}: not tried from state {status.state} ({status.servicer_id or 'nobody'}) to {int(wanted)}"
        raise SessionRefused(what, endpoint=_MOVE)


def _clicks(body: Body) -> list[MenuClick]:
    return [MenuClick(menu_id=item.id, text=item.text) for item in body.menu]
