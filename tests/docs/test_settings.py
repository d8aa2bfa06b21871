"""The documentation and the settings name the same variables."""

import re
from pathlib import Path

import pytest

from bot.domain.workers import Role
from bot.errors import SettingsError
from bot.models import DEFAULT_MODEL
from bot.settings import PARTS, ModelSettings, Settings, variable

ROOT = Path(__file__).parents[2]
FIELDS = [(part, name, info) for part in PARTS for name, info in part.model_fields.items()]

APP = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s", "INSTALLATIONS_KEY": "k" * 42 + "o="}
"""The app of many workspaces."""


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` and none of our variables."""
    monkeypatch.chdir(tmp_path)
    for part, name, _info in FIELDS:
        monkeypatch.delenv(variable(part, name), raising=False)


def test_every_setting_is_documented_with_its_description_and_nothing_else_is() -> None:
    rows = dict(
        re.findall(r"^\| `([A-Z_]+)` \|[^|]*\| (.*) \|$", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    )
    assert rows == {variable(part, name): info.description for part, name, info in FIELDS}


def test_the_example_file_names_every_setting() -> None:
    names = re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert names == [variable(part, name) for part, name, _info in FIELDS]


def test_only_the_settings_module_reads_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for folder in ("bot", "adapters", "tools")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.environ|os\.getenv|getenv\(", path.read_text())
    }
    assert readers == {"bot/settings.py"}


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"MODEL_PROVIDER": "gpt"}, "MODEL_PROVIDER: Input should be 'auto', 'openai', 'azure' or 'offline'."),
        ({"DISCORD_GUILD_ID": "my server"}, "DISCORD_GUILD_ID: Input should be a valid integer"),
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN is missing"),
        ({"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN must start with xoxb-"),
        ({"MODEL_PROVIDER": "openai"}, "OPENAI_API_KEY is missing"),
        ({"MODEL_PROVIDER": "azure", "OPENAI_API_KEY": "k"}, "MODEL_PROVIDER=azure needs OPENAI_BASE_URL"),
        ({"ASSISTANT_INSTRUCTIONS": "a", "ASSISTANT_INSTRUCTIONS_FILE": "b"}, "both set"),
        ({"DISCORD_BOT_TOKEN": "x"}, "DISCORD_BOT_TOKEN is not a setting; did you mean DISCORD_TOKEN?"),
        ({"DISCORD_COLOUR": "x"}, "DISCORD_COLOUR is not a setting; docs/settings.md lists those that are."),
        ({"SLACK_CLIENT_ID": "1.2"}, "SLACK_CLIENT_SECRET is missing"),
        ({"SLACK_CLIENT_SECRET": "s"}, "SLACK_CLIENT_ID is missing"),
        ({**APP, "SLACK_BOT_TOKEN": "xoxb-1"}, "remove one of them"),
        ({"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s"}, "INSTALLATIONS_KEY is missing"),
        ({**APP, "INSTALLATIONS_KEY": "hunter2"}, "INSTALLATIONS_KEY must be 32 bytes"),
        ({**APP, "PUBLIC_URL": "bot.example.com"}, "PUBLIC_URL must be an address"),
        ({"SLACK_BOT_TOKN": "xoxb-1"}, "SLACK_BOT_TOKN is not a setting; did you mean SLACK_BOT_TOKEN?"),
    ],
)
def test_a_wrong_setting_stops_with_a_sentence_that_names_the_variable(
    environment: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refusal:
        Settings()
    assert sentence in str(refusal.value)


SLACK = {"SLACK_BOT_TOKEN": "xoxb-1"}
BOTH = {**SLACK, "SLACK_APP_TOKEN": "xapp-1"}
POSTGRES = {"DATABASE_URL": "postgres://h/d"}


@pytest.mark.parametrize(
    ("role", "environment", "sentence"),
    [
        ("all", {}, "There is nothing to connect to"),
        ("all", SLACK, "SLACK_APP_TOKEN is missing"),
        ("all", APP, "SLACK_APP_TOKEN is missing: Socket Mode needs it besides SLACK_CLIENT_ID"),
        ("gateway", {**SLACK, **POSTGRES}, "SLACK_APP_TOKEN is missing"),
        ("gateway", BOTH, "set DATABASE_URL to PostgreSQL"),
        ("worker", BOTH, "set DATABASE_URL to PostgreSQL"),
    ],
)
def test_a_role_that_the_settings_do_not_suffice_for_is_refused_with_what_is_missing(
    role: Role, environment: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refusal:
        Settings().check_role(role)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("role", "environment"),
    [("all", BOTH), ("worker", {**SLACK, **POSTGRES}), ("all", {**APP, "SLACK_APP_TOKEN": "xapp-1"})],
)
def test_a_role_that_has_what_it_needs_is_accepted(
    role: Role, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    Settings().check_role(role)


def test_a_secret_is_not_repeated_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "hunter2hunter2")
    monkeypatch.setenv("SLACK_APP_TOKEN", "hunter2hunter2")
    with pytest.raises(SettingsError) as refusal:
        Settings()
    assert "hunter2" not in str(refusal.value)


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLINE_PACE", "")
    assert Settings().model.offline_pace > 0


def test_the_model_that_an_empty_setting_means_is_the_one_that_is_connected() -> None:
    described = ModelSettings.model_fields["openai_model"].description or ""
    assert re.findall(r"gpt-[\w.-]+\w", described) == [DEFAULT_MODEL]
    assert Settings().model.openai_model == ""
