"""Logs of facts on standard error, readable or JSON, with secrets taken out."""

import logging
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

_SHAPES = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|sk-[\w-]{8,}|(?<=Bearer )[\w.~+/-]+=*|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|[\w-]{24,28}\.[\w-]{6}\.[\w-]{27,}"
)
"""Tokens of Slack, model providers and Discord, bearer tokens, and user:password in a URL."""

_GONE = "[secret]"

_AT_INFO = ("slack_sdk", "slack_bolt", "discord", "openai", "aiosqlite")
"""Libraries that log message texts when the root logger is at DEBUG."""
_AT_WARNING = ("httpx2", "httpcore2", "aiohttp.access", "alembic", "discord.client", "discord.gateway")
"""Libraries that log every request or their own life at INFO."""


# Without the values of local variables: they hold what people wrote, tool arguments and keys.
_EXCEPTIONS_AS_TEXT = structlog.processors.ExceptionRenderer()
_EXCEPTIONS_AS_RECORDS = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))


def set_up_logs(level: str, form: str, secrets: Iterable[str]) -> None:
    """Send everything, the libraries' logs too, through one formatter to standard error.

    Args:
        level: least level, e.g. `INFO`.
        form: `text`, `json`, or `auto`: text on a terminal, JSON elsewhere.
        secrets: literal values that must never appear.
    """
    as_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _EXCEPTIONS_AS_TEXT if as_text else _EXCEPTIONS_AS_RECORDS,
        _Redaction(secrets),
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if as_text else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for names, least in ((_AT_INFO, logging.INFO), (_AT_WARNING, logging.WARNING)):
        for name in names:
            logging.getLogger(name).setLevel(max(least, logging.getLevelNamesMapping()[level]))


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """A text with everything taken out that is one of `secrets` or looks like one."""
    return _pattern_of(secrets).sub(_GONE, text)


def _pattern_of(secrets: Iterable[str]) -> re.Pattern[str]:
    literal = sorted((re.escape(secret) for secret in secrets if len(secret) >= 6), key=len, reverse=True)
    return re.compile("|".join([*literal, _SHAPES.pattern]))


class _Redaction:
    """Replaces secrets in every string of a log line."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._pattern = _pattern_of(secrets)

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: object) -> object:
        match value:
            case str():
                return self._pattern.sub(_GONE, value)
            case list() | tuple():
                return [self._clean(item) for item in cast("Sequence[object]", value)]
            case dict():
                return {key: self._clean(item) for key, item in cast("Mapping[object, object]", value).items()}
            case _:
                return value
