"""`kill -9` at every recorded step and in mid-stream: one complete reply, no `once` tool begun twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest

from bot.playground.view import MessageView, PlatformName, PlatformView
from bot.store import migrate
from tests.crash.life import Moment, live
from tests.support.ended import goes_on
from tests.support.figures import tell
from tests.support.forked import fork_server
from tests.support.house import House, built
from tests.support.model_server import Call, Reply, ScriptedModel, SeenRequest

PIECES = [f"Sentence number {number} of the answer. " for number in range(8)]
LAST = "The answer ends here."
SKIP = "Skip it"
MOST_COMMITS = 60
"""More than one run has; reaching it means that the loop below does not end."""

TOOLS = '''
from pathlib import Path
from bot.toolbox import tool

LEDGER = Path(__file__).parent.parent / "ledger.txt"


@tool(effect="once")
def pay(amount: int) -> str:
    """Pay.

    Args:
        amount: How much.
    """
    with LEDGER.open("a") as ledger:
        ledger.write(f"{amount}\\n")
    return "paid"


@tool(effect="read")
def look(what: str) -> str:
    """Look.

    Args:
        what: At what.
    """
    return f"saw {what}"
'''


def obedient(request: SeenRequest) -> Reply:
    """First both tools, then the answer; the same after a restart."""
    if not request.tool_outputs:
        return Reply(calls=[Call("pay", {"amount": 7}, "c1"), Call("look", {"what": "it"}, "c2")])
    return Reply([*PIECES, LAST])


@pytest.fixture(scope="session")
def forks() -> ForkServerContext:
    """A server that forks ready-made bots."""
    return fork_server()


class Lives:
    """One conversation over several lives of the bot."""

    def __init__(self, house: House, forks: ForkServerContext) -> None:
        self.house = house
        self._forks = forks

    @asynccontextmanager
    async def life(self, moment: Moment = "before", number: int = 0) -> AsyncIterator[ForkServerProcess]:
        """Start the bot, to die at a commit; what is left of it is killed at the end."""
        process = self._forks.Process(
            target=live, args=(self.house.environment(), self.house.folder, moment, number), daemon=True
        )
        process.start()
        try:
            yield process
        finally:
            process.kill()
            await asyncio.to_thread(process.join)

    async def connected(self, platform: PlatformName) -> None:
        """Wait until the bot is there."""
        await self.house.until(platform, lambda view: view.bot_connected)

    async def been_here_before(self, platform: PlatformName) -> None:
        """One ordinary start and end: what was said before the very first start is nobody's loss."""
        async with self.life() as process:
            await self.connected(platform)
            await self.house.until("discord", lambda view: view.commands)
            process.terminate()
            await asyncio.to_thread(process.join)
        await self.house.until(platform, lambda view: not view.bot_connected)

    @property
    def payments(self) -> int:
        """How often the tool with the effect `once` was begun."""
        ledger = self.house.folder / "ledger.txt"
        return len(ledger.read_text().split()) if ledger.exists() else 0


@asynccontextmanager
async def lives(tmp_path: Path, forks: ForkServerContext, model: ScriptedModel) -> AsyncIterator[Lives]:
    tools = tmp_path / "tools"
    tools.mkdir(parents=True)
    (tools / "money.py").write_text(TOOLS)
    async with built(tmp_path, model, {"TOOLS_DIR": str(tools)}) as house:
        await migrate(house.environment()["DATABASE_URL"], tmp_path)  # so that the first commit counted is the run's
        yield Lives(house, forks)


async def outlived(process: ForkServerProcess, house: House, platform: PlatformName) -> bool:
    """Wait until the process is dead (False) or the answer is complete (True)."""
    died = asyncio.create_task(asyncio.to_thread(process.join))
    answered = asyncio.create_task(house.answer(platform, LAST))
    await asyncio.wait({died, answered}, return_when=asyncio.FIRST_COMPLETED)
    if answered.done():
        answered.result()
        process.kill()
        await died
        return True
    answered.cancel()
    return False


async def decided_and_answered(house: House, platform: PlatformName) -> None:
    """Wait for the answer; when it is asked what became of an interrupted payment, go on without knowing."""

    def shown(_view: PlatformView) -> MessageView | None:
        public = house.answers(platform)
        asks = [one for one in public if any(button.label == SKIP for button in one.buttons)]
        return next(iter(asks or [one for one in public if LAST in one.html and not goes_on(one)]), None)

    message = await house.until(platform, shown)
    assert message is not None
    for button in message.buttons:
        if button.label == SKIP:
            await house.stage(platform).press("ada", message.channel, message.id, button.id)
    await house.answer(platform, LAST)


async def assert_one_reply(subject: Lives, platform: PlatformName, case: str) -> None:
    (reply,) = subject.house.answers(platform)
    positions = [reply.html.find(f"Sentence number {number} of") for number in range(len(PIECES))]
    assert -1 not in positions, f"{case}: {reply.html}"
    assert positions == sorted(positions), case
    assert reply.html.count(LAST) == 1, case
    assert subject.payments <= 1, f"{case}: paid {subject.payments} times"


@pytest.mark.timeout(400)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("platform", ["slack", "discord"])
async def test_a_kill_at_any_commit_leaves_one_complete_reply(
    tmp_path: Path, forks: ForkServerContext, platform: PlatformName, moment: Moment
) -> None:
    killed = 0
    for number in range(1, MOST_COMMITS):
        model = ScriptedModel(obedient, strict=False)
        async with lives(tmp_path / str(number), forks, model) as subject:
            if number == 1:
                await subject.been_here_before(platform)
            async with subject.life(moment, number) as process:
                await subject.connected(platform)
                await subject.house.stage(platform).speak(
                    "ada", subject.house.channel(platform), "@Parley please pay and look"
                )
                survived = await outlived(process, subject.house, platform)
            if not survived:
                killed += 1
                async with subject.life():
                    await decided_and_answered(subject.house, platform)
            await assert_one_reply(subject, platform, f"killed {moment} commit {number}")
        if survived:
            break
    else:
        pytest.fail("the run never ended")
    tell(f"{platform}: killed {moment} each of {killed} commits, one complete reply every time")
    assert killed >= 10, "there are at least ten recorded steps in this run"


@pytest.mark.parametrize("platform", ["slack", "discord"])
async def test_a_kill_in_mid_stream_is_finished_in_the_message_already_posted(
    tmp_path: Path, forks: ForkServerContext, platform: PlatformName
) -> None:
    hold = asyncio.Event()
    model = ScriptedModel(lambda _request: Reply([*PIECES, LAST], hold=hold, hold_after=4), strict=False)
    async with lives(tmp_path, forks, model) as subject:
        house = subject.house
        async with subject.life():
            await subject.connected(platform)
            await house.stage(platform).speak("ada", house.channel(platform), "@Parley tell me")
            begun = await house.until(
                platform,
                lambda _view: next((m for m in house.answers(platform) if "Sentence number 3 of" in m.html), None),
            )
            assert begun is not None
        hold.set()
        async with subject.life():
            finished = await house.answer(platform, LAST)
        assert finished.id == begun.id
        await assert_one_reply(subject, platform, "killed in mid-stream")


async def test_a_slash_command_that_was_interrupted_is_finished_in_its_own_message(
    tmp_path: Path, forks: ForkServerContext
) -> None:
    hold = asyncio.Event()
    model = ScriptedModel(lambda _request: Reply([*PIECES, LAST], hold=hold, hold_after=4), strict=False)
    async with lives(tmp_path, forks, model) as subject:
        house = subject.house
        async with subject.life():
            await house.until("discord", lambda view: any(command.name == "ask" for command in view.commands))
            await house.discord.command("ada", house.channel("discord"), "ask", {"question": "tell me"})
            await house.until(
                "discord", lambda _view: any("Sentence number 3 of" in m.html for m in house.answers("discord"))
            )
        hold.set()
        async with subject.life():
            await house.answer("discord", LAST)
        await assert_one_reply(subject, "discord", "killed in mid-stream of a command")
