"""No address that stands in code becomes a link, in Discord's own way of reading."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.discord.adapter import CAPABILITIES
from adapters.discord.cover import covered
from adapters.discord.markup import DiscordDialect
from adapters.discord.places import Place
from adapters.discord.shown import text_of
from bot.playground.discord.reading import links
from bot.relay.contract import Outbound
from bot.relay.text.composer import Composer

EVIL = "https://evil.example/x"


@pytest.mark.parametrize(
    "text",
    [
        f"**see `now** {EVIL}`",
        f"**see `{EVIL} now** then`",
        f"||see `now|| {EVIL}`",
        f"~~see `now~~ {EVIL}`",
        f"__see `now__ {EVIL}`",
        f"*see `now* {EVIL}`",
        f"_see `now_ {EVIL}`",
        f"[see `]({EVIL}) now`",
        f"**see\n```\na ** b {EVIL}\n```",
        f"```\na ``` {EVIL}\n```",
        f"````\n``` {EVIL}\n````",
        f"> ** quoted\n** b `** {EVIL}`",
        f"# ** heading\n** b `** {EVIL}`",
    ],
)
def test_what_would_come_out_of_code_is_no_link(text: str) -> None:
    """Each of these shows a link in Discord, though it is code for everybody else."""
    assert [link.rstrip("`") for link in links(text)] == [EVIL]
    assert links(covered(text)) == []
    assert len(covered(text)) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        f"**Step 1**: run `curl {EVIL}`",
        f"**Step 1**\n```py\nget('{EVIL}', **kw)\n```",
        f"_so_ `snake_case {EVIL} other_case`",
        f"see {EVIL}",
        f"[docs]({EVIL})",
        "no address `**` here",
    ],
)
def test_what_stays_in_its_code_can_be_copied(text: str) -> None:
    assert covered(text) == text


PIECES = [EVIL, "`", "``", "```", "```\n", "\n```", "\n", "\n\n", "**", "*", "__", "_", "~~", "||", "|", "> ", "# "]
PIECES += [
    "- ",
    "-# ",
    "a",
    " ",
    "[",
    "](",
    ")",
    "<",
    ">",
    "\\",
    f"[a]({EVIL})",
    f"`{EVIL}`",
    f"```\n{EVIL}\n```\n",
    "| a | b |\n|---|---|\n",
]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
@settings(max_examples=800, deadline=None)
def test_no_arrangement_of_marks_makes_a_link_in_discord(markdown: str) -> None:
    """All the way that an answer goes: unknown addresses to code, the dialect, messages, what is sent."""
    composer = Composer(DiscordDialect(), CAPABILITIES)
    texts, _ = composer.ended(markdown or "x", 0, attachable=True)
    for text in texts:
        sent = text_of(Place(channel="1"), Outbound(text=text or "x", footer="Sources: one"))
        assert links(sent) == [], sent


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join), st.integers(40, 200))
@settings(max_examples=300, deadline=None)
def test_nor_does_any_cut_between_two_messages(markdown: str, limit: int) -> None:
    """A mark that opens in one message has nothing to do with the next."""
    tight = CAPABILITIES.model_copy(update={"soft_limit": limit + 160, "hard_limit": limit + 200, "max_segments": 100})
    composer = Composer(DiscordDialect(), tight)
    texts, _ = composer.ended(markdown or "x", 0, attachable=True)
    for text in texts:
        assert links(text_of(Place(channel="1", quote="**why** `so`?"), Outbound(text=text or "x"))) == []
