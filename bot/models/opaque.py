"""Items that only the provider and model that made them may see again."""

from dataclasses import dataclass

from bot.models.config import WireName
from bot.models.json_values import JsonObject, NotAnObject, object_in, parse_object, text_in, to_text


@dataclass(frozen=True, slots=True)
class Origin:
    """Who made an item: a reasoning item is worthless, and an error, anywhere else."""

    wire: WireName
    base_url: str
    model: str

    def seal(self, item: JsonObject) -> str | None:
        """The item with its origin as JSON text; None when it holds numbers that JSON cannot."""
        try:
            return to_text({"wire": self.wire, "base_url": self.base_url, "model": self.model, "item": item})
        except ValueError:
            return None

    def unseal(self, text: str) -> JsonObject | None:
        """The item as it came, or None when it is from elsewhere."""
        try:
            envelope = parse_object(text.encode())
        except NotAnObject:
            return None
        made_by = (text_in(envelope, "wire"), text_in(envelope, "base_url"), text_in(envelope, "model"))
        return object_in(envelope, "item") if made_by == (self.wire, self.base_url, self.model) else None
