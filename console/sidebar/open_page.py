"""Going to a talk in WeCom: the page that the big screen's "open in WeCom" leads to.

Only the client can open a chat (navigateToKfChat, openEnterpriseChat; WeCom doc 92525 and the SDK's types), and only a
page under our trusted domain may ask it to, so the way leads over this page. Outside WeCom it says what to do.
"""

from __future__ import annotations

from aiohttp import web

from console.sidebar import customer_page, stream_access
from console.sidebar.visit import SidebarVisit
from store import customer_names
from store.presence import Place


async def show(visit: SidebarVisit) -> web.Response:
    """Show the page for a conversation this person may know of; without one it says so. Raises NotFound."""
    wanted = visit.query("conversation")
    if not wanted:
        return visit.page("open.html", place=None, name="", back="")
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= 18 else 0
    async with visit.ctx.console.store.read() as tx:
        place = await stream_access.access_conversation(visit.viewer, tx, number)
        names = await customer_names.list_names(tx, [place.customer]) if place.customer else {}
    back = _back(place)
    return visit.page("open.html", place=place, name=names.get(place.customer, ""), back=back)


def _back(place: Place) -> str:
    """Return our own page about the talk."""
    return customer_page.address_of(place.customer) if place.customer else "/sidebar/group"
