"""Secrets that the stand-in issues, shaped like the real ones."""

import random
import string
from base64 import urlsafe_b64encode

_ALPHABET = string.ascii_letters + string.digits + "-_"


def bot_token(user_id: str, dice: random.Random) -> str:
    """A bot token: the user id in base64, a dot, six characters, a dot, 38 characters."""
    first = urlsafe_b64encode(user_id.encode()).decode().rstrip("=")
    return f"{first}.{_letters(dice, 6)}.{_letters(dice, 38)}"


def interaction_token(interaction_id: str, dice: random.Random) -> str:
    """An interaction's token: long, opaque, safe in a path."""
    return urlsafe_b64encode(f"interaction:{interaction_id}:{_letters(dice, 96)}".encode()).decode().rstrip("=")


def _letters(dice: random.Random, count: int) -> str:
    return "".join(dice.choice(_ALPHABET) for _ in range(count))
