"""Which chat messages carry a run's answer."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Select, and_, select, update

from bot.domain.deliveries import Address, Delivery, DeliveryState, Segment, SegmentState
from bot.domain.lanes import Lease
from bot.domain.messages import DELETED, Attachment, Hearing, Message, Part
from bot.errors import IllegalTransition
from bot.ports import Overheard
from bot.store import heard
from bot.store.connections import Engines, Transaction
from bot.store.current import amend, the_run
from bot.store.files import named_files
from bot.store.lanes import hold
from bot.store.rows import record, records, store
from bot.store.schema import conversations, deliveries, files, messages, segments
from bot.store.text import clean
from bot.store.transactions import reading, writing

_KEY_DIGITS = 19
"""Digits of the run's id in a segment's key: its creation time and 40 random bits. With the position these are at most
25 characters, Discord's limit for a nonce."""


class Deliveries:
    """`bot.ports.Deliveries` on both databases."""

    def __init__(self, engines: Engines) -> None:
        """Use these connections."""
        self.engines = engines

    @reading
    async def get(self, tx: Transaction, run_id: str) -> Delivery | None:
        """The delivery of a run, or None when the run did not come from a chat."""
        row = (await tx.execute(select(deliveries).where(deliveries.c.run_id == run_id))).mappings().first()
        return None if row is None else record(Delivery, row)

    @reading
    async def first_in(self, tx: Transaction, conversation: str) -> Delivery | None:
        """The delivery that began a conversation's thread, or None when the bot is not part of it."""
        row = (await tx.execute(oldest_of(clean(conversation)))).mappings().first()
        return None if row is None else record(Delivery, row)

    @reading
    async def segments(self, tx: Transaction, run_id: str) -> tuple[Segment, ...]:
        """All segments in order of position."""
        query = select(segments).where(segments.c.run_id == run_id).order_by(segments.c.position)
        return records(Segment, (await tx.execute(query)).mappings())

    @writing
    async def begin_segment(self, tx: Transaction, lease: Lease, run_id: str) -> Segment:
        """Record the intent to post the next segment; an intent whose outcome nobody recorded is given again."""
        run = await the_run(tx, lease, run_id)
        query = select(segments).where(segments.c.run_id == run_id).order_by(segments.c.position.desc()).limit(1)
        row = (await tx.execute(query)).mappings().first()
        if row is not None and row["state"] == SegmentState.STARTED:
            return record(Segment, row)
        position = 0 if row is None else row["position"] + 1
        key = f"{run.id.removeprefix('run_')[:_KEY_DIGITS]}-{position}"
        segment = Segment(run_id=run_id, position=position, state=SegmentState.STARTED, key=key)
        await store(tx, segments, segment)
        return segment

    @writing
    async def posted(self, tx: Transaction, lease: Lease, segment: Segment, ref: dict[str, str]) -> Segment:
        """Record what the platform called the posted message."""
        await hold(tx, lease)
        return await _move(tx, segment, state=SegmentState.POSTED, ref=ref)

    @writing
    async def abandon_segment(self, tx: Transaction, lease: Lease, segment: Segment) -> Segment:
        """Record that the platform lost it."""
        await hold(tx, lease)
        return await _move(tx, segment, state=SegmentState.ABANDONED)

    @writing
    async def attach(
        self,
        tx: Transaction,
        lease: Lease,
        run_id: str,
        attachments: Sequence[Attachment],
        parts: Sequence[Part],
        beside: Mapping[str, Sequence[Attachment]] | None = None,
    ) -> None:
        """Add taken-in files to the messages that they came with and clear the delivery's list of files to take in."""
        await hold(tx, lease)
        delivery = await _the_delivery(tx, run_id)
        await _attach(tx, delivery.message_id, attachments, parts)
        for message_id, theirs in (beside or {}).items():
            await _attach(tx, message_id, theirs, ())
        await tx.execute(update(deliveries).where(deliveries.c.run_id == run_id).values(files=()))

    @writing
    async def hear(self, tx: Transaction, lease: Lease, run_id: str, overheard: Sequence[Overheard]) -> None:
        """Put what was said before beside the run's question, in one write."""
        await heard.lock(tx, [one.heard.key for one in overheard])
        run = await the_run(tx, lease, run_id)
        known = await heard.known(tx, run, [one.heard.key for one in overheard])
        found = [
            (one.heard, heard.as_message(run.thread_id, Hearing.BEFORE, one.heard, one.attachments))
            for one in overheard
            if one.heard.key not in known
        ]
        await heard.put_beside(tx, run.seq, found)
        await _claim(tx, {name for _, message in found for name in named_files(message.attachments, ())})

    @writing
    async def close(self, tx: Transaction, lease: Lease, run_id: str, state: DeliveryState) -> None:
        """The end of the run was seen in the chat, or never can be. What is closed stays as it is."""
        await hold(tx, lease)
        await close_delivery(tx, run_id, state)


async def close_delivery(tx: Transaction, run_id: str, state: DeliveryState) -> None:
    """Close a delivery that is open, and forget what lets somebody speak at its address."""
    still_open = and_(deliveries.c.run_id == run_id, deliveries.c.state == DeliveryState.OPEN)
    address = (await tx.execute(select(deliveries.c.address).where(still_open))).scalar_one_or_none()
    if address is not None:
        await tx.execute(update(deliveries).where(still_open).values(state=state, address=_without_secrets(address)))


async def _attach(tx: Transaction, message_id: str, attachments: Sequence[Attachment], parts: Sequence[Part]) -> None:
    """Add files to a message. One that was deleted meanwhile gets none: its files stay nobody's."""
    row = (await tx.execute(select(messages).where(messages.c.id == message_id))).mappings().first()
    if row is None or DELETED in row["metadata"]:
        return
    message = record(Message, row)
    changes = {"attachments": (*message.attachments, *attachments), "content": (*message.content, *parts)}
    await amend(tx, messages, message, messages.c.id == message.id, **changes)
    await _claim(tx, named_files(attachments, parts))


async def _claim(tx: Transaction, named: set[str]) -> None:
    if named:
        await tx.execute(update(files).where(files.c.id.in_(named)).values(unclaimed=False))


def oldest_of(conversation: str) -> Select[object]:
    """The query behind `Deliveries.first_in`."""
    thread = select(conversations.c.thread_id).where(conversations.c.key == conversation).scalar_subquery()
    return select(deliveries).where(deliveries.c.thread_id == thread).order_by(deliveries.c.run_seq).limit(1)


def _without_secrets(address: Address) -> Address:
    kept = {name: value for name, value in address.place.items() if name not in address.secrets}
    return address.model_copy(update={"place": kept})


async def _the_delivery(tx: Transaction, run_id: str) -> Delivery:
    row = (await tx.execute(select(deliveries).where(deliveries.c.run_id == run_id))).mappings().first()
    if row is None:
        raise IllegalTransition(f"{run_id} did not come from a chat.")
    return record(Delivery, row)


async def _move(tx: Transaction, segment: Segment, **changes: object) -> Segment:
    key = and_(segments.c.run_id == segment.run_id, segments.c.position == segment.position)
    stored = record(Segment, (await tx.execute(select(segments).where(key))).mappings().one())
    if stored.state is SegmentState.ABANDONED and changes["state"] is not SegmentState.ABANDONED:
        raise IllegalTransition(f"Segment {segment.key} is abandoned.")
    return await amend(tx, segments, stored, key, **changes)
