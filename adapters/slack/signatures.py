"""Whether a request was really sent by Slack, and just now."""

import hashlib
import hmac
import re
from collections.abc import Mapping

WINDOW = 300
"""Seconds that a request's time may differ from ours, as Slack recommends."""
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


class Unsigned(Exception):
    """Slack has not signed this."""


class Malformed(Exception):
    """Slack sends nothing of this form."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's signature of a body."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Check time and signature, before anything of the body is looked at. Returns the signature.

    Args:
        secret: `SLACK_SIGNING_SECRET`.
        headers: by their names in lower case.
        body: the bytes as they came.
        now: Unix seconds by our clock.

    Raises:
        Malformed: the time is no number.
        Unsigned: the signature is missing, wrong, or of another time.
    """
    timestamp, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not timestamp or not given:
        raise Unsigned("not signed")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise Malformed("no time")
    if abs(now - int(timestamp)) > WINDOW:
        raise Unsigned("of another time")
    if not _SIGNATURE.fullmatch(given) or not hmac.compare_digest(given, signature(secret, timestamp, body)):
        raise Unsigned("wrong signature")
    return given
