"""What a provider or a model can do, as data: nobody asks for a provider's name anywhere else.

A profile is the defaults, overruled by the row of the host, overruled by the row of the model. Context windows are the
makers' published figures, rounded down; `ModelConfig.context_tokens` overrules them.
"""

from typing import Literal
from urllib.parse import urlsplit

from bot.domain.record import Record
from bot.models.addresses import AZURE_SUFFIXES

DEFAULT_MODEL = "gpt-5.4"
"""Used with api.openai.com when no model is named; elsewhere one has to be."""


class Profile(Record):
    """Capability flags of one model at one provider."""

    wire: Literal["auto", "responses", "chat"] = "auto"
    context_tokens: int = 32_000
    """For a model that nobody has heard of: what small local servers are commonly started with."""
    images: bool = False
    reasoning: bool = False
    """The model thinks: its encrypted reasoning is asked for and replayed."""
    sampling: bool = True
    """`temperature` and `top_p` are accepted."""
    strict_schemas: bool = True
    """`strict` on a function is understood."""
    parallel_calls: bool = True
    """`parallel_tool_calls` is accepted (not: obeyed)."""
    token_limit: Literal["max_completion_tokens", "max_tokens"] = "max_tokens"  # noqa: S105 - a field's name
    """What the chat wire calls the limit of the answer."""
    usage_option: bool = True
    """`stream_options: {include_usage: true}` is accepted."""
    bookkeeping: bool = False
    """`prompt_cache_key` and `safety_identifier` are understood."""


_OPENAI = Profile(
    context_tokens=128_000,
    images=True,
    token_limit="max_completion_tokens",  # noqa: S106 - a field's name
    bookkeeping=True,
)

_HOSTS: tuple[tuple[str, Profile], ...] = (
    ("api.openai.com", _OPENAI),
    *((suffix, _OPENAI) for suffix in AZURE_SUFFIXES),
    ("api.mistral.ai", Profile(wire="chat", usage_option=False, context_tokens=128_000)),
    ("generativelanguage.googleapis.com", Profile(wire="chat", strict_schemas=False, parallel_calls=False)),
    ("aiplatform.googleapis.com", Profile(wire="chat", strict_schemas=False, parallel_calls=False)),
    ("api.anthropic.com", Profile(wire="chat", strict_schemas=False, images=True)),
    ("openrouter.ai", Profile(context_tokens=128_000)),
    ("api.deepseek.com", Profile(context_tokens=64_000)),
    ("api.groq.com", Profile(context_tokens=128_000)),
    ("api.x.ai", Profile(context_tokens=128_000, images=True)),
)
"""Suffix of the base URL's host, first match."""

_MODELS: tuple[tuple[str, Profile], ...] = (
    ("gpt-5-chat", Profile(context_tokens=128_000, images=True)),
    ("gpt-oss", Profile(context_tokens=128_000, reasoning=True)),
    ("gpt-6", Profile(reasoning=True, sampling=False, images=True, context_tokens=400_000)),
    ("gpt-5", Profile(reasoning=True, sampling=False, images=True, context_tokens=400_000)),
    ("gpt-4.1", Profile(context_tokens=1_000_000, images=True)),
    ("gpt-4o", Profile(context_tokens=128_000, images=True)),
    ("gpt-4-turbo", Profile(context_tokens=128_000, images=True)),
    ("gpt-4-32k", Profile(context_tokens=32_000, images=False)),
    ("gpt-4", Profile(context_tokens=8_000, images=False)),
    ("gpt-3.5", Profile(context_tokens=16_000, images=False)),
    ("o1-mini", Profile(context_tokens=128_000, sampling=False, images=False)),
    ("o3-mini", Profile(reasoning=True, sampling=False, images=False, context_tokens=200_000)),
    ("o1", Profile(reasoning=True, sampling=False, images=True, context_tokens=200_000)),
    ("o3", Profile(reasoning=True, sampling=False, images=True, context_tokens=200_000)),
    ("o4", Profile(reasoning=True, sampling=False, images=True, context_tokens=200_000)),
    ("claude", Profile(context_tokens=200_000, images=True)),
    ("gemini", Profile(context_tokens=1_000_000, images=True)),
    ("pixtral", Profile(context_tokens=128_000, images=True)),
    ("mistral", Profile(context_tokens=32_000)),
    ("grok", Profile(context_tokens=128_000, images=True)),
    ("deepseek", Profile(context_tokens=64_000)),
)
"""Beginning of the model's name without the maker's prefix, first match."""


def profile_of(base_url: str, model: str) -> Profile:
    """The profile of a model at a provider."""
    host = (urlsplit(base_url).hostname or "").lower()
    name = model.rsplit("/", 1)[-1].lower()
    by_host = next((row for suffix, row in _HOSTS if host.endswith(suffix)), Profile())
    by_model = next((row for prefix, row in _MODELS if name.startswith(prefix)), Profile())
    return by_host.model_copy(update={flag: getattr(by_model, flag) for flag in by_model.model_fields_set})
