"""The machine and the versions under which something was measured, and what else it had to do then."""

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path

import asyncpg

from tests.support.databases import ADMIN_URL

PACKAGES = ("sqlalchemy", "aiosqlite", "asyncpg", "aiohttp", "openai", "discord.py", "slack-bolt")


async def machine() -> dict[str, str]:
    """What a reader has to know to compare."""
    return {
        "cpu": f"{os.cpu_count()} x {_processor()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postgresql": await _postgres() or "none",
        **{name: version(name) for name in PACKAGES},
    }


def load() -> float:
    """Processes that wanted a core during the last minute, on average."""
    return os.getloadavg()[0]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


async def _postgres() -> str | None:
    try:
        connection = await asyncpg.connect(ADMIN_URL, timeout=5)
    except (OSError, asyncpg.PostgresError):  # no server: its figures are left out
        return None
    try:
        number: str = await connection.fetchval("SHOW server_version")
        return number.split()[0]
    finally:
        await connection.close()
