"""The steps of an answer: as cards of a native stream, and as one line where there is none."""

from collections.abc import Iterable, Mapping

from bot.relay.contract import Outbound, Task

Json = dict[str, object]

TITLE = 256
"""Characters of a card's title."""
_MARKS = {"running": "⏳", "done": "✓", "failed": "✗"}
_LINE = 2_000
"""Characters of the line; the block takes 3,000."""


def cards(tasks: Iterable[Task]) -> dict[str, Json]:
    """Chunks by step. What failed is complete too: Slack shows an error as if the assistant itself were broken."""
    return {
        task.id: _card(task.id, task.title, failed=task.state == "failed", open_=task.state == "running")
        for task in tasks
    }


def ended(shown: Mapping[str, Json], outbound: Outbound) -> dict[str, Json]:
    """The cards of a message that ends now: none of them goes on for ever."""
    after = "interrupted" if outbound.final or outbound.asking else "goes on below"
    every = {**shown, **cards(outbound.tasks)}
    return {name: _closed(card, after) if card["status"] == "in_progress" else card for name, card in every.items()}


def changed(new: Mapping[str, Json], shown: Mapping[str, Json]) -> list[Json]:
    """Those that look different now."""
    return [card for name, card in new.items() if shown.get(name) != card]


def weight(cards: Iterable[Json]) -> int:
    """What they count in the size of a message: twice their bytes."""
    return 2 * sum(len(str(card["title"]).encode()) for card in cards)


def line(tasks: Iterable[Task]) -> Json | None:
    """All steps in one line of small print; None when there are none."""
    words = " · ".join(f"{_MARKS[task.state]} {task.title}" for task in tasks)
    if not words:
        return None
    return {"type": "context", "elements": [{"type": "plain_text", "text": words[:_LINE], "emoji": False}]}


def _card(name: str, title: str, *, failed: bool, open_: bool) -> Json:
    words = f"Failed: {title}" if failed else title
    status = "in_progress" if open_ else "complete"
    return {"type": "task_update", "id": name, "title": words[:TITLE], "status": status}


def _closed(card: Json, after: str) -> Json:
    suffix = f" ({after})"
    return {**card, "title": f"{str(card['title'])[: TITLE - len(suffix)]}{suffix}", "status": "complete"}
