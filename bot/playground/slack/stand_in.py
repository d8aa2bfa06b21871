"""The stand-in Slack server: a workspace on loopback that the unmodified slack-bolt and slack_sdk can be pointed at."""

import random
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Literal, Self, TypeVar

from aiohttp import web

from bot.playground.loopback import LoopbackHosts
from bot.playground.slack.acts import Disguise
from bot.playground.slack.changes import Changes
from bot.playground.slack.chores import Chores
from bot.playground.slack.consent import Consent
from bot.playground.slack.faults import Faults
from bot.playground.slack.file_server import FileServer
from bot.playground.slack.gate import Gate
from bot.playground.slack.installs import Installs
from bot.playground.slack.journal import Call, Journal, Notice, Ping, Sent, Unfurl
from bot.playground.slack.premises import Premises, elsewhere
from bot.playground.slack.records import FileMode, Message
from bot.playground.slack.request_url import RequestUrl
from bot.playground.slack.response_urls import ResponseUrls
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.show import STREAM_STOP, platform_view
from bot.playground.slack.socket_mode import DisconnectReason, SocketMode
from bot.playground.slack.webapi.door import WebApi
from bot.playground.slack.wire import JsonObject
from bot.playground.slack.world import Team, World
from bot.playground.view import Change, NotPossible, PlatformName, PlatformView, Upload

_LARGEST_BODY = 64 * 1024 * 1024

T = TypeVar("T")


class SlackStandIn:
    """A Slack workspace with one app, for tests and the playground; implements `Stage`.

    Use it as an async context manager, then point a client at `api_url` with `bot_token` and `app_token`.

    Args:
        port: Loopback port; 0 picks a free one.
        rules: Slack's limits and the app's manifest.
        seed: Makes ids, tokens and the order of twins repeatable.
    """

    platform: PlatformName = "slack"

    def __init__(self, port: int = 0, rules: SlackRules | None = None, seed: int | None = None) -> None:
        self.port = port
        self.rules = rules or SlackRules()
        chance = random.Random(seed)  # noqa: S311 - a stand-in's ids need no cryptography
        self.world = World(chance)
        self.bot_token = f"xoxb-playground-{self.world.token()}"
        self.app_token = f"xapp-1-playground-{self.world.token()}"
        self.signing_secret = random.Random(f"{seed or self.bot_token} signing").randbytes(16).hex()  # noqa: S311
        self.journal = Journal()
        self.faults = Faults()
        self.views: list[JsonObject] = []
        self._changes = Changes()
        self._chores = Chores()
        self._sockets = SocketMode(self.rules, self.world, chance, self.journal, self._changes)
        self.installs = Installs(self.rules, self.world, self.app_token)
        self.installs.install(self.world.team.id, None, self.bot_token)
        self._chance = chance
        self._home = self._premises_of(self.world, self._changes)
        self._all = [self._home]
        self._events, self._workspace, self._interactions = (
            self._home.events, self._home.workspace, self._home.interactions
        )  # fmt: skip
        self._desk, self._rates, self._acts, self._clicks = (
            self._home.desk, self._home.rates, self._home.acts, self._home.clicks
        )  # fmt: skip
        gate = Gate(self.faults, self.journal, self._changes)
        self._files = FileServer(self._all, self.installs, gate)
        self._consent = Consent(self.installs, gate)
        self._hosts = LoopbackHosts()
        self._runner = web.AppRunner(
            _application(self._hosts, WebApi(self._all, self.installs, gate), self._files,
                         ResponseUrls(lambda: [one.desk for one in self._all], gate), self._sockets, self._consent),
            access_log=None,
            shutdown_timeout=1.0,
        )  # fmt: skip

    def _premises_of(self, world: World, changes: Changes) -> Premises:
        return Premises(
            self.rules,
            world,
            self._chance,
            self.installs,
            self._sockets,
            self.journal,
            changes,
            self._chores,
            self.views,
        )

    async def __aenter__(self) -> Self:
        """Start to listen."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        self._hosts.listen_on(self.port)
        self.world.address = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection and end all background work."""
        try:
            await self._chores.close()
        finally:
            await self.unsubscribe()
            self._sockets.drop()
            await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        """What `base_url` of a client must be."""
        return f"{self.world.address}/api/"

    # --- Stage ----------------------------------------------------------------------------------------------------

    def view(self) -> PlatformView:
        """Everything there is to see."""
        return platform_view(self.world, self.rules, connected=self._sockets.connections > 0)

    def watch(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call back on every change. Returns the function that ends it."""
        return self._changes.watch(callback)

    async def speak(
        self, person: str, channel: str, text: str, *, thread: str | None = None, files: tuple[Upload, ...] = ()
    ) -> str:
        """A person sends a message; returns its ts.

        Args:
            person: Id on the page, e.g. `ada`.
            channel: Id, name, or `dm` for the person's direct messages with the bot.
            text: As typed: `@Parley`, `@Ada Moreno`, `#general` and addresses become what Slack makes of them.
            thread: Any message of the thread to answer in.
            files: Attachments.
        """
        return self._acts.speak(person, channel, text, thread, files)

    async def command(
        self, person: str, channel: str, name: str, options: dict[str, str], files: tuple[Upload, ...] = ()
    ) -> str:
        """A person uses a slash command; returns the text of the acknowledgement, often none."""
        if files:
            raise NotPossible("Slack's commands take no files.")
        return await self._clicks.command(person, channel, name, options.get("text", ""))

    async def press(self, person: str, channel: str, message: str, button: str) -> None:
        """A person presses a button, named by its `ButtonView.id`."""
        if button == STREAM_STOP.id:
            self.stop_session(person, channel, message)
            return
        await self._clicks.press(person, channel, message, button)

    async def choose(self, person: str, channel: str, message: str, menu: str) -> str:
        """A person takes an entry of a message's menu, named by its `MenuView.id`."""
        return await self._clicks.choose(person, channel, message, menu)

    async def submit(self, person: str, form: str, values: dict[str, str]) -> None:
        """A person fills in a form that `FormShown` told of; what is left out keeps its value."""
        await self._clicks.submit(person, form, values)

    async def complete(self, person: str, channel: str, command: str, option: str, typed: str) -> tuple[str, ...]:
        """What the app suggests for an option."""
        raise NotPossible("Nothing is suggested here.")

    async def amend(self, person: str, channel: str, message: str, text: str) -> None:
        """A person edits a message of theirs."""
        self._acts.edit(person, channel, message, text)

    async def retract(self, person: str, channel: str, message: str) -> None:
        """A person deletes a message of theirs; an administrator may delete any."""
        self._acts.delete(person, channel, message)

    async def visit(self, person: str, place: Literal["messages", "home"]) -> None:
        """A person opens the direct messages with the bot (`app_home_opened`), or its home page."""
        self._acts.visit(person, place)

    def file(self, file_id: str) -> tuple[str, str, bytes] | None:
        """A file's name, media type and content."""
        file = self.world.files.get(file_id)
        return (file.name, file.media_type, file.content) if file else None

    def limit_rate(self, seconds: float) -> None:
        """Answer 429 to everything that writes for so long."""
        for place in self._all:
            place.rates.close_for(seconds)

    def drop_connection(self) -> None:
        """Cut all of the bot's sockets without a goodbye."""
        self._sockets.drop()

    # --- more deeds of people -------------------------------------------------------------------------------------

    def edit(self, person: str, channel: str, ts: str, text: str) -> None:
        """A person edits their message."""
        self._acts.edit(person, channel, ts, text)

    def delete(self, person: str, channel: str, ts: str) -> None:
        """A person deletes their message."""
        self._acts.delete(person, channel, ts)

    def found(self, name: str, *, enterprise: str | None = None) -> Premises:
        """There is another workspace, with people and channels of its own, in which the app is not installed.

        Args:
            name: What people call it.
            enterprise: Id of the organisation that it belongs to, `E…`.
        """
        team = Team(len(self._all), name, name.lower().replace(" ", "-"), enterprise)
        world = World(self._chance, team)
        world.address = self.world.address
        self.installs.found(team)
        place = self._premises_of(world, elsewhere(self._changes))
        self._all.append(place)
        return place

    def uninstall(self, tenant: str) -> None:
        """Somebody removes the app from a workspace or an organisation; two events tell of it."""
        grant = self.installs.uninstall(tenant)
        place = next(one for one in self._all if one.world.team in grant.teams)
        place.events.uninstalled(grant)

    def react(self, person: str, channel: str, ts: str, name: str) -> None:
        """A person reacts with an emoji, by name."""
        self._acts.react(person, channel, ts, name)

    def forward(self, person: str, message: tuple[str, str], channel: str, text: str, thread: str | None = None) -> str:
        """A person forwards a message (channel and ts) with a comment; returns the new message's ts."""
        return self._acts.speak(person, channel, text, thread, (), message)

    def begin_thread(self, person: str) -> str:
        """A person opens a thread with the assistant in the old split pane (`assistant_thread_started`)."""
        return self._acts.begin_thread(person)

    def stop_session(self, person: str, channel: str, thread: str) -> None:
        """A person presses Slack's own Stop button (`agent_session_stopped`)."""
        self._acts.stop_session(person, channel, thread)

    def post_as_bot(self, channel: str, name: str, text: str, attachments: tuple[JsonObject, ...] = ()) -> str:
        """Another app of the workspace says something; returns its ts."""
        return self._acts.post_as_bot(channel, name, text, attachments)

    def preview(self, channel: str, ts: str, url: str) -> None:
        """Slack hangs the preview of a link on a message, which is no edit."""
        self._acts.preview(channel, ts, url)

    # --- trouble --------------------------------------------------------------------------------------------------

    def set_rules(self, rules: SlackRules) -> None:
        """Other rules from now on."""
        self.rules = rules
        self._sockets.rules = self.installs.rules = rules
        for place in self._all:
            place.set_rules(rules)

    async def subscribe(self, url: str) -> None:
        """Deliver everything to this request URL from now on, signed with `signing_secret`, instead of through sockets.

        Raises:
            NotPossible: the app did not answer the challenge.
        """
        await self.unsubscribe()
        request_url = RequestUrl(url, self.signing_secret, lambda: self.rules, self.journal, self._changes.wake)
        try:
            await request_url.verify()
        except NotPossible:
            await request_url.close()
            raise
        self._sockets.switch(request_url)

    async def unsubscribe(self) -> None:
        """Deliver through sockets again."""
        request_url = self._sockets.request_url
        if request_url is not None:
            self._sockets.switch(None)
            await request_url.close()

    @property
    def request_url(self) -> RequestUrl:
        """The request URL that was subscribed.

        Raises:
            NotPossible: there is none.
        """
        if self._sockets.request_url is None:
            raise NotPossible("This app uses Socket Mode.")
        return self._sockets.request_url

    async def disconnect(self, reason: DisconnectReason = "refresh_requested") -> None:
        """Send a `disconnect` frame on every connection."""
        await self._sockets.disconnect(reason)

    def refuse_handshakes(self, count: int) -> None:
        """Refuse the next WebSocket handshakes; their addresses are used up."""
        self._sockets.refusals = count

    def silence(self, on: bool = True) -> None:
        """Half-open connections: they stay, but nothing comes through them, pongs neither."""
        self._sockets.silent = on

    def duplicate_next_events(self, count: int) -> None:
        """Send each of the next events twice, with the same `event_id`."""
        self._events.duplicates = count

    def lose_next_events(self, count: int) -> None:
        """Never send the next events, as after a time without connection in which every redelivery failed.

        A mention makes two.
        """
        self._events.lost = count

    def withhold_shares(self, count: int) -> None:
        """The next uploads answer ok but never appear in the channel."""
        self._workspace.withheld_shares = count

    def disguise_next_file(self, mode: FileMode = "hosted", *, needs_info: bool = False) -> None:
        """The next file of a person is deleted (`tombstone`), `external`, or has its details only in `files.info`."""
        self._acts.disguises.append(Disguise(mode, needs_info))

    def remove_bot(self, channel: str) -> None:
        """Take the bot out of a channel."""
        left = self.world.channel(channel)
        if left is None:
            raise NotPossible(f"There is no channel {channel}.")
        members = tuple(member for member in left.members if member != self.world.team.bot_user)
        self.world.channels[left.id] = replace(left, members=members)

    def invite_bot(self, channel: str) -> None:
        """Somebody types `/invite @Parley` in a channel."""
        joined = self.world.channel(channel)
        if joined is None:
            raise NotPossible(f"There is no channel {channel}.")
        if (bot := self.world.team.bot_user) not in joined.members:
            self.world.channels[joined.id] = replace(joined, members=(*joined.members, bot))

    # --- what tests look at ---------------------------------------------------------------------------------------

    @property
    def calls(self) -> list[Call]:
        """Every HTTP request, in order."""
        return self.journal.calls

    @property
    def pings(self) -> list[Ping]:
        """Who would have been pinged by the bot."""
        return self.journal.pings

    @property
    def unfurls(self) -> list[Unfurl]:
        """Links of the bot that would have been fetched for a preview."""
        return self.journal.unfurls

    @property
    def notices(self) -> list[Notice]:
        """Every notification that people got of a bot message."""
        return self.journal.notices

    @property
    def sent(self) -> list[Sent]:
        """Every Socket Mode envelope."""
        return self.journal.sent

    @property
    def faults_seen(self) -> list[str]:
        """What a careful app would not have done."""
        return self.journal.faults_seen

    @property
    def connections(self) -> int:
        """How many Socket Mode connections there are."""
        return self._sockets.connections

    def messages(self, channel: str, *, thread: str | None = None) -> tuple[Message, ...]:
        """Messages by channel id or name, oldest first, ephemeral ones included; or one thread, root included."""
        place = self.world.channel(channel)
        if place is None:
            raise NotPossible(f"There is no channel {channel}.")
        found = self.world.messages(place.id)
        return found if thread is None else tuple(message for message in found if message.root == thread)

    def session(self, channel: str, thread: str) -> str:
        """The state of a session; empty when there is none."""
        place = self.world.channel(channel)
        session = self.world.sessions.get((place.id if place else channel, thread))
        return session.status if session else ""

    def seen_by(self, person: str, channel: str, ts: str) -> str:
        """The text of a message as a person sees it: a stream grows before its recipient only."""
        member = self._home.cast.member(person)
        return self._home.streams.seen_by(member.id, self._home.cast.message(person, channel, ts))

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 10.0) -> T:
        """Wait until the predicate gives something true; it is asked after every change, call and acknowledgement.

        Raises:
            TimeoutError: it did not within `timeout` seconds.
        """
        return await self._changes.wait_for(predicate, timeout)


def _application(
    hosts: LoopbackHosts, api: WebApi, files: FileServer, responses: ResponseUrls, sockets: SocketMode, consent: Consent
) -> web.Application:
    application = web.Application(middlewares=[hosts.middleware], client_max_size=_LARGEST_BODY)
    application.add_routes(
        [
            web.get("/oauth/v2/authorize", consent.show),
            web.post("/oauth/v2/authorize", consent.decide),
            web.post("/api/oauth.v2.access", consent.access),
            web.get("/api/{method}", api.handle),
            web.post("/api/{method}", api.handle),
            web.get("/link/", sockets.handle),
            web.post("/response/{key}", responses.handle),
            web.post("/upload/v1/{file}/{key}", files.upload),
            web.put("/upload/v1/{file}/{key}", files.upload),
            web.get("/files-pri/{team}-{file}/download/{name}", files.download),
            web.get("/files-pri/{team}-{file}/{name}", files.download),
        ]
    )
    return application
