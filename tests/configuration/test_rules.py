"""What the file says about one channel: the first table that matches, then the defaults, and never a tool more."""

import re
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bot.configuration.lines import Lines
from bot.configuration.patterns import covers, matches
from bot.configuration.rules import Rules, narrowed
from bot.configuration.staff import staff
from bot.configuration.tables import AssistantsFile
from bot.domain.assistants import Assistant, FunctionDefinition, FunctionTool, tool_name

TOOLS = ("close", "list", "open", "search")
CHANNELS = ("slack:T1:C1", "slack:T1:D1", "slack:T2:C1", "discord:1:2", "discord:dm:3", "console", "")


def usual(tools: Sequence[str] = TOOLS) -> Assistant:
    return Assistant(
        id="asst_1",
        created_at=1,
        name="Parley",
        model="gpt-5.4",
        instructions="Be brief.",
        tools=tuple(FunctionTool(function=FunctionDefinition(name=name)) for name in tools),
    )


def rules_of(file: AssistantsFile) -> Rules:
    return Rules(file, "Parley", {one.name or "": one for one in staff(file, usual())})


def tools_of(assistant: Assistant) -> set[str]:
    return set(map(tool_name, assistant.tools))


def file_of(**tables: object) -> AssistantsFile:
    return AssistantsFile.model_validate(tables)


names = st.none() | st.lists(st.sampled_from(TOOLS), max_size=4, unique=True) | st.just(["*"])
patterns = st.sampled_from(["*", "slack:*", "slack:T1:*", "slack:*:D*", "discord:*", "*:C1", *CHANNELS[:5]])
places = st.fixed_dictionaries(
    {},
    optional={
        "assistant": st.sampled_from(["Parley", "Support"]),
        "assistants": st.lists(st.sampled_from(["Parley", "Support"]), max_size=2),
        "mentions": st.sampled_from(["always", "threads", "required"]),
        "tools": names.filter(lambda value: value is not None),
        "instructions": st.text(max_size=20),
    },
)
files = st.builds(
    lambda defaults, own, channels: file_of(
        defaults=defaults,
        assistants={"Support": {} if own is None else {"tools": own}},
        channels=[{**place, "match": match} for match, place in channels],
    ),
    places,
    names,
    st.lists(st.tuples(patterns | st.lists(patterns, min_size=1, max_size=2), places), max_size=5),
)


class TestResolving:
    @given(files, st.sampled_from(CHANNELS), st.sampled_from(["", "Support", "Parley", "nobody"]))
    def test_no_channel_gives_an_assistant_a_tool_that_it_does_not_have(
        self, file: AssistantsFile, channel: str, wanted: str
    ) -> None:
        own = {one.name: tools_of(one) for one in staff(file, usual())}
        answering = rules_of(file).assistant(channel, wanted)
        assert tools_of(answering) <= own[answering.name]
        assert own["Parley"] <= set(TOOLS)

    @given(files, st.sampled_from(CHANNELS), st.sampled_from(["", "Support", "Parley"]))
    def test_a_narrowing_leaves_exactly_what_both_the_assistant_and_the_channel_have(
        self, file: AssistantsFile, channel: str, wanted: str
    ) -> None:
        own = {one.name: tools_of(one) for one in staff(file, usual())}
        rules = rules_of(file)
        limits = rules.in_force(channel).tools.value
        answering = rules.assistant(channel, wanted)
        allowed = set(TOOLS) if "*" in limits else set(limits)
        assert tools_of(answering) == own[answering.name] & allowed

    @given(files, st.sampled_from(CHANNELS))
    def test_it_is_the_same_every_time_and_for_every_copy_of_the_file(self, file: AssistantsFile, channel: str) -> None:
        copy = AssistantsFile.model_validate_json(file.model_dump_json())
        one, other = rules_of(file), rules_of(copy)
        assert one.in_force(channel) == other.in_force(channel) == one.in_force(channel)
        assert one.policy(channel) == other.policy(channel)

    @given(files, st.sampled_from(CHANNELS))
    def test_the_first_table_that_matches_holds_and_no_other_has_a_say(
        self, file: AssistantsFile, channel: str
    ) -> None:
        table = rules_of(file).in_force(channel).table
        matching = [
            number
            for number, one in enumerate(file.channels)
            if any(matches(pattern, channel) for pattern in one.patterns)
        ]
        assert table == (matching[0] if matching else None)
        only = file_of(
            defaults=file.defaults.model_dump(exclude_none=True),
            assistants={name: one.model_dump(exclude_none=True) for name, one in file.assistants.items()},
            channels=[] if table is None else [file.channels[table].model_dump(exclude_none=True)],
        )
        assert rules_of(only).policy(channel) == rules_of(file).policy(channel)

    @given(files, st.sampled_from(CHANNELS), st.text(max_size=10))
    def test_only_an_assistant_that_is_offered_there_can_be_chosen(
        self, file: AssistantsFile, channel: str, wanted: str
    ) -> None:
        rules = rules_of(file)
        offered = rules.assistants(channel)
        assert offered[0] == rules.policy(channel).assistant
        for name in (wanted, "Support", "Parley"):
            chosen = rules.assistant(channel, name).name
            assert chosen == (name if name in offered else offered[0])


class TestAssistants:
    def test_a_name_is_chosen_however_its_letters_are_written(self) -> None:
        file = file_of(assistants={"Support": {}}, defaults={"assistants": ["Support"]})
        assert rules_of(file).assistant("slack:T1:C1", " support ").name == "Support"

    def test_a_key_of_a_channels_table_stands_instead_of_the_one_of_the_defaults(self) -> None:
        file = file_of(
            defaults={"tools": ["open"], "instructions": "Be kind."},
            channels=[{"match": "slack:*", "tools": ["close"], "instructions": "In French."}],
        )
        rules = rules_of(file)
        assert tools_of(rules.assistant("slack:T1:C1")) == {"close"}
        assert rules.assistant("slack:T1:C1").instructions == "Be brief.\n\nIn French."
        assert rules.assistant("discord:1:2").instructions == "Be brief.\n\nBe kind."

    def test_only_a_model_that_is_named_for_an_assistant_is_its_own(self) -> None:
        one, other = staff(file_of(assistants={"Support": {"model": "gpt-4.1"}}), usual())
        assert (one.model, one.own_model) == ("gpt-5.4", False)
        assert (other.model, other.own_model) == ("gpt-4.1", True)

    def test_a_table_with_the_name_of_the_usual_assistant_changes_it(self) -> None:
        (only,) = staff(file_of(assistants={"Parley": {"tools": ["list"]}}), usual())
        assert (only.name, only.instructions, tools_of(only)) == ("Parley", "Be brief.", {"list"})

    def test_other_assistants_have_general_instructions_and_all_tools_unless_the_file_says_otherwise(self) -> None:
        _, other = staff(file_of(assistants={"Support": {}}), usual())
        assert (other.instructions or "").startswith("You are Support")
        assert tools_of(other) == set(TOOLS)
        assert tools_of(usual()) == {tool_name(tool) for tool in narrowed(usual().tools, None)}


class TestPatterns:
    @given(patterns, st.sampled_from(CHANNELS))
    def test_a_star_stands_for_any_characters(self, pattern: str, channel: str) -> None:
        regex = "".join(".*" if char == "*" else re.escape(char) for char in pattern)
        assert matches(pattern, channel) == bool(re.fullmatch(regex, channel))

    @given(patterns, patterns, st.sampled_from(CHANNELS))
    def test_a_pattern_that_covers_another_matches_all_that_the_other_matches(
        self, wide: str, narrow: str, channel: str
    ) -> None:
        if covers(wide, narrow) and matches(narrow, channel):
            assert matches(wide, channel)


class TestLines:
    TEXT = """# a comment
[defaults]
mentions = "threads"   # another

[assistants.Support]
instructions = \"\"\"
[assistants.Fake]
model = "no"
\"\"\"
tools = [
    "a",   # [[channels]]
    "b",
]
model = "m"

[[channels]]
match = "slack:*"
[[channels]]
match = "discord:*"

[assistants."Two Words"]
model = "x"
"""

    def test_every_key_is_found_on_its_line(self) -> None:
        lines = Lines(self.TEXT)
        assert {
            ("defaults", "mentions"): lines.of(("defaults", "mentions")),
            ("assistants", "Support", "tools"): lines.of(("assistants", "Support", "tools")),
            ("assistants", "Support", "model"): lines.of(("assistants", "Support", "model")),
            ("channels", 0, "match"): lines.of(("channels", 0, "match")),
            ("channels", 1, "match"): lines.of(("channels", 1, "match")),
            ("assistants", "Two Words", "model"): lines.of(("assistants", "Two Words", "model")),
        } == {
            ("defaults", "mentions"): 3,
            ("assistants", "Support", "tools"): 10,
            ("assistants", "Support", "model"): 14,
            ("channels", 0, "match"): 17,
            ("channels", 1, "match"): 19,
            ("assistants", "Two Words", "model"): 22,
        }

    def test_what_is_missing_stands_where_its_table_stands(self) -> None:
        assert Lines(self.TEXT).of(("channels", 1, "assistant")) == 18
        assert Lines(self.TEXT).of(("channels", 7)) is None
