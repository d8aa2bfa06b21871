"""Slack's payloads in the relay's words."""

import re

from adapters.slack.mrkdwn import mentioned, to_markdown, without_mention
from adapters.slack.payloads import (
    AttachmentPayload,
    ClickPayload,
    Envelope,
    FilePayload,
    MessagePayload,
    SlashPayload,
)
from adapters.slack.places import (
    PLATFORM,
    Place,
    apart_key,
    channel_key,
    conversation_key,
    lead_of,
    scope_of,
    whole_channel_key,
)
from adapters.slack.replies import Identity, Listed
from adapters.slack.users import Users
from bot.domain.deliveries import Event, Heard, RemoteFile
from bot.domain.messages import Author
from bot.relay.contract import ChannelPolicy, Inbound

SUBTYPES = frozenset({None, "file_share", "thread_broadcast"})
"""Kinds of `message` events that are something a person said. Edits, deletions, joins and the rest are not."""
SLACKBOT = "USLACKBOT"
NOBODY = "somebody"
"""Name of an author whom Slack does not name."""
PRIVATELY = re.compile(r"\s*private\s*:\s*", re.IGNORECASE)
"""What a question begins with whose answer is for the asker alone."""


class Reader:
    """Turns events into `Inbound`, with names looked up and our own mention taken out."""

    def __init__(self, identity: Identity, users: Users) -> None:
        self._identity = identity
        self._users = users

    def concerns(self, event: MessagePayload, policy: ChannelPolicy) -> bool:
        """Whether this may be for us: said by a person, and addressed to us or said in a thread.

        What is said at a channel's top level without a mention is only where everything is, and in threads not where
        a mention is required.
        """
        if event.hidden or event.subtype not in SUBTYPES or event.bot_id is not None:
            return False
        if event.user in (None, self._identity.user_id, SLACKBOT):
            return False
        follows = event.thread_ts is not None and policy.mentions != "required"
        return self.addressed(event, policy) or follows

    def addressed(self, event: MessagePayload, policy: ChannelPolicy) -> bool:
        """Mention (in either of the two events that report it), direct message, or where everything is for us."""
        named = event.type == "app_mention" or event.channel_type == "im" or self.mentions_us(event)
        return named or policy.mentions == "always"

    def mentions_us(self, event: MessagePayload) -> bool:
        """Whether our mention is in the text."""
        return self._identity.user_id in mentioned(event.text or "")

    async def message(self, envelope: Envelope, policy: ChannelPolicy) -> Inbound:
        """A message that concerns us. Slack has no replies but threads, so they are the same to a policy."""
        event = envelope.event
        team, user = envelope.tenant, event.user or ""
        channel = event.channel
        plainly = policy.threads == "channel" and event.thread_ts is None and event.channel_type != "im"
        home = event.user_team or event.team or team
        place = Place(
            team=team,
            channel=channel,
            thread=None if plainly else event.root,
            asked=event.ts,
            recipient=user,
            recipient_team=home,
        )
        thread_key = conversation_key(team, channel, event.root)
        return Inbound(
            addressed=self.addressed(event, policy),
            event=Event(
                keys=message_keys(envelope),
                source=source_key(team, event.channel, event.ts),
                conversation=whole_channel_key(team, channel) if plainly else thread_key,
                address=place.address(policy.delivery),
                author=await self.author(home, user),
                text=await self.words(event.text or ""),
                files=tuple(self._file(team, file) for file in event.files),
                scope=scope_of(team),
                channel=channel_key(team, channel),
                pointed_at=await self._forwarded(team, event),
            ),
        )

    async def question(self, slash: SlashPayload, policy: ChannelPolicy) -> Inbound:
        """A slash command's question. It opens a conversation of its own, which the posted answer then carries.

        After `private:` it is for the person alone.
        """
        team = slash.tenant
        private = PRIVATELY.match(slash.text)
        text = await self.words(slash.text[private.end() :] if private else slash.text)
        author = await self.author(slash.team_id, slash.user_id, slash.user_name)
        place = Place(
            team=team,
            channel=slash.channel_id,
            lead=lead_of(author.name, text),
            response_url=slash.response_url,
            private=slash.user_id if private else None,
        )
        event = Event(
            keys=(f"slack:trigger:{team}:{slash.trigger_id}",),
            conversation=slash_key(slash),
            address=place.address(policy.delivery),
            author=author,
            text=text,
            scope=scope_of(team),
            channel=channel_key(team, slash.channel_id),
        )
        return Inbound(event=event, addressed=True)

    async def author(self, team: str, user_id: str, fallback: str = "") -> Author:
        """A person, scoped by their own workspace; `fallback` is the name when Slack does not tell."""
        name = (await self._users.get(user_id)).name
        known = name != user_id or not fallback
        return Author(platform=PLATFORM, id=f"{team}:{user_id}", name=name if known else fallback)

    async def moderates(self, user_id: str) -> bool:
        """Whether the person may act on other people's answers: owners and administrators of our workspace.

        In a shared channel there may be those of another company.
        """
        ours = {self._identity.team_id, self._identity.enterprise_id}
        return not ours.isdisjoint((await self._users.get(user_id)).administrator_of)

    async def words(self, text: str) -> str:
        """What was said to us, as Markdown with names in it, without our mention."""
        own = self._identity
        return await self._markdown(without_mention(text, own.user_id))

    async def _markdown(self, text: str) -> str:
        own = self._identity
        others = [user for user in mentioned(text) if user != own.user_id]
        return to_markdown(text, {**await self._users.names(others), own.user_id: own.user})

    async def _forwarded(self, team: str, event: MessagePayload) -> tuple[Heard, ...]:
        """The messages that the person has forwarded, or linked, in theirs.

        Each has a key of its own: how the original goes on, perhaps in a private channel, is not for those who see the
        forwarded one.
        """
        hanging = [one for one in event.attachments if one.is_message]
        return tuple([await self._one_forwarded(team, event, number, one) for number, one in enumerate(hanging)])

    async def _one_forwarded(self, team: str, event: MessagePayload, number: int, one: AttachmentPayload) -> Heard:
        return Heard(
            key=f"{source_key(team, event.channel, event.ts)}:{number}",
            author=Author(platform=PLATFORM, id=f"{team}:{one.author_id or ''}", name=one.author_name or NOBODY),
            text=await self._markdown(one.text or one.fallback or ""),
            files=tuple(self._file(team, file) for file in one.files),
        )

    async def heard(self, team: str, channel: str, message: Listed) -> Heard:
        """A message of a thread as material: people's and bots' alike, with what bots say in attachments."""
        hanging = [await self._markdown(_hanging(one)) for one in message.attachments]
        said = await self._markdown(message.text or "")
        return Heard(
            key=source_key(team, channel, message.ts),
            author=await self._speaker(team, message),
            text="\n\n".join(part for part in (said, *hanging) if part.strip()),
            files=tuple(self._file(team, file) for file in message.files),
        )

    async def _speaker(self, team: str, message: Listed) -> Author:
        if message.user is not None and message.username is None:
            return await self.author(message.user_team or message.team or team, message.user)
        profile = message.bot_profile.name if message.bot_profile else None
        name = message.username or profile or message.bot_id or NOBODY
        return Author(platform=PLATFORM, id=f"{team}:{message.bot_id or message.user or ''}", name=name)

    def _file(self, team: str, file: FilePayload) -> RemoteFile:
        url = file.url_private_download or file.url_private
        return RemoteFile(
            name=file.name or "",
            size=file.size,
            source={"url": url or "", "type": file.mimetype or "", "team": team},
            refused=refusal(file, url),
        )


def message_keys(envelope: Envelope) -> tuple[str, ...]:
    """Dedupe keys: the message (joins a mention's two events), the delivery, and the gesture in shared channels.

    What was read from a history has no delivery; the message's own key joins it with all its deliveries.
    """
    event = envelope.event
    team = envelope.tenant
    keys = [source_key(team, event.channel, event.ts)]
    if envelope.event_id:
        keys.insert(0, f"slack:event:{envelope.api_app_id}:{team}:{envelope.event_id}")
    if event.client_msg_id:
        keys.append(f"slack:gesture:{event.channel}:{event.client_msg_id}")
    return tuple(keys)


def source_key(team: str, channel: str, ts: str) -> str:
    """The key that every delivery of a message has, by which edits and deletions name it."""
    return f"slack:message:{team}:{channel}:{ts}"


def _hanging(attachment: AttachmentPayload) -> str:
    """What an attachment says."""
    if attachment.is_message:
        return f"{attachment.author_name or NOBODY}: {attachment.text or attachment.fallback or ''}"
    parts = (attachment.pretext, attachment.title, attachment.text)
    return "\n".join(part for part in parts if part) or attachment.fallback or ""


def slash_key(slash: SlashPayload) -> str:
    """Key of the conversation that a slash command opens."""
    return apart_key(slash.tenant, slash.channel_id, slash.trigger_id)


def click_team(click: ClickPayload, identity: Identity) -> str:
    """The workspace of the person who pressed a button, as in the ids of message authors."""
    return click.user.team_id or (click.team.id if click.team else identity.team_id)


def refusal(file: FilePayload, url: str | None) -> str | None:
    """Why a file cannot be had, as a sentence, when its description already tells."""
    if file.mode == "tombstone":
        return "It was deleted in Slack."
    if file.is_external or file.mode == "external":
        return "It is kept outside of Slack, where I may not fetch it. Please upload the file itself."
    if file.file_access == "check_file_info":
        return "It belongs to another organisation in a shared channel, and Slack does not hand it out to me."
    if not url:
        return "Slack does not hand it out."
    return None
