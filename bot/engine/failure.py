"""What a run's end says about an error: a code of the Assistants API and a sentence that is safe to show.

The sentences are ours, never the error's own text: that may hold addresses, keys or names of files.
"""

from bot.domain.runs import LastError, RunStatus
from bot.errors import (
    BrokenStream,
    ContentFiltered,
    ContextTooLong,
    ModelRefusedAccess,
    ModelUnavailable,
)
from bot.ports import Ending

FILTERED = "The model provider's content filter stopped the answer."
TOO_LONG = "The conversation is too long for the model, even after it was shortened. Start a new conversation."
LIMITED = "The model provider is limiting requests right now. Try again in a few minutes."
UNREACHABLE = "The model provider cannot be reached or is overloaded. Try again in a few minutes."
NO_ACCESS = "The model provider refused the access. The operator of this assistant has to check its model settings."
BROKE_OFF = "The model's answer broke off several times."
EMPTY = "The model gave an empty answer several times."
OURS = "Something went wrong inside the assistant."


class EmptyAnswer(BrokenStream):
    """The model ended its turn without text and without a tool call."""


class TooManyRounds(Exception):
    """The model kept calling tools without coming to an answer."""


def last_error(error: Exception, rounds: int = 0) -> LastError:
    """The run's `last_error` for an error (`rounds` = the limit of tool rounds, for its sentence)."""
    match error:
        case ModelUnavailable(limited=True):
            return LastError(code="rate_limit_exceeded", message=LIMITED)
        case ModelUnavailable():
            return LastError(code="server_error", message=UNREACHABLE)
        case ContextTooLong():
            return LastError(code="invalid_prompt", message=TOO_LONG)
        case ContentFiltered():
            return LastError(code="invalid_prompt", message=FILTERED)
        case ModelRefusedAccess():
            return LastError(code="server_error", message=NO_ACCESS)
        case EmptyAnswer():
            return LastError(code="server_error", message=EMPTY)
        case BrokenStream():
            return LastError(code="server_error", message=BROKE_OFF)
        case TooManyRounds():
            return LastError(
                code="server_error",
                message=f"The assistant used its tools {rounds} times in a row without coming to an answer.",
            )
        case _:
            return LastError(code="server_error", message=OURS)


def failed(error: Exception, *, rounds: int = 0, open_text: str | None = None) -> Ending:
    """The ending of a run that failed with `error`."""
    return Ending(
        status=RunStatus.FAILED,
        last_error=last_error(error, rounds),
        message_reason="content_filter" if isinstance(error, ContentFiltered) else None,
        open_text=open_text,
    )
