"""The content of a message as `chat.*` and response URLs take it: text, blocks or `markdown_text`, within limits."""

from dataclasses import dataclass

from bot.playground.slack.blocks import characters, problems
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.desk import Desk
from bot.playground.slack.wire import JsonObject, JsonValue, as_object, as_objects


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says."""

    text: str
    blocks: tuple[JsonObject, ...]


def read_content(desk: Desk, args: Arguments, *, empty_ok: bool = False) -> Content:
    """Read and check.

    Raises:
        Refusal: nothing to say, too long, or blocks that Slack would not take.
    """
    markdown, text = args.text("markdown_text"), args.text("text")
    blocks = args.json("blocks", "invalid_blocks_format")
    if markdown:
        if text or blocks:
            raise Refusal("markdown_text_conflict")
        if len(markdown) > desk.rules.markdown_characters:
            raise Refusal("msg_too_long")
        return Content("", (with_id(desk, {"type": "markdown", "text": markdown}),))
    given = read_blocks(desk, args)
    if not text and not given and not args.json("attachments") and not empty_ok:
        raise Refusal("no_text")
    return Content(text, given)


def read_blocks(desk: Desk, args: Arguments) -> tuple[JsonObject, ...]:
    """The argument `blocks`, checked and named.

    Raises:
        Refusal: Slack would not take them.
    """
    blocks = args.json("blocks", "invalid_blocks_format")
    if blocks is None:
        blocks = []
    if not isinstance(blocks, list):
        raise Refusal("invalid_blocks_format")
    _check(desk, blocks)
    return tuple(with_id(desk, block) for block in as_objects(blocks))


def _check(desk: Desk, blocks: list[JsonValue]) -> None:
    if characters(blocks) > desk.rules.block_characters:
        raise Refusal("msg_blocks_too_long")
    found = problems(blocks, desk.rules)
    if found:
        messages: JsonValue = list(found)
        raise Refusal("invalid_blocks", errors=messages, response_metadata={"messages": messages})


def with_id(desk: Desk, block: JsonObject) -> JsonObject:
    """Slack names the blocks and buttons that have no id."""
    named: JsonObject = {**block, "block_id": block.get("block_id") or desk.world.token(5)}
    if block.get("type") == "input":
        element = as_object(block.get("element"))
        named["element"] = {**element, "action_id": element.get("action_id") or desk.world.token(5)}
    if "elements" in block and block.get("type") in {"actions", "context_actions"}:
        named["elements"] = [
            {**element, "action_id": element.get("action_id") or desk.world.token(5)}
            for element in as_objects(block["elements"])
        ]
    return named
