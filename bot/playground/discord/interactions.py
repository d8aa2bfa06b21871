"""Interactions: what somebody did with the bot, the token for it, its first answer, and what may follow."""

import asyncio
from dataclasses import dataclass, field

from bot.playground.discord.forms import Form, checked_form
from bot.playground.discord.payloads import Payloads
from bot.playground.discord.people_payloads import permissions_of
from bot.playground.discord.posting import Files, Placement, Posting
from bot.playground.discord.refusals import invalid, parsed, refusal
from bot.playground.discord.scene import Scene
from bot.playground.discord.tokens import interaction_token
from bot.playground.discord.wire import CallbackBody, ChoiceBody, ChoicesBody, JsonObject, MessageBody
from bot.playground.discord.world import COMMAND_MESSAGE, EPHEMERAL, LOADING, REPLY, Channel, Message, Origin

ANSWER, DEFER_ANSWER, DEFER_UPDATE, UPDATE, SUGGEST, OPEN_FORM = 4, 5, 6, 7, 8, 9
"""Callback types."""
COMMAND, COMPONENT, COMPLETION, FORM = 2, 3, 4, 5
"""Interaction types."""
_MOST_CHOICES = 25


@dataclass(slots=True, eq=False)
class Interaction:
    """One interaction from its event to the end of its token."""

    id: str
    token: str
    channel: Channel
    origin: Origin
    created_at: float
    pressed: Message | None = None
    """The message whose button was pressed."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    original: Message | None = None
    """What `@original` means."""
    first: int = 0
    """The type of the first answer; 0 before it."""
    form: Form | None = None
    """What was opened for the person."""
    choices: tuple[ChoiceBody, ...] = ()
    """What was suggested."""
    followups: int = 0
    given_up: bool = False
    """The person was told that the application did not respond."""


class Interactions:
    """All interactions whose tokens were given out."""

    def __init__(self, scene: Scene, posting: Posting) -> None:
        self._scene = scene
        self._posting = posting
        self._payloads: Payloads = scene.payloads
        self._by_token: dict[str, Interaction] = {}
        self._by_id: dict[str, Interaction] = {}

    def begin(self, channel: Channel, origin: Origin, pressed: Message | None = None) -> Interaction:
        """A new interaction with its token; the caller dispatches it."""
        token = interaction_token(origin.id, self._scene.dice)
        interaction = Interaction(origin.id, token, channel, origin, self._scene.clock.now(), pressed)
        self._by_token[token] = self._by_id[origin.id] = interaction
        return interaction

    # --- first answer ---

    def callback(self, interaction_id: str, token: str, body: CallbackBody, files: Files) -> Interaction:
        """The first answer, within the deadline and once."""
        interaction = self._by_id.get(interaction_id)
        if interaction is None or interaction.token != token or self._too_late(interaction):
            raise refusal(10062)
        if interaction.first:
            raise refusal(40060)
        self._take(interaction, body, files)
        interaction.first = body.type
        interaction.answered.set()
        return interaction

    def _take(self, interaction: Interaction, body: CallbackBody, files: Files) -> None:
        kind = interaction.origin.type
        match body.type:
            case 4 | 5 if kind != COMPLETION:
                data = parsed(MessageBody, body.data)
                interaction.original = self._post(interaction, data, files, loading=body.type == DEFER_ANSWER)
            case 6 | 7 if interaction.pressed:
                if body.type == UPDATE:
                    self._posting.edit(interaction.pressed, parsed(MessageBody, body.data), files)
                interaction.original = interaction.pressed
            case 8 if kind == COMPLETION:
                interaction.choices = _choices(body.data)
            case 9 if kind in {COMMAND, COMPONENT}:
                interaction.form = checked_form(body.data)
            case _:
                raise invalid("type", "BASE_TYPE_CHOICES", "Value is not possible for this interaction.")

    def _too_late(self, interaction: Interaction) -> bool:
        age = self._scene.clock.now() - interaction.created_at
        return not interaction.first and (interaction.given_up or age > self._scene.rules.interaction_deadline)

    def _post(
        self,
        interaction: Interaction,
        data: MessageBody,
        files: Files,
        *,
        loading: bool = False,
        followup: bool = False,
    ) -> Message:
        origin = interaction.origin
        ephemeral = bool((data.flags or 0) & EPHEMERAL)
        reply_to = interaction.original if followup else interaction.pressed
        kind = REPLY if reply_to else COMMAND_MESSAGE
        only_for = origin.user if ephemeral else None
        placement = Placement(origin, kind, only_for, loading, reply_to)
        return self._posting.answer(interaction.channel, data, files, placement)

    def callback_response(self, interaction: Interaction) -> JsonObject:
        """What `with_response` answers."""
        original = interaction.original
        about: JsonObject = {
            "id": interaction.id,
            "type": interaction.origin.type,
            "channel_id": interaction.channel.id,
        }
        if server := self._scene.world.server_of(interaction.channel):
            about["guild_id"] = server
        if original is None:
            return {"interaction": about}
        about |= {
            "response_message_id": original.id,
            "response_message_loading": bool(original.flags & LOADING),
            "response_message_ephemeral": original.only_for is not None,
        }
        # The description knows a resource for immediate answers only; clients rely on it after a defer as well.
        resource: JsonObject = {"type": interaction.first, "message": self._payloads.message(original)}
        return {"interaction": about, "resource": resource}

    # --- what follows ---

    def with_token(self, application_id: str, token: str) -> Interaction:
        """The interaction of a living token.

        Raises:
            Refusal: 10015 for an unknown token or before the first answer; after 15 minutes what the rules say.
        """
        interaction = self._by_token.get(token)
        if application_id != self._scene.world.bot.id or interaction is None:
            raise refusal(10015)
        if self._scene.clock.now() - interaction.created_at > self._scene.rules.interaction_life:
            raise refusal(self._scene.rules.dead_token)
        if not interaction.first:
            raise refusal(10015)
        return interaction

    def message_of(self, interaction: Interaction, message_id: str) -> Message:
        """A message that this interaction made, by its id or `@original`."""
        message = interaction.original if message_id == "@original" else None
        if message_id != "@original":
            message = interaction.channel.messages.get(message_id)
            if message and message.origin is not interaction.origin and message is not interaction.original:
                message = None
        if message is None or message.id not in message.channel.messages:
            raise refusal(10008)
        return message

    def follow_up(self, interaction: Interaction, data: MessageBody, files: Files) -> Message:
        """A further message; right after a defer it is the edit of the original."""
        original = interaction.original
        if original and original.flags & LOADING and interaction.first == DEFER_ANSWER:
            return self._posting.edit(original, data, files)
        if interaction.channel.foreign and interaction.followups >= self._scene.rules.foreign_followups:
            raise refusal(40094)
        message = self._post(interaction, data, files, followup=True)
        interaction.followups += 1
        return message

    # --- the event ---

    def event(self, interaction: Interaction, data: JsonObject, person: JsonObject) -> JsonObject:
        """INTERACTION_CREATE without what differs between commands and buttons."""
        channel = interaction.channel
        rules = self._scene.rules
        permissions = permissions_of(self._scene.world, interaction.origin.user)
        payload: JsonObject = {
            "id": interaction.id,
            "application_id": self._scene.world.bot.id,
            "type": interaction.origin.type,
            "data": data,
            "token": interaction.token,
            "version": 1,
            "channel_id": channel.id,
            "channel": self._payloads.channel(channel) | {"permissions": str(permissions)},
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": self._payloads.integration_owners(channel, interaction.origin.user),
            "context": self._payloads.context(channel),
            "attachment_size_limit": rules.file_limit,
        }
        if interaction.pressed:
            payload["message"] = self._payloads.message(interaction.pressed)
        return payload | person


def _choices(data: object) -> tuple[ChoiceBody, ...]:
    choices = parsed(ChoicesBody, data).choices or ()
    if len(choices) > _MOST_CHOICES:
        raise invalid("data.choices", "BASE_TYPE_BAD_LENGTH", f"Must be {_MOST_CHOICES} or fewer in length.")
    for index, choice in enumerate(choices):
        if not (1 <= len(choice.name) <= 100 and 1 <= len(choice.value) <= 100):
            raise invalid(f"data.choices.{index}", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    return choices
