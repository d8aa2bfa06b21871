"""The whole house over real sockets: both stand-in platforms, a scripted model, and the bot as a process of its own."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bot.playground.child import BotChild
from bot.playground.discord import DiscordRules, DiscordStandIn
from bot.playground.slack import SlackRules, SlackStandIn
from bot.playground.view import MessageView, PlatformName, PlatformView
from tests.support.ended import goes_on
from tests.support.model_server import ScriptedModel

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds until a state that was waited for counts as never reached; generous, because machines are slow at times."""

T = TypeVar("T")


@dataclass
class House:
    """Everything that a conversation needs."""

    slack: SlackStandIn
    discord: DiscordStandIn
    model: ScriptedModel | None
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """What an operator would set."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        model = (
            {"MODEL_PROVIDER": "offline", "OFFLINE_PACE": "0"}
            if self.model is None
            else {
                "OPENAI_BASE_URL": self.model.base_url,
                "OPENAI_API_KEY": "sk-test-0000000000",
                "OPENAI_MODEL": "gpt-5.4",
            }
        )
        return {
            **inherited,
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": f"sqlite:///{self.folder / 'parley.db'}",
            "DATA_DIR": str(self.folder),
            "TOOLS_DIR": str(ROOT / "tools"),
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "DISCORD_API_URL": self.discord.api_url,
            "DISCORD_GATEWAY_URL": self.discord.gateway_url,
            "DISCORD_TOKEN": self.discord.token,
            "DISCORD_USER_INSTALLS": "true",
            "LOG_FORMAT": "text",
            **model,
            **self.settings,
        }

    def child(self) -> BotChild:
        """The bot, not started yet."""
        return BotChild((sys.executable, "-m", "bot", "run"), self.environment(), cwd=self.folder)

    def stage(self, platform: PlatformName) -> SlackStandIn | DiscordStandIn:
        """One of the two platforms."""
        return self.slack if platform == "slack" else self.discord

    def channel(self, platform: PlatformName, name: str = "general") -> str:
        """Id of a channel by its name."""
        return next(channel.id for channel in self.stage(platform).view().channels if channel.name.lstrip("#") == name)

    def answers(self, platform: PlatformName) -> list[MessageView]:
        """What the bot wrote, in the order of time, but what only one person sees."""
        messages = self.stage(platform).view().messages
        public = [message for message in messages if message.author == "bot" and message.only_for is None]
        return sorted(public, key=lambda message: message.at)

    async def until(
        self, platform: PlatformName, predicate: Callable[[PlatformView], T], seconds: float = PATIENCE
    ) -> T:
        """Wait for something to be seen on a platform."""
        stage = self.stage(platform)
        return await stage.wait_for(lambda: predicate(stage.view()), seconds)

    async def answer(self, platform: PlatformName, words: str, seconds: float = PATIENCE) -> MessageView:
        """Wait for a finished answer of the bot that contains these words: no button that stops it any more."""

        def found(_view: PlatformView) -> MessageView | None:
            return next(
                (
                    message
                    for message in self.answers(platform)
                    if words in message.html and not goes_on(message) and message.state == "sent"
                ),
                None,
            )

        message = await self.until(platform, found, seconds)
        assert message is not None
        return message


@asynccontextmanager
async def built(
    folder: Path,
    model: ScriptedModel | None = None,
    settings: Mapping[str, str] | None = None,
    *,
    slack_rules: SlackRules | None = None,
    discord_rules: DiscordRules | None = None,
) -> AsyncIterator[House]:
    """Both platforms, and the model if one is given; the bot is not started."""
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(SlackStandIn(rules=slack_rules))
        discord = await stack.enter_async_context(DiscordStandIn(rules=discord_rules))
        if model is not None:
            await stack.enter_async_context(model)
        yield House(slack, discord, model, folder, dict(settings or {}))


@asynccontextmanager
async def inhabited(
    folder: Path, model: ScriptedModel | None = None, settings: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[House, BotChild]]:
    """The house with the bot running and connected to both platforms."""
    async with built(folder, model, settings) as house, house.child() as bot:
        await bot.start()
        state = await bot.wait_for("running", "stopped")
        assert state == "running", "\n".join(bot.view().last_lines)
        await house.until("discord", lambda view: view.commands)
        yield house, bot
