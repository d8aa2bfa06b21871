"""What DATABASE_URL may look like."""

import ssl
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.store.urls import parse_url


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
