"""What a bot is told when its session begins."""

import random

from bot.playground.discord.payloads import Payloads
from bot.playground.discord.people_payloads import application_flags, member_payload, own_user_payload, user_payload
from bot.playground.discord.rules import DiscordRules
from bot.playground.discord.sessions import Shard
from bot.playground.discord.wire import JsonObject
from bot.playground.discord.world import World


class Greeting:
    """READY, GUILD_CREATE and the list of members."""

    def __init__(self, world: World, rules: DiscordRules, payloads: Payloads, token: str, dice: random.Random) -> None:
        """Know the only token that is accepted."""
        self._world = world
        self._rules = rules
        self._payloads = payloads
        self._dice = dice
        self.token = token
        self.gateway_url = ""
        """Where RESUME goes; set when the server listens."""

    @property
    def bot_id(self) -> str:
        """The bot's account."""
        return self._world.bot.id

    @property
    def guild_id(self) -> str:
        """The server."""
        return self._world.guild_id

    def new_session_id(self) -> str:
        """A fresh session id."""
        return f"{self._dice.getrandbits(128):032x}"

    def guild(self) -> JsonObject:
        """The whole server."""
        return self._payloads.guild()

    def ready(self, session_id: str, shard: Shard) -> JsonObject:
        """The first event of a session; the server is still unavailable in it."""
        servers = [{"id": self._world.guild_id, "unavailable": True}] if shard.holds(self._world.guild_id) else []
        return {
            "v": 10,
            "user": own_user_payload(self._world.bot),
            "guilds": servers,
            "session_id": session_id,
            "session_type": "normal",
            "resume_gateway_url": self.gateway_url,
            "application": {"id": self._world.bot.id, "flags": application_flags(self._rules)},
            "private_channels": [],
            "presences": [],
            "relationships": [],
            "guild_join_requests": [],
            "geo_ordered_rtc_regions": [],
            "user_settings": {},
            "_trace": [],
            "shard": [shard.index, shard.count],
        }

    def members_chunk(self, nonce: object) -> JsonObject:
        """All members in one piece."""
        members = [member_payload(self._world, user) | {"user": user_payload(user)} for user in self._world.users]
        chunk: JsonObject = {
            "guild_id": self._world.guild_id,
            "members": members,
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [],
        }
        return chunk if nonce is None else chunk | {"nonce": nonce}
