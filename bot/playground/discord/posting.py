"""Messages: how they come to be, change and go, with everything that Discord checks on the way."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.playground.discord import checks
from bot.playground.discord.cdn import clean_filename, media_type_of, picture_size
from bot.playground.discord.clock import snowflake_time
from bot.playground.discord.mentions import MESSAGE_DEFAULT, WEBHOOK_DEFAULT, Mentions, mentions_in
from bot.playground.discord.refusals import invalid, refusal
from bot.playground.discord.scene import Preview, Scene
from bot.playground.discord.threads import wake
from bot.playground.discord.wire import AllowedMentions, AttachmentBody, JsonObject, MessageBody, UploadedFile
from bot.playground.discord.world import (
    COMPONENTS_V2,
    DEFAULT_MESSAGE,
    EPHEMERAL,
    LOADING,
    REPLY,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    Attachment,
    Channel,
    Message,
    Origin,
    Poll,
    User,
)

_SETTABLE = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2 | EPHEMERAL
Files = Mapping[int, UploadedFile]


@dataclass(frozen=True, slots=True)
class Placement:
    """What an interaction's answer has that an ordinary message has not."""

    origin: Origin
    type: int
    only_for: User | None = None
    loading: bool = False
    reply_to: Message | None = None


class Posting:
    """Creates, edits and deletes messages."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._nonces: dict[str, tuple[float, Message]] = {}

    # --- create ---

    def send(self, channel: Channel, body: MessageBody, files: Files) -> Message:
        """A message of the bot in a channel; an enforced nonce that is known gives the first message again.

        When that was deleted meanwhile, it is an unknown message (discord-api-docs#6647), and nothing is created.
        """
        checks.check_nonce(body.nonce)
        if body.enforce_nonce and body.nonce is not None and (known := self._remembered(str(body.nonce))):
            if known.id not in known.channel.messages:
                raise refusal(10008)
            return known
        self._check(body, files)
        if checks.is_empty(body, files):
            raise refusal(50006)
        target = self._replied_to(channel, body)
        wake(self._scene, channel)
        message = self._new(channel, self._scene.world.bot, body, REPLY if target else DEFAULT_MESSAGE)
        message.reply_to, message.nonce = target, body.nonce
        self._fill(message, body, files)
        if body.nonce is not None:
            self._nonces[str(body.nonce)] = (self._scene.clock.now(), message)
        return message

    def answer(self, channel: Channel, body: MessageBody, files: Files, placement: Placement) -> Message:
        """A message that answers an interaction; ephemeral ones are seen by one person and have no event."""
        self._check(body, files)
        if checks.is_empty(body, files) and not placement.loading:
            raise refusal(50006)
        message = self._new(channel, self._scene.world.bot, body, placement.type)
        message.origin, message.reply_to = placement.origin, placement.reply_to
        message.flags &= ~EPHEMERAL
        if placement.only_for:
            message.only_for = placement.only_for
            message.flags |= EPHEMERAL
        if placement.loading:
            message.flags |= LOADING
        self._fill(message, body, files)
        return message

    def say(
        self,
        author: User,
        channel: Channel,
        text: str,
        files: Files,
        reply_to: Message | None,
        *,
        notify: bool = True,
        forwarded: Message | None = None,
        stickers: tuple[str, ...] = (),
        poll: Poll | None = None,
    ) -> Message:
        """A message of a person; they may mention whom they like. Unless `notify`, a reply does not mention."""
        wake(self._scene, channel, moderator=bool(author.person and author.person.administrator))
        body = MessageBody(content=text)
        if not notify:
            allowed = AllowedMentions(parse=("everyone", "roles", "users"), replied_user=False)
            body = body.model_copy(update={"allowed_mentions": allowed})
        message = self._new(channel, author, body, REPLY if reply_to else DEFAULT_MESSAGE)
        message.reply_to, message.forwarded = reply_to, forwarded
        message.stickers, message.poll = stickers, poll
        self._fill(message, body, files)
        return message

    def _new(self, channel: Channel, author: User, body: MessageBody, kind: int) -> Message:
        scene = self._scene
        moment = scene.clock.now()
        flags = (body.flags or 0) & _SETTABLE
        return Message(scene.world.ids.new(), channel, author, body.content or "", kind, moment, flags)

    def _fill(self, message: Message, body: MessageBody, files: Files) -> None:
        scene = self._scene
        message.attachments = self._stored(message, body.attachments or (), files)
        message.embeds = [_embed(embed) for embed in body.embeds or ()]
        message.components = checks.numbered(body.components or ())
        mentions = self._mentions(message, body)
        if message.author.bot:
            self._note(message, mentions, "create")
        scene.message_created(message)

    def _remembered(self, nonce: str) -> Message | None:
        sent_at, message = self._nonces.get(nonce, (0.0, None))
        return message if message and self._scene.clock.now() - sent_at < self._scene.rules.nonce_memory else None

    def _replied_to(self, channel: Channel, body: MessageBody) -> Message | None:
        reference = body.message_reference
        if reference is None:
            return None
        target = channel.messages.get(reference.message_id)
        if (target is None or target.only_for) and reference.fail_if_not_exists is not False:
            raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return target

    # --- change ---

    def edit(self, message: Message, body: MessageBody, files: Files) -> Message:
        """Change what the body names; absent fields stay. A loading answer becomes a real one without an edit mark."""
        scene = self._scene
        self._check(body, files)
        self._check_age(message)
        given = body.model_fields_set
        after = self._edited_attachments(message, body, files)
        if self._nothing_left(message, body, after):
            raise refusal(50006)
        if "content" in given:
            message.content = body.content or ""
        if "embeds" in given:
            message.embeds = [_embed(embed) for embed in body.embeds or ()]
        if "components" in given:
            message.components = checks.numbered(body.components or ())
        if "flags" in given:
            changed = (body.flags or 0) & (SUPPRESS_EMBEDS | COMPONENTS_V2)
            message.flags = (message.flags & ~SUPPRESS_EMBEDS) | changed
        message.attachments = after
        mentions = self._mentions(message, body)
        if message.flags & LOADING:
            message.flags &= ~LOADING
            because = "create"
        else:
            message.edits.append(scene.clock.now())
            because = "edit"
        self._note(message, mentions, because)
        scene.message_changed(message)
        return message

    def _check_age(self, message: Message) -> None:
        rules = self._scene.rules
        old_from = snowflake_time(message.id) + rules.old_message_age
        if sum(moment > old_from for moment in message.edits) < rules.old_message_edits:
            return
        if self._scene.clock.now() > old_from:
            raise refusal(30046)

    def _edited_attachments(self, message: Message, body: MessageBody, files: Files) -> list[Attachment]:
        """An edit's list of attachments replaces the old one; without a list, new files are added."""
        kept = message.attachments
        named = body.attachments
        if named is not None:
            ids = {attachment.id for attachment in named}
            kept = [attachment for attachment in kept if attachment.id in ids]
        return kept + self._stored(message, named or (), files)

    @staticmethod
    def _nothing_left(message: Message, body: MessageBody, attachments: list[Attachment]) -> bool:
        given = body.model_fields_set
        content = body.content if "content" in given else message.content
        embeds = body.embeds if "embeds" in given else message.embeds
        components = body.components if "components" in given else message.components
        return not ((content or "").strip() or embeds or components or attachments)

    def delete(self, message: Message) -> None:
        """Take a message away."""
        self._scene.message_deleted(message)

    # --- both ---

    def _check(self, body: MessageBody, files: Files) -> None:
        checks.check_content(self._scene.rules, body.content)
        checks.check_embeds(body.embeds)
        checks.check_components(body.components)
        checks.check_files(self._scene.rules, files)
        if (body.flags or 0) & COMPONENTS_V2 and (body.content or body.embeds):
            message = "The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            raise invalid("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message)

    def _mentions(self, message: Message, body: MessageBody) -> Mentions:
        webhook = message.origin is not None
        allowed = body.allowed_mentions or (WEBHOOK_DEFAULT if webhook else MESSAGE_DEFAULT)
        replied_to = message.reply_to.author if message.reply_to else None
        author = message.author
        mentions = mentions_in(self._scene.world, message.content, allowed, author=author, replied_to=replied_to)
        message.mentions, message.roles, message.everyone = mentions.users, mentions.roles, mentions.everyone
        return mentions

    def _note(self, message: Message, mentions: Mentions, because: str) -> None:
        """Record what people would have noticed: pings and link previews."""
        self._scene.note_pings(message, mentions.names, because)
        replied_to = message.reply_to.author if message.reply_to else None
        if because == "create" and replied_to and replied_to in mentions.users and not replied_to.bot:
            self._scene.note_pings(message, [replied_to.name], "reply")
        if message.flags & SUPPRESS_EMBEDS:
            return
        for url in checks.links_with_preview(message.content):
            if url not in message.previewed:
                message.previewed.add(url)
                self._scene.previews.append(Preview(message.id, url))

    def _stored(self, message: Message, named: tuple[AttachmentBody, ...], files: Files) -> list[Attachment]:
        about = {attachment.id: attachment for attachment in named}
        return [self._store(message, file, about.get(str(index))) for index, file in sorted(files.items())]

    def _store(self, message: Message, file: UploadedFile, about: AttachmentBody | None) -> Attachment:
        world = self._scene.world
        name = clean_filename((about.filename if about else None) or file.filename)
        width, height = picture_size(file.content) or (None, None)
        attachment = Attachment(
            id=world.ids.new(),
            channel=message.channel.id,
            filename=name,
            content=file.content,
            media_type=media_type_of(name, file.content),
            description=about.description if about else None,
            width=width,
            height=height,
            ephemeral=message.only_for is not None,
        )
        world.attachments[attachment.id] = attachment
        return attachment


def _embed(embed: JsonObject) -> JsonObject:
    return {"type": "rich"} | {name: value for name, value in embed.items() if value is not None}
