"""What people think of answers."""

import time

from sqlalchemy import case, func, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.feedback import Opinion, Opinions
from bot.domain.messages import Author
from bot.store.connections import Engines, Transaction
from bot.store.rows import records, values
from bot.store.schema import feedback, runs
from bot.store.text import clean
from bot.store.transactions import reading, writing

_MOST_COMMENTS = 100


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

    @reading
    async def summary(self, tx: Transaction, since: float) -> Opinions:
        """What was said since then."""
        young = feedback.c.created_at >= int(since)
        counted = select(feedback.c.good, func.count().label("people")).where(young).group_by(feedback.c.good)
        counts = {row.good: row.people for row in await tx.execute(counted)}
        spoken = select(feedback).where(young, feedback.c.comment.is_not(None))
        newest = spoken.order_by(feedback.c.created_at.desc(), feedback.c.run_id.desc(), feedback.c.person)
        comments = records(Opinion, (await tx.execute(newest.limit(_MOST_COMMENTS))).mappings())
        return Opinions(good=counts.get(True, 0), bad=counts.get(False, 0), comments=comments)


def known_as(person: Author) -> str:
    """A person's id among all platforms."""
    return clean(f"{person.platform}:{person.id}")
