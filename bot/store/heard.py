"""Messages that nobody said to the assistant: put beside a question, and known again by their dedupe keys."""

import time
from collections.abc import Iterable, Sequence

from sqlalchemy import insert, or_, select, text

from bot.domain.deliveries import BELONGS_TO, Heard, RemoteFile
from bot.domain.ids import new_id
from bot.domain.messages import DELETED, HEARD, Attachment, Hearing, Message, TextPart
from bot.domain.runs import Run
from bot.store.connections import Transaction
from bot.store.rows import values
from bot.store.schema import deliveries, inbound_keys, messages
from bot.store.text import clean

BESIDE = -1
"""Place of what was heard beside a question."""
NOBODYS = ""
"""Run of a dedupe key whose message was deleted before it came."""
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(CAST(:keys AS text[])) AS key")


async def lock(tx: Transaction, keys: Iterable[str]) -> None:
    """Let nobody else store, change or delete these messages until the end of the transaction.

    It is the first thing that a transaction does, before dedupe keys and lanes, so nobody waits in a circle. In SQLite
    one writes at a time anyway.
    """
    ordered = sorted({clean(key) for key in keys})
    if ordered and tx.dialect.name == "postgresql":
        await tx.execute(_LOCK, {"keys": ordered})


def as_message(thread_id: str, how: Hearing, heard: Heard, attachments: Iterable[Attachment] = ()) -> Message:
    """The record of a message that was heard."""
    return Message(
        id=new_id("msg_"),
        created_at=int(time.time()),
        thread_id=thread_id,
        role="user",
        content=(TextPart(value=heard.text),),
        author=heard.author,
        attachments=tuple(attachments),
        metadata={HEARD: how.value},
    )


async def put_beside(tx: Transaction, run_seq: int, found: Sequence[tuple[Heard, Message]]) -> None:
    """Store messages beside the question of a run, in this order."""
    if found:
        rows = [
            {**values(message), "run_seq": run_seq, "place": BESIDE, "source": heard.key} for heard, message in found
        ]
        await tx.execute(insert(messages), rows)


def files_of(heard: Heard, message: Message) -> tuple[RemoteFile, ...]:
    """The files that came with a message, marked as its own, to be taken in later."""
    return tuple(file.model_copy(update={"source": {**file.source, BELONGS_TO: message.id}}) for file in heard.files)


async def deleted(tx: Transaction, keys: Iterable[str]) -> set[str]:
    """Those of these messages that were deleted, before anybody read them or afterwards, in whichever thread."""
    wanted = [clean(key) for key in keys]
    before = select(inbound_keys.c.key).where(inbound_keys.c.key.in_(wanted), inbound_keys.c.run_id == NOBODYS)
    stored = select(messages.c.source, messages.c.metadata).where(messages.c.source.in_(wanted))
    afterwards = {row.source for row in await tx.execute(stored) if DELETED in row.metadata}
    return {*(await tx.execute(before)).scalars(), *afterwards}


async def known(tx: Transaction, run: Run, keys: Sequence[str]) -> frozenset[str]:
    """Those of these messages that are in the run's thread, were said to us in its conversation, or are gone."""
    wanted = [clean(key) for key in keys]
    there = select(messages.c.source).where(messages.c.source.in_(wanted), messages.c.thread_id == run.thread_id)
    here = select(deliveries.c.conversation).where(deliveries.c.run_id == run.id).scalar_subquery()
    asked = (
        select(inbound_keys.c.key)
        .join_from(inbound_keys, deliveries, deliveries.c.run_id == inbound_keys.c.run_id, isouter=True)
        .where(
            inbound_keys.c.key.in_(wanted),
            or_(
                deliveries.c.run_id.is_(None),
                deliveries.c.thread_id == run.thread_id,
                deliveries.c.conversation == here,
            ),
        )
    )
    found = {*(await tx.execute(there)).scalars(), *(await tx.execute(asked)).scalars(), *await deleted(tx, keys)}
    return frozenset(key for key in keys if clean(key) in found)
