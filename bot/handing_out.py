"""What the command line does to hand conversations out: the export, and the line in the access log that tells of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bot import config, privacy, proof
from console import exporting, words
from console.exporting import Cover, Exporter, Progress
from store import logins
from store.exports import ExportScope


async def export(
    settings: config.Settings,
    out: Path,
    format_: str,
    *,
    customer: str,
    advisor: str,
    only_findings: bool,
    since: datetime | None,
    until: datetime | None,
    by: str,
    is_masked: bool,
    progress: Progress,
) -> Cover:
    """Write the export to `out` and return its cover. Raises ConfigError for an unknown customer."""
    now = proof.clock_of(settings).now()
    async with proof.opened(settings) as store:
        scope = ExportScope(
            customer_id=await privacy.customer_id(store, customer) if customer else None,
            staff_id="" if only_findings else advisor,
            findings_of=advisor if only_findings else "",
            since=since,
            until=until,
        )
        writer = Exporter(
            store=store,
            words=words.load(),
            zone=settings.service.zone,
            company=settings.company.name,
        )
        partial = out.with_name(out.name + ".part")
        try:
            cover = await writer.write(
                partial, scope, format_, by=by, now=now, is_masked=is_masked, progress=progress
            )
            partial.replace(out)
        finally:
            partial.unlink(missing_ok=True)
        note = exporting.log_note(format_, cover, is_masked=is_masked)
        await store.write(
            lambda tx: logins.record_access(
                tx, actor=by, act="exported", subject=exporting.subject_of(scope), now=now, note=note
            )
        )
    return cover
