"""Telling the operator what went wrong where the work goes on all the same."""

import structlog

from bot.errors import StoreUnavailable

log = structlog.get_logger()


def report(event: str, error: Exception, **facts: object) -> None:
    """Log an error: an outage of the database in one line, anything else with all that led to it."""
    if isinstance(error, StoreUnavailable):
        log.warning(event, error=str(error), **facts)
    else:
        log.error(event, exc_info=error, **facts)
