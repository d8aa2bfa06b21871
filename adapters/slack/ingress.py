"""Accept, then acknowledge: everything that Slack delivers for one workspace, as `front.py` hands it on."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from slack_bolt.response import BoltResponse

from adapters.slack.api import SlackApi
from adapters.slack.blocks import Target, target
from adapters.slack.courtesies import Courtesies
from adapters.slack.inbound import Reader, click_team, slash_key
from adapters.slack.markup import escaped
from adapters.slack.payloads import ClickPayload, Envelope, Head, SlashPayload, cleaned
from adapters.slack.places import conversation_key, scope_of
from adapters.slack.replies import Identity
from adapters.slack.stamps import micros
from bot.domain.deliveries import Event
from bot.errors import StoreUnavailable
from bot.relay.commands import command_in
from bot.relay.contract import Command, CommandName, Inbound, Press, Reception, Verdict
from bot.relay.queues import Queues

NOT_TAKEN = "I could not take that down just now. Please try again in a moment."
ON_IT = "On it. The answer will appear in this channel."
NO_CONVERSATION = (
    "In Slack every thread is a conversation of its own, and commands do not reach into threads. "
    "Write `stop` or `!new` in the thread instead, after mentioning me."
)


class Ingress:
    """One workspace's deliveries to a `Reception`."""

    def __init__(
        self,
        api: SlackApi,
        identity: Identity,
        reader: Reader,
        reception: Reception,
        courtesies: Courtesies,
        taking: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        """Enter `taking` with the `ts` of every event for as long as it is dealt with."""
        self._api = api
        self._identity = identity
        self._reader = reader
        self._reception = reception
        self._courtesies = courtesies
        self._taking = taking
        self._turns = Queues()

    async def dispatch(self, head: Head, body: dict[str, object]) -> BoltResponse:
        """Accept one delivery. Returns its acknowledgement.

        Raises:
            StoreUnavailable: not accepted.
            ValidationError: it makes no sense.
        """
        if head.command is not None:
            return await self._slash(SlashPayload.model_validate(cleaned(body)))
        if head.type == "block_actions":
            return await self._click(ClickPayload.model_validate(cleaned(body)))
        if head.type == "event_callback" and head.event and head.event.type in ("message", "app_mention"):
            return await self._event(Envelope.model_validate(cleaned(body)))
        if head.type == "event_callback" and head.event and head.event.type in ("app_uninstalled", "tokens_revoked"):
            self._courtesies.do("token check", self._check_token())
        return _acknowledged()

    # --- messages ---------------------------------------------------------------------------------------------

    async def _event(self, envelope: Envelope) -> BoltResponse:
        with self._taking(envelope.event.ts):
            await self._hear(envelope)
        return _acknowledged()

    async def hear_late(self, envelope: Envelope) -> bool:
        """Accept a message that was read long after it was said, and that may be known already.

        Commands are left alone: they have no dedupe keys, and whoever wanted something stopped has seen the end of it.

        Returns:
            Whether it may have been for us at all.

        Raises:
            StoreUnavailable: not accepted.
        """
        return await self._hear(envelope, late=True)

    async def _hear(self, envelope: Envelope, *, late: bool = False) -> bool:
        event = envelope.event
        if not self._reader.concerns(event):
            return False
        async with self._turns.of(conversation_key(envelope.tenant, event.channel, event.root), micros(event.ts)):
            inbound = await self._reader.message(envelope)
            name = await self._command_name(inbound)
            if name is None:
                await self._receive(envelope, inbound)
            elif not late and self._answers_commands(envelope):
                await self._text_command(name, envelope, inbound)
        return True

    async def _receive(self, envelope: Envelope, inbound: Inbound) -> None:
        verdict = await self._reception.receive(inbound)
        if verdict is Verdict.QUEUED:
            self._courtesies.do("reaction", self._api.react(envelope.event.channel, envelope.event.ts, "eyes"))

    async def _command_name(self, inbound: Inbound) -> CommandName | None:
        """The command in a message that is for us for sure; a bare mention asks for help."""
        event = inbound.event
        name = command_in(event.text) if event.text else "help"
        if event.files or name is None:
            return None
        for_us = inbound.addressed or await self._reception.takes_part(event.conversation)
        return name if for_us else None

    def _answers_commands(self, envelope: Envelope) -> bool:
        """One of a mention's two events: commands have no dedupe keys."""
        event = envelope.event
        return event.type == "app_mention" or event.channel_type == "im" or not self._reader.mentions_us(event)

    async def _text_command(self, name: CommandName, envelope: Envelope, inbound: Inbound) -> None:
        event, user = envelope.event, envelope.event.user or ""
        here = inbound.event.conversation
        # Said at top level, `stop` begins no conversation of its own: it means the one that is going on.
        last = None if event.thread_ts else await self._last(inbound.event)
        note = await self._command(name, last or here, inbound.event, user, elsewhere=last is not None)
        self._courtesies.do("note", self._api.whisper(event.channel, user, escaped(note), event.thread_ts))

    async def _last(self, said: Event) -> str | None:
        return await self._reception.last_conversation(said.channel, said.author)

    async def _command(
        self, name: CommandName, conversation: str, said: Event, user: str, *, elsewhere: bool = False
    ) -> str:
        command = Command(
            name=name,
            conversation=conversation,
            elsewhere=elsewhere,
            person=said.author,
            moderator=await self._reader.moderates(user),
            scope=said.address.scope,
        )
        return await self._reception.command(command)

    async def _check_token(self) -> None:
        """Find out whether it is our token that was revoked; a refusal ends the adapter."""
        await self._api.identity()

    # --- slash commands and buttons: Slack delivers them once, so the person is told when something fails -------

    async def _slash(self, slash: SlashPayload) -> BoltResponse:
        try:
            return _private(await self._slash_note(slash))
        except StoreUnavailable:
            return _private(NOT_TAKEN)

    async def _slash_note(self, slash: SlashPayload) -> str:
        inbound = await self._reader.question(slash)
        name = command_in(slash.command) or command_in(inbound.event.text)
        if name is None and inbound.event.text:
            await self._reception.receive(inbound)
            return ON_IT
        if name is None or name == "help":
            return await self._command("help", slash_key(slash), inbound.event, slash.user_id)
        conversation = await self._last(inbound.event)
        if conversation is None:
            return NO_CONVERSATION
        return await self._command(name, conversation, inbound.event, slash.user_id, elsewhere=True)

    async def _click(self, click: ClickPayload) -> BoltResponse:
        for action in click.actions:
            about = target(action.action_id, action.value)
            if about is None:
                continue
            note = await self._press(click, about)
            if note and click.channel:
                thread = click.message.thread_ts if click.message else None
                whisper = self._api.whisper(click.channel.id, click.user.id, escaped(note), thread)
                self._courtesies.do("note", whisper)
        return _acknowledged()

    async def _press(self, click: ClickPayload, about: Target) -> str | None:
        person = await self._reader.author(click_team(click, self._identity), click.user.id)
        moderator = await self._reader.moderates(click.user.id)
        scope = scope_of(click.tenant or self._identity.team_id)
        press = Press(
            op=about.op, run_id=about.run_id, call=about.call, person=person, moderator=moderator, scope=scope
        )
        try:
            return await self._reception.press(press)
        except StoreUnavailable:
            return NOT_TAKEN


def _acknowledged() -> BoltResponse:
    return BoltResponse(status=200, body="")


def _private(text: str) -> BoltResponse:
    return BoltResponse(status=200, body={"response_type": "ephemeral", "text": escaped(text)})
