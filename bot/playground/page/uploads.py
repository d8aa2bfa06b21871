"""Files that a person has chosen and not sent yet."""

import secrets

from bot.playground.view import NotPossible, Upload

SIZE_LIMIT = 25 * 1024 * 1024
"""Bytes of one file."""
KEPT = 20
"""How many wait at most; the oldest is forgotten first (a browser tab that was closed never sends its own)."""


class Uploads:
    """Keeps the bytes between the upload and the message that carries them."""

    def __init__(self) -> None:
        self._waiting: dict[str, Upload] = {}

    def keep(self, name: str, content: bytes) -> str:
        """Keep a file for the next message. Returns its id."""
        while len(self._waiting) >= KEPT:
            del self._waiting[next(iter(self._waiting))]
        upload_id = secrets.token_urlsafe(12)
        self._waiting[upload_id] = Upload(name=name, content=content)
        return upload_id

    def find(self, ids: tuple[str, ...]) -> tuple[Upload, ...]:
        """The files with these ids.

        Raises:
            NotPossible: when one of them is not kept any more.
        """
        if any(upload_id not in self._waiting for upload_id in ids):
            raise NotPossible("An attached file is no longer here. Please attach it again.")
        return tuple(self._waiting[upload_id] for upload_id in ids)

    def forget(self, ids: tuple[str, ...]) -> None:
        """The message with these files was sent."""
        for upload_id in ids:
            self._waiting.pop(upload_id, None)
