"""`python -m bot demo`: both stand-in platforms, the page, and the bot as a child process."""

import asyncio
import signal
import tempfile
import webbrowser
from collections.abc import Coroutine, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path

import structlog

from bot.errors import OperatorError
from bot.playground.child import BotChild
from bot.playground.discord import DiscordStandIn
from bot.playground.page.server import PageServer
from bot.playground.slack import SlackRules, SlackStandIn
from bot.playground.view import Stage

log = structlog.get_logger()

START_LIMIT = 60.0
"""Seconds that the bot may take until it is connected to both; it takes about two."""

REDELIVERY = (0.0, 3.0, 10.0)
"""Seconds between deliveries of an event that nobody acknowledged: Slack's minutes are too long to watch."""

REAL_DEPLOYMENT_SETTINGS = (
    "SLACK_SIGNING_SECRET",
    "SLACK_CLIENT_ID",
    "SLACK_CLIENT_SECRET",
    "DATABASE_DIRECT_URL",
    "PORT",
)
"""Settings of a real deployment that make no sense beside the stand-ins; the child does not get them."""


async def run_demo(
    *,
    port: int,
    open_browser: bool,
    data_dir: Path | None,
    environment: Mapping[str, str],
    command: Sequence[str],
    model_label: str,
    model_hint: str,
) -> None:
    """Run the playground until Ctrl-C or SIGTERM.

    Prints one line, `ready http://127.0.0.1:PORT`, once the page is served and the bot is connected to both platforms.

    Args:
        port: of the page; 0 takes a free one.
        open_browser: whether to open the page when it is ready.
        data_dir: where the bot's database lives; None takes a temporary folder.
        environment: what the bot inherits; tokens, addresses and database are put on top.
        command: how the bot is started, e.g. `(sys.executable, "-m", "bot", "run")`.
        model_label: text of the model badge.
        model_hint: its tooltip: which setting connects a model.

    Raises:
        OperatorError: when the port is in use or does not exist, or the bot does not start.
    """
    async with AsyncExitStack() as stack:
        stopped = stack.enter_context(_stop_signals())
        slack = await stack.enter_async_context(SlackStandIn(port=0, rules=SlackRules(retry_delays=REDELIVERY)))
        discord = await stack.enter_async_context(DiscordStandIn(port=0))
        data = stack.enter_context(_folder(data_dir))
        bot = BotChild(command, _child_environment(environment, slack, discord, data))
        await stack.enter_async_context(bot)
        page = PageServer(slack, discord, bot, port=port, model_label=model_label, model_hint=model_hint)
        await stack.enter_async_context(page)
        await bot.start()
        if not await _first(stopped.wait(), _connected(bot, (slack, discord))):
            print(f"ready {page.url}", flush=True)  # noqa: T201 - the one line that scripts wait for
            if open_browser:
                await asyncio.to_thread(webbrowser.open, page.url)
            await stopped.wait()
        log.info("playground ends")


def _child_environment(
    environment: Mapping[str, str], slack: SlackStandIn, discord: DiscordStandIn, data: Path
) -> dict[str, str]:
    """What an operator would set, with the addresses and tokens of the stand-ins."""
    inherited = {name: value for name, value in environment.items() if name not in REAL_DEPLOYMENT_SETTINGS}
    return inherited | {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "DISCORD_API_URL": discord.api_url,
        "DISCORD_GATEWAY_URL": discord.gateway_url,
        "DISCORD_TOKEN": discord.token,
        "DATABASE_URL": f"sqlite:///{data / 'parley.db'}",
        "PYTHONUNBUFFERED": "1",
    }


async def _connected(bot: BotChild, stages: Sequence[Stage]) -> None:
    """Wait until the bot says that it is ready and both platforms see it.

    Raises:
        OperatorError: when it stops before that, or takes longer than `START_LIMIT`.
    """
    try:
        async with asyncio.timeout(START_LIMIT):
            if await bot.wait_for("running", "stopped") == "stopped":
                raise OperatorError("\n".join(("The bot does not start. Its last lines:", *bot.view().last_lines)))
            for stage in stages:
                await _bot_seen(stage)
    except TimeoutError as error:
        raise OperatorError(f"The bot did not connect within {START_LIMIT:.0f} seconds.") from error


async def _bot_seen(stage: Stage) -> None:
    changed = asyncio.Event()
    end = stage.watch(lambda _change: changed.set())
    try:
        while not stage.view().bot_connected:
            changed.clear()
            await changed.wait()
    finally:
        end()


async def _first(stop: Coroutine[None, None, object], work: Coroutine[None, None, object]) -> bool:
    """Run both until one ends; the other is cancelled. Returns whether it was `stop`; errors of `work` pass through."""
    stopping, working = asyncio.ensure_future(stop), asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        working.cancel()
    if stopping in done:
        return True
    working.result()
    return False


@contextmanager
def _folder(data_dir: Path | None) -> Generator[Path]:
    """The given folder, made if it is missing, or a temporary one that goes away with the demo."""
    if data_dir is None:
        with tempfile.TemporaryDirectory(prefix="parley-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary)
    else:
        data_dir.mkdir(parents=True, exist_ok=True)
        yield data_dir.resolve()


@contextmanager
def _stop_signals() -> Generator[asyncio.Event]:
    """An event that Ctrl-C and SIGTERM set. A second Ctrl-C does what Python does by itself."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        stopped.set()
        loop.remove_signal_handler(signal.SIGINT)

    with suppress(NotImplementedError):  # Windows: Ctrl-C cancels the main task instead
        for number in numbers:
            loop.add_signal_handler(number, stop)
    try:
        yield stopped
    finally:
        with suppress(NotImplementedError):  # Windows
            for number in numbers:
                loop.remove_signal_handler(number)
