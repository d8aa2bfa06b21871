"""Looking at the set-up at Discord: what is missing, where the switch is, and what it costs that it is off."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

import discord
from discord.http import Route
from pydantic import Field, TypeAdapter, ValidationError

from adapters.discord.errors import refused, translated
from adapters.discord.menus import ASK, ASK_PRIVATELY, SUMMARISE
from adapters.discord.settings import DiscordConfig
from bot.domain.record import Record
from bot.errors import PlatformError, Unauthorised
from bot.relay.contract import COMMANDS, Finding

PORTAL = "https://discord.com/developers/applications"
OUR_COMMANDS = frozenset({"ask", *COMMANDS, ASK, ASK_PRIVATELY, SUMMARISE})
NEEDED = {
    "view_channel": "View Channels",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "create_public_threads": "Create Public Threads",
    "read_message_history": "Read Message History",
    "attach_files": "Attach Files",
    "embed_links": "Embed Links",
    "add_reactions": "Add Reactions",
}
"""Permissions by the library's names, as Discord's pages call them."""
_VITAL = frozenset({"view_channel", "send_messages"})
"""Without these it does not work at all."""
_CONTENT = 1 << 18 | 1 << 19
"""Application flags: the message-content intent is granted, or switched on for few servers."""
_FEW_SESSIONS = 20
_MOST_SERVERS = 200
_T = TypeVar("_T")


class Application(Record, extra="ignore"):
    """What `GET /applications/@me` says."""

    id: int
    name: str = ""
    flags: int = 0
    bot_public: bool = True
    bot_require_code_grant: bool = False
    interactions_endpoint_url: str | None = None
    integration_types_config: dict[str, object] | None = None


class Command(Record, extra="ignore"):
    """A registered command."""

    name: str


class Server(Record, extra="ignore"):
    """A server of ours, from `GET /users/@me/guilds`; permissions as roles give them, without those of channels."""

    id: int
    name: str = ""
    permissions: int = 0


class Starts(Record, extra="ignore"):
    """How many sessions may still be begun today."""

    remaining: int = 1_000
    total: int = 1_000


class Gateway(Record, extra="ignore"):
    """What `GET /gateway/bot` says."""

    session_start_limit: Starts = Field(default_factory=Starts)


class CheckUp:
    """One examination. Nothing is changed at Discord."""

    def __init__(self, client: Callable[[], Awaitable[discord.Client]], config: DiscordConfig) -> None:
        """Ask through `client`."""
        self._client = client
        self._config = config

    async def findings(self) -> tuple[Finding, ...]:
        """Everything that was looked at. What Discord does not answer is a finding as well."""
        found: list[Finding] = []
        try:
            async for finding in self._examined():
                found.append(finding)  # noqa: PERF401 - what was found before an error counts
        except Unauthorised:
            return (_bad("token", "Discord does not accept it.", str(refused())),)
        except (PlatformError, ValidationError) as error:
            detail = str(error) if isinstance(error, PlatformError) else "The answer makes no sense."
            found.append(_bad("reachable", detail, "Check the network, and DISCORD_API_URL if it is set."))
        return tuple(found)

    async def _examined(self) -> AsyncGenerator[Finding]:
        application = await self._ask("/applications/@me", Application)
        yield _good("token", f"It is {application.name}, application {application.id}.")
        page = f"{PORTAL}/{application.id}"
        yield self._content(application, page)
        yield _endpoint(application, page)
        yield _install(application, page)
        servers = await self._ask(f"/users/@me/guilds?limit={_MOST_SERVERS}", list[Server])
        yield await self._commands(application)
        for finding in self._servers(application, servers):
            yield finding
        for server in servers:
            yield _permissions(application, server)
        yield _sessions(await self._ask("/gateway/bot", Gateway))

    async def _ask(self, path: str, what: type[_T]) -> _T:
        client = await self._client()
        with translated():
            said: object = await client.http.request(Route("GET", path))
        return TypeAdapter(what).validate_python(said)

    def _content(self, application: Application, page: str) -> Finding:
        what, granted = "message content", bool(application.flags & _CONTENT)
        if granted or not self._config.message_content:
            return _good(what, "Granted." if granted else "Switched off by DISCORD_MESSAGE_CONTENT=false.")
        return _warning(
            what,
            "Follow-ups in threads are not heard without a mention.",
            f"{page}/bot, Privileged Gateway Intents: switch Message Content Intent on. Or set "
            "DISCORD_MESSAGE_CONTENT=false.",
        )

    async def _commands(self, application: Application) -> Finding:
        where = f"/guilds/{self._config.guild_id}" if self._config.guild_id else ""
        what = "commands"
        try:
            registered = await self._ask(f"/applications/{application.id}{where}/commands", list[Command])
        except PlatformError as error:
            if isinstance(error, Unauthorised):
                raise
            scope = "Invite the bot again, with the scope applications.commands"
            return _bad(what, str(error), f"{scope}: {_invite(application)}")
        names = {command.name for command in registered}
        if missing := sorted(OUR_COMMANDS - names):
            detail = f"Not registered: {', '.join(missing)}."
            return _warning(what, detail, "Start the bot: python -m bot run registers them when it is connected.")
        if foreign := sorted(names - OUR_COMMANDS):
            detail = f"Nobody answers to: {', '.join(foreign)}."
            return _warning(what, detail, "They go when the commands change the next time, or remove them by hand.")
        return _good(what, f"{len(names)} are registered{' in DISCORD_GUILD_ID' if where else ''}.")

    def _servers(self, application: Application, servers: list[Server]) -> list[Finding]:
        found: list[Finding] = []
        if not servers:
            found.append(_warning("servers", "The bot is in none.", f"Invite it: {_invite(application)}"))
        wanted = self._config.guild_id
        if wanted and wanted not in {server.id for server in servers}:
            found.append(
                _bad(
                    "DISCORD_GUILD_ID",
                    f"The bot is not in a server {wanted}, so its commands cannot be registered there.",
                    "Set it to a server of the bot (Developer Mode, right click on the server, Copy Server ID), or "
                    "leave it empty to register everywhere.",
                )
            )
        return found


def _endpoint(application: Application, page: str) -> Finding:
    what = "interactions endpoint"
    if not application.interactions_endpoint_url:
        return _good(what, "Commands and buttons come over the gateway.")
    return _bad(
        what,
        f"Commands and buttons go to {application.interactions_endpoint_url}, and not to this bot.",
        f"{page}/information, Interactions Endpoint URL: empty it and save.",
    )


def _install(application: Application, page: str) -> Finding:
    what = "installation"
    if application.bot_require_code_grant:
        return _bad(
            what, "Nobody can add the bot by its link.", f"{page}/bot, Requires OAuth2 Code Grant: switch it off."
        )
    kinds = application.integration_types_config
    if kinds is not None and "0" not in kinds:
        return _bad(
            what, "It cannot be added to servers.", f"{page}/installation, Installation Contexts: tick Guild Install."
        )
    who = "Anybody" if application.bot_public else "Only its owner"
    themselves = "" if kinds is None or "1" in kinds else "; people cannot install it for themselves"
    return _good(what, f"{who} can add it{themselves}: {_invite(application)}")


def _permissions(application: Application, server: Server) -> Finding:
    what = f"permissions in {server.name or server.id}"
    given = discord.Permissions(server.permissions)
    if given.administrator:
        return _good(what, "Administrator.")
    missing = [name for name in NEEDED if not getattr(given, name)]
    if not missing:
        return _good(what, "All that are needed. Single channels can still forbid something.")
    state, link = "bad" if _VITAL & set(missing) else "warning", _invite(application, server)
    return Finding(
        what=f"Discord: {what}",
        state=state,
        detail=f"Missing: {', '.join(NEEDED[name] for name in missing)}.",
        fix=f"Server Settings, Roles, the bot's role: switch them on, or invite it anew: {link}",
    )


def _sessions(gateway: Gateway) -> Finding:
    what, left = "sessions", gateway.session_start_limit
    detail = f"{left.remaining} of {left.total} may still be begun today."
    if left.remaining > _FEW_SESSIONS:
        return _good(what, detail)
    return _warning(what, detail, "Look in the log why it connects anew so often; Discord resets the token at none.")


def _invite(application: Application, server: Server | None = None) -> str:
    """The link that adds the bot with all that it needs."""
    permissions = discord.Permissions(**dict.fromkeys(NEEDED, True))
    guild = discord.Object(server.id) if server else discord.utils.MISSING
    return discord.utils.oauth_url(application.id, permissions=permissions, guild=guild)


def _good(what: str, detail: str) -> Finding:
    return Finding(what=f"Discord: {what}", state="good", detail=detail)


def _warning(what: str, detail: str, fix: str) -> Finding:
    return Finding(what=f"Discord: {what}", state="warning", detail=detail, fix=fix)


def _bad(what: str, detail: str, fix: str) -> Finding:
    return Finding(what=f"Discord: {what}", state="bad", detail=detail, fix=fix)
