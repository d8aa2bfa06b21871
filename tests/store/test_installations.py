"""Sealed installations: saved, replaced and removed only as they were read, and every change is noticed."""

import asyncio

import pytest
from sqlalchemy import text

from bot.errors import OperatorError, SettingsError
from bot.ports import Store
from bot.sealing import Seal
from tests.store.tampering import an_engine, behind_its_back

OLD = "x" * 43 + "="
NEW = "y" * 42 + "c="


async def test_it_comes_back_as_it_was_saved(store: Store) -> None:
    await store.installations.save("slack:T1", "one")
    assert await store.installations.read("slack:T1") == "one"
    assert await store.installations.read("slack:T2") is None


async def test_all_of_a_platform_are_listed(store: Store) -> None:
    for name in ("slack:T2", "slack:T1", "slackx:T3", "other:T4"):
        await store.installations.save(name, name)
    assert await store.installations.all("slack:") == {"slack:T1": "slack:T1", "slack:T2": "slack:T2"}


async def test_of_several_that_replace_the_same_one_succeeds(store: Store) -> None:
    await store.installations.save("slack:T1", "old")
    won = await asyncio.gather(*(store.installations.replace("slack:T1", f"new {n}", "old") for n in range(5)))
    assert sorted(won) == [False] * 4 + [True]
    assert await store.installations.read("slack:T1") == f"new {won.index(True)}"


async def test_what_was_saved_anew_is_not_removed_with_the_old(store: Store) -> None:
    await store.installations.save("slack:T1", "old")
    await store.installations.save("slack:T1", "new")
    assert not await store.installations.remove("slack:T1", "old")
    assert await store.installations.read("slack:T1") == "new"
    assert await store.installations.remove("slack:T1", "new")
    assert await store.installations.read("slack:T1") is None


async def test_every_change_gives_another_version(store: Store) -> None:
    kept = store.installations
    versions = [await kept.version()]
    for change in (
        kept.save("slack:T1", "1"),
        kept.save("slack:T2", "2"),
        kept.save("slack:T1", "3"),
        kept.replace("slack:T2", "4", "2"),
        kept.remove("slack:T1", "3"),
        kept.save("slack:T3", "5"),
    ):
        await change
        versions.append(await kept.version())
    assert len(set(versions)) == len(versions)
    await kept.replace("slack:T2", "6", "never")
    await kept.remove("slack:T2", "never")
    assert await kept.version() == versions[-1]


async def test_a_change_is_noticed_although_the_clock_went_back(store: Store, database_url: str) -> None:
    await store.installations.save("slack:T1", "1")
    await behind_its_back(database_url, "UPDATE installations SET changed_at = changed_at + 3600")
    before = await store.installations.version()
    await store.installations.save("slack:T1", "2")
    assert await store.installations.version() != before


async def test_a_change_waits_for_one_that_is_not_through(store: Store, database_url: str) -> None:
    """Otherwise both could be given the same age, and the second were not noticed."""
    await store.installations.save("slack:T1", "1")
    async with an_engine(database_url) as engine:
        async with engine.begin() as other:
            await other.execute(text("INSERT INTO installations VALUES ('slack:T2', '2', 1e11)"))
            saving = asyncio.create_task(store.installations.save("slack:T1", "3"))
            done, _ = await asyncio.wait((saving,), timeout=0.5)
            assert not done
        await saving
    younger = "UPDATE installations SET sealed = '4' WHERE name = 'slack:T1' AND changed_at > 1e11"
    assert await behind_its_back(database_url, younger) == 1


def test_a_new_key_in_front_opens_what_the_old_one_sealed() -> None:
    sealed = Seal(OLD).seal("secret")
    assert "secret" not in sealed
    both = Seal(f"{NEW}, {OLD}")
    assert both.open(sealed) == "secret"
    assert Seal(NEW).open(both.seal("secret")) == "secret"


def test_a_wrong_key_is_one_sentence_that_names_the_setting() -> None:
    sealed = Seal(OLD).seal("secret")
    with pytest.raises(OperatorError, match="INSTALLATIONS_KEY does not open"):
        Seal(NEW).open(sealed)


def test_tampering_is_noticed() -> None:
    sealed = Seal(OLD).seal("secret")
    with pytest.raises(OperatorError):
        Seal(OLD).open(sealed[:-4] + ("AAA=" if not sealed.endswith("AAA=") else "BBB="))


@pytest.mark.parametrize("keys", ["", " , ", "short", f"{OLD},short", "ü" * 44])
def test_a_key_that_is_none_is_refused_without_being_shown(keys: str) -> None:
    with pytest.raises(SettingsError, match="INSTALLATIONS_KEY") as caught:
        Seal(keys)
    assert "short" not in str(caught.value)
