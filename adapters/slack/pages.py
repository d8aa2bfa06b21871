"""Our own pages in Slack: suggestions in the direct messages, and the home page."""

import structlog

from adapters.slack.desk import Desk
from adapters.slack.happenings import Opened, ThreadStarted
from adapters.slack.home import home_page
from adapters.slack.places import channel_key, conversation_key
from bot.domain.messages import Author
from bot.errors import StoreUnavailable
from bot.relay.contract import CommandName

log = structlog.get_logger()

NOWHERE = "home"
"""Stands for the thread in the key of a conversation that there is not: its usage is nothing."""


class Pages:
    """Fills our pages when somebody opens them; all of it is courtesy, so a redelivery does no harm."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def opened(self, opened: Opened) -> None:
        """Somebody opened the direct messages, or the home page."""
        event = opened.event
        if event.tab == "home":
            self._desk.courtesies.do("home", self._publish(opened))
        elif self._desk.prompts:
            self._desk.courtesies.do("prompts", self._desk.surface.suggest(event.channel, self._desk.prompts))

    def thread_started(self, started: ThreadStarted) -> None:
        """Somebody opened a thread in the old split pane."""
        place = started.event.assistant_thread
        if self._desk.prompts:
            suggest = self._desk.surface.suggest(place.channel_id, self._desk.prompts, place.thread_ts)
            self._desk.courtesies.do("prompts", suggest)

    async def _publish(self, opened: Opened) -> None:
        event, desk = opened.event, self._desk
        person = await desk.reader.author(opened.team_id or opened.tenant, event.user)
        answers = await self._told("model", opened, person)
        usage = await self._told("usage", opened, person)
        await desk.surface.publish_home(event.user, home_page(desk.identity.user.capitalize(), answers, usage))

    async def _told(self, name: CommandName, opened: Opened, person: Author) -> str | None:
        """What a command says about the person's last conversation with us; None when nobody knows."""
        event, where = opened.event, (opened.tenant, opened.event.channel)
        try:
            last = await self._desk.reception.last_conversation(channel_key(*where), person)
            conversation = last or conversation_key(*where, NOWHERE)
            return await self._desk.carry_out(name, conversation, person, event.user, where, elsewhere=True)
        except StoreUnavailable as error:
            log.info("slack home page incomplete", error=str(error))
            return None
