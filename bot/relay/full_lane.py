"""The lane cap: a message too many in one conversation is not answered, and its person is told why."""

import structlog

from bot.domain.runs import NOTE_OF_TURNED_AWAY, Run, RunStatus
from bot.ports import Notes, RunControl

log = structlog.get_logger()

TURNED_AWAY = "_Not answered: {waiting} messages were waiting here already when this one came. Please ask again._"


async def turn_away(notes: Notes, control: RunControl, run_id: str, waiting: int) -> None:
    """Stop a run before it begins. It stays on record, and what is shown as its answer is the reason.

    Raises:
        StoreUnavailable: then the message may be answered after all.
    """
    await notes.write(_name(run_id), str(waiting))  # first, or a crash would make it look like somebody's Stop
    await control.cancel(run_id)
    log.info("turned away", run_id=run_id, waiting=waiting)


async def why_turned_away(notes: Notes, run: Run) -> str | None:
    """What to tell the person, or None when the run was not turned away."""
    if run.status is not RunStatus.CANCELLED or run.started_at is not None:
        return None
    waiting = await notes.read(_name(run.id))
    return None if waiting is None else TURNED_AWAY.format(waiting=waiting)


def _name(run_id: str) -> str:
    return f"{NOTE_OF_TURNED_AWAY}{run_id}"
