"""The smallest bot there is: connects the real SDKs to whatever the environment names, and notes what it was given."""

import asyncio
import json
import os
from pathlib import Path

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient


async def main() -> None:
    database = Path(os.environ["DATABASE_URL"].removeprefix("sqlite:///"))
    Route.BASE = os.environ["DISCORD_API_URL"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY_URL"])
    web = AsyncWebClient(os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
    slack = SocketModeClient(os.environ["SLACK_APP_TOKEN"], web_client=web)
    await slack.connect()
    client = discord.Client(intents=discord.Intents(guilds=True))

    @client.event
    async def on_ready() -> None:
        guild = client.guilds[0]
        noted = {"pid": os.getpid(), "guild": guild is not None, "names": sorted(os.environ)}
        database.with_name("noted.json").write_text(json.dumps(noted))
        print("ready slack discord", flush=True)

    await client.start(os.environ["DISCORD_TOKEN"])


asyncio.run(main())
