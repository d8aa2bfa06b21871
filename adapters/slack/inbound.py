"""Slack's payloads in the relay's words."""

from adapters.slack.mrkdwn import mentioned, to_markdown, without_mention
from adapters.slack.payloads import ClickPayload, Envelope, FilePayload, MessagePayload, SlashPayload
from adapters.slack.places import LEAD_LENGTH, NO_THREAD, PLATFORM, Place, channel_key, conversation_key, scope_of
from adapters.slack.replies import Identity
from adapters.slack.users import Users
from bot.domain.deliveries import Event, RemoteFile
from bot.domain.messages import Author
from bot.domain.names import person_name
from bot.relay.contract import Inbound

SUBTYPES = frozenset({None, "file_share", "thread_broadcast"})
"""Kinds of `message` events that are something a person said. Edits, deletions, joins and the rest are not."""
SLACKBOT = "USLACKBOT"


class Reader:
    """Turns events into `Inbound`, with names looked up and our own mention taken out."""

    def __init__(self, identity: Identity, users: Users) -> None:
        self._identity = identity
        self._users = users

    def concerns(self, event: MessagePayload) -> bool:
        """Whether this may be for us: said by a person, and addressed to us or said in a thread.

        What is said at a channel's top level without a mention never is, whoever takes part in the conversation.
        """
        if event.hidden or event.subtype not in SUBTYPES or event.bot_id is not None:
            return False
        if event.user in (None, self._identity.user_id, SLACKBOT):
            return False
        return self.addressed(event) or event.thread_ts is not None

    def addressed(self, event: MessagePayload) -> bool:
        """Mention (in either of the two events that report it) or direct message."""
        return event.type == "app_mention" or event.channel_type == "im" or self.mentions_us(event)

    def mentions_us(self, event: MessagePayload) -> bool:
        """Whether our mention is in the text."""
        return self._identity.user_id in mentioned(event.text or "")

    async def message(self, envelope: Envelope) -> Inbound:
        """A message that concerns us."""
        event = envelope.event
        team, user = envelope.tenant, event.user or ""
        place = Place(team=team, channel=event.channel, thread=event.root, asked=event.ts)
        home = event.user_team or event.team or team
        return Inbound(
            addressed=self.addressed(event),
            event=Event(
                keys=message_keys(envelope),
                source=source_key(team, event.channel, event.ts),
                conversation=conversation_key(team, event.channel, event.root),
                address=place.address(),
                author=await self.author(home, user),
                text=await self._text(event.text or ""),
                files=tuple(self._file(team, file) for file in event.files),
                scope=scope_of(team),
                channel=channel_key(team, event.channel),
            ),
        )

    async def question(self, slash: SlashPayload) -> Inbound:
        """A slash command's question. It opens a conversation of its own, which the posted answer then carries."""
        team = slash.tenant
        text = await self._text(slash.text)
        author = await self.author(slash.team_id, slash.user_id, slash.user_name)
        place = Place(
            team=team,
            channel=slash.channel_id,
            lead=" ".join(f"{person_name(author.name)} asked: {text}".split())[:LEAD_LENGTH],
            response_url=slash.response_url,
        )
        event = Event(
            keys=(f"slack:trigger:{team}:{slash.trigger_id}",),
            conversation=slash_key(slash),
            address=place.address(),
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
        """Whether the person may act on other people's answers: owners and administrators of the workspace."""
        return (await self._users.get(user_id)).administrator

    async def _text(self, text: str) -> str:
        own = self._identity
        text = without_mention(text, own.user_id)
        others = [user for user in mentioned(text) if user != own.user_id]
        return to_markdown(text, {**await self._users.names(others), own.user_id: own.user})

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


def slash_key(slash: SlashPayload) -> str:
    """Key of the conversation that a slash command opens."""
    return f"{channel_key(slash.tenant, slash.channel_id)}{NO_THREAD}{slash.trigger_id}"


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
