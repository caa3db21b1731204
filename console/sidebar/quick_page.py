"""Quick phrases for the editor: found by words, by pinyin or its initials, one keystroke away."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from console.access import NotFound
from console.sidebar import access
from console.sidebar.visit import SidebarVisit
from domain.quick import QuickPhrase
from handlers import suggesting

_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class ShownPhrase:
    """A phrase as it would be sent. `text`: facts filled in, risk lines below."""

    phrase: QuickPhrase
    text: str


async def show(visit: SidebarVisit) -> web.Response:
    """Answer with the list for what was typed; with nothing typed the first phrases.

    What is known of the customer is filled in for who may see the customer; in a group nothing of one customer is.
    """
    knowledge, words = visit.ctx.console.knowledge(), visit.query("q")
    shown: list[ShownPhrase] = []
    async with visit.ctx.console.store.read() as tx:
        customer_id = None
        if who := visit.query("external_userid"):
            try:
                customer_id = (await access.access_customer(visit.viewer, tx, who)).customer.id
            except NotFound:
                # The list is everybody's; only the facts are not.
                customer_id = None
        for phrase in suggesting.search_quick(knowledge, words, _SHOWN):
            if visit.ctx.suggester is None:
                break
            text = await visit.ctx.suggester.phrase_text(tx, phrase.id, visit.me, customer_id)
            if text:
                shown.append(ShownPhrase(phrase=phrase, text=text))
    values = visit.common() | {"phrases": shown, "words": words}
    return web.Response(text=visit.frame.render("quick_part.html", values), content_type="text/html")
