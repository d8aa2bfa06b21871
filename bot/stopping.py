"""Being told to stop: SIGTERM and Ctrl-C."""

import asyncio
import os
import signal
import sys
import threading

LAST_MOMENT = 28.0
"""Seconds after the first signal at which the process ends in any case, whatever hangs: Heroku kills after 30."""


def stop_signals(last_moment: float = LAST_MOMENT) -> asyncio.Event:
    """An event that SIGTERM and Ctrl-C set. More SIGTERMs change nothing; a second Ctrl-C ends the process at once.

    Ending early is harmless, because being killed is: whatever is unfinished goes on elsewhere, or at the next start.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not stopping.is_set():
            end = threading.Timer(last_moment, os._exit, (0,))
            end.daemon = True
            end.start()
            stopping.set()

    def interrupt() -> None:
        if stopping.is_set():
            os._exit(130)
        print("\nFinishing what is being written; Ctrl-C again leaves at once.", file=sys.stderr)  # noqa: T201
        stop()

    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    return stopping
