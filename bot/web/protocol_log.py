"""What aiohttp's server says about a connection, without what the other side has sent."""

import logging

import structlog
from aiohttp.http_exceptions import HttpProcessingError

log = structlog.get_logger()


class ProtocolLog(logging.Logger):
    """Stands where aiohttp wants a logger.

    aiohttp reports every malformed request with a traceback that quotes it; on a public port that is noise which
    strangers write.
    """

    def __init__(self) -> None:
        """Report warnings and worse."""
        super().__init__("bot.web.protocol", logging.WARNING)

    def exception(self, msg: object, *args: object, exc_info: object = True, **more: object) -> None:
        """A request that was no HTTP is noted in a word, everything else in full."""
        del msg, args, more
        if isinstance(exc_info, HttpProcessingError):
            log.info("request malformed", error=type(exc_info).__name__)
        else:
            log.error("connection broke", exc_info=exc_info)
