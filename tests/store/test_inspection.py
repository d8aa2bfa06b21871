"""A database is looked at from outside, while a bot works on it, and nothing is made or changed."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.errors import SettingsError, StoreRefused, StoreUnavailable
from bot.ports import Store
from bot.store import channels_used, condition, migrate
from bot.store.upgrades import newest_revision
from tests.store.scene import ASSISTANT, an_event
from tests.store.tampering import migrate_to
from tests.support.databases import sqlite_url


async def spoken_in(store: Store, channels: Sequence[str]) -> None:
    for number, channel in enumerate(channels):
        event = an_event("Hello", f"c{number}").model_copy(update={"channel": channel})
        await store.intake.accept(event, ASSISTANT)


async def test_a_database_in_use_is_found_as_it_is(store: Store, database_url: str) -> None:
    found = await condition(database_url)
    assert (found.revision, found.newest, found.unusable) == (newest_revision(), newest_revision(), None)
    if found.kind == "PostgreSQL":
        assert found.ahead is not None
        assert abs(found.ahead) < 5
    assert ":postgres@" not in found.place


async def test_channels_are_found_by_a_part_of_their_keys_each_once(store: Store, database_url: str) -> None:
    await spoken_in(store, ["slack:T1:C1", "slack:T1:C1", "slack:T1:C12", "discord:1:2", ""])
    assert await channels_used(database_url, "C1", 10) == ("slack:T1:C1", "slack:T1:C12")
    assert await channels_used(database_url, "C1", 1) == ("slack:T1:C1",)
    assert await channels_used(database_url, "%", 10) == ()
    assert len(await channels_used(database_url, "", 10)) == 3


async def test_without_a_database_there_are_no_channels_and_none_is_made(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    assert await channels_used(url, "C1", 10) == ()
    assert (await condition(url)).revision is None
    assert not os.listdir(tmp_path)


async def test_an_older_schema_is_told(bare_url: str, tmp_path: Path) -> None:
    await migrate_to(bare_url, "0001")
    found = await condition(bare_url)
    assert found.revision == "0001"
    if found.kind == "PostgreSQL":
        assert "run `python -m bot migrate`" in (found.unusable or "")
    else:
        assert found.unusable is None, "the next start brings it up to date"
    await migrate(bare_url, tmp_path)
    assert (await condition(bare_url)).unusable is None


@pytest.mark.postgres
async def test_a_direct_url_to_another_database_is_refused(migrated_postgres: str, tmp_path: Path) -> None:
    elsewhere = migrated_postgres.rpartition("/")[0] + "/postgres"
    with pytest.raises(SettingsError, match="leads to another database"):
        await condition(migrated_postgres, elsewhere)


async def test_a_database_that_is_not_there_is_told_by_the_name_of_its_setting() -> None:
    with pytest.raises(StoreUnavailable, match=r"DATABASE_URL: .*cannot be reached"):
        await condition("postgres://nobody@127.0.0.1:9/none")


@pytest.mark.postgres
async def test_a_refusal_is_another_thing_than_silence(migrated_postgres: str) -> None:
    with pytest.raises(StoreRefused):
        await condition(migrated_postgres.rpartition("/")[0] + "/no_such_database")
