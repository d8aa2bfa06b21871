"""How far the messages of a shard have been dealt with, whoever kept it last."""

from adapters.discord.shards import Shard
from bot.ports import Notes
from bot.relay.seen import Seen


async def seen_of(notes: Notes, shard: Shard) -> Seen:
    """The mark as the shard's last keeper left it, read now.

    When Discord recommends another number of shards than before, messages come through other shards than before: each
    new one begins at the lowest mark of the old ones.

    Raises:
        StoreUnavailable: it cannot be read now.
    """
    name = _name(shard)
    if await notes.read(name) is None:
        inherited = await _inherited(notes, shard)
        if inherited is not None:
            await notes.raise_to(name, inherited)
    seen = Seen(notes, name)
    await seen.load()
    await _remember_count(notes, shard)
    return seen


def _name(shard: Shard) -> str:
    return f"discord seen {shard.application} {shard.index} of {shard.count}"


async def _inherited(notes: Notes, shard: Shard) -> int | None:
    former = [count for count in await _counts(notes, shard) if count != shard.count]
    if former:
        count = former[-1]
        names = [_name(shard.model_copy(update={"index": index, "count": count})) for index in range(count)]
    else:
        names = [f"discord seen {shard.application}"]  # as it was written before there were shards
    marks = [await notes.read(name) for name in names]
    return min((int(mark) for mark in marks if mark), default=None)


async def _counts(notes: Notes, shard: Shard) -> list[int]:
    """How many shards there were, the latest last."""
    return [int(count) for count in (await notes.read(_counts_name(shard)) or "").split()]


async def _remember_count(notes: Notes, shard: Shard) -> None:
    counts = await _counts(notes, shard)
    if shard.count in counts[-1:]:
        return
    counts = [*(count for count in counts if count != shard.count), shard.count]
    await notes.write(_counts_name(shard), " ".join(str(count) for count in counts))


def _counts_name(shard: Shard) -> str:
    return f"discord shards {shard.application}"
