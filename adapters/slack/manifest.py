"""The app's manifest for Slack over HTTP: `python -m adapters.slack.manifest https://bot.example.com`.

There is one manifest file, for Socket Mode; what differs over HTTP is worked out here, so the two cannot come apart.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import JsonValue, TypeAdapter

from adapters.slack.http import EVENTS

MANIFEST = Path(__file__).with_name("manifest.json")
USAGE = "usage: python -m adapters.slack.manifest https://bot.example.com"
_OBJECT = TypeAdapter(dict[str, JsonValue])
_Path = Sequence[str]


def over_http(manifest: str, public_url: str) -> str:
    """The same app with request URLs instead of Socket Mode.

    Args:
        manifest: JSON, as in `manifest.json`.
        public_url: where Slack reaches the web server, without a path.
    """
    app, url = _OBJECT.validate_json(manifest), public_url.rstrip("/") + EVENTS
    _put(app, ("settings", "socket_mode_enabled"), value=False)
    _put(app, ("settings", "event_subscriptions", "request_url"), value=url)
    _put(app, ("settings", "interactivity", "request_url"), value=url)
    features = _OBJECT.validate_python(app["features"])
    commands = TypeAdapter(list[dict[str, JsonValue]]).validate_python(features.get("slash_commands", []))
    features["slash_commands"] = [{**command, "url": url} for command in commands]
    return json.dumps({**app, "features": features}, indent=2, ensure_ascii=False)


def _put(app: dict[str, JsonValue], path: _Path, *, value: JsonValue) -> None:
    first, *rest = path
    if not rest:
        app[first] = value
        return
    inner = _OBJECT.validate_python(app.get(first, {}))
    _put(inner, rest, value=value)
    app[first] = inner


def main(words: Sequence[str]) -> int:
    """Print the manifest for one public address. Returns the exit code."""
    parts = urlsplit(words[0]) if len(words) == 1 else None
    if parts is None or parts.scheme != "https" or not parts.netloc or parts.path.strip("/") or parts.query:
        print(USAGE, file=sys.stderr)  # noqa: T201
        return 2
    print(over_http(MANIFEST.read_text(encoding="utf-8"), words[0]))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
