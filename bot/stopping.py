"""Being told to stop: SIGTERM and Ctrl-C."""

import asyncio
import os
import signal
import sys


def stop_signals() -> asyncio.Event:
    """An event that SIGTERM and Ctrl-C set. More SIGTERMs change nothing; a second Ctrl-C ends the process at once."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        if stopping.is_set():
            os._exit(130)  # harmless: whatever is unfinished goes on at the next start
        print("\nFinishing what is being written; Ctrl-C again leaves at once.", file=sys.stderr)  # noqa: T201
        stopping.set()

    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    return stopping
