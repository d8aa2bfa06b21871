"""The base of every record."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen value with JSON at both ends (`model_dump_json`, `model_validate_json`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
