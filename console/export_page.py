"""Handing conversations out: the form, the file, and a member's own decisions (PIPL 24, 45)."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from aiohttp import web

from console import access, exporting, people, search_page
from console.access import Right
from console.exporting import Exporter
from console.visit import Visit
from store import customers, health_reports, logins
from store.exports import ExportScope

_PATH = "/console/export"
_BLOCK = 256 * 1024


async def show(visit: Visit) -> web.Response:
    """Show the form; `customer` or `staff` of the address fill it in."""
    access.require(visit.viewer, Right.EXPORT)
    async with visit.ctx.store.read() as tx:
        staff = await health_reports.list_staff_names(tx)
        names = await people.list_names(tx)
    return visit.page(
        "export.html",
        staff=staff,
        people=names,
        formats=exporting.FORMATS,
        customer=visit.query("customer"),
        chosen=visit.query("staff"),
        may_see_internal=visit.viewer.may(Right.SEE_INTERNAL_TALK),
        may_see_numbers=visit.viewer.may(Right.EXPORT_FULL),
    )


async def hand_out(visit: Visit) -> web.StreamResponse:
    """Answer with the file that was asked for."""
    access.require(visit.viewer, Right.EXPORT)
    customer, staff = visit.said("customer", 64), visit.said("staff", 64)
    if visit.said("format") not in exporting.FORMATS or bool(customer) == bool(staff):
        return visit.back(_PATH, wrong="export_scope")
    async with visit.ctx.store.read() as tx:
        known = await customers.find_ids(tx, [customer]) if customer else {}
    if customer and customer not in known:
        return visit.back(_PATH, wrong="export_customer")
    scope = ExportScope(
        customer_id=known.get(customer),
        staff_id=staff,
        since=search_page.midnight(visit, search_page.day_of(visit.said("since"))),
        until=search_page.midnight(visit, search_page.day_of(visit.said("until")), days=1),
        with_internal=bool(visit.said("internal")) and visit.viewer.may(Right.SEE_INTERNAL_TALK),
    )
    is_full = bool(visit.said("full")) and visit.viewer.may(Right.EXPORT_FULL)
    return await _answer(visit, scope, is_masked=not is_full)


async def hand_out_own(visit: Visit) -> web.StreamResponse:
    """Answer with what was found about the signed-in member, and who decided what."""
    access.require(visit.viewer, Right.SEE_OWN_AUDIT)
    staff = visit.viewer.login.staff_platform_id or visit.viewer.login.name
    if visit.said("format") not in exporting.FORMATS:
        return visit.back("/console/audit/mine", wrong="export_scope")
    return await _answer(visit, ExportScope(findings_of=staff), is_masked=True)


async def _answer(visit: Visit, scope: ExportScope, *, is_masked: bool) -> web.StreamResponse:
    """Write the file aside, note it in the access log, send it, delete it: what is sent was written down before."""
    format_, now = visit.said("format"), visit.ctx.clock.now()
    writer = Exporter(
        store=visit.ctx.store, words=visit.frame.words, zone=visit.ctx.zone, company=visit.ctx.company
    )
    with tempfile.TemporaryDirectory(prefix="guanjia-export-") as folder:
        file = Path(folder) / "export"
        cover = await writer.write(file, scope, format_, by=visit.viewer.name, now=now, is_masked=is_masked)
        note = exporting.log_note(format_, cover, is_masked=is_masked)
        note += ", with internal talk" if scope.with_internal else ""
        await visit.write(
            lambda tx: logins.record_access(
                tx,
                actor=visit.viewer.name,
                act="exported",
                subject=exporting.subject_of(scope),
                now=now,
                note=note,
            )
        )
        return await _send(visit, file, f"talk-{now:%Y%m%d-%H%M%S}.{format_}", exporting.TYPES[format_])


async def _send(visit: Visit, file: Path, name: str, type_: str) -> web.StreamResponse:
    answer = web.StreamResponse(
        headers={
            "Content-Type": type_,
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(file.stat().st_size),
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
    )
    # Set here, because the headers of every page are added only after a stream has begun.
    for key, value in (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")):
        answer.headers[key] = value
    await answer.prepare(visit.request)
    with file.open("rb") as source:
        while block := await asyncio.to_thread(source.read, _BLOCK):
            await answer.write(block)
    await answer.write_eof()
    return answer
