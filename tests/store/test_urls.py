"""What DATABASE_URL may look like."""

import ssl
from pathlib import Path

import pytest
from sqlalchemy import TextClause, text

from bot.errors import SettingsError
from bot.store.postgres import postgres_engine
from bot.store.urls import DatabaseAddress, parse_direct_url, parse_url
from tests.support.databases import url_of


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///.data/parley.db", Path(".data/parley.db")),
        ("sqlite:////var/lib/parley.db", Path("/var/lib/parley.db")),
        ("sqlite+aiosqlite:///x.db", Path("x.db")),
        ("sqlite:///:memory:", None),
        ("sqlite://", None),
    ],
)
def test_sqlite_urls_name_a_file(url: str, file: Path | None) -> None:
    address = parse_url(url)
    assert (address.kind, address.file, address.url.drivername) == ("sqlite", file, "sqlite+aiosqlite")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_every_way_to_write_postgres_is_understood(scheme: str) -> None:
    address = parse_url(f"{scheme}://ann:p%40ss@db.example:5433/parley")
    assert (address.kind, address.url.drivername) == ("postgres", "postgresql+asyncpg")
    assert (address.url.password, address.url.port, address.url.database) == ("p@ss", 5433, "parley")


def test_sslmode_moves_to_the_driver() -> None:
    address = parse_url("postgres://h/d?sslmode=require&channel_binding=require")
    assert address.connect_args["ssl"] == "require"
    assert not address.url.query


@pytest.mark.parametrize(("mode", "checks_name"), [("verify-ca", False), ("verify-full", True)])
def test_a_root_certificate_makes_a_context(mode: str, checks_name: bool) -> None:
    bundle = ssl.get_default_verify_paths().cafile
    if bundle is None:
        pytest.skip("this machine has no certificate bundle")
    context = parse_url(f"postgres://h/d?sslmode={mode}&sslrootcert={bundle}").connect_args["ssl"]
    assert isinstance(context, ssl.SSLContext)
    assert context.check_hostname is checks_name


def test_other_parameters_reach_the_driver_under_its_names() -> None:
    query = "application_name=x&connect_timeout=7&host=/tmp&port=5433&statement_cache_size=0"
    arguments = parse_url(f"postgres:///d?{query}").connect_args
    assert arguments["server_settings"] == {"application_name": "x"}
    assert (arguments["timeout"], arguments["host"], arguments["port"]) == (7.0, "/tmp", 5433)
    assert arguments["statement_cache_size"] == arguments["prepared_statement_cache_size"] == 0


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://h/d", "mysql"),
        ("nonsense", "not a URL"),
        ("postgres://h/d?shiny=1", "shiny"),
        ("postgres://h/d?sslmode=maybe", "maybe"),
        ("postgres://h/d?sslmode=verify-full&sslrootcert=/nowhere.pem", "sslrootcert"),
        ("postgres://h/d?connect_timeout=soon", "connect_timeout"),
        ("postgres://h:port/d", "not a URL"),
        ("sqlite://folder/x.db", "three slashes"),
        ("sqlite:///x.db?mode=ro", "mode"),
    ],
)
def test_a_wrong_url_is_refused_with_one_sentence(url: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        parse_url(url)


def test_a_refusal_never_shows_the_password() -> None:
    with pytest.raises(SettingsError) as refusal:
        parse_url("postgres://ann:secret@h/d?shiny=1")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "host", "ssl_mode"),
    [
        ("postgres://u1a2:p9f@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d3k", None, None),
        ("postgres://u1a2:p9f@c1.cluster-x.us-east-1.rds.amazonaws.com:5432/d3k?sslmode=require", None, "require"),
        ("postgres://parley:pw@parley-db.flycast:5432/parley?sslmode=disable", "parley-db.flycast", "disable"),
        ("postgres://parley:pw@top2.nearest.of.parley-db.internal:5432/parley", None, None),
        ("postgresql://fly-user:pw@pgbouncer.x1y2.flympg.net/fly-db", "pgbouncer.x1y2.flympg.net", None),
        ("postgres://parley:pw@[fdaa:0:18:a7b::2]:5433/parley?sslmode=disable", "fdaa:0:18:a7b::2", "disable"),
    ],
)
def test_what_heroku_and_fly_hand_out_is_understood(url: str, host: str | None, ssl_mode: str | None) -> None:
    address = parse_url(url)
    assert address.url.drivername == "postgresql+asyncpg"
    assert host is None or address.url.host == host
    assert address.connect_args.get("ssl") == ssl_mode  # without one the driver tries to encrypt first
    assert not address.pooled


def test_a_statement_cache_of_zero_says_that_pgbouncer_is_in_front() -> None:
    assert parse_url("postgres://h/d?statement_cache_size=0").pooled


def test_a_direct_url_goes_beside_a_pooled_one() -> None:
    address = parse_url("postgres://pool/d")
    direct = parse_direct_url("postgres://h/d?sslmode=require", address)
    assert direct is not None
    assert (direct.url.host, direct.connect_args["ssl"]) == ("h", "require")
    assert parse_direct_url(None, address) is parse_direct_url("", address) is None


@pytest.mark.parametrize(
    ("url", "direct"),
    [
        ("postgres://h/d", "sqlite:///x.db"),
        ("sqlite:///x.db", "postgres://h/d"),
        ("postgres://h/d", "mysql://h/d"),
        ("postgres://h/d", "postgres://h/d?shiny=1"),
    ],
)
def test_a_direct_url_that_does_not_fit_is_refused_by_its_name(url: str, direct: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_DIRECT_URL"):
        parse_direct_url(direct, parse_url(url))


@pytest.mark.postgres
async def test_sslmode_require_encrypts(migrated_postgres: str) -> None:
    query = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    address = parse_url(url_of(migrated_postgres, sslmode="require"))
    plain = await asked(parse_url(migrated_postgres), text("SHOW ssl"))
    if plain == "off":
        pytest.skip("the PostgreSQL server at TEST_POSTGRES_URL has no TLS (ssl = off)")
    assert await asked(address, query) is True
    assert await asked(parse_url(url_of(migrated_postgres, sslmode="disable")), query) is False


async def asked(address: DatabaseAddress, query: TextClause) -> object:
    """The one value."""
    engine = postgres_engine(address, 1)
    try:
        async with engine.begin() as connection:
            return (await connection.execute(query)).scalar_one()
    finally:
        await engine.dispose()
