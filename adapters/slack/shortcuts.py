"""The entries that every message's menu has: asking about it, and having its thread summarised.

Privately by default: the answer may be for the asker alone, and so then is the conversation.
"""

import asyncio

import structlog
from slack_bolt.response import BoltResponse

from adapters.slack.desk import NOT_TAKEN, Desk
from adapters.slack.inbound import source_key
from adapters.slack.interactive import Interaction, ShortcutPayload, SubmissionPayload
from adapters.slack.modals import AUDIENCE, QUESTION, THREAD, Pointed, ask_form, carried
from adapters.slack.places import (
    PLATFORM,
    Place,
    apart_key,
    channel_key,
    conversation_key,
    lead_of,
    scope_of,
)
from bot.domain.deliveries import Event, Heard
from bot.domain.messages import Author
from bot.errors import PlatformError, StoreUnavailable
from bot.relay.contract import Inbound

log = structlog.get_logger()

ASK, SUMMARISE = "ask_about_message", "summarise_thread"
"""Callback ids, as in `manifest.json`."""
REQUEST = "Summarise this thread."
ON_IT = "On it. Only you will see the answer."
NO_FORM = "Slack did not open the form in time. Please try again."
PATIENCE = 1.5
"""Seconds for reading the message again: the form has to be acknowledged within 3."""


class Shortcuts:
    """Menus of messages, and the form that one of them opens. Slack delivers each once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def choose(self, shortcut: ShortcutPayload) -> None:
        """Somebody has taken an entry."""
        pointed = _pointed(shortcut)
        if shortcut.callback_id == ASK:
            self._desk.courtesies.do("form", self._open(shortcut, pointed))
        elif shortcut.callback_id == SUMMARISE:
            await self._summarise(shortcut, pointed)

    async def _open(self, shortcut: ShortcutPayload, pointed: Pointed) -> None:
        """Open the form before anything else: its trigger lives for 3 seconds."""
        try:
            await self._desk.surface.open_form(shortcut.trigger_id, ask_form(pointed))
        except PlatformError:
            self._desk.note(pointed.channel, shortcut.user.id, NO_FORM, pointed.thread, pointed.response_url)
            raise

    async def _summarise(self, shortcut: ShortcutPayload, pointed: Pointed) -> None:
        team = shortcut.tenant or self._desk.identity.tenant
        heard = await self._desk.reader.heard(team, pointed.channel, shortcut.message)
        try:
            await self._ask(shortcut, pointed, REQUEST, heard, f"trigger:{team}:{shortcut.trigger_id}", private=True)
            note = ON_IT
        except StoreUnavailable:
            note = NOT_TAKEN
        self._desk.note(pointed.channel, shortcut.user.id, note, pointed.thread, pointed.response_url)

    async def submit(self, form: SubmissionPayload) -> BoltResponse:
        """Somebody has sent the form off. When it cannot be taken it stays open, with the reason."""
        pointed, question = carried(Pointed, form.view.private_metadata), form.view.field(QUESTION).strip()
        if pointed is None or not question:
            return _mistake("Please ask something.")
        team = form.tenant or self._desk.identity.tenant
        private = form.view.field(AUDIENCE) != THREAD
        heard = await self._again(team, pointed)
        try:
            await self._ask(form, pointed, question, heard, f"view:{team}:{form.view.id}", private=private)
        except StoreUnavailable:
            return _mistake(NOT_TAKEN)
        if private:
            self._desk.note(pointed.channel, form.user.id, ON_IT, pointed.thread, pointed.response_url)
        return BoltResponse(status=200, body="")

    async def _again(self, team: str, pointed: Pointed) -> Heard:
        """The message as it is now; its beginning, as the form has kept it, where we may not read it."""
        try:
            async with asyncio.timeout(PATIENCE):
                message = await self._desk.surface.message(pointed.channel, pointed.root, pointed.ts)
                if message is not None:
                    return await self._desk.reader.heard(team, pointed.channel, message)
        except (PlatformError, TimeoutError) as error:
            log.info("slack message not read again", error=str(error) or "too slow")
        return Heard(
            key=source_key(team, pointed.channel, pointed.ts),
            author=Author(platform=PLATFORM, id=f"{team}:{pointed.author}", name=pointed.name or pointed.author),
            text=await self._desk.reader.words(pointed.excerpt),
        )

    async def _ask(
        self, deed: Interaction, pointed: Pointed, question: str, heard: Heard, key: str, *, private: bool
    ) -> None:
        """Accept the question about a message.

        Raises:
            StoreUnavailable: not accepted.
        """
        team, user = deed.tenant or self._desk.identity.tenant, deed.user
        author = await self._desk.reader.author(user.team_id or (deed.team.id if deed.team else team), user.id)
        place = Place(
            team=team,
            channel=pointed.channel,
            # What only one person sees is shown in a thread only where there is one already.
            thread=pointed.thread if private else pointed.root,
            lead=lead_of(author.name, question),
            response_url=pointed.response_url,
            private=user.id if private else None,
        )
        conversation = (
            apart_key(team, pointed.channel, key.rpartition(":")[2])
            if private
            else conversation_key(team, pointed.channel, pointed.root)
        )
        event = Event(
            keys=(f"slack:{key}",),
            conversation=conversation,
            address=place.address(self._desk.reception.policy(channel_key(team, pointed.channel)).delivery),
            author=author,
            text=question,
            pointed_at=(heard,),
            scope=scope_of(team),
            channel=channel_key(team, pointed.channel),
        )
        await self._desk.reception.receive(Inbound(event=event, addressed=True))


def _pointed(shortcut: ShortcutPayload) -> Pointed:
    message = shortcut.message
    return Pointed(
        channel=shortcut.channel.id,
        ts=message.ts,
        thread=message.thread_ts,
        author=message.user or message.bot_id or "",
        name=message.username or "",
        excerpt=message.text or "",
        response_url=shortcut.response_url,
    )


def _mistake(text: str) -> BoltResponse:
    return BoltResponse(status=200, body={"response_action": "errors", "errors": {QUESTION: text}})
