"""From settings to a connection."""

import pytest
from pydantic import SecretStr

from bot.errors import SettingsError
from bot.models import DEFAULT_MODEL, OFFLINE_MODEL, ModelConfig, connect
from bot.models.addresses import base_url_of, wants_azure
from tests.models.asking import WIRES, connected, events_of
from tests.support.model_server import Reply, ScriptedModel


@pytest.mark.parametrize("config", [ModelConfig(), ModelConfig(provider="offline", api_key=SecretStr("sk-1"))])
async def test_without_provider_or_by_name_the_model_is_offline(config: ModelConfig) -> None:
    client = connect(config)
    assert client.traits.name == OFFLINE_MODEL
    assert not client.traits.reads_authors
    assert not client.traits.summarises
    await client.close()


@pytest.mark.parametrize(
    "config", [ModelConfig(api_key=SecretStr("sk-1")), ModelConfig(base_url="http://x/v1", model="m")]
)
async def test_a_key_or_an_address_is_a_provider(config: ModelConfig) -> None:
    client = connect(config)
    assert client.traits.reads_authors
    assert client.traits.summarises
    await client.close()


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (ModelConfig(provider="openai"), "OPENAI_API_KEY"),
        (ModelConfig(provider="azure", api_key=SecretStr("k"), model="m"), "OPENAI_BASE_URL"),
        (ModelConfig(provider="azure", base_url="https://x.openai.azure.com", model="m"), "OPENAI_API_KEY"),
        (ModelConfig(base_url="http://localhost:1/v1"), "OPENAI_MODEL"),
        (ModelConfig(base_url="localhost:1/v1", model="m"), "OPENAI_BASE_URL"),
    ],
)
def test_what_is_missing_is_named(config: ModelConfig, names: str) -> None:
    with pytest.raises(SettingsError, match=names):
        connect(config)


async def test_without_a_name_openai_s_own_model_is_the_default() -> None:
    client = connect(ModelConfig(api_key=SecretStr("sk-1")))
    assert client.traits.name == DEFAULT_MODEL
    await client.close()


def test_the_key_is_not_shown() -> None:
    assert "sk-secret" not in repr(ModelConfig(api_key=SecretStr("sk-secret")))


async def test_a_context_window_that_is_set_overrules_the_profile() -> None:
    client = connect(ModelConfig(api_key=SecretStr("k"), model="gpt-4o", context_tokens=1234))
    assert client.traits.context_tokens == 1234
    assert client.traits.images
    await client.close()


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("path", ["", "/", "/openai", "/openai/v1", "/openai/v1/"])
async def test_azure_gets_its_header_at_its_v1_address(wire: str, path: str) -> None:
    async with ScriptedModel() as server:
        server.enqueue(Reply("Hi"))
        base_url = server.base_url.removesuffix("/v1") + path
        async with connected(server, provider="azure", api_key="azure-key", base_url=base_url, wire=wire) as client:
            await events_of(client)
        seen = server.requests[0]
    assert seen.path == ("/openai/v1/responses" if wire == "responses" else "/openai/v1/chat/completions")
    assert seen.headers["api-key"] == "azure-key"
    assert "authorization" not in seen.headers
    assert seen.query == {}


@pytest.mark.parametrize("host", ["x.openai.azure.com", "x.services.ai.azure.com"])
async def test_azure_is_known_by_its_address(host: str) -> None:
    config = ModelConfig(base_url=f"https://{host}", api_key=SecretStr("k"), model="m")
    assert wants_azure(config)
    assert base_url_of(config, azure=True) == f"https://{host}/openai/v1"


async def test_other_providers_get_a_bearer_token() -> None:
    async with ScriptedModel() as server, connected(server, api_key="sk-1") as client:
        server.enqueue(Reply("Hi"))
        await events_of(client)
        assert server.requests[0].headers["authorization"] == "Bearer sk-1"
        assert "api-key" not in server.requests[0].headers
