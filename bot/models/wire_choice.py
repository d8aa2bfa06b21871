"""Which of the two wires a server speaks, found out once per base URL and process."""

from bot.models.config import WireName
from bot.models.refusals import Refusal

_found: dict[str, WireName] = {}
"""What `auto` found, by base URL. Process-wide, so that a second client does not ask again."""

_ABOUT_ENDPOINT = ("/responses", "endpoint", "not implemented", "no route", "unknown url", "invalid url")


class WireChoice:
    """The wire of one server: fixed by setting or profile, or found by trying `/responses` first."""

    def __init__(self, base_url: str, setting: WireName | None) -> None:
        self._base_url = base_url
        self._setting: WireName | None = setting

    @property
    def first(self) -> WireName:
        """The wire that a request begins with."""
        return self._setting or _found.get(self._base_url, "responses")

    def confirm(self, wire: WireName) -> None:
        """A stream was opened on this wire: remember it for the process."""
        if not self._setting:
            _found[self._base_url] = wire

    def leads_to_chat(self, refusal: Refusal, model: str) -> bool:
        """Whether a refusal of `/responses` means that the server has none, so that the chat wire is to be tried.

        Never on a refused key, a rate limit or a failing server, and not when it is the model that is missing.
        """
        if self._setting or self._base_url in _found:
            return False
        if refusal.status in {404, 405}:
            return "model_not_found" not in refusal.code and model.lower() not in refusal.message.lower()
        return refusal.status in {0, 400, 501} and refusal.names_any(*_ABOUT_ENDPOINT)
