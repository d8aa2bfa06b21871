"""A server that forks ready-made bots: everything is imported already, so a life begins within a tenth of a second."""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

import openai.resources.chat
import openai.resources.responses
import openai.types

import bot.__main__
import bot.app
import bot.models.client

__all__ = ["be_the_bot", "fork_server"]

_READY = (
    bot.app.Application,
    bot.models.client.__name__,
    openai.types.__name__,
    openai.resources.chat.AsyncChat,
    openai.resources.responses.AsyncResponses,
)
"""What the bot imports late, and takes long to: imported here, it is there in every fork."""


def fork_server() -> ForkServerContext:
    """The one fork server of this process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def be_the_bot(
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    arguments: Sequence[str] = ("run",),
    output: Connection | None = None,
) -> None:
    """Be `python -m bot` in this process, as the operator would start it.

    Args:
        environment: the whole environment.
        folder: working directory.
        log: standard error is appended to it, and standard output too unless there is `output`.
        arguments: of the command line.
        output: where standard output goes.
    """
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(written, 1 if output is None else 2)
    os.dup2(written, 2)
    if output is not None:
        os.dup2(output.fileno(), 1)
    sys.exit(bot.__main__.main([*arguments]))
