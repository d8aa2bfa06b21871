"""Twelve ways in which a hostile model, or a hostile question, tries to ping people or to have a link loaded."""

import pytest

from adapters.discord.adapter import CAPABILITIES
from adapters.discord.markup import DiscordDialect
from bot.domain.deliveries import Address
from bot.playground.discord import DiscordRules
from bot.playground.discord.reading import links
from bot.ports import Store
from bot.relay.contract import Outbound, OutboundFile
from bot.relay.text.composer import Composer
from tests.adapters.discord.conftest import Bench, connected

EVIL = "https://evil.example/?q=secret"
BAIT = "@everyone @here <@{ben}> <@!{ben}> <@&{role}> " + EVIL


class Attempt:
    """One try: a question and its answer, written as the relay writes it."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._composer = Composer(DiscordDialect(), CAPABILITIES)
        self.bait = BAIT.format(ben=bench.server.user_id("ben"), role=bench.server.world.moderators_role)

    async def asked(self, text: str = "help") -> Address:
        before = len(self._bench.reception.inbound)
        await self._bench.server.speak("ada", self._bench.channel("general"), f"@Parley {text}")
        return (await self._bench.reception.messages(before + 1))[-1].event.address

    async def commanded(self, question: str) -> Address:
        before = len(self._bench.reception.inbound)
        await self._bench.server.command("ada", self._bench.channel("general"), "ask", {"question": question})
        address = (await self._bench.reception.messages(before + 1))[-1].event.address
        await self._bench.server.wait_for(
            lambda: any(message.state == "thinking" for message in self._bench.server.view().messages)
        )
        return address

    async def write(
        self, address: Address, *states: str, footer: str = "", files: tuple[OutboundFile, ...] = ()
    ) -> None:
        """Post the first state of an answer and edit it into the others, the last of which is final."""
        refs: list[dict[str, str]] = []
        small = self._composer.plain(self._composer.attachment(footer))
        for number, state in enumerate(states):
            final = number == len(states) - 1
            whole = self._composer.ended(state, len(refs), attachable=False)[0]
            growing = [part.text for part in self._composer.running(state, "", len(refs))]
            texts = whole if final else growing
            for place, text in enumerate(texts):
                last = final and place == len(texts) - 1
                message = Outbound(
                    text=text,
                    continuation=place > 0,
                    final=last,
                    footer=small if last else "",
                )
                if place == len(refs):
                    key = f"k{len(self._bench.server.calls)}-{place}"
                    refs.append((await self._bench.adapter.post(address, message, key)).ref)
                if final:
                    attached = message.model_copy(update={"files": files if last else ()})
                    await self._bench.adapter.edit(address, refs[place], attached)


async def split_over_edits(attempt: Attempt) -> None:
    cut = attempt.bait.index("everyone") + 4
    await attempt.write(await attempt.asked(), f"hello {attempt.bait[:cut]}", f"hello {attempt.bait}")


async def in_code(attempt: Attempt) -> None:
    await attempt.write(await attempt.asked(), f"`{attempt.bait}`\n\n```\n{attempt.bait}\n```\n**a `b** {EVIL}`")


async def with_invisible_characters(attempt: Attempt) -> None:
    bait = attempt.bait.replace("@", "@\u200b").replace("<", "<\u2060").replace("://", ":\u00ad//")
    await attempt.write(await attempt.asked(), f"{bait} @\u200b\u200beveryone ＠everyone")


async def escaped(attempt: Attempt) -> None:
    await attempt.write(await attempt.asked(), attempt.bait.replace("@", "\\@").replace("<", "\\<") + f" \\{EVIL}")


async def across_segments(attempt: Attempt) -> None:
    for filler in range(1_880, 1_915, 5):
        await attempt.write(await attempt.asked(), f"{'x' * (filler - 60)} {attempt.bait} {attempt.bait}")


async def in_a_table(attempt: Attempt) -> None:
    cell = attempt.bait.replace(" ", " | ")
    rule = "|".join("-" for _ in cell.split("|"))
    await attempt.write(await attempt.asked(), f"| {cell} |\n| {rule} |\n| {cell} |")


async def in_file_names(attempt: Attempt) -> None:
    files = (OutboundFile(name=f"{attempt.bait}.txt", content=b"x", media_type="text/plain"),)
    await attempt.write(await attempt.asked(), "see the file", files=files)


async def in_the_small_print(attempt: Attempt) -> None:
    await attempt.write(await attempt.asked(), "an answer", footer=f"Sources: {attempt.bait}\n{attempt.bait}")


async def in_the_name_of_a_thread(attempt: Attempt) -> None:
    await attempt.write(await attempt.asked(f"look {attempt.bait}"), "an answer")


async def in_the_quote_of_a_question(attempt: Attempt) -> None:
    await attempt.write(await attempt.commanded(f"{attempt.bait} ]({EVIL})"), "an answer")


async def as_something_with_a_preview(attempt: Attempt) -> None:
    states = (f"{EVIL}\n", f"{EVIL}\n<{EVIL}> {EVIL}/a.png https:{EVIL[6:]}", f"![x]({EVIL}) ![y][z]\n\n[z]: {EVIL}")
    await attempt.write(await attempt.asked(), *states)


async def behind_words(attempt: Attempt) -> None:
    await attempt.write(await attempt.asked(), f"[@everyone]({EVIL}) [x](<{EVIL}>) [a `]({EVIL}) `", f"[<@1>]({EVIL})")


TRIES = (
    split_over_edits,
    in_code,
    with_invisible_characters,
    escaped,
    across_segments,
    in_a_table,
    in_file_names,
    in_the_small_print,
    in_the_name_of_a_thread,
    in_the_quote_of_a_question,
    as_something_with_a_preview,
    behind_words,
)


@pytest.mark.parametrize("threads", ["thread", "reply"])
async def test_twelve_tries_have_no_effect(sqlite_store: Store, threads: str) -> None:
    """Nobody is pinged but the asker, by the reply; no preview is loaded; nothing unknown can be clicked on."""
    async with connected(sqlite_store, DiscordRules.lax()) as bench:
        assert await tried(bench, threads) == []
    assert len(TRIES) == 12


async def tried(bench: Bench, threads: str) -> list[str]:
    """What had an effect."""
    general = f"discord:{bench.server.guild_id}:{bench.channel('general')}"
    policy = bench.reception.policy(general).model_copy(update={"threads": threads})
    bench.reception.policies[general] = policy
    failed: list[str] = []
    for attempt in TRIES:
        await attempt(Attempt(bench))
        pinged = {ping.who for ping in bench.server.pings if ping.because != "reply"}
        asker = {ping.who for ping in bench.server.pings if ping.because == "reply"}
        clickable = {
            link
            for channel in bench.server.world.channels.values()
            for message in channel.messages.values()
            if message.author.bot
            for link in links(message.content)
            if not message.content.startswith("> ")  # what the person asked is their own word
        }
        if pinged or bench.server.embeds or clickable or not asker <= {"Ada Moreno"}:
            failed.append(f"{attempt.__name__}: {pinged} {asker} {bench.server.embeds} {clickable}")
    return failed + [channel.name for channel in bench.server.world.channels.values() if "@" in channel.name]
