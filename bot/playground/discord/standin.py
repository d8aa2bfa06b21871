"""The stand-in Discord server: REST v10, gateway, interactions and files for an unmodified client library."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self, TypeVar

from aiohttp import web

from bot.playground.discord.calls import Call, CallLog
from bot.playground.discord.clock import Clock
from bot.playground.discord.commands import Commands
from bot.playground.discord.deeds import Deeds
from bot.playground.discord.door import API_PREFIX, Door
from bot.playground.discord.faults import Faults
from bot.playground.discord.gateway import Gateway
from bot.playground.discord.interactions import Interactions
from bot.playground.discord.people import People
from bot.playground.discord.posting import Posting
from bot.playground.discord.rest import all_endpoints
from bot.playground.discord.rules import DiscordRules
from bot.playground.discord.scene import Ping, Preview, Scene
from bot.playground.discord.using import Using
from bot.playground.discord.wire import JsonObject
from bot.playground.discord.world import GROUP, TEXT, Channel, World
from bot.playground.loopback import LoopbackHosts
from bot.playground.view import Change, NotPossible, PlatformName, PlatformView, Upload

T = TypeVar("T")
_MAX_JSON = 1024 * 1024


class DiscordStandIn:
    """A Discord server of one's own on loopback; an async context manager and a `Stage`.

    Args:
        port: Where to listen; 0 takes a free port.
        rules: Limits and times.
        seed: Makes the random parts of token and keys the same every time; ids always follow the clock.
    """

    platform: PlatformName = "discord"

    def __init__(self, port: int = 0, rules: DiscordRules | None = None, seed: int | None = None) -> None:
        """Prepare the world; nothing listens yet."""
        self.rules = rules or DiscordRules()
        self._port = port
        self._scene = Scene(self.rules, seed)
        self._posting = Posting(self._scene)
        self._commands = Commands(self._scene)
        self._interactions = Interactions(self._scene, self._posting)
        self.deeds = Deeds(self._scene, self._posting)
        """What people do with messages and threads that are there, beside `amend` and `retract`."""
        self._people = People(self._scene, self._posting)
        self._using = Using(self._scene, self._commands, self._interactions)
        self._log = CallLog()
        self._door = Door(self._scene, self._log)
        self._runner: web.AppRunner | None = None
        self._stirred: set[asyncio.Event] = set()
        self.watch(lambda _: self._stir())
        self.observe(lambda _: self._stir())

    # --- life ---

    async def __aenter__(self) -> Self:
        """Listen."""
        hosts = LoopbackHosts()
        application = web.Application(middlewares=[hosts.middleware], client_max_size=_MAX_JSON)
        for endpoint in all_endpoints(self._scene, self._posting, self._commands, self._interactions):
            path = API_PREFIX + endpoint.template
            application.router.add_route(endpoint.method, path, self._door.handler(endpoint))
        application.router.add_get("/gateway", self._scene.gateway.serve)
        application.router.add_get("/gateway/", self._scene.gateway.serve)
        application.router.add_get("/attachments/{channel_id}/{attachment_id}/{filename}", self._door.file)
        application.router.add_route("*", "/{anything:.*}", self._door.unknown)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = _port_of(self._runner)
        hosts.listen_on(self._port)
        self._scene.cdn.base = f"http://127.0.0.1:{self._port}"
        self._scene.greeting.gateway_url = self.gateway_url
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything."""
        self._scene.gateway.shut()
        self._scene.showing.shut()
        if self._runner:
            await self._runner.cleanup()

    # --- where and what ---

    @property
    def api_url(self) -> str:
        """For `DISCORD_API_URL`."""
        return f"http://127.0.0.1:{self._port}{API_PREFIX}"

    @property
    def gateway_url(self) -> str:
        """For `DISCORD_GATEWAY_URL`."""
        return f"ws://127.0.0.1:{self._port}/gateway"

    @property
    def token(self) -> str:
        """The only bot token that is accepted."""
        return self._scene.token

    @property
    def application_id(self) -> str:
        """The application's id, which is also the bot's."""
        return self._scene.world.bot.id

    @property
    def guild_id(self) -> str:
        """The server's id."""
        return self._scene.world.guild_id

    @property
    def world(self) -> World:
        """The state behind everything, for assertions."""
        return self._scene.world

    @property
    def clock(self) -> Clock:
        """The server's time; `clock.advance(seconds)` lets it pass."""
        return self._scene.clock

    @property
    def faults(self) -> Faults:
        """Trouble on demand: `faults.add(route, kind, count)`."""
        return self._scene.faults

    @property
    def gateway(self) -> Gateway:
        """Sessions, and further trouble with them: op 7, op 9, close codes, silent heartbeats."""
        return self._scene.gateway

    @property
    def calls(self) -> list[Call]:
        """Every request with its time and answer."""
        return self._log.calls

    @property
    def pings(self) -> list[Ping]:
        """Who was notified by messages of the bot."""
        return self._scene.pings

    @property
    def embeds(self) -> list[Preview]:
        """Links in messages of the bot for which a preview would have been fetched and shown."""
        return self._scene.previews

    @property
    def invalid_requests(self) -> int:
        """Answers that count towards a ban."""
        return self._log.invalid_requests

    def observe(self, observer: Callable[[Call], None]) -> Callable[[], None]:
        """Call back after every request. Returns the function that ends it."""
        return self._log.observe(observer)

    def channel_id(self, name: str) -> str:
        """The id of `general` or `support`."""
        return self._scene.world.channel_named(name).id

    def dm_id(self, person: str) -> str:
        """The id of somebody's direct message with the bot."""
        return self._scene.world.dm_with(self._scene.world.people[person]).id

    def user_id(self, person: str) -> str:
        """Somebody's account id."""
        return self._scene.world.people[person].id

    def found_group(self, *people: str) -> str:
        """A group of people without the bot, who have installed it for themselves. Returns the channel's id."""
        world = self._scene.world
        members = tuple(world.people[person] for person in people)
        name = ", ".join(member.name for member in members)
        world.add(group := Channel(world.ids.new(), GROUP, name, people=members))
        return group.id

    def found_server(self) -> str:
        """Another server, whose people have installed the bot for themselves only. Returns its one channel's id."""
        world = self._scene.world
        world.add(channel := Channel(world.ids.new(), TEXT, "elsewhere", server=world.ids.new()))
        return channel.id

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 10.0) -> T:
        """Wait until the predicate gives something truthy, and return that.

        It is tried at once, after every change of what is seen, and after every request.

        Raises:
            TimeoutError: it stayed false for `timeout` seconds.
        """
        stirred = asyncio.Event()
        self._stirred.add(stirred)
        try:
            async with asyncio.timeout(timeout):
                while not (result := predicate()):
                    await stirred.wait()
                    stirred.clear()
                return result
        finally:
            self._stirred.discard(stirred)

    def _stir(self) -> None:
        for event in self._stirred:
            event.set()

    # --- the stage ---

    def view(self) -> PlatformView:
        """Everything there is to see."""
        return self._scene.showing.view()

    def watch(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call back on every change. Returns the function that ends it."""
        return self._scene.showing.watch(callback)

    async def speak(
        self,
        person: str,
        channel: str,
        text: str,
        *,
        thread: str | None = None,
        files: tuple[Upload, ...] = (),
        reply_to: str | None = None,
        notify: bool = True,
    ) -> str:
        """A person sends a message and gets its id; threads are channels here, so `thread` says where instead.

        A reply mentions the author of what it replies to, as Discord's client does unless `notify` is switched off.

        Raises:
            NotPossible: with the reason.
        """
        return self._people.speak(person, thread or channel, text, files, reply_to, notify=notify).id

    async def command(
        self, person: str, channel: str, name: str, options: dict[str, str], files: tuple[Upload, ...] = ()
    ) -> str:
        """A person uses a slash command. Returns the first answer's text when only they see it, else nothing.

        Raises:
            NotPossible: there is no such command or option, or the application did not respond in time.
        """
        return await self._using.command(person, channel, name, options, files)

    async def press(self, person: str, channel: str, message: str, button: str) -> None:
        """A person presses a button.

        Raises:
            NotPossible: it is not there, or the application did not respond in time.
        """
        await self._using.press(person, channel, message, button)

    async def react(self, person: str, channel: str, message: str, emoji: str) -> None:
        """A person reacts to a message."""
        self.deeds.react(person, channel, message, emoji)

    async def choose(self, person: str, channel: str, message: str, menu: str) -> str:
        """A person takes an entry of a message's menu. Returns the first answer's text when only they see it.

        Raises:
            NotPossible: there is no such message or entry, or the application did not respond in time.
        """
        return await self._using.choose(person, channel, message, menu)

    async def submit(self, person: str, form: str, values: dict[str, str]) -> None:
        """A person fills in a form that was opened for them.

        Raises:
            NotPossible: there is none, its fields do not allow that, or the application did not respond in time.
        """
        await self._using.submit(person, form, values)

    async def complete(self, person: str, channel: str, command: str, option: str, typed: str) -> tuple[str, ...]:
        """The values that the app suggests for an option while a person types.

        Raises:
            NotPossible: nothing is suggested there, or the application did not respond in time.
        """
        return await self._using.complete(person, channel, command, option, typed)

    async def amend(self, person: str, channel: str, message: str, text: str) -> None:
        """A person changes a message of theirs.

        Raises:
            NotPossible: it is somebody else's, gone, or its thread is closed; or the text is none.
        """
        self.deeds.amend(person, channel, message, text)

    async def retract(self, person: str, channel: str, message: str) -> None:
        """A person takes back a message of theirs; an administrator deletes any in the server.

        Raises:
            NotPossible: it is gone, or not theirs to delete.
        """
        self.deeds.retract(person, channel, message)

    async def visit(self, person: str, place: Literal["messages", "home"]) -> None:
        """A person opens a page of the bot."""
        raise NotPossible("There is no such page.")

    def file(self, file_id: str) -> tuple[str, str, bytes] | None:
        """A file's name, media type and content."""
        attachment = self._scene.world.attachments.get(file_id)
        return (attachment.filename, attachment.media_type, attachment.content) if attachment else None

    def limit_rate(self, seconds: float) -> None:
        """Answer 429 to everything that writes for so long."""
        self._door.buckets.close_for(seconds)

    def drop_connection(self) -> None:
        """Cut the bot's socket without a goodbye; its session can be resumed."""
        self._scene.gateway.cut()

    def remove_bot(self) -> None:
        """An administrator removes the bot from the server."""
        self.world.bot_is_member = False
        payload: JsonObject = {"id": self.guild_id}
        self._scene.gateway.dispatch("GUILD_DELETE", payload)

    def deny(self, channel: str, code: int | None) -> None:
        """Let the bot's requests for a channel fail with 50001 or 50013; None allows them again."""
        self._scene.world.channels[channel].denied = code


def _port_of(runner: web.AppRunner) -> int:
    address = runner.addresses[0]
    return int(address[1])
