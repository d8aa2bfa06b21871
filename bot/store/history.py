"""What was said in a thread, in the order in which the assistant read it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, not_, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.lanes import Lease
from bot.domain.messages import Message, MessageStatus
from bot.domain.runs import Run
from bot.domain.steps import CallState, ToolCall
from bot.domain.threads import Summary
from bot.store import heard
from bot.store.connections import Engines, Transaction
from bot.store.lanes import hold
from bot.store.rows import record, records, values
from bot.store.schema import messages, runs, summaries, threads, tool_calls
from bot.store.transactions import reading, writing

_FINISHED = (CallState.DONE, CallState.FAILED, CallState.UNKNOWN)


class History:
    """`bot.ports.History` on both databases."""

    def __init__(self, engines: Engines) -> None:
        """Use these connections."""
        self.engines = engines

    @reading
    async def up_to(self, tx: Transaction, run: Run, limit: int, before: int | None = None) -> tuple[Message, ...]:
        """The newest `limit` messages that `run` may read, oldest first; of its own answers the completed ones."""
        rows = (await tx.execute(newest_first(run, limit, before))).mappings().all()
        return records(Message, reversed(rows))

    @reading
    async def seq_of(self, tx: Transaction, messages: Sequence[Message]) -> dict[str, int]:
        """Sequence number of the run at whose place each message stands, by message id."""
        return await _seq_of(tx, [message.id for message in messages])

    @reading
    async def calls_of(self, tx: Transaction, run_ids: Sequence[str]) -> tuple[ToolCall, ...]:
        """The finished tool calls of earlier runs, in order."""
        query = (
            select(tool_calls)
            .join(runs, runs.c.id == tool_calls.c.run_id)
            .where(tool_calls.c.run_id.in_(run_ids), tool_calls.c.state.in_(_FINISHED))
            .order_by(runs.c.seq, tool_calls.c.turn, tool_calls.c.position)
        )
        return records(ToolCall, (await tx.execute(query)).mappings())

    @reading
    async def summary(self, tx: Transaction, thread_id: str) -> Summary | None:
        """The kept summary, if there is one."""
        row = (await tx.execute(select(summaries).where(summaries.c.thread_id == thread_id))).mappings().first()
        return None if row is None else record(Summary, row)

    @reading
    async def revision(self, tx: Transaction, thread_id: str) -> int:
        """How often something that was said in the thread was changed or taken back since."""
        return await _revision(tx, thread_id)

    @reading
    async def known(self, tx: Transaction, run: Run, keys: Sequence[str]) -> frozenset[str]:
        """Those of these dedupe keys whose messages need not be heard beside the run's question."""
        return await heard.known(tx, run, keys)

    @writing
    async def keep_summary(self, tx: Transaction, lease: Lease, summary: Summary, revision: int | None = None) -> None:
        """Keep a summary unless one that reaches as far is there, or what it was made of has changed."""
        await hold(tx, lease)
        if revision is not None and await _revision(tx, summary.thread_id) != revision:
            return
        flavour = postgresql if self.engines.postgres else sqlite
        statement = flavour.insert(summaries).values(values(summary))
        new = statement.excluded
        await tx.execute(
            statement.on_conflict_do_update(
                index_elements=["thread_id"],
                set_={"upto": new.upto, "text": new.text, "created_at": new.created_at},
                where=summaries.c.upto < new.upto,
            )
        )


def newest_first(run: Run, limit: int, before: int | None) -> Select[Any]:
    """The query behind `History.up_to`; its order is that of the index `ix_messages_place`, backwards."""
    m = messages.c
    own_unfinished = and_(m.run_seq == run.seq, m.role == "assistant", m.status != MessageStatus.COMPLETED)
    query = select(messages).where(
        m.thread_id == run.thread_id,
        m.run_seq <= (run.seq if before is None else min(before - 1, run.seq)),
        not_(m.superseded),
        m.status != MessageStatus.IN_PROGRESS,
        not_(own_unfinished),
    )
    return query.order_by(m.run_seq.desc(), m.place.desc(), m.seq.desc()).limit(limit)


async def _revision(tx: Transaction, thread_id: str) -> int:
    query = select(threads.c.revision).where(threads.c.id == thread_id)
    return (await tx.execute(query)).scalar_one_or_none() or 0


async def _seq_of(tx: Transaction, ids: Sequence[str]) -> dict[str, int]:
    rows = await tx.execute(select(messages.c.id, messages.c.run_seq).where(messages.c.id.in_(ids)))
    return {row.id: row.run_seq for row in rows}
