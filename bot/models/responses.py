"""The Responses wire: what is sent to `/responses` and what its events mean."""

from collections.abc import Callable

from bot.domain.assistants import FunctionDefinition
from bot.domain.turns import (
    AssistantText,
    CallInput,
    CallOutput,
    FinishReason,
    InputImage,
    InputText,
    ModelEvent,
    ModelInput,
    ModelRequest,
    OpaqueInput,
    UserInput,
)
from bot.errors import BrokenStream
from bot.models.assembly import Assembly, PartialCall
from bot.models.json_values import JsonObject, NotAnObject, count_in, object_in, objects_in, parse_object, text_in
from bot.models.opaque import Origin
from bot.models.pairing import paired
from bot.models.profiles import Profile
from bot.models.refusals import refusal_from_fields
from bot.models.strictness import is_strict
from bot.models.translation import error_of

# --- what is sent -----------------------------------------------------------------------------------------------


def request_body(request: ModelRequest, profile: Profile, origin: Origin, *, opaque: bool) -> JsonObject:
    """The whole request: the provider keeps nothing (`store` is false). `opaque` replays reasoning items."""
    items = (_item(entry, profile, origin, opaque=opaque) for entry in paired(request.input))
    body: JsonObject = {
        "model": request.model,
        "input": [item for item in items if item is not None],
        "stream": True,
        "store": False,
    }
    if request.instructions:
        body["instructions"] = request.instructions
    if request.tools:
        body["tools"] = [_tool(tool, profile) for tool in request.tools]
        if profile.parallel_calls:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.max_output_tokens is not None:
        body["max_output_tokens"] = request.max_output_tokens
    if profile.reasoning and opaque:
        body["include"] = ["reasoning.encrypted_content"]
    return body | _sampling(request, profile) | _bookkeeping(request, profile)


def _sampling(request: ModelRequest, profile: Profile) -> JsonObject:
    values = {"temperature": request.temperature, "top_p": request.top_p}
    return {name: value for name, value in values.items() if value is not None and profile.sampling}


def _bookkeeping(request: ModelRequest, profile: Profile) -> JsonObject:
    values = {"prompt_cache_key": request.thread_id, "safety_identifier": request.person_hash}
    return {name: value for name, value in values.items() if value and profile.bookkeeping}


def _tool(tool: FunctionDefinition, profile: Profile) -> JsonObject:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": is_strict(tool, profile),
    }


def _item(entry: ModelInput, profile: Profile, origin: Origin, *, opaque: bool) -> JsonObject | None:
    match entry:
        case UserInput(parts=parts):
            content = [_part(part, profile) for part in parts]
            return {"type": "message", "role": "user", "content": content} if content else None
        case AssistantText(text=text):
            content = [{"type": "output_text", "text": text}]
            return {"type": "message", "role": "assistant", "content": content} if text else None
        case CallInput():
            call: JsonObject = {"call_id": entry.call_id, "name": entry.name, "arguments": entry.arguments}
            return {"type": "function_call", **call}
        case CallOutput():
            return {"type": "function_call_output", "call_id": entry.call_id, "output": entry.output}
        case OpaqueInput(item=item):
            return origin.unseal(item) if opaque else None


def _part(part: InputText | InputImage, profile: Profile) -> JsonObject:
    if isinstance(part, InputText):
        return {"type": "input_text", "text": part.text}
    if not profile.images:
        return {"type": "input_text", "text": "[An image that this model cannot see.]"}
    url = f"data:{part.media_type};base64,{part.base64}"
    return {"type": "input_image", "image_url": url, "detail": "auto"}


# --- what arrives -----------------------------------------------------------------------------------------------


class ResponsesReader:
    """Reads the frames of one stream. Items are known by their `id`; positions and statuses are not trusted."""

    def __init__(self, origin: Origin) -> None:
        self.assembly = Assembly(origin)
        self._model = origin.model
        self._calls: list[tuple[str, PartialCall]] = []
        self._item_has_text = False
        self._handlers: dict[str, Callable[[JsonObject], list[ModelEvent]]] = {
            "response.output_text.delta": self._text,
            "response.refusal.delta": self._refusal,
            "response.reasoning_summary_text.delta": self._reasoning,
            "response.reasoning_text.delta": self._reasoning,
            "response.function_call_arguments.delta": self._arguments,
            "response.function_call_arguments.done": self._arguments_done,
            "response.output_item.added": self._added,
            "response.output_item.done": self._done,
            "response.completed": self._completed,
            "response.incomplete": self._incomplete,
            "response.failed": self._failed,
            "response.cancelled": self._failed,
            "error": self._failed,
        }

    @property
    def finished(self) -> bool:
        """Whether the terminal event came."""
        return self.assembly.finished

    def read(self, data: bytes) -> list[ModelEvent]:
        """The events of one frame. Unknown kinds mean nothing to us."""
        if self.finished:
            return []
        try:
            event = parse_object(data)
        except NotAnObject as exc:
            if data == b"[DONE]":
                return []
            raise BrokenStream("The model sent a frame that is not JSON.") from exc
        kind = event.get("type")
        if not isinstance(kind, str):
            return self._failed(event) if event.get("error") else []
        handler = self._handlers.get(kind)
        return handler(event) if handler else []

    def end(self) -> list[ModelEvent]:
        """The stream ended; nothing can be completed that the server did not complete."""
        return []

    def _text(self, event: JsonObject) -> list[ModelEvent]:
        self._item_has_text = True
        return self.assembly.text(text_in(event, "delta"))

    def _refusal(self, event: JsonObject) -> list[ModelEvent]:
        self._item_has_text = True
        return self.assembly.refusal(text_in(event, "delta"))

    def _reasoning(self, event: JsonObject) -> list[ModelEvent]:
        return self.assembly.reasoning(text_in(event, "delta"))

    def _arguments(self, event: JsonObject) -> list[ModelEvent]:
        call = self._find(text_in(event, "item_id"), newest=True)
        return self.assembly.arguments(call, text_in(event, "delta")) if call else []

    def _arguments_done(self, event: JsonObject) -> list[ModelEvent]:
        arguments = text_in(event, "arguments")
        call = self._find(text_in(event, "item_id"), arguments=arguments)
        if call is None:
            return []
        named = self.assembly.name_call(call, text_in(event, "call_id"), text_in(event, "name"))
        # A call whose name only its item will tell is closed by the item.
        return named + (self.assembly.close_call(call, arguments) if call.started else [])

    def _added(self, event: JsonObject) -> list[ModelEvent]:
        item = object_in(event, "item")
        kind = item.get("type")
        if kind == "message":
            self._item_has_text = False
        if kind != "function_call":
            return []
        call, events = self.assembly.open_call(text_in(item, "call_id"), text_in(item, "name"))
        self._calls.append((text_in(item, "id"), call))
        return events

    def _done(self, event: JsonObject) -> list[ModelEvent]:
        item = object_in(event, "item")
        match item.get("type"):
            case "function_call":
                return self._call_done(item)
            case "message":
                return self._message_done(item)
            case "reasoning" if item.get("encrypted_content"):
                # Ids are dropped: some gateways look an item up by its id even when its content is there.
                return self.assembly.opaque({key: item[key] for key in item if key not in {"id", "status"}})
            case _:
                return []

    def _call_done(self, item: JsonObject) -> list[ModelEvent]:
        """Closes the call; announces it first when the server never said that it began."""
        item_id, call_id, name = text_in(item, "id"), text_in(item, "call_id"), text_in(item, "name")
        arguments = text_in(item, "arguments")
        events: list[ModelEvent] = []
        call = self._find(item_id, arguments=arguments)
        if call is None:
            if any(known == item_id for known, _ in self._calls):
                return []  # closed before, by its `arguments.done`
            call, events = self.assembly.open_call(call_id, name)
            self._calls.append((item_id, call))
        return [*events, *self.assembly.name_call(call, call_id, name), *self.assembly.close_call(call, arguments)]

    def _message_done(self, item: JsonObject) -> list[ModelEvent]:
        """The text of a message of which no delta came."""
        if self._item_has_text:
            self._item_has_text = False
            return []
        events: list[ModelEvent] = []
        for part in objects_in(item, "content"):
            events += self.assembly.text(text_in(part, "text")) + self.assembly.refusal(text_in(part, "refusal"))
        return events

    def _completed(self, event: JsonObject) -> list[ModelEvent]:
        response = object_in(event, "response")
        events = self._salvage(response)
        reason = FinishReason.TOOL_CALLS if self.assembly.calls else FinishReason.STOP
        if object_in(response, "incomplete_details").get("reason"):
            reason = _reason(response)
        return events + self.assembly.finish(reason, self._usage(response))

    def _incomplete(self, event: JsonObject) -> list[ModelEvent]:
        response = object_in(event, "response")
        events = self._salvage(response)
        return events + self.assembly.finish(_reason(response), self._usage(response))

    def _salvage(self, response: JsonObject) -> list[ModelEvent]:
        """The output of a server that sends no events but the last."""
        if self.assembly.answered or self.assembly.calls:
            return []
        return [event for item in objects_in(response, "output") for event in self._done({"item": item})]

    def _failed(self, event: JsonObject) -> list[ModelEvent]:
        response = object_in(event, "response")
        source = response if response.get("error") else event
        raise error_of(refusal_from_fields(source), self._model)

    def _usage(self, response: JsonObject) -> list[ModelEvent]:
        usage = object_in(response, "usage")
        return self.assembly.usage(
            prompt=count_in(usage, "input_tokens"),
            completion=count_in(usage, "output_tokens"),
            total=count_in(usage, "total_tokens"),
            cached=count_in(object_in(usage, "input_tokens_details"), "cached_tokens"),
            reasoning=count_in(object_in(usage, "output_tokens_details"), "reasoning_tokens"),
        )

    def _find(self, item_id: str, *, arguments: str = "", newest: bool = False) -> PartialCall | None:
        """The open call of an item; without an id that is known, the only or newest open call.

        Parallel calls may share one id: then a summary belongs to the call that wrote the same arguments.
        """
        unfinished = [(known, call) for known, call in self._calls if not call.done]
        candidates = [call for known, call in unfinished if known == item_id]
        if not candidates and not any(known == item_id for known, _ in self._calls):
            candidates = [call for _, call in unfinished][-1:]
        if newest:
            return candidates[-1] if candidates else None
        same = [call for call in candidates if call.arguments == arguments]
        return next(iter(same or candidates), None)


def _reason(response: JsonObject) -> FinishReason:
    reason = object_in(response, "incomplete_details").get("reason")
    return FinishReason.CONTENT_FILTER if reason == "content_filter" else FinishReason.LENGTH
