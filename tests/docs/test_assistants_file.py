"""The page about `assistants.toml` has every key, in the words of the tables; the example can be used as it is."""

import re
from pathlib import Path

from bot.configuration import Around, Rules, explain, read, staff
from bot.configuration.explaining import Told
from bot.configuration.tables import AssistantsFile, AssistantTable, ChannelTable, Defaults
from bot.domain.assistants import Assistant, FunctionTool
from bot.toolbox.loader import load_tools

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/assistants-file.md").read_text()
EXAMPLE = ROOT / "assistants.example.toml"


def rows(heading: str) -> dict[str, str]:
    """Keys and meanings below a heading."""
    (section,) = re.findall(rf"^## `{re.escape(heading)}`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE))


def test_every_key_is_documented_with_its_description_and_nothing_else_is() -> None:
    assert rows("[assistants.NAME]") == {name: info.description for name, info in AssistantTable.model_fields.items()}
    shared = {name: info.description for name, info in Defaults.model_fields.items()}
    assert rows("[defaults]") == shared
    own = {name: info.description for name, info in ChannelTable.model_fields.items() if name not in shared}
    assert rows("[[channels]]") == own
    assert set(re.findall(r"^## `\[+(\w+)", PAGE, re.MULTILINE)) == set(AssistantsFile.model_fields)


def test_the_example_is_valid_with_the_tools_that_come_along_and_shows_every_table() -> None:
    definitions = [one.definition for one in load_tools(ROOT / "tools")]
    names = tuple(definition.name for definition in definitions)
    reading = read(EXAMPLE, Around(platforms=("slack", "discord", "console"), tools=names, usual="Parley"))
    assert {"Desk", "Reviewer"} == set(reading.file.assistants)
    tools = tuple(FunctionTool(function=definition) for definition in definitions)
    usual = Assistant(id="asst_1", created_at=1, name="Parley", model="m", tools=tools)
    rules = Rules(reading.file, "Parley", {one.name or "": one for one in staff(reading.file, usual)})
    page = explain("slack:T0123456789:C0123456789", reading, rules, Told(usual="Parley", instructions="x", model="y"))
    shown = re.findall(r"\(assistants\.toml, (line \d+: .*)\)", PAGE)
    assert shown, "the page shows what explain says about the example"
    assert all(f"{EXAMPLE}, {line}" in page for line in shown)
    assert "  [[channels]] in line 27, slack:*:D*: does not match" in page
