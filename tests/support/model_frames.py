"""What a scripted reply looks like on each of the two model wires."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.model_replies import Reply


@dataclass(frozen=True)
class Frame:
    """The data of one server-sent event. A piece is one that carries a part of the answer (text or arguments)."""

    data: str
    piece: bool = False


def frames_of(reply: Reply, wire: str, body: dict[str, Any]) -> list[Frame]:
    """All frames of a reply, the terminal ones included unless the reply leaves them out."""
    if reply.frames is not None:
        return [Frame(frame if isinstance(frame, str) else json.dumps(frame)) for frame in reply.frames]
    make = _responses_frames if wire == "responses" else _chat_frames
    return list(make(reply, body))


# --- Responses --------------------------------------------------------------------------------------------------


def _responses_frames(reply: Reply, body: dict[str, Any]) -> Iterator[Frame]:
    head = {"id": "resp_1", "object": "response", "status": "in_progress", "model": body.get("model"), "output": []}
    number = -1

    def event(kind: str, piece: bool = False, **fields: Any) -> Frame:
        nonlocal number
        number += 1
        return Frame(json.dumps({"type": kind, "sequence_number": number, **fields}), piece)

    yield event("response.created", response=head)
    yield event("response.in_progress", response=head)
    index = 0
    if reply.reasoning or reply.encrypted:
        item = {"id": "rs_1", "type": "reasoning", "summary": []}
        yield event("response.output_item.added", output_index=index, item=item)
        for text in reply.reasoning:
            yield event("response.reasoning_summary_text.delta", True, item_id="rs_1", output_index=index, delta=text)
        done = {**item, "encrypted_content": reply.encrypted} if reply.encrypted else item
        yield event("response.output_item.done", output_index=index, item=done)
        index += 1
    if reply.pieces or reply.refusal:
        item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        at = {"item_id": "msg_1", "output_index": index, "content_index": 0}
        yield event("response.output_item.added", output_index=index, item=item)
        yield event("response.content_part.added", **at, part={"type": "output_text", "text": "", "annotations": []})
        for text in reply.pieces:
            yield event("response.output_text.delta", True, **at, delta=text)
        if reply.refusal:
            yield event("response.refusal.delta", True, **at, delta=reply.refusal)
        whole = "".join(reply.pieces)
        part = {"type": "output_text", "text": whole, "annotations": []}
        yield event("response.output_text.done", **at, text=whole)
        yield event("response.content_part.done", **at, part=part)
        yield event("response.output_item.done", output_index=index, item={**item, "content": [part]})
        index += 1
    for position, call in enumerate(reply.calls):
        item_id = f"fc_{position}"
        item = {"id": item_id, "type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": ""}
        yield event("response.output_item.added", output_index=index, item=item)
        for fragment in call.fragments:
            yield event(
                "response.function_call_arguments.delta", True, item_id=item_id, output_index=index, delta=fragment
            )
        at = {"item_id": item_id, "output_index": index}
        yield event("response.function_call_arguments.done", **at, arguments=call.text)
        yield event("response.output_item.done", output_index=index, item={**item, "arguments": call.text})
        index += 1
    if reply.terminal:
        yield _responses_end(reply, head, event)


def _responses_end(reply: Reply, head: dict[str, Any], event: Any) -> Frame:
    usage = None
    if reply.usage is not None:
        prompt, completion = reply.usage
        usage = {"input_tokens": prompt, "output_tokens": completion, "total_tokens": prompt + completion}
    if reply.finish == "failed":
        error = reply.error or {"code": "server_error", "message": "The model failed."}
        return event("response.failed", response={**head, "status": "failed", "error": error, "usage": usage})
    if reply.finish in ("length", "content_filter"):
        details = {"reason": "max_output_tokens" if reply.finish == "length" else "content_filter"}
        end = {**head, "status": "incomplete", "incomplete_details": details, "usage": usage}
        return event("response.incomplete", response=end)
    return event("response.completed", response={**head, "status": "completed", "usage": usage})


# --- Chat Completions -------------------------------------------------------------------------------------------


def _chat_frames(reply: Reply, body: dict[str, Any]) -> Iterator[Frame]:
    head = {"id": "chatcmpl_1", "object": "chat.completion.chunk", "model": body.get("model")}

    def chunk(delta: dict[str, Any], piece: bool = False, finish: str | None = None) -> Frame:
        return Frame(json.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}), piece)

    yield chunk({"role": "assistant", "content": ""})
    for text in reply.reasoning:
        yield chunk({"reasoning_content": text}, True)
    for text in reply.pieces:
        yield chunk({"content": text}, True)
    if reply.refusal:
        yield chunk({"refusal": reply.refusal}, True)
    for position, call in enumerate(reply.calls):
        first = {"index": position, "id": call.call_id, "type": "function", **call.extra}
        yield chunk({"tool_calls": [{**first, "function": {"name": call.name, "arguments": ""}}]})
        for fragment in call.fragments:
            yield chunk({"tool_calls": [{"index": position, "function": {"arguments": fragment}}]}, True)
    if not reply.terminal:
        return
    if reply.finish == "failed":
        error = reply.error or {"code": 502, "message": "The model failed: server_error"}
        yield Frame(json.dumps({**head, "error": error, "choices": []}))
        return
    yield chunk({}, finish=reply.finish or ("tool_calls" if reply.calls else "stop"))
    if reply.usage is not None and (body.get("stream_options") or {}).get("include_usage"):
        prompt, completion = reply.usage
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        yield Frame(json.dumps({**head, "choices": [], "usage": usage}))
    yield Frame("[DONE]")
