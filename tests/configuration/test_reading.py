"""The file is read once, and every mistake in it is told with its line and what is allowed."""

from pathlib import Path

import pytest

from bot.configuration import Around, Reading, explain, read
from bot.configuration.explaining import Told
from bot.configuration.rules import Rules
from bot.configuration.staff import staff
from bot.errors import SettingsError
from tests.configuration.test_rules import usual

AROUND = Around(platforms=("slack", "discord", "console"), tools=("close", "list", "open"), usual="Parley")


def reading(folder: Path, text: str, around: Around = AROUND) -> Reading:
    path = folder / "assistants.toml"
    path.write_text(text)
    return read(path, around)


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("[defaults]\nmentons = 'always'\n", 2, "'mentons' is no key of [defaults]; did you mean 'mentions'?"),
        ("[chanels]\n", 1, "'chanels' is no key of the file; did you mean 'channels'?"),
        ("[[channels]]\nmatch = 'slack:*'\nzzz = 1\n", 3, "'zzz' is no key of [[channels]]; allowed are assistant,"),
        ("[assistants.Bob]\nmodell = 'x'\n", 2, "'modell' is no key of [assistants.Bob]; did you mean 'model'?"),
        ("[defaults]\nmentions = 'sometimes'\n", 2, "mentions in [defaults]: Input should be 'always', 'threads' or"),
        ("[defaults]\ndelivery = 3\n", 2, "delivery in [defaults]: Input should be 'stream' or 'status'"),
        ("[[channels]]\nmentions = 'always'\n", 1, "[[channels]] needs the key 'match'."),
        ("[[channels]]\nmatch = 3\n", 2, "match in [[channels]] takes one channel's key, or a list of them."),
        ("[[channels]]\nmatch = []\n", 2, "match in [[channels]] is an empty list"),
        ("[[channels]]\nmatch = '#support'\n", 2, "'#support' is no channel's key; one looks like slack:T123:C456"),
        ("[[channels]]\nmatch = 'slak:T1:C1'\n", 2, "begins with 'slak'; keys begin with slack, discord, console"),
        (
            "[[channels]]\nmatch = 'slack:*'\n[[channels]]\nmatch = ['discord:1:2', 'slack:T1:C1']\n",
            4,
            "'slack:T1:C1' is never reached, because 'slack:*' stands before it",
        ),
        ("[defaults]\nassistant = 'Suport'\n[assistants.Support]\n", 2, "no 'Suport'; did you mean 'Support'?"),
        ("[defaults]\nassistants = ['X', 'Parley']\n", 2, "assistants in [defaults]: there is no 'X'; allowed are"),
        ("[assistants.Bob]\ntools = ['lst']\n", 2, "there is no tool 'lst'; did you mean 'list'?"),
        ("[assistants.Bob]\ntools = ['*', 'list']\n", 2, '"*" is all tools, so it stands alone'),
        ("[[channels]]\nmatch = '*'\ntools = ['rm']\n", 3, "tools in [[channels]]: there is no tool 'rm'"),
        ("[assistants.Bob]\ninstructions = 'a'\ninstructions_file = 'b'\n", 1, "keep one of them"),
        ("[assistants.Bob]\ninstructions_file = 'gone.txt'\n", 2, "gone.txt cannot be read: No such file"),
        ("[assistants.parley]\n", 1, "[assistants.parley] and the assistant 'Parley' have the same name for people."),
        ("[assistants.'']\n", 1, "An assistant's name has 1 to 256 characters on one line."),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_allowed(
    tmp_path: Path, text: str, line: int, sentence: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        reading(tmp_path, text)
    assert f"assistants.toml, line {line}: " in str(refusal.value)
    assert sentence in str(refusal.value)


def test_all_mistakes_are_told_at_once_in_their_order(tmp_path: Path) -> None:
    text = "[defaults]\nassistant = 'X'\n[[channels]]\nmatch = 'irc:1'\ntools = ['a', 'b']\n"
    with pytest.raises(SettingsError) as refusal:
        reading(tmp_path, text)
    lines = str(refusal.value).splitlines()
    assert [line.split(": ")[0].rpartition(" ")[2] for line in lines] == ["2", "4", "5", "5"]


def test_what_is_no_toml_is_told_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"assistants.toml is not valid TOML: .*line 1"):
        reading(tmp_path, "[defaults\n")


def test_a_file_that_is_named_but_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ASSISTANTS_FILE: .*gone.toml cannot be read"):
        read(tmp_path / "gone.toml", AROUND)


def test_instructions_of_the_usual_assistant_are_given_in_one_place_only(tmp_path: Path) -> None:
    around = Around(platforms=AROUND.platforms, tools=AROUND.tools, usual="Parley", instructed=True)
    with pytest.raises(SettingsError, match="ASSISTANT_INSTRUCTIONS"):
        reading(tmp_path, "[assistants.Parley]\ninstructions = 'a'\n", around)


def test_where_tools_are_not_known_no_name_is_wrong(tmp_path: Path) -> None:
    around = Around(platforms=AROUND.platforms, tools=None, usual="Parley")
    assert reading(tmp_path, "[defaults]\ntools = ['anything']\n", around).file.defaults.tools == ("anything",)


def test_instructions_are_found_from_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/bob.md").write_text("You are Bob.")
    found = reading(tmp_path, "[assistants.Bob]\ninstructions_file = 'texts/bob.md'\n")
    assert found.file.assistants["Bob"].instructions == "You are Bob."


class TestExplaining:
    TEXT = """[assistants.Bob]
instructions = "You are Bob."
tools = ["list", "open"]

[[channels]]
match = "slack:T1:*"
assistant = "Bob"
tools = ["list", "close"]

[[channels]]
match = ["slack:*", "discord:1:*"]
mentions = "required"
"""

    def page(self, folder: Path, channel: str, text: str | None = None) -> str:
        found = reading(folder, self.TEXT) if text is None else read(None, AROUND)
        everybody = {one.name or "": one for one in staff(found.file, usual(AROUND.tools or ()))}
        told = Told(usual="Parley", instructions="ASSISTANT_INSTRUCTIONS", model="OPENAI_MODEL")
        return explain(channel, found, Rules(found.file, "Parley", everybody), told)

    def test_every_value_has_the_line_that_decided_it(self, tmp_path: Path) -> None:
        page = self.page(tmp_path, "slack:T1:C1")
        for words in (
            "line 7: assistant in [[channels]]",
            "line 2: instructions of Bob",
            "line 3: tools of Bob",
            "narrowed by",
            "line 8: tools in [[channels]]",
            "without effect: Bob does not have close",
            "(OPENAI_MODEL)",
            "(the default)",
        ):
            assert words in page

    def test_tables_that_do_not_hold_are_named_with_the_reason(self, tmp_path: Path) -> None:
        page = self.page(tmp_path, "slack:T1:C1")
        assert "The table that holds is [[channels]] in line 5, slack:T1:*." in page
        assert "line 10, slack:* and discord:1:*: matches too, but the first that matches holds" in page
        assert "line 5, slack:T1:*: does not match" in self.page(tmp_path, "discord:1:2")

    def test_without_a_file_the_settings_are_named(self, tmp_path: Path) -> None:
        page = self.page(tmp_path, "slack:T1:C1", text="")
        assert "There is no assistants.toml" in page
        assert "Parley\n                (ASSISTANT_NAME)" in page
        assert "(ASSISTANT_INSTRUCTIONS)" in page
