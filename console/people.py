"""What people are called on the pages: the platform and the histories know them by ids only."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from store import health_reports, logins


async def list_names(tx: AsyncConnection) -> dict[str, str]:
    """Return the name to show for each id: of the login that bears it, else of the member of staff.

    An id that is missing here is shown as it is. Keys are login names and the platform's UserIDs.
    """
    names = await health_reports.list_staff_names(tx)
    for login in await logins.list_logins(tx):
        if login.display_name:
            names[login.name] = login.display_name
            if login.staff_platform_id:
                names[login.staff_platform_id] = login.display_name
    return names
