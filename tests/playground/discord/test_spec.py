"""The check against the official description finds what is wrong."""

import dataclasses

import aiohttp
import pytest

from bot.playground.discord import Call, DiscordStandIn
from tests.support.discord_spec import DiscordSpec, SpecViolations, checked_against_spec, needs_spec, spec_path

pytestmark = needs_spec

GOOD = Call("POST", "/channels/{channel_id}/typing", "/channels/1/typing", 0.0, 0.0, 204)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"status": 201}, "status is not in the description"),
        ({"template": "/channels/{channel_id}/tipping"}, "not in the description"),
        ({"template": "/channels/{channel_id}/messages", "status": 200, "response": {"id": "1"}}, "required"),
        ({"template": "/channels/{channel_id}/messages", "request": {"content": "x" * 2001}}, "too long"),
        ({"template": "/channels/{channel_id}/messages", "request": {"contents": "x"}}, "unknown field"),
        ({"status": 404, "response": {"message": "no code"}}, "code"),
        ({"status": 429, "response": {"message": "slow", "code": 0}}, "retry_after"),
    ],
)
def test_each_kind_of_violation_is_found(change: dict[str, object], word: str) -> None:
    """Statuses, paths, fields, lengths and error bodies are all looked at."""
    spec = DiscordSpec.load(spec_path())
    assert spec.violations(GOOD) == []
    assert word in "\n".join(spec.violations(dataclasses.replace(GOOD, **change)))


async def test_violations_are_raised_at_the_end_of_the_block() -> None:
    """What was asked wrongly of a real server is raised when the block is left."""
    async with DiscordStandIn() as standin, aiohttp.ClientSession() as session:
        checking = checked_against_spec(standin)
        checking.__enter__()
        await session.get(f"{standin.api_url}/tipping")
        with pytest.raises(SpecViolations, match="GET /tipping: not in the description"):
            checking.__exit__(None, None, None)
