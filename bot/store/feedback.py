"""What people think of answers."""

import time

from sqlalchemy import case, func, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.feedback import Opinion
from bot.domain.messages import Author
from bot.store.connections import Engines, Transaction
from bot.store.rows import values
from bot.store.schema import feedback, runs
from bot.store.text import clean
from bot.store.transactions import writing


class Feedback:
    """`bot.ports.Feedback` on both databases."""

    def __init__(self, engines: Engines) -> None:
        """Use these connections."""
        self.engines = engines

    @writing
    async def give(
        self, tx: Transaction, run_id: str, person: Author, *, good: bool, comment: str | None = None
    ) -> bool:
        """Write a person's opinion down; a verdict that is only repeated keeps its comment."""
        if (await tx.execute(select(runs.c.id).where(runs.c.id == run_id))).first() is None:
            return False
        who = known_as(person)
        opinion = Opinion(run_id=run_id, person=who, good=good, comment=comment, created_at=int(time.time()))
        flavour = postgresql if self.engines.postgres else sqlite
        statement = flavour.insert(feedback).values(values(opinion))
        new = statement.excluded
        kept = case((feedback.c.good == new.good, func.coalesce(new.comment, feedback.c.comment)), else_=new.comment)
        newest = {"good": new.good, "comment": kept, "created_at": new.created_at}
        await tx.execute(statement.on_conflict_do_update(index_elements=["run_id", "person"], set_=newest))
        return True


def known_as(person: Author) -> str:
    """A person's id among all platforms."""
    return clean(f"{person.platform}:{person.id}")
