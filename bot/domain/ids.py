"""Ids that look like those of the Assistants API and sort by creation."""

import secrets
import threading
import time
from typing import Literal

Prefix = Literal["asst_", "thread_", "msg_", "run_", "step_", "call_", "file-", "vs_", "vsfb_", "seg_", "worker_"]

_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_TIME_DIGITS = 11  # 55 bits of microseconds: enough until the year 3111
_RANDOM_DIGITS = 13
_lock = threading.Lock()
_last = 0


def new_id(prefix: Prefix) -> str:
    """A fresh id: prefix, creation time in base 32, randomness. Later ids of one process are always greater."""
    global _last
    with _lock:
        _last = max(time.time_ns() // 1000, _last + 1)
        moment = _last
    return f"{prefix}{_base32(moment, _TIME_DIGITS)}{_base32(secrets.randbits(5 * _RANDOM_DIGITS), _RANDOM_DIGITS)}"


def _base32(number: int, digits: int) -> str:
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(digits)))
