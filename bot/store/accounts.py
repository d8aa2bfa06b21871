"""What questions took, summed up from their runs."""

from sqlalchemy import ColumnElement, select

from bot.domain.feedback import Account
from bot.domain.messages import Author
from bot.domain.runs import Usage, total_usage
from bot.store.connections import Engines, Transaction
from bot.store.feedback import known_as
from bot.store.schema import deliveries, runs
from bot.store.transactions import reading


class Accounts:
    """`bot.ports.Accounts` on both databases."""

    def __init__(self, engines: Engines) -> None:
        """Use these connections."""
        self.engines = engines

    @reading
    async def of_person(self, tx: Transaction, person: Author, since: float) -> Account:
        """What a person asked since then."""
        return await _sum(tx, deliveries.c.asker_id == known_as(person), deliveries.c.created_at >= int(since))

    @reading
    async def of_thread(self, tx: Transaction, thread_id: str) -> Account:
        """What was asked in a thread."""
        return await _sum(tx, deliveries.c.thread_id == thread_id)


async def _sum(tx: Transaction, *theirs: ColumnElement[bool]) -> Account:
    query = select(deliveries.c.message_id, runs.c.usage).join(runs, runs.c.id == deliveries.c.run_id).where(*theirs)
    rows = (await tx.execute(query)).all()
    usage = total_usage(row.usage for row in rows) or Usage()
    return Account(questions=len({row.message_id for row in rows}), usage=usage)
