"""From configuration to a connected model."""

from bot.errors import SettingsError
from bot.models.addresses import OPENAI_URL, base_url_of, wants_azure
from bot.models.config import ModelConfig
from bot.models.offline import OfflineModel
from bot.models.profiles import DEFAULT_MODEL, profile_of
from bot.ports import ModelClient


def connect(config: ModelConfig) -> ModelClient:
    """The model that a configuration names; nothing is sent yet.

    `offline` is chosen only when no provider is configured; a configured one that fails is an error, never replaced.

    Raises:
        SettingsError: no model named, a key is missing, or the address is none.
    """
    configured = bool(config.api_key.get_secret_value() or config.base_url)
    if config.provider == "offline" or (config.provider == "auto" and not configured):
        return OfflineModel(config)
    azure = wants_azure(config)
    base_url = base_url_of(config, azure=azure)
    if not config.api_key.get_secret_value() and (azure or base_url == OPENAI_URL):
        raise SettingsError(
            "OPENAI_API_KEY is missing; without a key, MODEL_PROVIDER=offline shows what the bot can do."
        )
    if not config.model:
        if base_url != OPENAI_URL:
            raise SettingsError("OPENAI_MODEL is missing: name a model that this provider has.")
        config = config.model_copy(update={"model": DEFAULT_MODEL})
    # Imported here: the SDK costs most of a second and 60 MB, which the offline provider should not pay.
    from bot.models.client import WireClient
    from bot.models.transport import Transport

    return WireClient(config, profile_of(base_url, config.model), Transport(config, azure=azure))
