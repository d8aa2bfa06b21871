"""The provider's errors in our words, named by who has to act."""

from collections.abc import Generator
from contextlib import contextmanager

import aiohttp
import httpx2
import openai

from bot.errors import (
    BrokenStream,
    ContentFiltered,
    ContextTooLong,
    ModelError,
    ModelRefusedAccess,
    ModelUnavailable,
)
from bot.models.refusals import NotAStream, Refusal, refusal_from_status

_TOO_LONG = (
    "context_length",
    "context length",
    "context window",
    "context size",
    "maximum context",
    "prompt is too long",
    "input is too long",
    "too many tokens",
    "input token count",
    "exceed_context_size",
    "string_above_max_length",
)
_TOO_LARGE = ("request too large", "request_too_large")
_FILTERED = (
    "content_filter",
    "content_policy",
    "content policy",
    "responsibleai",
    "invalid_prompt",
    "content management",
)
_QUOTA = ("insufficient_quota", "billing_hard_limit", "billing_not_active", "exceeded your current quota")
_NO_MODEL = ("model_not_found", "model not found", "deploymentnotfound", "does not exist or you do not have access")
_UNREACHED = "The model provider cannot be reached."
_BUSY = ("server_error", "overloaded", "temporarily", "unavailable", "internal error", "internal_error", "timeout")


@contextmanager
def provider_errors(model: str) -> Generator[None, None, None]:
    """Translate whatever the SDK, its HTTP client and the provider raise.

    The SDK wraps what happens before the response; what happens while its bytes are read comes raw.

    Raises:
        ModelError: and its subclasses.
        ModelRefusedAccess: key, permission, quota or model name.
    """
    try:
        yield
    except openai.APIStatusError as exc:
        raise error_of(refusal_from_status(exc), model) from exc
    except openai.APITimeoutError as exc:
        if isinstance(exc.__cause__, httpx2.ConnectTimeout):  # its transport calls every failed connection that
            raise ModelUnavailable(_UNREACHED) from exc
        raise ModelUnavailable("The model provider did not answer in time.") from exc
    except openai.APIConnectionError as exc:
        raise ModelUnavailable(_UNREACHED) from exc
    except NotAStream as exc:
        raise _not_a_stream(exc, model) from exc
    except httpx2.TimeoutException as exc:
        raise BrokenStream("The model fell silent in the middle of its answer.") from exc
    except (httpx2.HTTPError, aiohttp.ClientError) as exc:  # aiohttp's own where the transport's table has a gap
        raise BrokenStream from exc


def error_of(refusal: Refusal, model: str) -> ModelError | ModelRefusedAccess:
    """The error that a refusal amounts to."""
    if refusal.status in {401, 403} or refusal.names_any("invalid_api_key", *_QUOTA):
        return _no_access(refusal)
    if refusal.names_any(*_NO_MODEL) or (refusal.status == 404 and model.lower() in refusal.words):
        return ModelRefusedAccess(
            f"The provider does not know the model {model!r}: check OPENAI_MODEL, or the model in assistants.toml."
        )
    if refusal.status in {404, 405, 501} or 300 <= refusal.status < 400:
        return ModelRefusedAccess(
            f"There is no model endpoint at this address (status {refusal.status}): check OPENAI_BASE_URL."
        )
    if refusal.status == 413 or refusal.names_any(*_TOO_LARGE):  # some providers call this a rate limit
        return ContextTooLong()
    if refusal.status == 429 or "rate_limit" in refusal.code:
        return ModelUnavailable("The model provider asks to wait.", retry_after=refusal.retry_after, limited=True)
    if refusal.names_any(*_TOO_LONG):
        return ContextTooLong()
    if refusal.names_any(*_FILTERED):
        return ContentFiltered()
    if refusal.status in {408, 409} or refusal.status >= 500 or (not refusal.status and refusal.names_any(*_BUSY)):
        return ModelUnavailable(_said("The model provider has a problem", refusal), retry_after=refusal.retry_after)
    return ModelError(_said("The model provider refused the request", refusal))


def _no_access(refusal: Refusal) -> ModelRefusedAccess:
    # The provider's own words are left out: they may quote a part of the key.
    if refusal.names_any(*_QUOTA):
        return ModelRefusedAccess("The quota of the model provider's account is used up: check its billing page.")
    if refusal.status == 403:
        return ModelRefusedAccess("The model provider does not allow this: check the key's permissions and region.")
    return ModelRefusedAccess("The model provider does not accept the key: check OPENAI_API_KEY.")


def _not_a_stream(exc: NotAStream, model: str) -> ModelError | ModelRefusedAccess:
    if exc.refusal is not None:
        return error_of(exc.refusal, model)
    return ModelError(f"The provider answered with {exc.content_type or 'no content type'} instead of an event stream.")


def _said(beginning: str, refusal: Refusal) -> str:
    return f"{beginning}: {refusal.message}" if refusal.message else f"{beginning} (status {refusal.status})."
