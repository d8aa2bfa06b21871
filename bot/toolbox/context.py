"""What a tool may know about the call that it serves."""

from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from bot.domain.messages import Author
from bot.ports import Collections


class Collection:
    """Small records of one kind in the bot's own database, numbered from 1 (tickets, notes, bookings…)."""

    def __init__(self, name: str, collections: Collections, idempotency_key: str) -> None:
        """Bind the collection to one tool call, so that a repeated call adds nothing twice."""
        self._name = name
        self._collections = collections
        self._key = idempotency_key

    async def add(self, fields: dict[str, str]) -> int:
        """Add a record and return its number. A repeat of the same tool call gets the same number again."""
        number, _new = await self._collections.add(self._name, fields, self._key)
        return number

    async def get(self, number: int) -> dict[str, str] | None:
        """One record, or None."""
        return await self._collections.get(self._name, number)

    async def change(self, number: int, **fields: str) -> dict[str, str] | None:
        """Replace the named fields; None when there is no such record."""
        return await self._collections.change(self._name, number, fields)

    async def newest(self, limit: int = 100) -> Sequence[tuple[int, dict[str, str]]]:
        """The newest records first, with their numbers."""
        return await self._collections.list(self._name, limit)


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Who asks, and what the tool may use. Name it as the first parameter to receive it; the model never sees it."""

    person: Author | None
    """Who asked; None when the operator runs the tool from the command line."""
    run_id: str
    thread_id: str
    idempotency_key: str
    """The same for every try of this call, after a crash too. Hand it to services that take one."""
    http: aiohttp.ClientSession
    """A shared HTTP client."""
    collections: Collections

    def collection(self, name: str) -> Collection:
        """The bot's own records of one kind."""
        return Collection(name, self.collections, self.idempotency_key)
