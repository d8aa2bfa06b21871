"""What docs/several-processes.md says agrees with the code."""

import re
from pathlib import Path
from typing import get_args

from bot.__main__ import command_line
from bot.domain.lanes import LEASE_SECONDS
from bot.domain.workers import Role
from bot.engine import EngineLimits
from bot.settings import PARTS, StoreSettings, variable

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/several-processes.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def lines(language: str) -> list[str]:
    return [line for kind, text in BLOCKS if kind == language for line in text.splitlines() if line]


def test_every_command_is_understood() -> None:
    """tests/acceptance runs the same roles."""
    for line in lines("sh"):
        command_line().parse_args(line.split(" -m bot ")[1].split())


def test_every_setting_exists() -> None:
    known = {variable(part, name) for part in PARTS for name in part.model_fields}
    assert {line.partition("=")[0] for line in lines("ini")} <= known
    assert set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGE)) <= known


def test_the_table_has_every_role() -> None:
    assert re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE) == list(get_args(Role))


def test_the_numbers_are_those_of_the_code() -> None:
    limits, settings = EngineLimits(), StoreSettings(database_pool_size=None)
    assert f"renews it every {limits.heartbeat:g} s" in PAGE
    assert f"After {LEASE_SECONDS:g} s without it" in PAGE
    assert f"running answers get {limits.drain:g} s" in PAGE
    pools = [settings.pool_size(role) for role in get_args(Role)]
    assert pools == [4, 2, 2]
    assert "The default is 4 + 1, for gateways and workers 2 + 1." in PAGE


def test_four_processes_fit_it_with_one_connection_each_and_their_heartbeats() -> None:
    assert 2 * 4 * (1 + 1) + 2 <= 20 < 2 * 4 * (2 + 1) + 2


def test_the_procfile_names_the_roles_as_the_page_says() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    commands = {line.split(": python -m bot ")[0]: line.split(": python -m bot ")[1].split() for line in lines}
    roles = {name: command_line().parse_args(words).role for name, words in commands.items() if words[0] == "run"}
    assert roles == {"worker": "all", "web": "all", "gateway": "gateway", "runner": "worker"}


def test_three_processes_fit_a_plan_of_twenty_connections_during_a_deploy() -> None:
    settings = StoreSettings(database_pool_size=None)
    processes = [settings.pool_size(role) + 1 for role in ("gateway", "worker", "worker")]
    assert 2 * sum(processes) + 2 <= 20
