"""What a call adds to a stream: text, steps, a plan's title, blocks; checked as strictly as Slack checks it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from bot.playground.slack.blocks import problems
from bot.playground.slack.records import Step, Streaming
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.content import with_id
from bot.playground.slack.webapi.desk import Desk
from bot.playground.slack.wire import JsonObject, JsonValue, as_list, as_object, as_objects, as_text

StepStatus = Literal["pending", "in_progress", "complete", "error"]
_STATUSES = get_args(StepStatus)
_KEYS = {
    "markdown_text": ({"text"}, set[str]()),
    "task_update": ({"id", "title", "status"}, {"details", "output", "sources"}),
    "plan_update": ({"title"}, set[str]()),
    "blocks": ({"blocks"}, set[str]()),
}
"""By type: the keys that a chunk must have, and those that it may have."""
_GROWING = ("details", "output")


@dataclass(frozen=True, slots=True)
class Addition:
    """The checked content of one call."""

    chunks: tuple[JsonObject, ...]

    @property
    def characters(self) -> int:
        """Length of its texts."""
        return sum(len(as_text(chunk.get("text"))) for chunk in self.chunks)


def read_addition(desk: Desk, args: Arguments) -> Addition:
    """Read `markdown_text` or `chunks`.

    Raises:
        Refusal: both of them, too much, or chunks that Slack would not take.
    """
    markdown, chunks = args.text("markdown_text"), args.json("chunks", "invalid_chunks")
    if markdown and chunks:
        raise Refusal("markdown_text_conflict")
    if markdown:
        addition = Addition(({"type": "markdown_text", "text": markdown},))
    else:
        addition = Addition(tuple(_chunk(desk, chunk) for chunk in _listed(chunks)))
    if addition.characters > desk.rules.markdown_characters:
        raise Refusal("msg_too_long")
    return addition


def added(desk: Desk, streaming: Streaming, addition: Addition) -> Streaming:
    """The stream with an addition.

    Raises:
        Refusal: the message would be too long.
    """
    for chunk in addition.chunks:
        streaming = _ADD[as_text(chunk["type"])](desk, streaming, chunk)
    streaming = replace(streaming, weight=_weight(streaming))
    most = desk.rules.streams.most_bytes
    if most is not None and streaming.weight > most:
        raise Refusal("msg_too_long")
    if len(streaming.blocks) > desk.rules.blocks:
        raise Refusal("invalid_blocks")
    return streaming


def _listed(chunks: JsonValue) -> list[JsonValue]:
    if chunks is not None and not isinstance(chunks, list):
        raise Refusal("invalid_chunks")
    return as_list(chunks)


def _chunk(desk: Desk, value: JsonValue) -> JsonObject:
    chunk = as_object(value)
    required, optional = _KEYS.get(as_text(chunk.get("type")), (None, None))
    if required is None or optional is None or not required <= chunk.keys():
        raise Refusal("invalid_chunks")
    if chunk.keys() - required - optional - {"type"} or not _fits(chunk, desk.rules):
        raise Refusal("invalid_chunks")
    return chunk


def _fits(chunk: JsonObject, rules: SlackRules) -> bool:
    if chunk["type"] == "blocks":
        blocks = chunk["blocks"]
        return isinstance(blocks, list) and bool(blocks) and not problems(blocks, rules)
    if not all(isinstance(value, str) for name, value in chunk.items() if name != "sources"):
        return False
    if chunk["type"] == "markdown_text":
        return bool(chunk["text"])
    short = all(len(as_text(chunk.get(name))) <= rules.streams.field_characters for name in ("title", *_GROWING))
    known = chunk["type"] == "plan_update" or (bool(chunk["id"]) and chunk["status"] in _STATUSES)
    sources = all(source.get("type") == "url" for source in as_objects(chunk.get("sources")))
    return short and known and sources and bool(chunk["title"])


def _add_text(desk: Desk, streaming: Streaming, chunk: JsonObject) -> Streaming:
    text = as_text(chunk["text"])
    text = text.lstrip() if desk.rules.streams.eats_leading_space else text
    return replace(streaming, text=streaming.text + text)


def _add_step(_desk: Desk, streaming: Streaming, chunk: JsonObject) -> Streaming:
    """Titles and states are replaced, details and output grow."""
    given = {name: as_text(chunk.get(name)) for name in ("id", "title", "status", *_GROWING)}
    old = next((step for step in streaming.steps if step.id == given["id"]), None)
    if old is None:
        return replace(streaming, steps=(*streaming.steps, Step(**given)))
    new = Step(**given | {name: getattr(old, name) + given[name] for name in _GROWING})
    return replace(streaming, steps=tuple(new if step is old else step for step in streaming.steps))


def _add_plan(_desk: Desk, streaming: Streaming, chunk: JsonObject) -> Streaming:
    return replace(streaming, plan=as_text(chunk["title"]))


def _add_blocks(desk: Desk, streaming: Streaming, chunk: JsonObject) -> Streaming:
    new = (with_id(desk, block) for block in as_objects(chunk["blocks"]))
    return replace(streaming, blocks=(*streaming.blocks, *new))


_ADD: dict[str, Callable[[Desk, Streaming, JsonObject], Streaming]] = {
    "markdown_text": _add_text,
    "task_update": _add_step,
    "plan_update": _add_plan,
    "blocks": _add_blocks,
}


def _weight(streaming: Streaming) -> int:
    steps = "".join(f"{step.title}{step.details}{step.output}" for step in streaming.steps)
    return len(streaming.text.encode()) + 2 * len(f"{streaming.plan}{steps}".encode())
