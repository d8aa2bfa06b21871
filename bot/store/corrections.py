"""What people change about what they said: the text that the assistant reads, or that it is to be forgotten."""

import time
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import and_, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.deliveries import BELONGS_TO, STORED, Delivery, DeliveryState, RemoteFile
from bot.domain.files import File
from bot.domain.messages import DELETED, EDITED, TEXT_FILE, Attachment, Message, TextPart
from bot.domain.runs import Run, RunStatus
from bot.store.bells import Bells
from bot.store.connections import Engines, Transaction
from bot.store.current import amend, move_run
from bot.store.deliveries import close_delivery
from bot.store.files import named_files
from bot.store.heard import NOBODYS, lock
from bot.store.rows import record, records
from bot.store.schema import (
    OPEN_DELIVERY,
    deliveries,
    files,
    inbound_keys,
    lanes,
    messages,
    runs,
    summaries,
    threads,
)
from bot.store.statements import statements
from bot.store.text import clean
from bot.store.transactions import writing

MARKER = "(This message was deleted.)"
"""What stays of it."""
_TO_STOP = {RunStatus.QUEUED, RunStatus.IN_PROGRESS, RunStatus.REQUIRES_ACTION}


class Corrections:
    """`bot.ports.Corrections` on both databases."""

    def __init__(self, engines: Engines, bells: Bells) -> None:
        """Use these connections and wake this process by these bells."""
        self.engines = engines
        self._bells = bells
        self._sql = statements(postgres=engines.postgres)

    @writing
    async def edit(self, tx: Transaction, key: str, words: str, whole: File | None = None, at: float = 0) -> bool:
        """Give a message another text, wherever it is read."""
        await lock(tx, [key])
        known = [message for message in await _locked(tx, [clean(key)]) if DELETED not in message.metadata]
        found = [message for message in known if not 0 < at < float(message.metadata.get(EDITED, 0))]
        for message in found:
            await _rewrite(tx, message, words, whole, at)
        if found and whole is not None:
            await tx.execute(update(files).where(files.c.id == whole.id).values(unclaimed=False))
        await _disown(tx, [message.metadata.get(TEXT_FILE) for message in found])
        await _outdate(tx, found)
        return bool(known)

    async def delete(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Forget what messages said."""
        stopped = await self._delete(keys)
        if stopped:
            self._bells.ring_all()
        return stopped

    @writing
    async def _delete(self, tx: Transaction, keys: Sequence[str]) -> tuple[str, ...]:
        ordered = sorted({clean(key) for key in keys})  # in one order everywhere, so nobody waits in a circle
        if not ordered:
            return ()
        await lock(tx, ordered)
        await self._remember(tx, ordered)
        found = await _locked(tx, ordered)
        for message in found:
            await _redact(tx, message)
        await _disown(tx, [name for message in found for name in named_files(message.attachments, message.content)])
        await _outdate(tx, found)
        stopped = [await self._stop(tx, message.run_id) for message in found if message.run_id is not None]
        return tuple(run_id for run_id in stopped if run_id is not None)

    async def _remember(self, tx: Transaction, keys: Sequence[str]) -> None:
        """Whoever comes with one of these keys later is a duplicate; a first delivery in flight is waited for."""
        rows = [{"key": key, "run_id": NOBODYS, "received_at": int(time.time())} for key in keys]
        flavour = postgresql if self.engines.postgres else sqlite
        await tx.execute(flavour.insert(inbound_keys).on_conflict_do_nothing(), rows)

    async def _stop(self, tx: Transaction, run_id: str) -> str | None:
        """Stop the run that a message set off, if it has not ended. One that was not begun ends unseen."""
        row = (await tx.execute(select(runs).where(runs.c.id == run_id))).mappings().first()
        run = None if row is None else record(Run, row)
        if run is None or run.ended:
            return None
        await tx.execute(self._sql.stop_lane, {"thread": run.thread_id, "teller": self.engines.teller})
        if run.status is RunStatus.QUEUED and run.started_at is None:
            await close_delivery(tx, run_id, DeliveryState.ABANDONED)
        if run.status in _TO_STOP:
            await move_run(tx, run, RunStatus.CANCELLING, due=True)
        return run_id


async def _locked(tx: Transaction, keys: Sequence[str]) -> tuple[Message, ...]:
    """What people said under these keys, with the lanes of the threads locked: nobody works on them meanwhile."""
    asked = (
        select(deliveries.c.message_id)
        .join_from(inbound_keys, deliveries, deliveries.c.run_id == inbound_keys.c.run_id)
        .where(inbound_keys.c.key.in_(keys))
    )
    also = (await tx.execute(asked)).scalars().all()
    by_source = select(messages.c.id, messages.c.thread_id).where(messages.c.source.in_(keys))
    by_id = select(messages.c.id, messages.c.thread_id).where(messages.c.id.in_(also))
    found = [*await tx.execute(by_source), *(await tx.execute(by_id) if also else ())]
    theirs = lanes.c.thread_id.in_({row.thread_id for row in found})
    await tx.execute(select(lanes.c.thread_id).where(theirs).order_by(lanes.c.thread_id).with_for_update())
    query = select(messages).where(messages.c.id.in_({row.id for row in found})).order_by(messages.c.seq)
    return records(Message, (await tx.execute(query)).mappings()) if found else ()


async def _rewrite(tx: Transaction, message: Message, words: str, whole: File | None, at: float) -> None:
    before = message.metadata.get(TEXT_FILE)
    metadata = {name: value for name, value in message.metadata.items() if name != TEXT_FILE}
    attachments = tuple(attached for attached in message.attachments if attached.file_id != before or before is None)
    if at > 0:
        metadata[EDITED] = str(at)
    if whole is not None:
        metadata[TEXT_FILE] = whole.id
        attachments = (Attachment(name=whole.filename, file_id=whole.id), *attachments)
    others = (part for part in message.content if not isinstance(part, TextPart))
    changes = {"content": (TextPart(value=clean(words)), *others), "attachments": attachments, "metadata": metadata}
    await amend(tx, messages, message, messages.c.id == message.id, **changes)
    if before is not None:
        await _leave_out(tx, message, lambda file: file.source.get(STORED) == before)


async def _redact(tx: Transaction, message: Message) -> None:
    metadata = {name: value for name, value in message.metadata.items() if name != TEXT_FILE}
    changes = {"content": (TextPart(value=MARKER),), "attachments": (), "metadata": {**metadata, DELETED: "true"}}
    await amend(tx, messages, message, messages.c.id == message.id, **changes)
    theirs = None if message.heard is None else message.id
    await _leave_out(tx, message, lambda file: file.source.get(BELONGS_TO) == theirs)


async def _leave_out(tx: Transaction, message: Message, unwanted: Callable[[RemoteFile], bool]) -> None:
    """Take files off the lists of those that are still to be taken in: beside whichever question, or its own."""
    mine = deliveries.c.thread_id == message.thread_id
    if message.heard is None:
        mine = and_(mine, deliveries.c.message_id == message.id)
    rows = (await tx.execute(select(deliveries).where(mine, text(OPEN_DELIVERY)))).mappings().all()
    for delivery in records(Delivery, rows):
        kept = tuple(file for file in delivery.files if not unwanted(file))
        if kept != delivery.files:
            await tx.execute(update(deliveries).where(deliveries.c.run_id == delivery.run_id).values(files=kept))


async def _disown(tx: Transaction, names: Iterable[str | None]) -> None:
    """No message names these files any more: they are cleaned away like others that nobody has claimed."""
    ids = sorted({name for name in names if name is not None})
    if ids:
        await tx.execute(update(files).where(files.c.id.in_(ids)).values(unclaimed=True))


async def _outdate(tx: Transaction, changed: Sequence[Message]) -> None:
    """Drop summaries that contain these messages, and let none be kept that is being made of them."""
    for message in changed:
        place = select(messages.c.run_seq).where(messages.c.id == message.id).scalar_subquery()
        theirs = (summaries.c.thread_id == message.thread_id, summaries.c.upto >= place)
        await tx.execute(delete(summaries).where(*theirs))
    for thread_id in sorted({message.thread_id for message in changed}):
        newer = {"revision": threads.c.revision + 1}
        await tx.execute(update(threads).where(threads.c.id == thread_id).values(newer))
