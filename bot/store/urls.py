"""What `DATABASE_URL` may look like, and what the drivers make of it.

Hosting companies hand out `postgres://…?sslmode=require`; SQLAlchemy knows neither that scheme nor that parameter.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.errors import SettingsError

_SQLITE = {"sqlite", "sqlite+aiosqlite", "sqlite+pysqlite"}
_POSTGRES = {"postgres", "postgresql", "postgresql+asyncpg"}
_SSL_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
_KNOWN = "sslmode, sslrootcert, application_name, connect_timeout, host, port, statement_cache_size"


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A database, ready for its driver."""

    kind: Literal["sqlite", "postgres"]
    url: URL
    file: Path | None = None
    """The database file; None with PostgreSQL and for `:memory:`."""
    connect_args: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def pooled(self) -> bool:
        """Whether it says that PgBouncer is in front: statements are not to be kept on a connection."""
        return self.connect_args.get("statement_cache_size") == 0


def parse_direct_url(url: str | None, address: DatabaseAddress) -> DatabaseAddress | None:
    """The same for `DATABASE_DIRECT_URL`, which goes to the database that `address` reaches through PgBouncer.

    Raises:
        SettingsError: with one sentence that says what is wrong.
    """
    if not url:
        return None
    try:
        direct = parse_url(url)
    except SettingsError as error:
        raise SettingsError(str(error).replace("DATABASE_URL", "DATABASE_DIRECT_URL")) from error
    if address.kind != "postgres" or direct.kind != "postgres":
        raise SettingsError("DATABASE_DIRECT_URL is for PostgreSQL behind PgBouncer, beside a DATABASE_URL.")
    return direct


def parse_url(url: str) -> DatabaseAddress:
    """Normalise a database URL.

    Raises:
        SettingsError: with one sentence that says what is wrong, never with the URL's password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise SettingsError("DATABASE_URL is not a URL such as sqlite:///.data/parley.db or postgres://….") from error
    if parsed.drivername in _SQLITE:
        return _sqlite(parsed)
    if parsed.drivername in _POSTGRES:
        return _postgres(parsed)
    raise SettingsError(f"DATABASE_URL starts with {parsed.drivername}://; only sqlite:/// and postgres:// are known.")


def _sqlite(url: URL) -> DatabaseAddress:
    if url.host:
        raise SettingsError(f"DATABASE_URL needs three slashes before the file name: sqlite:///{url.host}/….")
    if url.query:
        raise SettingsError(f"DATABASE_URL has the parameter {next(iter(url.query))}, which SQLite does not take here.")
    database = url.database or ":memory:"
    file = None if database == ":memory:" else Path(database)
    return DatabaseAddress("sqlite", URL.create("sqlite+aiosqlite", database=database), file)


def _postgres(url: URL) -> DatabaseAddress:
    arguments: dict[str, object] = {}
    server_settings = {"application_name": "parley"}
    query = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    root = query.pop("sslrootcert", None)
    for name, value in query.items():
        match name:
            case "sslmode" | "ssl":
                arguments["ssl"] = _ssl(value, root)
            case "application_name":
                server_settings["application_name"] = value
            case "channel_binding":
                pass  # asyncpg negotiates it by itself
            case "connect_timeout":
                arguments["timeout"] = float(_number(name, value))
            case "host":
                arguments["host"] = value
            case "port":
                arguments["port"] = _number(name, value)
            case "statement_cache_size":  # 0 for PgBouncer in transaction mode
                arguments["statement_cache_size"] = arguments["prepared_statement_cache_size"] = _number(name, value)
            case _:
                raise SettingsError(f"DATABASE_URL has the unknown parameter {name}; known are {_KNOWN}.")
    plain = url.set(drivername="postgresql+asyncpg", query={})
    return DatabaseAddress("postgres", plain, None, {**arguments, "server_settings": server_settings})


def _ssl(mode: str, root: str | None) -> object:
    if mode not in _SSL_MODES:
        raise SettingsError(f"DATABASE_URL has sslmode={mode}; known are {', '.join(sorted(_SSL_MODES))}.")
    if root is None or mode not in {"verify-ca", "verify-full"}:
        return mode
    try:
        context = ssl.create_default_context(cafile=root)
    except OSError as error:
        raise SettingsError("The file that sslrootcert in DATABASE_URL names cannot be read.") from error
    context.check_hostname = mode == "verify-full"
    return context


def _number(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise SettingsError(f"The parameter {name} of DATABASE_URL has to be a whole number.") from error
