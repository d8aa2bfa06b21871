"""`python -m bot doctor`: is everything set up, and if not, what exactly has to be done?

Every check has its own time limit, all run at once, and one that fails hides no other. A check answers with findings;
whatever it raises is one, too.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.configuration import Reading
from bot.domain.turns import InputText, ModelEvent, ModelRequest, UserInput
from bot.engine.turn import closing
from bot.errors import ModelError, ModelRefusedAccess, ModelUnavailable, OperatorError, ParleyError, StoreRefused
from bot.ports import ModelClient
from bot.relay.contract import Adapter, Finding
from bot.store import Condition
from bot.toolbox.schema import FunctionAsTool

SECONDS = 15.0
"""Longest time that one check may take."""
SECONDS_WITHIN = 12.0
"""The same for checks within a check, which ends after them."""
_LEAST_ANSWER = 16
"""Tokens: the smallest limit that the Responses API takes."""
_CLOCKS_AGREE = 30.0
"""Seconds. Slack refuses to be five minutes apart; a clock that is kept is within one."""
_LEAST_YEAR = 2026
CHANNELS = "Assistants and channels"
_CORRECT = "Correct the line; docs/assistants-file.md has every key."
_MARKS = {"good": "✓", "warning": "!", "bad": "✗"}

Look = Callable[[], Awaitable[Sequence[Finding]]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at."""

    what: str
    look: Look
    fix: str = ""
    """What helps when it cannot even be looked at."""


async def examined(checks: Sequence[Check], seconds: float = SECONDS) -> tuple[Finding, ...]:
    """What all checks found, in their order."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_looked(check, seconds), name=check.what) for check in checks]
    return tuple(finding for task in tasks for finding in task.result())


async def _looked(check: Check, seconds: float) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(seconds):
            return await check.look()
    except TimeoutError:
        return (bad(check.what, f"no answer within {seconds:.0f} seconds", check.fix),)
    except OperatorError as error:  # its text says what to do
        return tuple(bad(check.what, line, check.fix) for line in str(error).splitlines())
    except ParleyError as error:
        return (bad(check.what, str(error), check.fix),)
    except Exception as error:  # noqa: BLE001 - a process boundary: the other checks are worth hearing all the same
        return (bad(check.what, f"{type(error).__name__}: {error}", check.fix),)


def page(findings: Iterable[Finding]) -> str:
    """The list for people: a mark, what was looked at, what was seen, and below it what to do."""
    lines: list[str] = []
    counts = dict.fromkeys(_MARKS, 0)
    for finding in findings:
        counts[finding.state] += 1
        lines.append(f"{_MARKS[finding.state]} {finding.what}" + (f": {finding.detail}" if finding.detail else ""))
        if finding.fix:
            lines.append(f"    → {finding.fix}")
    return "\n".join([*lines, "", _summary(counts)])


def _summary(counts: Mapping[str, int]) -> str:
    if counts["bad"]:
        return "One of these does not work." if counts["bad"] == 1 else f"{counts['bad']} of these do not work."
    return f"It works; {counts['warning']} of these could be better." if counts["warning"] else "All is well."


def good(what: str, detail: str = "") -> Finding:
    """Nothing has to be done."""
    return Finding(what=what, state="good", detail=detail)


def warning(what: str, detail: str, fix: str) -> Finding:
    """It works, but something that people will expect does not."""
    return Finding(what=what, state="warning", detail=detail, fix=fix)


def bad(what: str, detail: str, fix: str) -> Finding:
    """It does not work."""
    return Finding(what=what, state="bad", detail=detail, fix=fix)


# --- what is looked at --------------------------------------------------------------------------------------------


async def database(look: Callable[[], Awaitable[Condition]]) -> Sequence[Finding]:
    """Reachable, with a schema that this code can work on."""
    what = "Database"
    try:
        found = await look()
    except StoreRefused as error:
        return (bad(what, str(error), "Correct the user, the password or the database's name in that variable."),)
    seen = f"{found.kind}, {found.place}, "
    if found.unusable is not None:
        return (bad(what, seen + f"revision {found.revision or 'none'}", found.unusable),)
    if found.revision is None:
        return (good(what, seen + "will be made at the first start"),)
    if found.revision < found.newest:
        return (good(what, f"{seen}revision {found.revision}; the next start brings it to {found.newest}"),)
    return (good(what, f"{seen}revision {found.revision}"), *_clock_of(found))


def _clock_of(found: Condition) -> Sequence[Finding]:
    if found.ahead is None:
        return ()
    if abs(found.ahead) <= _CLOCKS_AGREE:
        return (good("Clock", "agrees with the database's"),)
    direction = "ahead of" if found.ahead > 0 else "behind"
    detail = f"{abs(found.ahead):.0f} seconds {direction} the database's"
    return (warning("Clock", detail, "Let this machine keep its time by NTP (`timedatectl set-ntp true`)."),)


async def clock() -> Sequence[Finding]:
    """Set at all. Compared with another clock only where there is one: see `database`."""
    year = time.gmtime().tm_year
    if year < _LEAST_YEAR:
        return (bad("Clock", f"says that it is {year}", "Set it: `timedatectl set-ntp true`."),)
    return ()


async def model(client: ModelClient, *, offline: bool, named_by: str) -> Sequence[Finding]:
    """One that answers: the smallest request is made, and left at its first sign of life.

    Args:
        client: of the model.
        offline: no language model is connected.
        named_by: the setting, or the file, that names it.
    """
    if offline:
        detail = "offline: no language model is connected, and answers say so"
        fix = "Set OPENAI_API_KEY; for another provider than OpenAI also OPENAI_BASE_URL and OPENAI_MODEL."
        return (warning("Model", detail, fix),)
    what = f"Model {client.traits.name}"
    try:
        await _first_sign(client)
    except ModelRefusedAccess as error:
        return (bad(what, str(error), f"Correct OPENAI_API_KEY, OPENAI_BASE_URL or {named_by}: whichever it names."),)
    except ModelUnavailable as error:
        if error.limited:
            return (warning(what, str(error), "Wait, or raise the limit of the provider's account."),)
        fix = "See whether OPENAI_BASE_URL is right, and whether this machine may reach it (proxy, firewall)."
        return (bad(what, str(error), fix),)
    except ModelError as error:
        return (bad(what, str(error), f"See whether {named_by} names a model for conversations."),)
    return (good(what, "answers"),)


async def _first_sign(client: ModelClient) -> ModelEvent | None:
    request = ModelRequest(
        model=client.traits.name,
        instructions="Answer with one word.",
        input=(UserInput(parts=(InputText(text="Are you there?"),)),),
        max_output_tokens=_LEAST_ANSWER,
    )
    async with closing(client.stream(request)) as events:
        async for event in events:
            return event
    return None


async def tools(
    folder: Path, load: Callable[[], Sequence[FunctionAsTool]], read: Callable[[Sequence[str] | None], Reading]
) -> Sequence[Finding]:
    """The folder loads, and the file of assistants names no tool that is not in it.

    Its files run in a thread of their own, so that none can hold up the other checks.

    Args:
        folder: of the tools.
        load: loads it.
        read: reads the file of assistants, knowing these tools, or not knowing which there are.
    """
    what = f"Tools in {folder}"
    try:
        found = await asyncio.to_thread(load)
    except OperatorError as error:
        fix = "Correct the file, or begin its name with _ so that it is not loaded."
        return tuple(bad(what, line, fix) for line in str(error).splitlines())
    names = sorted(one.definition.name for one in found)
    return (good(what, ", ".join(names) or "none"), *_unknown_tools(names, read))


def _unknown_tools(names: Sequence[str], read: Callable[[Sequence[str] | None], Reading]) -> Sequence[Finding]:
    try:
        read(None)
    except OperatorError:
        return ()  # `channels` says it
    try:
        read(names)
    except OperatorError as error:
        return tuple(bad(CHANNELS, line, _CORRECT) for line in str(error).splitlines())
    return ()


async def channels(read: Callable[[Sequence[str] | None], Reading]) -> Sequence[Finding]:
    """The file of assistants and channels can be read and makes sense."""
    try:
        reading = read(None)
    except OperatorError as error:
        return tuple(bad(CHANNELS, line, _CORRECT) for line in str(error).splitlines())
    if not reading.name:
        return (good(CHANNELS, "no assistants.toml: one assistant, the same rules everywhere"),)
    file = reading.file
    counted = f"{len(file.assistants)} in [assistants], {len(file.channels)} in [[channels]]"
    return (good(CHANNELS, f"{reading.name} has {counted}"),)


async def platform(adapter: Adapter) -> Sequence[Finding]:
    """What the platform says about the set-up."""
    label = adapter.capabilities.label
    try:
        return await adapter.check_up() or (good(label, "is set up; there is nothing to examine"),)
    finally:
        await adapter.close()


async def folder(data: Path) -> Sequence[Finding]:
    """Files can be written there."""
    what, fix = f"Data folder {data}", "Make it writable for the user that runs the bot, or set DATA_DIR to another."
    writable, seen = await asyncio.to_thread(_looked_into, data)
    return (good(what, seen) if writable else bad(what, seen, fix),)


def _looked_into(data: Path) -> tuple[bool, str]:
    """Whether something can be written there. Asks only: nothing is left behind."""
    if data.exists() and not data.is_dir():
        return False, "is a file"
    nearest = next(parent for parent in (data.resolve(), *data.resolve().parents) if parent.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        return False, f"{nearest} cannot be written"
    return True, "can be written" if data.exists() else "will be made at the first start"


class NothingNoted:
    """Implements `bot.ports.Notes` for adapters that are only asked: nothing is known, and nothing is kept."""

    async def read(self, name: str) -> str | None:
        """Nothing."""
        del name

    async def write(self, name: str, value: str) -> None:
        """Forget it."""

    async def raise_to(self, name: str, value: int) -> None:
        """Forget it."""
