"""Encrypting what may not lie open in a database: the tokens of workspaces that installed the app."""

from collections.abc import Iterable

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.errors import OperatorError, SettingsError

KEY_SETTING = "INSTALLATIONS_KEY"


class Seal:
    """Seals with the first of its keys and opens with any: a new one is put in front, the old one stays for a while.

    Sealed text is authenticated (Fernet: AES-128-CBC with HMAC-SHA-256) and different each time.
    """

    def __init__(self, keys: str) -> None:
        """Use one key or several, separated by commas.

        Raises:
            SettingsError: one of them is none.
        """
        parts = [part.strip() for part in keys.split(",") if part.strip()]
        if not parts:
            raise SettingsError(f"{KEY_SETTING} is empty. {HOW_TO_MAKE_ONE}")
        fernets = _fernets(parts)
        self._first = fernets[0]
        self._keys = MultiFernet(fernets)

    def seal(self, text: str) -> str:
        """Text that only these keys open."""
        return self._keys.encrypt(text.encode()).decode()

    def is_current(self, sealed: str) -> bool:
        """Whether it was sealed with the first key."""
        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def open(self, sealed: str) -> str:
        """What was sealed.

        Raises:
            OperatorError: none of the keys fits, or it was tampered with.
        """
        try:
            return self._keys.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise OperatorError(
                f"{KEY_SETTING} does not open what is in the database: put the key back with which it was written "
                "(several are separated by commas, the newest first)."
            ) from None


HOW_TO_MAKE_ONE = (
    "Make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
)


def _fernets(keys: Iterable[str]) -> list[Fernet]:
    try:
        return [Fernet(key) for key in keys]
    except ValueError:
        raise SettingsError(f"{KEY_SETTING} must be 32 bytes in URL-safe base64. {HOW_TO_MAKE_ONE}") from None
