"""What was said before the assistant was called."""

import pytest
from structlog.testing import capture_logs

from bot.domain.channels import ChannelPolicy
from bot.domain.deliveries import Heard, RemoteFile
from bot.domain.lanes import Lease, Work
from bot.domain.messages import Attachment
from bot.errors import Forbidden, Unreachable
from bot.ports import Store
from bot.relay import Relay, RelayPolicy
from bot.relay.contract import Inbound
from tests.support.memory_adapter import MemoryAdapter
from tests.support.rules import SameEverywhere
from tests.support.run_script import BEN, FastClock, RunScript, StoreControl, asked, assistant_of, claim, event

POLICY = RelayPolicy(context_messages=3, heard_text=20, max_files=3)


def heard(key: str, text: str = "", *files: str) -> Heard:
    remote = tuple(RemoteFile(name=name, source={"id": name}) for name in files)
    return Heard(key=key, author=BEN, text=text or key, files=remote)


async def prepared(store: Store, adapter: MemoryAdapter, work: Work, lease: Lease, *, end: bool = True) -> list[str]:
    """What the run reads after its preparation."""
    relay = Relay(store, [adapter], SameEverywhere(await assistant_of(store)), FastClock(), StoreControl(store), POLICY)
    async with relay.open(work, lease) as sink:
        script = RunScript(store, lease, work.run, sink)
        if work.run.status == "queued":
            await script.start()
        await sink.prepare()
        read = [message.text for message in await store.history.up_to(work.run, 50)]
        if end:
            await script.say("An answer.")
            await sink.finish(await script.complete())
    return read


def looks(adapter: MemoryAdapter) -> int:
    return len([operation for _, operation in adapter.calls if operation == "context"])


async def test_the_first_run_of_a_thread_reads_what_was_said_before(store: Store) -> None:
    adapter = MemoryAdapter(heard=tuple(heard(f"h{n}") for n in range(5)))
    work, lease = await asked(store)
    assert await prepared(store, adapter, work, lease) == ["h2", "h3", "h4", "What now?"]
    await store.intake.accept(event("And then?"), await assistant_of(store))
    following = await store.lanes.next_work(lease)
    assert following is not None
    read = await prepared(store, adapter, following, lease)
    assert read == ["h2", "h3", "h4", "What now?", "An answer.", "And then?"]
    assert looks(adapter) == 1, "everything that follows was said to us"


async def test_where_only_mentions_are_answered_what_passed_in_between_is_read_too(
    store: Store,
) -> None:
    adapter = MemoryAdapter()
    rules = SameEverywhere(await assistant_of(store), ChannelPolicy(mentions="required"))
    relay = Relay(store, [adapter], rules, FastClock(), StoreControl(store), POLICY)
    reads: list[list[str]] = []
    lease = None
    for said in ((), ("h1",), ("h1", "h2")):
        adapter.heard = tuple(heard(key) for key in said)
        question = event(f"What of {len(said)}?")
        await relay.reception("memory").receive(Inbound(event=question, addressed=True))
        work = None
        if lease is None:
            work, lease = await claim(store)
        else:
            work = await store.lanes.next_work(lease)
        assert work is not None
        reads.append((await prepared(store, adapter, work, lease))[-2:])
    assert reads == [["What of 0?"], ["h1", "What of 1?"], ["h2", "What of 2?"]]


async def test_our_own_questions_are_not_heard_again(store: Store) -> None:
    work, lease = await asked(store, event())
    await prepared(store, MemoryAdapter(), work, lease)
    delivery = await store.deliveries.get(work.run.id)
    assert delivery is not None
    await store.intake.leave(delivery.conversation)
    source = event("And?")
    await store.intake.accept(source, await assistant_of(store))
    assert await store.lanes.next_work(lease) is None
    again, lease = await claim(store)
    adapter = MemoryAdapter(heard=(heard("h1"), heard(source.known_as, "And?")))
    assert await prepared(store, adapter, again, lease) == ["h1", "And?"]


@pytest.mark.parametrize("trouble", [Forbidden(), Unreachable()])
async def test_a_platform_that_does_not_tell_is_no_reason_not_to_answer(
    sqlite_store: Store, trouble: Forbidden | Unreachable
) -> None:
    adapter = MemoryAdapter(heard=(heard("h1"),))
    adapter.faults["context"].append(trouble)
    work, lease = await asked(sqlite_store)
    with capture_logs() as logs:
        assert await prepared(sqlite_store, adapter, work, lease) == ["What now?"]
    assert adapter.texts == ["An answer."]
    assert [entry["error"] for entry in logs if entry["event"] == "cannot hear what was said before"] == [
        type(trouble).__name__
    ]


async def test_a_platform_that_never_answers_is_not_waited_for(sqlite_store: Store) -> None:
    adapter = MemoryAdapter(heard=(heard("h1"),), latency=30.0)
    work, lease = await asked(sqlite_store)
    policy = RelayPolicy(context_seconds=0.05)
    relay = Relay(
        sqlite_store,
        [adapter],
        SameEverywhere(await assistant_of(sqlite_store)),
        FastClock(),
        StoreControl(sqlite_store),
        policy,
    )
    async with relay.open(work, lease) as sink:
        await sink.prepare()
    assert [message.text for message in await sqlite_store.history.up_to(work.run, 5)] == ["What now?"]


async def test_after_a_crash_it_is_heard_once(store: Store) -> None:
    """In whatever state the preparation was left; later than that it is not looked for again."""
    adapter = MemoryAdapter(heard=(heard("h1"), heard("h2")))
    work, lease = await asked(store)
    relay = Relay(store, [adapter], SameEverywhere(await assistant_of(store)), FastClock(), StoreControl(store), POLICY)
    for _ in range(2):  # the process dies after its preparation, before the first turn
        async with relay.open(work, lease) as sink:
            await store.runs.start(lease, work.run.id)
            await sink.prepare()
        found = await store.lanes.next_work(lease)
        assert found is not None
        work = found
    assert [message.text for message in await store.history.up_to(work.run, 5)] == ["h1", "h2", "What now?"]
    assert looks(adapter) == 2
    await store.runs.begin_turn(lease, work.run.id)
    async with relay.open(work, lease) as sink:
        await sink.prepare()
    assert looks(adapter) == 2


async def test_texts_and_names_are_made_storable_and_short(sqlite_store: Store) -> None:
    one = heard("h1", "long\x00" + "g" * 50).model_copy(update={"author": BEN.model_copy(update={"name": "B\n\x00en"})})
    work, lease = await asked(sqlite_store, event().model_copy(update={"pointed_at": ()}))
    adapter = MemoryAdapter(heard=(one, heard("h2", "  ")))
    assert await prepared(sqlite_store, adapter, work, lease) == [
        "long\ufffd" + "g" * 15 + "… (shortened)",
        "(no text)",
        "What now?",
    ]
    (first, *_) = await sqlite_store.history.up_to(work.run, 5)
    assert first.author is not None
    assert first.author.name == "B en"


async def test_files_come_along_the_newest_first_and_what_is_left_out_is_named(sqlite_store: Store) -> None:
    contents = {name: name.encode() for name in ("a", "b", "c", "d")}
    adapter = MemoryAdapter(heard=(heard("h1", "", "a", "b"), heard("h2", "", "c", "d")), contents=contents)
    work, lease = await asked(sqlite_store)
    await prepared(sqlite_store, adapter, work, lease)
    first, second, _ = [message.attachments for message in await sqlite_store.history.up_to(work.run, 5)][:3]
    assert [one.name for one in second if one.file_id] == ["c", "d"]
    assert [one.name for one in first if one.file_id] == ["a"]
    assert [one for one in first if one.skipped] == [
        Attachment(name="b", skipped="Only 3 files are read with one message.")
    ]
    assert await sqlite_store.upkeep.forget_files(-1) == 0


async def test_the_file_of_a_message_that_is_pointed_at_goes_with_it(sqlite_store: Store) -> None:
    adapter = MemoryAdapter(contents={"this": b"this", "own": b"own"})
    own = RemoteFile(name="own", source={"id": "own"})
    pointed_at = (heard("h1", "look", "this"),)
    relay = Relay(
        sqlite_store,
        [adapter],
        SameEverywhere(await assistant_of(sqlite_store)),
        FastClock(),
        StoreControl(sqlite_store),
    )
    question = event(files=[own]).model_copy(update={"pointed_at": pointed_at})
    await relay.reception("memory").receive(Inbound(event=question, addressed=True))
    work, lease = await claim(sqlite_store)
    await prepared(sqlite_store, adapter, work, lease)
    this, asked_with, _ = await sqlite_store.history.up_to(work.run, 5)
    assert ([one.name for one in this.attachments], this.author) == (["this"], BEN)
    assert [one.name for one in asked_with.attachments] == ["own"]
