"""What the model says and which tools it has when several conversations are told apart by numbers."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.crash.audit import answer_to, number_in
from tests.support.model_server import Call, Reply, SeenRequest

TOOLS = r'''
import asyncio
import zlib
from pathlib import Path

from bot.toolbox import ToolContext, tool

LEDGER = Path(__file__).parent.parent / "ledger.txt"


@tool(effect="once")
async def pay(context: ToolContext, number: str) -> str:
    """Pay.

    Args:
        number: For which question.
    """
    with LEDGER.open("a") as ledger:
        ledger.write(f"{context.idempotency_key} {number}\n")
    slow = zlib.crc32(number.encode()) % 3 == 0
    await asyncio.sleep(0.5 if slow else 0.1)  # the bank takes its time, so that a crash in between is likely
    return "paid"


@tool(effect="once")
async def slowly(context: ToolContext, number: str) -> str:
    """Pay at a slow bank.

    Args:
        number: For which question.
    """
    await pay(context, number)
    await asyncio.sleep(2.0)
    return "paid"


@tool(effect="read")
def look(number: str) -> str:
    """Look.

    Args:
        number: For which question.
    """
    return "seen"
'''
TIRED = 3
"""Times; a run that is interrupted five times in one turn is given up, and that is not what is tested."""
TOOL_NAMES = ("pay", "look", "slowly")
WORDS = ("", "look", "pay", "pay and look")
"""What a question asks for besides an answer: none to two calls."""


def ledger(folder: Path) -> Path:
    """Where `pay` writes."""
    return folder / "ledger.txt"


def tools_in(folder: Path) -> dict[str, str]:
    """Put the tools into a folder. Returns the setting that names it."""
    tools = folder / "tools"
    tools.mkdir(parents=True)
    (tools / "money.py").write_text(TOOLS)
    return {"TOOLS_DIR": str(tools)}


class Script:
    """The model: first the calls that a question asks for, then the answer; the same words whoever asks how often.

    Args:
        paces: seconds between two pieces of an answer, of which each question has one. Whoever asks again gets it at
            once.
    """

    def __init__(self, paces: Sequence[float] = (0.0,)) -> None:
        self._paces = paces
        self._asked: Counter[tuple[str, bool]] = Counter()

    @property
    def tired(self) -> set[str]:
        """Questions that were asked `TIRED` times or more in the same turn."""
        return {number for (number, _), times in self._asked.items() if times >= TIRED}

    def __call__(self, request: SeenRequest) -> Reply:
        asked, outputs = request.last_user_text, request.tool_outputs
        number = number_in(asked)
        if number is None:
            return Reply("Nobody asked anything.")
        self._asked[number, bool(outputs)] += 1
        wanted = asked.split(f"Question {number}", 1)[1]
        calls = [Call(name, {"number": number}, f"call-{name}") for name in TOOL_NAMES if name in wanted]
        if calls and not outputs:
            return Reply(calls=calls)
        outcomes = [output if output in {"paid", "seen"} else "unknown" for output in outputs]
        again = self._asked[number, bool(outputs)] > 1
        return Reply(answer_to(number, outcomes), delay=0.0 if again else random.Random(number).choice(self._paces))


class Holding:
    """The model stands still in its first answer to each question; whoever asks again gets it at once.

    Args:
        part: number of the sentence after which it does.
    """

    def __init__(self, part: int) -> None:
        self.hold = asyncio.Event()
        """Lets it go on."""
        self._pieces = part + 2  # the beginning, and sentences from 0 on
        self._asked: Counter[str] = Counter()

    def __call__(self, request: SeenRequest) -> Reply:
        number = number_in(request.last_user_text) or ""
        self._asked[number] += 1
        if self._asked[number] > 1:
            return Reply(answer_to(number, []))
        return Reply(answer_to(number, []), hold=self.hold, hold_after=self._pieces)
