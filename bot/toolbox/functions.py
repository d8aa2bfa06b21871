"""The toolbox of Python functions: what is offered, what is refused, and the calls."""

from collections.abc import Collection, Sequence

import aiohttp
from pydantic import BaseModel, ValidationError

from bot.domain.assistants import FunctionDefinition
from bot.domain.steps import Effect
from bot.ports import Asking, Collections, ToolOutcome
from bot.toolbox.calls import call
from bot.toolbox.context import ToolContext
from bot.toolbox.schema import FunctionAsTool


class FunctionToolbox:
    """Implements `bot.ports.Toolbox` for loaded functions."""

    def __init__(self, tools: Sequence[FunctionAsTool], collections: Collections, http: aiohttp.ClientSession) -> None:
        """Offer `tools`; `collections` and `http` reach them through their context."""
        self._tools = {loaded.definition.name: loaded for loaded in tools}
        self._collections = collections
        self._http = http

    def definitions(self) -> tuple[FunctionDefinition, ...]:
        """What is offered to the model."""
        return tuple(loaded.definition for loaded in self._tools.values())

    def only(self, names: Collection[str]) -> "FunctionToolbox":
        """The same functions without those that are not named here."""
        kept = [loaded for name, loaded in self._tools.items() if name in names]
        return FunctionToolbox(kept, self._collections, self._http)

    def effect(self, name: str) -> Effect:
        """The effect of a tool; `read` for a name that does not exist, since calling it does nothing."""
        loaded = self._tools.get(name)
        return Effect.READ if loaded is None else loaded.declaration.effect

    def refuse(self, name: str, arguments: str) -> str | None:
        """Why this call must not be begun, as a text for the model; None when it may."""
        loaded = self._tools.get(name)
        if loaded is None:
            return f"There is no tool {name!r}. The tools are: {', '.join(sorted(self._tools)) or 'none'}."
        try:
            _validated(loaded, arguments)
        except ValidationError as error:
            return f"{name} was not called, its arguments are wrong. {explain(error)}"
        return None

    async def run(self, name: str, arguments: str, asking: Asking) -> ToolOutcome:
        """Run one call that `refuse` found nothing wrong with."""
        loaded = self._tools[name]
        values = _validated(loaded, arguments)
        named = {
            field: getattr(values, field)
            for field, info in type(values).model_fields.items()
            if info.is_required() or getattr(values, field) is not None
        }
        context = ToolContext(
            person=asking.person,
            run_id=asking.run_id,
            thread_id=asking.thread_id,
            idempotency_key=asking.idempotency_key,
            http=self._http,
            collections=self._collections,
        )
        return await call(loaded, (context,) if loaded.takes_context else (), named, asking.run_id)


def _validated(loaded: FunctionAsTool, arguments: str) -> BaseModel:
    return loaded.arguments.model_validate_json(arguments.strip() or "{}")


def explain(error: ValidationError) -> str:
    """Pydantic's findings as one line, without its links."""
    return " ".join(
        f"{'.'.join(map(str, found['loc'])) or 'arguments'}: {found['msg']}."
        for found in error.errors(include_url=False)
    )
