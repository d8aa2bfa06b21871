"""The REST API: a module for each group of endpoints, from a parsed request to a reply."""

from bot.playground.discord.commands import Commands
from bot.playground.discord.endpoints import Endpoint
from bot.playground.discord.interactions import Interactions
from bot.playground.discord.posting import Posting
from bot.playground.discord.rest.account import Account
from bot.playground.discord.rest.answers import Answers
from bot.playground.discord.rest.channels import Channels
from bot.playground.discord.rest.messages import Messages
from bot.playground.discord.rest.threads import Threads
from bot.playground.discord.scene import Scene


def all_endpoints(scene: Scene, posting: Posting, commands: Commands, interactions: Interactions) -> list[Endpoint]:
    """Everything that a bot can ask."""
    return [
        *Account(scene, commands).endpoints(),
        *Channels(scene).endpoints(),
        *Messages(scene, posting).endpoints(),
        *Threads(scene).endpoints(),
        *Answers(scene, posting, interactions).endpoints(),
    ]
