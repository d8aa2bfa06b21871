"""Where an answer went on in another message before it had to: remembered, so that a crash moves nothing."""

from bot.domain.runs import NOTE_OF_BREAKS
from bot.ports import Notes


async def breaks_of(notes: Notes, run_id: str) -> tuple[int, ...]:
    """The remembered positions, in the text as the platform gets it."""
    value = await notes.read(f"{NOTE_OF_BREAKS}{run_id}")
    return tuple(int(word) for word in (value or "").split())


async def remember(notes: Notes, run_id: str, breaks: tuple[int, ...]) -> None:
    """Remember them; the note goes when the run is forgotten."""
    await notes.write(f"{NOTE_OF_BREAKS}{run_id}", " ".join(map(str, breaks)))
