"""Files that an answer brings along, and what is said about those that do not fit."""

import io
import json
import random
import zipfile

import pytest

from bot.ports import Store
from bot.relay import Relay
from bot.relay.contract import Terms
from tests.store.tampering import behind_its_back
from tests.support.memory_adapter import MemoryAdapter
from tests.support.rules import SameEverywhere
from tests.support.run_script import FastClock, RunScript, StoreControl, asked, assistant_of, event

NOISE = random.Random(1).randbytes(400_000)
"""What cannot be compressed."""


async def answered(store: Store, url: str, adapter: MemoryAdapter, *files: tuple[str, bytes]) -> tuple[list[str], str]:
    """An answer that has made these files: the names of those that came along, and its text."""
    work, lease = await asked(store, event())
    relay = Relay(store, [adapter], SameEverywhere(await assistant_of(store)), FastClock(), StoreControl(store))
    async with relay.open(work, lease) as sink:
        script = RunScript(store, lease, work.run, sink)
        await script.start()
        await script.say("Here they are.")
        run = await script.complete()
        made = [await store.files.add(name, content, "text/plain") for name, content in files]
        parts = [{"type": "image_file", "file_id": file.id} for file in made]
        said = [{"type": "text", "value": "Here they are."}, *parts]
        await behind_its_back(
            url, "UPDATE messages SET content = :said WHERE role = 'assistant'", said=json.dumps(said)
        )
        await sink.finish(run)
    last = adapter.visible[-1].now
    return [file.name for file in last.files], last.text


def here(**limits: int) -> MemoryAdapter:
    return MemoryAdapter(terms_of={"general": Terms(bucket="general", **limits)})


async def test_what_fits_comes_along(sqlite_store: Store, copied_sqlite_url: str) -> None:
    names, text = await answered(sqlite_store, copied_sqlite_url, here(), ("a.txt", b"one"), ("b.txt", b"two"))
    assert (names, text) == (["a.txt", "b.txt"], "Here they are.")


async def test_what_is_too_large_for_the_place_is_compressed_if_that_helps(
    sqlite_store: Store, copied_sqlite_url: str
) -> None:
    adapter = here(max_file_bytes=100_000)
    names, text = await answered(sqlite_store, copied_sqlite_url, adapter, ("long.csv", b"1,2,3\n" * 100_000))
    assert (names, text) == (["long.csv.zip"], "Here they are.")
    (file,) = adapter.visible[-1].now.files
    assert len(zipfile.ZipFile(io.BytesIO(file.content)).read("long.csv")) == 600_000


async def test_what_does_not_fit_at_all_is_named_with_its_size(sqlite_store: Store, copied_sqlite_url: str) -> None:
    """The person is told, not only the log."""
    adapter = here(max_file_bytes=100_000)
    names, text = await answered(
        sqlite_store, copied_sqlite_url, adapter, ("noise_[x](y).bin", NOISE), ("a.txt", b"one")
    )
    assert names == ["a.txt"]
    assert "noise x (y).bin (0.4 MB) is not attached: a file can have 0.1 MB here." in text


async def test_files_have_a_limit_together(sqlite_store: Store, copied_sqlite_url: str) -> None:
    adapter = here(max_files_bytes=500_000)
    names, text = await answered(
        sqlite_store, copied_sqlite_url, adapter, ("a.bin", NOISE), ("b.bin", NOISE), ("c", b"c")
    )
    assert names == ["a.bin", "c"]
    assert "b.bin (0.4 MB) is not attached: the files of a message can have 0.5 MB together." in text


@pytest.mark.parametrize("count", [9, 12])
async def test_there_is_room_for_nine_files_and_the_answer(
    sqlite_store: Store, copied_sqlite_url: str, count: int
) -> None:
    names, text = await answered(
        sqlite_store, copied_sqlite_url, here(), *((f"{number}.txt", b"%d" % number) for number in range(count))
    )
    assert len(names) == 9
    assert text.count("an answer can have 9 files") == count - 9
