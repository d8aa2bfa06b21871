"""The one door for everything that Slack delivers, by socket or by HTTP: it finds the workspace and answers for it.

Bolt authorizes before its listeners run and answers 200 when that fails, so an event could be lost there. The hook
`before_authorize` comes earlier; what it answers is the acknowledgement, and anything but 200 makes Slack send again.
"""

from collections.abc import Awaitable, Callable

import structlog
from pydantic import ValidationError
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltError
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.ingress import Ingress
from adapters.slack.payloads import Head
from adapters.slack.web import sdk_logger
from bot.errors import StoreUnavailable

log = structlog.get_logger()

UNAVAILABLE = 503
"""Not acknowledged: Slack sends an event again at once, after a minute and after five."""


class Front:
    """Slack's deliveries to the workspace that they are for."""

    def __init__(self, ingress_of: Callable[[Head], Awaitable[Ingress | None]]) -> None:
        """`ingress_of` names who deals with a delivery; None when the app is not installed there."""
        self._ingress_of = ingress_of

    def app(self, client: AsyncWebClient) -> AsyncApp:
        """The Bolt application, for Socket Mode and for HTTP."""

        async def accept(body: dict[str, object], next_: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:
            if body.get("type") == "url_verification" or body.get("ssl_check"):
                return await next_()
            return await self.take(body)

        return AsyncApp(name="parley", client=client, authorize=_nobody, before_authorize=accept, logger=sdk_logger())

    async def take(self, body: dict[str, object]) -> BoltResponse:
        """Accept one delivery. Returns its acknowledgement, or 503."""
        try:
            head = Head.model_validate(body)
            ingress = await self._ingress_of(head)
            return await ingress.dispatch(head, body) if ingress else BoltResponse(status=200, body="")
        except StoreUnavailable:
            log.warning("slack event not accepted", reason="store unavailable")
            return BoltResponse(status=UNAVAILABLE)
        except ValidationError as error:
            # Another delivery of the same would fail in the same way. The error's text would quote the message.
            log.warning("slack payload not understood", fields=[issue["loc"] for issue in error.errors()])
            return BoltResponse(status=200, body="")
        except Exception:  # process boundary: one bad event must not take the connection down, and Slack sends again
            log.exception("slack event failed")
            return BoltResponse(status=500)


async def _nobody() -> AuthorizeResult:
    """Bolt wants to know how to authorize; everything is answered before it could ask."""
    raise BoltError("Everything is answered before Bolt authorizes.")
