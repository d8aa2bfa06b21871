"""The Web API: one module per family of methods, one table of all."""

from bot.playground.slack.webapi import (
    assistant,
    chat,
    conversations,
    files,
    people,
    reactions,
    sessions,
    streams,
    views,
)
from bot.playground.slack.webapi.desk import Method

METHODS: dict[str, Method] = {
    method.name: method
    for family in (people, chat, conversations, reactions, files, assistant, streams, sessions, views)
    for method in family.METHODS
}
"""Everything that exists here; other names are `unknown_method`."""
