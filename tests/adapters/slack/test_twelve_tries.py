"""Twelve ways in which a hostile model tries to ping people or to have a link loaded, in streams and in edits alike."""

from collections.abc import Awaitable, Callable
from typing import Literal

import pytest

from adapters.slack.adapter import CAPABILITIES
from adapters.slack.markup import SlackDialect
from bot.playground.slack import SlackStandIn
from bot.playground.slack.show import shown_links
from bot.ports import Notes
from bot.relay.contract import Outbound, OutboundFile, Task
from bot.relay.text.composer import Composer, Growth, Part
from bot.relay.text.document import word
from tests.adapters.slack.test_streams import Talk

Mode = Literal["native", "edit"]

EVIL = "https://evil.example/?q=secret"
BAIT = f"<!channel> <!here> <!everyone> <@U000000BEN> <@U000000BEN|Ben> <!subteam^S0123ABC|team> {EVIL}"


class Attempt:
    """One try: an answer that is written as the relay writes it, while it grows by a few characters a time."""

    def __init__(self, talk: Talk, mode: Mode) -> None:
        self._talk = talk
        self._mode = mode
        self._composer = Composer(SlackDialect(), CAPABILITIES)

    async def write(
        self,
        text: str,
        *,
        step: int = 7,
        leave_at: int | None = None,
        footer: str = "",
        tasks: tuple[Task, ...] = (),
        files: tuple[OutboundFile, ...] = (),
    ) -> None:
        refs: list[dict[str, str]] = []
        for end in range(step, len(text), step):
            leave = leave_at is not None and end >= leave_at
            leave_at = None if leave else leave_at
            await self._show(refs, self._running(text[:end], len(refs), leave=leave), tasks)
        texts, _ = self._composer.ended(text, len(refs), attachable=False)
        small = self._composer.below(texts, footer) or ""
        parts = [Part(one, len(one), complete=True) for one in texts]
        await self._show(refs, parts, tasks, final=True, footer=small, files=files)

    def _running(self, text: str, live: int, *, leave: bool) -> list[Part]:
        if self._mode == "edit":
            return list(self._composer.running(text, "", live))
        return list(self._composer.growing(text, live, Growth(leave="now" if leave else "no")))

    async def _show(
        self,
        refs: list[dict[str, str]],
        parts: list[Part],
        tasks: tuple[Task, ...],
        *,
        final: bool = False,
        footer: str = "",
        files: tuple[OutboundFile, ...] = (),
    ) -> None:
        adapter, address = self._talk.adapter, self._talk.address
        for place, part in enumerate(parts):
            last = place == len(parts) - 1
            message = Outbound(
                text=part.text,
                settled=part.settled,
                complete=part.complete,
                continuation=place > 0,
                tasks=tasks if last else (),
                final=final and last,
                footer=footer if last else "",
            )
            if place == len(refs):
                refs.append((await adapter.post(address, message, f"k{len(self._talk.slack.calls)}")).ref)
            await adapter.edit(address, refs[place], message.model_copy(update={"files": files if last else ()}))


Try = Callable[[Attempt], Awaitable[None]]


async def split_over_chunks(attempt: Attempt) -> None:
    for step in (1, 3, 8):
        await attempt.write(f"hello {BAIT} and {BAIT}", step=step)


async def in_one_chunk(attempt: Attempt) -> None:
    await attempt.write(f"hello {BAIT}\n\n{BAIT} and so on", step=200)


async def in_code(attempt: Attempt) -> None:
    await attempt.write(f"see `{BAIT}`\n\n```\n{BAIT}\n```\n**a `b** {EVIL}`\n")


async def with_invisible_characters(attempt: Attempt) -> None:
    bait = BAIT.replace("<", "<\u200b").replace("channel", "chan\u2060nel").replace("://", ":\u00ad//")
    await attempt.write(f"hello {bait} <\ufeff!here> <@\u034fU000000BEN>")


async def as_entities(attempt: Attempt) -> None:
    await attempt.write(f"hello {BAIT.replace('<', '&lt;')} {BAIT.replace('<', '&#60;').replace(':', '&colon;')}")


async def escaped(attempt: Attempt) -> None:
    await attempt.write(f"hello {BAIT.replace('<', chr(92) + '<')} <{chr(92)}!channel> {chr(92)}{EVIL}")


async def across_messages(attempt: Attempt) -> None:
    """The mention stands where one message is left for the next."""
    for cut in range(40, 40 + len(BAIT), 6):
        await attempt.write(f"{'word ' * 8}{BAIT} and then some more words", step=3, leave_at=cut)


async def in_a_table(attempt: Attempt) -> None:
    cell = BAIT.replace("|", "/").replace(" ", " | ")
    rule = "|".join("-" for _ in cell.split("|"))
    await attempt.write(f"| {cell} |\n| {rule} |\n| {cell} |\n")


async def in_names_of_tools(attempt: Attempt) -> None:
    tasks = tuple(Task(id=str(n), title=word(part), state="running") for n, part in enumerate(BAIT.split()))
    await attempt.write("An answer with steps that are named by the model.", tasks=tasks)


async def in_the_small_print(attempt: Attempt) -> None:
    await attempt.write("An answer that has its sources below it.", footer=f"[1] {BAIT}\n[2] {BAIT}")


async def as_images_and_definitions(attempt: Attempt) -> None:
    await attempt.write(f"look ![x]({EVIL}) ![y][z] <{EVIL}>\n\n[z]: {EVIL}\n\n[{BAIT}]: {EVIL} 'title'\n\n![]({EVIL})")


async def behind_words(attempt: Attempt) -> None:
    await attempt.write(f"press [here]({EVIL}) or [<!here>](<{EVIL}>) or [a `]({EVIL}) ` or [<@U000000BEN>]({EVIL})\n")


TRIES: tuple[Try, ...] = (
    split_over_chunks,
    in_one_chunk,
    in_code,
    with_invisible_characters,
    as_entities,
    escaped,
    across_messages,
    in_a_table,
    in_names_of_tools,
    in_the_small_print,
    as_images_and_definitions,
    behind_words,
)


def test_there_are_twelve() -> None:
    assert len(set(TRIES)) == 12


@pytest.mark.parametrize("mode", ["native", "edit"])
@pytest.mark.parametrize("attempt", TRIES, ids=lambda one: one.__name__)
async def test_it_has_no_effect(slack: SlackStandIn, notes: Notes, mode: Mode, attempt: Try) -> None:
    """Nobody is pinged, at no moment, and nothing is loaded or can be clicked."""
    talk = Talk(slack, notes, "dm", dm=mode, native_starts=1_000)
    await talk.ask()
    await attempt(Attempt(talk, mode))
    assert slack.pings == []
    assert slack.unfurls == []
    answers = [message for message in slack.messages(talk.address.place["channel"]) if message.from_bot]
    assert answers
    for message in answers:
        assert not [url for url in shown_links(slack.world, message) if "evil" in url], message.text
    assert ("startStream" in talk.methods) is (mode == "native")
    await talk.adapter.close()


@pytest.mark.parametrize("mode", ["native", "edit"])
async def test_without_the_dialect_it_would(slack: SlackStandIn, notes: Notes, mode: Mode) -> None:
    """So the test above can fail: the server sees mentions over all chunks of a stream. Its links are code by then."""
    talk = Talk(slack, notes, "dm", dm=mode)
    await talk.ask()
    await talk.post(Outbound(text=f"hello {BAIT}", settled=11))
    await talk.edit(Outbound(text=f"hello {BAIT} end", settled=len(f"hello {BAIT} end"), complete=True, final=True))
    assert {ping.who for ping in slack.pings} >= {"everyone", "Ben Okafor"}
    assert not slack.unfurls
    await talk.adapter.close()
