"""Where requests go."""

from urllib.parse import urlsplit

from bot.errors import SettingsError
from bot.models.config import ModelConfig

OPENAI_URL = "https://api.openai.com/v1"

AZURE_SUFFIXES = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
"""Ends of the host names of Azure resources."""


def base_url_of(config: ModelConfig, *, azure: bool) -> str:
    """Where requests go; for Azure the v1 API of the resource.

    Raises:
        SettingsError: Azure without an address, or an address that is none.
    """
    if not config.base_url:
        if azure:
            raise SettingsError("Azure needs OPENAI_BASE_URL=https://<resource>.openai.azure.com")
        return OPENAI_URL
    url = config.base_url.strip().rstrip("/")
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise SettingsError("OPENAI_BASE_URL must look like https://host/v1")
    if azure and not urlsplit(url).path.endswith("/v1"):
        url = f"{url.removesuffix('/openai')}/openai/v1"
    return url


def wants_azure(config: ModelConfig) -> bool:
    """Whether the provider is Azure, by name or by address."""
    return config.provider == "azure" or (config.provider in {"auto", "openai"} and _is_azure(config.base_url))


def _is_azure(base_url: str) -> bool:
    return (urlsplit(base_url).hostname or "").lower().endswith(AZURE_SUFFIXES)
