"""What holds for all requests together: the global limit, and the requests that Discord refuses."""

import asyncio

import pytest
from structlog.testing import capture_logs

from adapters.discord.ceiling import Ceiling
from adapters.discord.invalid import ENOUGH, WINDOW, InvalidRequests, NotSent, TokenNotSent
from bot.domain.deliveries import Address
from bot.errors import Forbidden, Unauthorised
from bot.playground.discord import DiscordRules
from bot.ports import Store
from bot.relay.contract import Button, Outbound
from tests.adapters.discord.conftest import Bench, adapter_of, connected

STOP = (Button(op="stop", run_id="run_1", label="Stop", danger=True),)
MESSAGES, TYPING = "/api/v10/channels/1/messages", "/api/v10/channels/1/typing"


async def mention(bench: Bench) -> Address:
    before = len(bench.reception.inbound)
    await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
    return (await bench.reception.messages(before + 1))[-1].event.address


class TestCeiling:
    async def test_no_second_has_more_requests_than_the_part_of_a_process(self) -> None:
        ceiling = Ceiling(limit=30)
        ceiling.among = lambda: 3
        passed: list[float] = []

        async def ask() -> None:
            await ceiling.take()
            passed.append(asyncio.get_running_loop().time())

        await asyncio.gather(*(ask() for _ in range(25)))
        assert all(later - earlier >= 0.99 for earlier, later in zip(passed, passed[10:], strict=False))
        assert passed[-1] - passed[0] < 5

    async def test_everything_that_is_asked_stays_below_discords_limit(self, sqlite_store: Store) -> None:
        """A server that counts strictly never says 429, though a hundred requests are made at once."""
        async with connected(sqlite_store, DiscordRules.lax().model_copy(update={"global_limit": 40})) as bench:
            address = await mention(bench)
            await asyncio.gather(*(bench.adapter.status(address, "is thinking…") for _ in range(100)))
            statuses = {call.status for call in bench.server.calls}
        assert 429 not in statuses


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class TestInvalidRequests:
    def test_at_three_thousand_only_what_must_be_done_is_asked(self) -> None:
        clock = Clock()
        invalid = InvalidRequests(clock)
        with capture_logs() as logs:
            for number in range(ENOUGH):
                invalid.check("POST", TYPING)
                invalid.note("GET", f"/api/v10/channels/{number}/messages", 403, "")
            with pytest.raises(NotSent):
                invalid.check("POST", TYPING)
            invalid.check("POST", MESSAGES)
        assert [entry["log_level"] for entry in logs] == ["warning", "error"]
        clock.now += WINDOW + 1
        invalid.check("POST", TYPING)

    @pytest.mark.parametrize(
        ("status", "scope", "counts"),
        [
            (401, "", True),
            (403, "", True),
            (429, "user", True),
            (429, "global", True),
            (429, "shared", False),
            (404, "", False),
            (200, "", False),
            (500, "", False),
        ],
    )
    def test_what_counts_is_what_discord_counts(self, status: int, scope: str, counts: bool) -> None:
        invalid = InvalidRequests(Clock())
        for _ in range(ENOUGH):
            invalid.note("POST", f"/api/v10/webhooks/1/{scope}", status, scope)
        assert invalid.enough is counts

    def test_what_is_forbidden_again_and_again_rests_for_a_minute(self) -> None:
        """For every message of the channel; other channels are asked as ever."""
        clock = Clock()
        invalid = InvalidRequests(clock)
        for message in range(3):
            invalid.check("PATCH", f"{MESSAGES}/{message}")
            invalid.note("PATCH", f"{MESSAGES}/{message}", 403, "")
        with pytest.raises(NotSent):
            invalid.check("PATCH", f"{MESSAGES}/9")
        invalid.check("POST", MESSAGES)
        invalid.check("PATCH", "/api/v10/channels/2/messages/9")
        clock.now += 61
        invalid.check("PATCH", f"{MESSAGES}/9")

    def test_a_refused_token_rests_but_not_the_tokens_of_interactions(self) -> None:
        invalid = InvalidRequests(Clock())
        invalid.note("PATCH", "/api/v10/webhooks/1/token/messages/@original", 401, "")
        invalid.check("POST", MESSAGES)
        invalid.note("POST", MESSAGES, 401, "")
        with pytest.raises(TokenNotSent):
            invalid.check("GET", TYPING)
        invalid.check("POST", "/api/v10/webhooks/1/token")

    async def test_a_channel_that_forbids_everything_is_not_asked_for_ever(self, bench: Bench) -> None:
        """However many questions come there."""
        for _ in range(8):
            address = await mention(bench)
            bench.server.deny(bench.channel("general"), 50013)
            with pytest.raises(Forbidden):
                await bench.adapter.post(address, Outbound(text="one", final=True), "k1")
            bench.server.deny(bench.channel("general"), None)
        assert bench.server.invalid_requests <= 6

    async def test_a_refused_token_is_sent_once(self, bench: Bench) -> None:
        address = await mention(bench)
        other = adapter_of(bench.server, bench.store)
        await other.status(address, "is thinking…")
        scene = bench.server._scene  # the stand-in has no word for this
        right, scene.token = scene.token, "another"
        before = bench.server.invalid_requests
        for _ in range(4):
            with pytest.raises(Unauthorised):
                await other.post(address, Outbound(text="one"), "k1")
        assert bench.server.invalid_requests == before + 1
        scene.token = right
        await other.close()

    async def test_a_webhook_that_is_gone_is_never_called_again(self, bench: Bench) -> None:
        await bench.server.command("ada", bench.channel("general"), "ask", {"question": "why?"})
        address = (await bench.reception.messages(1))[-1].event.address
        await bench.server.wait_for(lambda: any(m.state == "thinking" for m in bench.server.view().messages))
        bench.server.clock.advance(bench.server.rules.interaction_life + 1)
        for number in range(3):
            await bench.adapter.post(address, Outbound(text="one", final=True), f"k{number}")
        webhook = [call for call in bench.server.calls if call.template.startswith("/webhooks/")]
        assert [call.status for call in webhook] == [401]

    async def test_with_enough_refused_the_end_of_an_answer_is_all_that_is_edited(self, bench: Bench) -> None:
        address = await mention(bench)
        posted = await bench.adapter.post(address, Outbound(text="one", buttons=STOP), "k1")
        for number in range(ENOUGH):
            bench.adapter._traffic.invalid.note("GET", f"/channels/{number}", 403, "")
        await bench.adapter.edit(address, posted.ref, Outbound(text="one two", buttons=STOP))
        await bench.adapter.status(address, "is thinking…")
        await bench.adapter.edit(address, posted.ref, Outbound(text="one two three", final=True))
        asked = [call.route for call in bench.server.calls if call.method == "PATCH" or "typing" in call.template]
        assert len(asked) == 1
        assert "one two three" in bench.server.view().messages[-1].html
