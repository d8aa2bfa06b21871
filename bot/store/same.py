"""Two addresses of one database: else a process would beat in one and look for work in the other, without a word."""

import secrets

from sqlalchemy import text

from bot.errors import SettingsError
from bot.store.connections import Engines
from bot.store.transactions import translated


async def require_same(engines: Engines) -> None:
    """Refuse a `DATABASE_DIRECT_URL` that leads elsewhere: a lock that is held through one is seen through the other.

    Raises:
        SettingsError: it does.
        StoreUnavailable: it cannot be reached.
    """
    lock = {"lock": secrets.randbelow(2**62)}
    with translated():
        async with engines.writer.begin() as pooled, engines.heart.begin() as direct:
            await pooled.execute(text("SELECT pg_advisory_xact_lock(:lock)"), lock)
            free = (await direct.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), lock)).scalar_one()
    if free:
        raise SettingsError("DATABASE_DIRECT_URL leads to another database than DATABASE_URL.")
