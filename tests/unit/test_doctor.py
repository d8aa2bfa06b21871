"""The doctor looks at everything at once, hides nothing behind anything, and says what to do."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bot import doctor
from bot.configuration import Reading
from bot.doctor import Check, bad, examined, good, page, warning
from bot.errors import SettingsError, StoreRefused, Unreachable
from bot.models import ModelConfig, RetryPolicy, connect
from bot.relay.contract import Finding
from bot.store import Condition
from bot.toolbox.loader import load_tools
from tests.support.memory_adapter import MemoryAdapter
from tests.support.model_server import Reply, ScriptedModel


async def fine() -> Sequence[Finding]:
    return (good("Fine"),)


async def raises_settings() -> Sequence[Finding]:
    raise SettingsError("A is wrong.\nB is wrong, too.")


async def raises_platform() -> Sequence[Finding]:
    raise Unreachable


async def raises_anything() -> Sequence[Finding]:
    raise KeyError("x")


async def hangs() -> Sequence[Finding]:
    await asyncio.Event().wait()
    return ()


class TestExamining:
    async def test_one_check_that_fails_or_hangs_hides_no_other(self) -> None:
        looks = [hangs, raises_settings, raises_anything, raises_platform, fine]
        found = await examined([Check(look.__name__, look, "Do that.") for look in looks], seconds=0.05)
        assert [(one.what, one.state) for one in found] == [
            ("hangs", "bad"),
            ("raises_settings", "bad"),
            ("raises_settings", "bad"),
            ("raises_anything", "bad"),
            ("raises_platform", "bad"),
            ("Fine", "good"),
        ]
        assert all(one.fix == "Do that." for one in found if one.state == "bad")

    async def test_all_are_looked_at_at_once(self) -> None:
        barrier = asyncio.Barrier(3)

        async def waits() -> Sequence[Finding]:
            await barrier.wait()
            return (good("Met"),)

        assert len(await examined([Check(str(number), waits) for number in range(3)], seconds=5)) == 3

    def test_the_page_has_a_mark_for_each_and_the_fix_below(self) -> None:
        lines = page([good("One"), warning("Two", "so so", "Do it."), bad("Three", "broken", "Mend it.")]).splitlines()
        assert lines == [
            "✓ One",
            "! Two: so so",
            "    → Do it.",
            "✗ Three: broken",
            "    → Mend it.",
            "",
            "One of these does not work.",
        ]
        assert page([good("One")]).endswith("All is well.")
        assert page([warning("Two", "", "x")]).endswith("It works; 1 of these could be better.")


class TestModel:
    async def look(self, base_url: str, model: str = "gpt-5.4", named_by: str = "OPENAI_MODEL") -> Finding:
        config = ModelConfig(base_url=base_url, model=model, retry=RetryPolicy(attempts=1))
        client = connect(config)
        try:
            (finding,) = await doctor.model(client, offline=False, named_by=named_by)
            return finding
        finally:
            await client.close()

    async def test_a_model_that_says_anything_is_good_and_is_asked_for_little(self) -> None:
        async with ScriptedModel() as server:
            server.enqueue(Reply("Yes"))
            found = await self.look(server.base_url)
            assert (found.what, found.state) == ("Model gpt-5.4", "good")
            assert server.requests[0].body["max_output_tokens"] == 16
            assert server.requests[0].tools == []

    async def test_a_refused_key_is_told_apart_from_an_unknown_model_and_from_silence(self) -> None:
        async with ScriptedModel() as server:
            server.enqueue(
                Reply(status=401, error={"error": {"message": "bad sk-live-secret1", "code": "invalid_api_key"}}),
                Reply(status=404, error={"error": {"message": "no such model", "code": "model_not_found"}}),
            )
            key = await self.look(server.base_url)
            name = await self.look(server.base_url, "gpt-x", "the file of assistants")
        silence = await self.look("http://127.0.0.1:9/v1")
        assert {key.state, name.state, silence.state} == {"bad"}
        assert "does not accept the key" in key.detail
        assert "sk-live" not in key.detail
        assert "does not know the model 'gpt-x'" in name.detail
        assert "the file of assistants" in name.fix
        assert "cannot be reached" in silence.detail
        assert "firewall" in silence.fix

    async def test_a_provider_that_asks_to_wait_is_no_fault(self) -> None:
        async with ScriptedModel() as server:
            server.enqueue(Reply(status=429, error={"error": {"message": "slow down", "code": "rate_limit_exceeded"}}))
            assert (await self.look(server.base_url)).state == "warning"

    async def test_without_a_provider_it_says_so(self) -> None:
        (found,) = await doctor.model(connect(ModelConfig()), offline=True, named_by="OPENAI_MODEL")
        assert found.state == "warning"
        assert "no language model" in found.detail


class TestDatabase:
    @pytest.mark.parametrize(
        ("condition", "states", "words"),
        [
            (Condition("SQLite", "x.db", None, "0004"), ["good"], "will be made"),
            (Condition("SQLite", "x.db", "0002", "0004"), ["good"], "the next start brings it to 0004"),
            (Condition("PostgreSQL", "h/d", "0004", "0004", None, 1.0), ["good", "good"], "agrees"),
            (Condition("PostgreSQL", "h/d", "0004", "0004", None, 400.0), ["good", "warning"], "400 seconds ahead"),
            (Condition("PostgreSQL", "h/d", "0004", "0004", None, -400.0), ["good", "warning"], "400 seconds behind"),
            (Condition("PostgreSQL", "h/d", None, "0004", "Run it: migrate."), ["bad"], "Run it: migrate."),
        ],
    )
    async def test_what_was_found_is_judged(self, condition: Condition, states: list[str], words: str) -> None:
        async def look() -> Condition:
            return condition

        found = await doctor.database(look)
        assert [one.state for one in found] == states
        assert words in page(found)

    async def test_a_wrong_password_is_the_operators_to_mend(self) -> None:
        async def look() -> Condition:
            raise StoreRefused("DATABASE_URL: refused")

        (found,) = await doctor.database(look)
        assert (found.state, "password" in found.fix) == ("bad", True)


class TestFiles:
    def reads(self, mistakes: dict[bool, str]) -> Callable[[Sequence[str] | None], Reading]:
        def read(tools: Sequence[str] | None) -> Reading:
            if text := mistakes.get(tools is not None):
                raise SettingsError(text)
            return Reading(name="assistants.toml")

        return read

    async def test_each_problem_of_the_tools_folder_is_a_finding(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("def one(x):\n    pass\n")
        (tmp_path / "b.py").write_text("raise ValueError('no')\n")
        found = await doctor.tools(tmp_path, lambda: load_tools(tmp_path), self.reads({}))
        assert [one.state for one in found] == ["bad", "bad"]
        assert "a.py" in found[0].detail
        assert "b.py" in found[1].detail

    async def test_a_tool_that_the_file_names_in_vain_is_found(self, tmp_path: Path) -> None:
        found = await doctor.tools(tmp_path, lambda: (), self.reads({True: "line 3: there is no tool 'x'"}))
        assert [one.state for one in found] == ["good", "bad"]

    async def test_other_mistakes_of_the_file_are_told_once(self, tmp_path: Path) -> None:
        read = self.reads({True: "line 3", False: "line 3\nline 4"})
        assert [one.state for one in await doctor.tools(tmp_path, lambda: (), read)] == ["good"]
        assert [one.detail for one in await doctor.channels(read)] == ["line 3", "line 4"]

    async def test_the_data_folder(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_text("")
        assert [one.state for one in await doctor.folder(tmp_path)] == ["good"]
        assert "will be made" in (await doctor.folder(tmp_path / "new" / "one"))[0].detail
        assert [one.state for one in await doctor.folder(file)] == ["bad"]


async def test_what_a_platform_says_is_passed_on() -> None:
    adapter = MemoryAdapter()
    (found,) = await doctor.platform(adapter)
    assert found.state == "good"
