"""The bot's account, application, gateway address and registered commands."""

from bot.playground.discord.commands import Commands
from bot.playground.discord.endpoints import Endpoint
from bot.playground.discord.people_payloads import application_payload, own_guild_payload, own_user_payload
from bot.playground.discord.refusals import refusal
from bot.playground.discord.scene import Scene
from bot.playground.discord.wire import Asked, Reply
from bot.playground.discord.world import GUILD_NAME

_COMMANDS = "/applications/{application_id}/commands"
_GUILD_COMMANDS = "/applications/{application_id}/guilds/{guild_id}/commands"


class Account:
    """What is about the bot itself."""

    def __init__(self, scene: Scene, commands: Commands) -> None:
        self._scene = scene
        self._commands = commands

    def endpoints(self) -> list[Endpoint]:
        """All of them."""
        return [
            Endpoint("GET", "/users/@me", self.me),
            Endpoint("GET", "/users/@me/guilds", self.guilds),
            Endpoint("GET", "/oauth2/applications/@me", self.application),
            Endpoint("GET", "/applications/@me", self.application),
            Endpoint("GET", "/gateway", self.gateway, public=True),
            Endpoint("GET", "/gateway/bot", self.gateway_bot),
            Endpoint("GET", _COMMANDS, self.list_commands),
            Endpoint("PUT", _COMMANDS, self.overwrite_commands),
            Endpoint("GET", _GUILD_COMMANDS, self.list_commands),
            Endpoint("PUT", _GUILD_COMMANDS, self.overwrite_commands),
        ]

    def me(self, _: Asked) -> Reply:
        """The bot's own account."""
        return Reply(200, own_user_payload(self._scene.world.bot))

    def guilds(self, _: Asked) -> Reply:
        """The servers that the bot is in."""
        world = self._scene.world
        return Reply(200, [own_guild_payload(world, GUILD_NAME)] if world.bot_is_member else [])

    def application(self, _: Asked) -> Reply:
        """The application."""
        return Reply(200, application_payload(self._scene.world, self._scene.rules))

    def gateway(self, _: Asked) -> Reply:
        """Where the gateway is."""
        return Reply(200, {"url": self._scene.greeting.gateway_url})

    def gateway_bot(self, _: Asked) -> Reply:
        """Where the gateway is and how many sessions may be begun."""
        scene = self._scene
        day_ago = scene.clock.now() - 86_400
        used = sum(moment > day_ago for moment in scene.gateway.identified_at)
        total = scene.rules.identifies_per_day
        limit = {
            "total": total,
            "remaining": max(total - used, 0),
            "reset_after": 86_400_000,
            "max_concurrency": scene.rules.max_concurrency,
        }
        about = {"url": scene.greeting.gateway_url, "shards": scene.rules.shards, "session_start_limit": limit}
        return Reply(200, about)

    def list_commands(self, asked: Asked) -> Reply:
        """The registered commands."""
        return Reply(200, self._commands.listed(self._command_place(asked)))

    def overwrite_commands(self, asked: Asked) -> Reply:
        """Replace the registered commands."""
        return Reply(200, self._commands.overwrite(self._command_place(asked), asked.body))

    def _command_place(self, asked: Asked) -> str | None:
        if asked.params["application_id"] != self._scene.world.bot.id:
            raise refusal(50001)
        guild_id = asked.params.get("guild_id")
        if guild_id not in {None, self._scene.world.guild_id}:
            raise refusal(50001)
        return guild_id
