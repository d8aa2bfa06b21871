"""Accepting an event: everything that it sets off, in one transaction, before the platform hears that it arrived."""

import time
from collections.abc import Sequence
from typing import cast

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from bot.domain.assistants import Assistant
from bot.domain.deliveries import STORED, Acceptance, Delivery, Event, Heard, NotAgain, RemoteFile
from bot.domain.ids import new_id
from bot.domain.messages import TEXT_FILE, Author, Hearing, Message, TextPart
from bot.domain.runs import GAPS, RULED_BY, RUN_LIFETIME, AutoTruncation, RunStatus
from bot.domain.threads import Thread
from bot.store import heard
from bot.store.again import answer_again
from bot.store.bells import Bells
from bot.store.connections import Engines, Transaction
from bot.store.feedback import known_as
from bot.store.rows import store, values
from bot.store.schema import conversations, deliveries, inbound_keys, messages, runs, threads
from bot.store.statements import statements
from bot.store.text import clean
from bot.store.transactions import reading, writing

SETTING_OFF = 0
"""Place of a user message that set its run off; the run's answers are at place 1."""
_REMEMBER = {
    is_postgres: flavour.insert(inbound_keys).on_conflict_do_nothing().returning(inbound_keys.c.key)
    for is_postgres, flavour in ((False, sqlite), (True, postgresql))
}


class Intake:
    """`bot.ports.Intake` on both databases."""

    def __init__(self, engines: Engines, bells: Bells) -> None:
        """Use these connections and wake this process by these bells."""
        self.engines = engines
        self._bell = bells.lanes
        self._sql = statements(postgres=engines.postgres)
        self._insert_delivery = insert(deliveries).returning(self._sql.ahead, self._sql.lanes_told)
        self._insert_run = insert(runs).values(created_at=self._sql.created_at, expires_at=self._sql.expires_at)

    async def accept(self, event: Event, assistant: Assistant, lifetime: int = RUN_LIFETIME) -> Acceptance:
        """Store dedupe keys, thread, message, queued run, delivery and lane in one transaction."""
        try:
            acceptance = await self._accept(event, assistant, lifetime)
        except IntegrityError:  # the conversation's thread, idle for too long, was deleted at this very moment
            acceptance = await self._accept(event, assistant, lifetime)
        self._bell.ring()
        return acceptance

    async def again(self, run_id: str, assistant: Assistant, lifetime: int = RUN_LIFETIME) -> Acceptance | NotAgain:
        """Let the question of an answered run be answered anew."""
        outcome = await self._again(run_id, assistant, lifetime)
        if isinstance(outcome, Acceptance):
            self._bell.ring()
        return outcome

    @writing
    async def _again(self, tx: Transaction, run_id: str, assistant: Assistant, lifetime: int) -> Acceptance | NotAgain:
        return await answer_again(tx, self._sql, self.engines.teller, run_id, assistant, lifetime)

    @writing
    async def _accept(self, tx: Transaction, event: Event, assistant: Assistant, lifetime: int) -> Acceptance:
        run_id, now = new_id("run_"), int(time.time())
        keys = sorted({clean(key) for key in event.keys})  # in one order everywhere, so nobody waits in a circle
        await heard.lock(tx, [one.key for one in event.pointed_at])
        if not await self._remember(tx, keys, run_id, now):
            return await self._duplicate(tx, keys, run_id)
        thread_id = await self._thread(tx, event.conversation, event.address.platform, now)
        metadata = {GAPS: "true"} if event.gaps else {}
        if event.ruled_by:
            metadata[RULED_BY] = clean(event.ruled_by)
        seq = await self._queue_run(tx, run_id, thread_id, assistant, lifetime, metadata)
        ahead = await self._store_message(tx, event, run_id, seq, thread_id, now)
        return Acceptance(run_id=run_id, thread_id=thread_id, ahead=ahead)

    async def _remember(self, tx: Transaction, keys: list[str], run_id: str, now: int) -> bool:
        """Insert the keys; False when one of them was there before. A first delivery still in flight is waited for."""
        rows = [{"key": key, "run_id": run_id, "received_at": now} for key in keys]
        return len((await tx.execute(_REMEMBER[self.engines.postgres], rows)).all()) == len(keys)

    @writing
    async def first_time(self, tx: Transaction, key: str) -> bool:
        """Remember a key that belongs to no message. Returns whether it was new."""
        return await self._remember(tx, [clean(key)], "", int(time.time()))

    async def _duplicate(self, tx: Transaction, keys: list[str], run_id: str) -> Acceptance:
        mine = inbound_keys.c.key.in_(keys)
        first = (
            select(inbound_keys.c.run_id, runs.c.thread_id)
            .join_from(inbound_keys, runs, runs.c.id == inbound_keys.c.run_id, isouter=True)
            .where(mine, inbound_keys.c.run_id != run_id)
            .order_by(inbound_keys.c.received_at, inbound_keys.c.run_id)
            .limit(1)
        )
        row = (await tx.execute(first)).one()
        repoint = update(inbound_keys).where(mine, inbound_keys.c.run_id == run_id).values(run_id=row.run_id)
        await tx.execute(repoint)
        return Acceptance(run_id=row.run_id, thread_id=row.thread_id or "", duplicate=True)

    async def _thread(self, tx: Transaction, conversation: str, platform: str, now: int) -> str:
        """The conversation's thread, with its lane ready and locked."""
        key = clean(conversation)
        where = {"key": key, "platform": platform}
        known = (await tx.execute(self._sql.ready_known_lane, where)).scalar_one_or_none()
        if known is not None:
            return known
        fresh = Thread(id=new_id("thread_"), created_at=now)
        parameters = {"key": key, "thread": fresh.id}
        thread_id: str = (await tx.execute(self._sql.conversation, parameters)).scalar_one()
        if thread_id == fresh.id:  # else somebody else's first message was quicker
            await store(tx, threads, fresh)
        await tx.execute(self._sql.ready_lane, {"thread": thread_id, "platform": platform})
        return thread_id

    async def _queue_run(
        self,
        tx: Transaction,
        run_id: str,
        thread_id: str,
        assistant: Assistant,
        lifetime: int,
        metadata: dict[str, str],
    ) -> int:
        row: dict[str, object] = {
            "id": run_id,
            "thread_id": thread_id,
            "assistant_id": assistant.id,
            "status": RunStatus.QUEUED,
            "model": assistant.model,
            "own_model": assistant.own_model,
            "instructions": assistant.instructions or "",
            "tools": assistant.tools,
            "lifetime": lifetime,
            "temperature": assistant.temperature,
            "top_p": assistant.top_p,
            "truncation": AutoTruncation(),
            "parallel_tool_calls": True,
            "metadata": metadata,
        }
        result = await tx.execute(self._insert_run, row)
        return cast("tuple[int]", result.inserted_primary_key)[0]

    async def _store_message(
        self, tx: Transaction, event: Event, run_id: str, seq: int, thread_id: str, now: int
    ) -> int:
        """Store what was said and where from. Returns how many runs come first."""
        texts = [file.source[STORED] for file in event.files if STORED in file.source]
        message = Message(
            id=new_id("msg_"),
            created_at=now,
            thread_id=thread_id,
            role="user",
            content=(TextPart(value=event.text),),
            run_id=run_id,
            author=event.author,
            metadata={TEXT_FILE: texts[0]} if texts else {},
        )
        beside = await self._pointed_at(tx, event.pointed_at, seq, thread_id) if event.pointed_at else ()
        delivery = Delivery(
            run_id=run_id,
            conversation=event.conversation,
            address=event.address,
            asker=event.author,
            message_id=message.id,
            files=(*event.files, *beside),
            created_at=now,
            channel=event.channel,
        )
        await store(tx, messages, message, run_seq=seq, place=SETTING_OFF, source=event.known_as)
        row: dict[str, object] = {
            **values(delivery),
            "run_seq": seq,
            "thread_id": thread_id,
            "asker_id": known_as(event.author),
            "thread": thread_id,
            "teller": self.engines.teller,
        }
        return (await tx.execute(self._insert_delivery, row)).scalar_one()

    async def _pointed_at(
        self, tx: Transaction, pointed_at: Sequence[Heard], seq: int, thread_id: str
    ) -> tuple[RemoteFile, ...]:
        """Store what the question refers to. Returns the files that came with it."""
        deleted = await heard.deleted(tx, [one.key for one in pointed_at])
        found = [
            (one, heard.as_message(thread_id, Hearing.POINTED_AT, one))
            for one in pointed_at
            if clean(one.key) not in deleted
        ]
        await heard.put_beside(tx, seq, found)
        return tuple(file for one, message in found for file in heard.files_of(one, message))

    @reading
    async def thread_of(self, tx: Transaction, conversation: str) -> str | None:
        """The thread of a conversation, or None when the bot was never part of it."""
        query = select(conversations.c.thread_id).where(conversations.c.key == conversation)
        return (await tx.execute(query)).scalar_one_or_none()

    @writing
    async def join(self, tx: Transaction, conversation: str, thread_id: str) -> None:
        """Let a further conversation key lead to the same thread; a key that leads somewhere already stays."""
        await tx.execute(self._sql.conversation, {"key": clean(conversation), "thread": thread_id})

    @writing
    async def leave(self, tx: Transaction, conversation: str) -> bool:
        """Start over: the next message under this key gets a new thread. Returns whether there was one."""
        statement = delete(conversations).where(conversations.c.key == conversation).returning(conversations.c.key)
        return (await tx.execute(statement)).first() is not None

    @reading
    async def last_conversation(self, tx: Transaction, channel: str, person: Author) -> str | None:
        """Where this person last said something to the assistant in a channel."""
        query = newest_in_channel(clean(channel), known_as(person))
        return (await tx.execute(query)).scalar_one_or_none()

    @reading
    async def live_conversations(
        self, tx: Transaction, since: float, within: Sequence[str], without: str, limit: int
    ) -> tuple[str, ...]:
        """Conversations in which a message was accepted since then, so many of each beginning, the newest first."""
        found: list[str] = []
        for prefix in within:
            found += (await tx.execute(accepted_since(prefix, without, since, limit))).scalars()
        return tuple(dict.fromkeys(found))


def newest_in_channel(channel: str, asker_id: str) -> Select[str]:
    """The query behind `Intake.last_conversation`."""
    query = select(deliveries.c.conversation).where(deliveries.c.channel == channel, deliveries.c.asker_id == asker_id)
    return query.order_by(deliveries.c.run_seq.desc()).limit(1)


def accepted_since(prefix: str, without: str, since: float, limit: int) -> Select[str]:
    """The query behind `Intake.live_conversations`, for one beginning of keys."""
    key = deliveries.c.conversation
    query = select(key).where(
        deliveries.c.created_at >= int(since),
        func.substr(key, 1, len(prefix)) == prefix,
        ~key.contains(without, autoescape=True),
    )
    return query.group_by(deliveries.c.conversation).order_by(func.max(deliveries.c.run_seq).desc()).limit(limit)
