"""Assistants, files, collections and notes."""

import asyncio
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path

import pytest

from bot.domain.assistants import Assistant, CodeInterpreterTool, FunctionDefinition, FunctionTool
from bot.domain.ids import new_id
from bot.errors import StoreUnavailable
from bot.ports import Store
from bot.store import open_store
from tests.store.scene import ASSISTANT
from tests.store.tampering import behind_its_back


async def test_an_assistant_is_replaced_by_name_and_keeps_its_id(store: Store) -> None:
    first = await store.assistants.upsert(ASSISTANT)
    tools = (CodeInterpreterTool(), FunctionTool(function=FunctionDefinition(name="f")))
    newer = Assistant(id=new_id("asst_"), created_at=99, name="Parley", model="m-2", tools=tools)
    second = await store.assistants.upsert(newer)
    assert (second.id, second.created_at) == (first.id, first.created_at)
    assert (second.model, second.instructions, second.tools) == ("m-2", None, tools)
    assert await store.assistants.get(first.id) == second
    assert await store.assistants.get(newer.id) is None


async def test_processes_that_start_at_once_agree_on_the_assistant(store: Store) -> None:
    candidates = [ASSISTANT.model_copy(update={"id": new_id("asst_")}) for _ in range(5)]
    upserted = await asyncio.gather(*(store.assistants.upsert(one) for one in candidates))
    assert len({one.id for one in upserted}) == 1


async def test_a_file_comes_back_as_it_was(store: Store) -> None:
    content = bytes(range(256)) * 1000
    file = await store.files.add("täble.csv", content, "text/csv")
    assert (file.bytes, file.sha256) == (len(content), sha256(content).hexdigest())
    assert (file.filename, file.media_type, file.purpose) == ("täble.csv", "text/csv", "assistants")
    assert await store.files.get(file.id) == file
    assert await store.files.read(file) == content


async def test_the_same_content_twice_is_two_records_of_one_blob(store: Store) -> None:
    one, two = await asyncio.gather(
        store.files.add("a", b"same", "text/plain"), store.files.add("b", b"same", "text/plain", "assistants_output")
    )
    assert one.id != two.id
    assert one.sha256 == two.sha256
    assert await store.files.read(two) == b"same"


async def test_content_that_is_gone_is_said_to_be_gone(store: Store, database_url: str, tmp_path: Path) -> None:
    file = await store.files.add("a", b"x", "text/plain")
    if database_url.startswith("sqlite"):
        (tmp_path / "files" / file.sha256[:2] / file.sha256).unlink()
    else:
        await behind_its_back(database_url, "DELETE FROM blobs")
    with pytest.raises(StoreUnavailable):
        await store.files.read(file)


async def test_a_file_that_does_not_exist_is_none(store: Store) -> None:
    assert await store.files.get("file-nowhere") is None


async def test_records_count_from_one_in_each_collection(store: Store) -> None:
    collections = store.collections
    assert await collections.add("tickets", {"title": "a"}, "k1") == (1, True)
    assert await collections.add("tickets", {"title": "b"}, "k2") == (2, True)
    assert await collections.add("notes", {"title": "c"}, "k1") == (1, True)
    assert await collections.list("tickets") == ((2, {"title": "b"}), (1, {"title": "a"}))
    assert await collections.list("tickets", 1) == ((2, {"title": "b"}),)
    assert await collections.list("nothing") == ()


async def test_the_same_key_gives_the_first_record_again(store: Store) -> None:
    await store.collections.add("tickets", {"title": "a"}, "k1")
    assert await store.collections.add("tickets", {"title": "other"}, "k1") == (1, False)
    assert await store.collections.get("tickets", 1) == {"title": "a"}


async def test_records_added_at_once_get_numbers_without_gaps(store: Store) -> None:
    keys = [f"k{number % 10}" for number in range(20)]  # each key twice
    added = await asyncio.gather(*(store.collections.add("tickets", {"key": key}, key) for key in keys))
    assert {number for number, _ in added} == set(range(1, 11))
    assert sum(new for _, new in added) == 10


async def test_changing_replaces_the_named_fields(store: Store) -> None:
    await store.collections.add("tickets", {"title": "a", "state": "open"}, "k1")
    assert await store.collections.change("tickets", 1, {"state": "do\x00ne"}) is not None
    assert await store.collections.get("tickets", 1) == {"title": "a", "state": "do\ufffdne"}
    assert await store.collections.change("tickets", 2, {}) is None
    assert await store.collections.get("tickets", 2) is None


async def test_changes_of_one_record_at_once_are_all_kept(store: Store) -> None:
    await store.collections.add("tickets", {}, "k1")
    fields = [{f"f{number}": "x"} for number in range(20)]
    await asyncio.gather(*(store.collections.change("tickets", 1, one) for one in fields))
    kept = await store.collections.get("tickets", 1)
    assert kept is not None
    assert len(kept) == 20


async def test_a_note_is_what_was_written_last(store: Store) -> None:
    assert await store.notes.read("hash") is None
    await store.notes.write("hash", "1")
    await store.notes.write("hash", "2\x00")
    assert await store.notes.read("hash") == "2\ufffd"


async def test_a_number_is_only_ever_raised(store: Store) -> None:
    for value, kept in ((9, "9"), (10, "10"), (7, "10"), (2**62, str(2**62)), (11, str(2**62))):
        await store.notes.raise_to("mark", value)
        assert await store.notes.read("mark") == kept


async def test_of_two_that_raise_a_number_at_once_the_greater_one_is_right(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    """Two processes where the database takes two; each of them does it often, so that they meet."""
    async with AsyncExitStack() as stack:
        other = store
        if database_url.startswith("postgres"):
            other = await stack.enter_async_context(open_store(database_url, tmp_path))
        for greatest in range(100, 3000, 100):
            ours = (store.notes.raise_to("mark", greatest - number) for number in range(0, 6, 2))
            theirs = (other.notes.raise_to("mark", greatest - number) for number in range(1, 6, 2))
            await asyncio.gather(*ours, *theirs)
            assert await store.notes.read("mark") == str(greatest)
