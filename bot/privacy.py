"""What the command line does for privacy: erase a customer's words, hold them, report what is over its time."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from bot import config, proof
from content import retention as retention_files
from domain.errors import ConfigError
from scheduler.erasing import Due, Eraser, Outcome, Part
from store import customers, holds
from store.database import Store
from store.holds import Hold


@contextlib.asynccontextmanager
async def _eraser(settings: config.Settings) -> AsyncIterator[tuple[Store, Eraser]]:
    async with proof.opened(settings) as store:
        yield store, eraser_of(settings, store)


def eraser_of(settings: config.Settings, store: Store) -> Eraser:
    """Return who erases, by the periods of the configured content."""
    rules = retention_files.load(settings.content.folder)
    return Eraser(store, proof.clock_of(settings), settings.media_folder, rules)


async def survey(settings: config.Settings, customer: str) -> list[Part]:
    """Return what is held of the customer with this external user id. Raises ConfigError for an unknown one."""
    async with _eraser(settings) as (store, eraser):
        return await eraser.survey(await customer_id(store, customer))


async def erase(settings: config.Settings, customer: str, *, reason: str, by: str, note: str) -> Outcome:
    """Erase what the law does not keep."""
    async with _eraser(settings) as (store, eraser):
        found = await customer_id(store, customer)
        return await eraser.erase_customer(found, reason=reason, by=by, note=note)


async def report(settings: config.Settings) -> tuple[str, list[Due]]:
    """Return the version of the periods and every conversation that is over its time; changes nothing."""
    async with _eraser(settings) as (_, eraser):
        return eraser.rules.version, [one async for one in eraser.due()]


async def add_hold(
    settings: config.Settings, *, customer: str, conversation: int | None, staff: str, reason: str, by: str
) -> int:
    """Place a hold and return its number. Raises ConfigError unless exactly one thing is named."""
    async with proof.opened(settings) as store:
        whom = await customer_id(store, customer) if customer else None
        now = proof.clock_of(settings).now()
        try:
            return await store.write(
                lambda tx: holds.add(
                    tx,
                    reason=reason,
                    by=by,
                    now=now,
                    customer_id=whom,
                    conversation_id=conversation,
                    staff_platform_id=staff,
                )
            )
        except ValueError as error:
            raise ConfigError([str(error)]) from error


async def lift_hold(settings: config.Settings, hold_id: int, by: str) -> bool:
    """Lift a hold; False when it did not stand."""
    async with proof.opened(settings) as store:
        now = proof.clock_of(settings).now()
        return await store.write(lambda tx: holds.lift(tx, hold_id, by=by, now=now))


async def list_holds(settings: config.Settings) -> list[Hold]:
    """Return every hold, the newest first."""
    async with proof.opened(settings) as store, store.read() as tx:
        return await holds.list_all(tx)


async def customer_id(store: Store, customer: str) -> int:
    """Return the id behind an external user id. Raises ConfigError for an unknown one."""
    async with store.read() as tx:
        found = await customers.find_ids(tx, [customer])
    if customer not in found:
        raise ConfigError([f"--customer {customer}: no customer has this external user id"])
    return found[customer]
