"""Another model of the same provider: over the same connections, with its own traits."""

import pytest

from bot.models import ModelConfig, connect
from tests.models.asking import WIRES, connected, events_of, request
from tests.support.model_server import Reply, ScriptedModel


@pytest.mark.parametrize("wire", WIRES)
async def test_the_request_names_it_and_its_profile_shapes_it(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire, model="gpt-4o", context_tokens=9_000) as client:
        other = client.named("gpt-5.4-mini")
        server.enqueue(Reply("Hi"), Reply("Hi"))
        await events_of(client, request(model="gpt-4o", temperature=0.5))
        await events_of(other, request(model="gpt-5.4-mini", temperature=0.5))
    assert [seen.model for seen in server.requests] == ["gpt-4o", "gpt-5.4-mini"]
    assert "temperature" in server.requests[0].body
    assert "temperature" not in server.requests[1].body, "it thinks, and refuses that"
    assert server.requests[0].peer == server.requests[1].peer, "one connection"


async def test_its_window_is_its_own() -> None:
    async with ScriptedModel() as server, connected(server, model="here", context_tokens=9_000) as client:
        assert client.traits.context_tokens == 9_000
        assert client.named("gpt-4.1").traits.context_tokens == 1_000_000
        assert client.named("nobody-knows-it").traits.context_tokens == 32_000
        assert client.named("here") is client
        assert client.named("gpt-4.1") is client.named("gpt-4.1"), "it learns what its model refuses"


def test_without_a_provider_there_is_no_other_one() -> None:
    offline = connect(ModelConfig())
    assert offline.named("gpt-5.4") is offline
