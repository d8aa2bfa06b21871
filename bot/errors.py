"""Every error that Parley raises on purpose, named by who has to act.

Each class's docstring is its default message, so `raise RunGone` already says something useful:

    ParleyError
    ├── OperatorError            the person who runs the bot: settings, tools, tokens, database
    │   ├── SettingsError
    │   ├── ToolDefinitionError
    │   ├── StoreUnavailable
    │   │   └── StoreRefused      password, user or database name
    │   └── ModelRefusedAccess   key, permission or model name
    ├── ModelError               the model or its provider
    │   ├── ModelUnavailable     may be repeated
    │   ├── ContextTooLong
    │   ├── ContentFiltered
    │   └── BrokenStream         the stream ended without its terminal event
    ├── ToolError                what the model should be told about a failed tool
    ├── PlatformError            Slack or Discord, translated by the adapter
    │   ├── RateLimited  ├── Unauthorised  ├── Gone  ├── Forbidden  ├── Refused  ├── Unreachable
    │   └── StoppedByPerson
    ├── Fenced                   this process lost the lane: drop everything, write nothing
    └── IllegalTransition        a programming error: the move is not in the table
"""

from typing import ClassVar, cast


class ParleyError(Exception):
    """Something went wrong in Parley."""

    def __init__(self, message: str | None = None) -> None:
        """Use `message`, or else the first paragraph of the class's docstring."""
        doc = (type(self).__doc__ or "").split("\n\n")[0]
        super().__init__(message or " ".join(doc.split()))


class OperatorError(ParleyError):
    """The operator has to change something before this can work."""

    ends_the_process: ClassVar[bool] = True
    """Whether only the operator can mend it, so that it is no use to go on."""


class SettingsError(OperatorError):
    """A setting is missing or wrong."""


class ToolDefinitionError(OperatorError):
    """A tool cannot be offered because its definition is incomplete."""


class StoreUnavailable(OperatorError):
    """The database cannot be reached."""

    ends_the_process = False  # it may come back by itself


class StoreRefused(StoreUnavailable):
    """The database answered, and refuses this process: waiting does not help."""


class ModelRefusedAccess(OperatorError):
    """The model provider refused the key, the permission or the model name."""


class ModelError(ParleyError):
    """The model could not answer."""


class ModelUnavailable(ModelError):
    """The model provider cannot be reached or is overloaded."""

    def __init__(self, message: str | None = None, *, retry_after: float | None = None, limited: bool = False) -> None:
        """Keep `retry_after` (seconds, as the provider said it) and whether it was a rate limit."""
        super().__init__(message)
        self.retry_after = retry_after
        self.limited = limited


class ContextTooLong(ModelError):
    """The conversation is longer than the model can read."""


class ContentFiltered(ModelError):
    """The provider's content filter stopped the answer."""


class BrokenStream(ModelError):
    """The model's answer broke off before its end."""


class ToolError(ParleyError):
    """A tool could not do what it was asked; the text is given to the model."""


class PlatformError(ParleyError):
    """The chat platform did not do what it was asked."""


class RateLimited(PlatformError):
    """The chat platform asks to wait."""

    def __init__(self, retry_after: float, message: str | None = None) -> None:
        """Keep how many seconds the platform wants us to wait."""
        super().__init__(message)
        self.retry_after = retry_after


class Unauthorised(PlatformError):
    """The chat platform does not accept the token."""


class Gone(PlatformError):
    """The channel, thread or message does not exist any more."""


class Forbidden(PlatformError):
    """The bot may not do this here."""


class Refused(PlatformError):
    """The chat platform found the request invalid."""

    def __init__(self, message: str | None = None, *, too_long: bool = False) -> None:
        """Say whether the text was too long, which the relay can mend by splitting."""
        super().__init__(message)
        self.too_long = too_long


class Unreachable(PlatformError):
    """The chat platform did not answer; the request may or may not have taken effect."""


class StoppedByPerson(PlatformError):
    """A person has stopped the answer with the chat platform's own button."""


class Fenced(ParleyError):
    """Another process owns this lane now."""


class IllegalTransition(ParleyError):
    """A run, step or message was moved in a way that its table does not allow."""


def ends_the_process(error: BaseException) -> bool:
    """Whether only the operator can mend it."""
    return isinstance(error, OperatorError) and error.ends_the_process


def first_of(error: BaseException) -> BaseException:
    """The error that counts in a group of them: one that ends the process, or else the first. Any other is itself."""
    while isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        error = (group.subgroup(ends_the_process) or group).exceptions[0]
    return error
