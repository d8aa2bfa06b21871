"""The Chat Completions wire: what is sent to `/chat/completions` and what its chunks mean."""

from collections.abc import Iterable

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
from bot.models.assembly import Assembly
from bot.models.chat_calls import ChatCalls
from bot.models.frames import DONE
from bot.models.json_values import JsonObject, NotAnObject, count_in, object_in, objects_in, parse_object, text_in
from bot.models.opaque import Origin
from bot.models.pairing import paired
from bot.models.profiles import Profile
from bot.models.refusals import refusal_from_fields
from bot.models.strictness import is_strict
from bot.models.translation import error_of

# --- what is sent -----------------------------------------------------------------------------------------------


def request_body(request: ModelRequest, profile: Profile, origin: Origin, *, opaque: bool) -> JsonObject:
    """The whole request. `opaque` replays what the model wants to see again."""
    body: JsonObject = {
        "model": request.model,
        "messages": _messages(request, profile, origin if opaque else None),
        "stream": True,
    }
    if profile.usage_option:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = [_tool(tool, profile) for tool in request.tools]
        if profile.parallel_calls:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.max_output_tokens is not None:
        body[profile.token_limit] = request.max_output_tokens
    values = {
        "temperature": request.temperature if profile.sampling else None,
        "top_p": request.top_p if profile.sampling else None,
        "prompt_cache_key": (request.thread_id or None) if profile.bookkeeping else None,
        "safety_identifier": (request.person_hash or None) if profile.bookkeeping else None,
    }
    return body | {name: value for name, value in values.items() if value is not None}


def _tool(tool: FunctionDefinition, profile: Profile) -> JsonObject:
    function: JsonObject = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    if is_strict(tool, profile):
        function["strict"] = True
    return {"type": "function", "function": function}


def _messages(request: ModelRequest, profile: Profile, origin: Origin | None) -> list[JsonObject]:
    messages: list[JsonObject] = []
    if request.instructions:
        messages.append({"role": "system", "content": request.instructions})
    for entry in paired(request.input):
        match entry:
            case UserInput(parts=parts):
                if parts:
                    messages.append({"role": "user", "content": _content(parts, profile)})
            case CallOutput():
                messages.append({"role": "tool", "tool_call_id": entry.call_id, "content": entry.output})
            case AssistantText() | CallInput() | OpaqueInput():
                _extend_assistant(messages, entry, origin)
    return [message for message in messages if message["role"] != "assistant" or len(message) > 1]


def _extend_assistant(messages: list[JsonObject], entry: ModelInput, origin: Origin | None) -> None:
    """Text, calls and reasoning of one turn are one message here."""
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant"})
    message = messages[-1]
    match entry:
        case AssistantText(text=text) if text:
            earlier = text_in(message, "content")
            message["content"] = f"{earlier}\n\n{text}" if earlier else text
        case CallInput():
            message["tool_calls"] = [*objects_in(message, "tool_calls"), _call(entry)]
        case OpaqueInput(item=item) if origin:
            message.update(origin.unseal(item) or {})
        case _:
            pass


def _call(call: CallInput) -> JsonObject:
    extra: JsonObject = {}
    for name, text in call.extra.items():
        # Kept as `{"value": …}` because a value may be of any kind.
        extra[name] = parse_object(f'{{"value":{text}}}'.encode())["value"]
    function: JsonObject = {"name": call.name, "arguments": call.arguments}
    return {"id": call.call_id, "type": "function", "function": function, **extra}


def _content(parts: Iterable[InputText | InputImage], profile: Profile) -> str | list[JsonObject]:
    """Plain text wherever possible: not every server reads lists of parts."""
    pieces = [_part(part, profile) for part in parts]
    if all(piece["type"] == "text" for piece in pieces):
        return "\n\n".join(text_in(piece, "text") for piece in pieces)
    return pieces


def _part(part: InputText | InputImage, profile: Profile) -> JsonObject:
    if isinstance(part, InputText):
        return {"type": "text", "text": part.text}
    if not profile.images:
        return {"type": "text", "text": "[An image that this model cannot see.]"}
    return {"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{part.base64}"}}


# --- what arrives -----------------------------------------------------------------------------------------------

_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}
_REASONING_KEYS = ("reasoning_content", "reasoning")


class ChatReader:
    """Reads the chunks of one stream. The turn is complete with a `finish_reason`; what follows may be the usage."""

    def __init__(self, origin: Origin) -> None:
        self.assembly = Assembly(origin)
        self._model = origin.model
        self._calls = ChatCalls(self.assembly)
        self._reason: FinishReason | None = None
        self._usage: JsonObject = {}
        self._reasoning: dict[str, list[str]] = {}
        self._details: list[JsonObject] = []

    @property
    def finished(self) -> bool:
        """Whether the turn is over."""
        return self.assembly.finished

    def read(self, data: bytes) -> list[ModelEvent]:
        """The events of one frame."""
        if data == DONE:
            return self.end()
        if self.finished:
            return []
        try:
            chunk = parse_object(data)
        except NotAnObject as exc:
            raise BrokenStream("The model sent a frame that is not JSON.") from exc
        if chunk.get("error"):
            raise error_of(refusal_from_fields(chunk), self._model)
        if usage := object_in(chunk, "usage"):
            self._usage = usage  # the last one counts: some servers report cumulatively in every chunk
        choices = objects_in(chunk, "choices")
        return self._choice(choices[0]) if choices else []

    def end(self) -> list[ModelEvent]:
        """The stream ended cleanly: the turn is complete if its finish reason came, and otherwise broken."""
        if self.finished or self._reason is None:
            return []
        events = self._opaque()
        for call in self.assembly.calls:
            events += self.assembly.close_call(call)  # the finish reason is what closes calls on this wire
        return events + self.assembly.finish(self._reason, self._usage_events())

    def _choice(self, choice: JsonObject) -> list[ModelEvent]:
        delta = object_in(choice, "delta")
        events = self._thoughts(delta)
        content = delta.get("content")
        if isinstance(content, list):  # Mistral's thinking models send parts
            events += [
                event for part in objects_in(delta, "content") for event in self.assembly.text(text_in(part, "text"))
            ]
        else:
            events += self.assembly.text(text_in(delta, "content"))
        events += self.assembly.refusal(text_in(delta, "refusal"))
        for fragment in objects_in(delta, "tool_calls"):
            events += self._calls.add(fragment)
        reason = text_in(choice, "finish_reason")  # some servers send "" with every chunk
        if reason == "error":
            raise error_of(refusal_from_fields(choice), self._model)
        if reason:
            self._reason = _REASONS.get(reason, FinishReason.STOP)
        return events

    def _thoughts(self, delta: JsonObject) -> list[ModelEvent]:
        self._details += objects_in(delta, "reasoning_details")
        for key in _REASONING_KEYS:
            if text := text_in(delta, key):
                self._reasoning.setdefault(key, []).append(text)
                return self.assembly.reasoning(text)
        return []

    def _opaque(self) -> list[ModelEvent]:
        """Reasoning that its provider wants to see with the calls that follow from it."""
        if not self.assembly.calls:
            return []
        if self._details:
            return self.assembly.opaque({"reasoning_details": self._details})
        item: JsonObject = {key: "".join(texts) for key, texts in self._reasoning.items()}
        return self.assembly.opaque(item) if item else []

    def _usage_events(self) -> list[ModelEvent]:
        usage = self._usage
        return self.assembly.usage(
            prompt=count_in(usage, "prompt_tokens"),
            completion=count_in(usage, "completion_tokens"),
            total=count_in(usage, "total_tokens"),
            cached=count_in(object_in(usage, "prompt_tokens_details"), "cached_tokens"),
            reasoning=count_in(object_in(usage, "completion_tokens_details"), "reasoning_tokens"),
        )
