"""The page's side: what people can do and see."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack import SlackStandIn
from bot.playground.view import Change, ConnectionShown, MessageRemoved, MessageShown, NotPossible, Stage
from tests.playground.slack.conftest import Connect

GENERAL = "C00GENERAL"


def as_stage(slack: SlackStandIn) -> Stage:
    """The type checker's word that the stand-in is a stage."""
    return slack


async def test_view(slack: SlackStandIn) -> None:
    """The pane has two channels, a direct message for each person, and the declared command."""
    view = as_stage(slack).view()
    assert [(one.name, one.kind, one.person) for one in view.channels] == [
        ("general", "channel", None),
        ("support", "channel", None),
        ("Parley", "dm", "ada"),
        ("Parley", "dm", "ben"),
        ("Parley", "dm", "chloe"),
    ]
    assert [one.name for one in view.commands] == ["ask", "new", "stop", "forget", "usage", "model", "help"]
    assert not view.bot_connected


async def test_watch(slack: SlackStandIn, client: AsyncWebClient, connect: Connect) -> None:
    """Messages, removals and connections are told until the watcher ends it."""
    changes: list[Change] = []
    end = slack.watch(changes.append)
    ts = str((await client.chat_postMessage(channel=GENERAL, text="x"))["ts"])
    await client.chat_delete(channel=GENERAL, ts=ts)
    assert [type(change) for change in changes] == [MessageShown, MessageRemoved]
    async with connect():
        assert changes[-1] == ConnectionShown("slack", True)
        assert slack.view().bot_connected
    await slack.wait_for(lambda: changes[-1] == ConnectionShown("slack", False))
    end()
    count = len(changes)
    await slack.speak("ada", "general", "unheard")
    assert len(changes) == count


async def test_reply_shows_its_root_again(slack: SlackStandIn) -> None:
    """A reply is told, and so is the root with its new count."""
    root = await slack.speak("ada", "general", "question")
    changes: list[Change] = []
    slack.watch(changes.append)
    reply = await slack.speak("ben", "general", "answer", thread=root)
    await slack.speak("ben", "general", "more", thread=reply)
    shown = [change.message for change in changes if isinstance(change, MessageShown)]
    assert [(one.thread, one.replies) for one in shown] == [(root, 0), (None, 1), (root, 0), (None, 2)]


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("@Parley hi", "<@U00PARLEY1> hi"),
        ("hey @Ada Moreno, @Parleys", "hey <@U000000ADA>, @Parleys"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("see https://a.example/?x=1&y=2.", "see <https://a.example/?x=1&amp;y=2>."),
        ("#general @here", "<#C00GENERAL|general> <!here>"),
        ("<@U00PARLEY1> <!channel>", "&lt;@U00PARLEY1&gt; &lt;!channel&gt;"),
        ("me@Parley.example", "me@Parley.example"),
    ],
)
async def test_typed_text(slack: SlackStandIn, typed: str, text: str) -> None:
    """Typed text becomes what Slack makes of it."""
    await slack.speak("ada", "general", typed)
    assert slack.messages("general")[0].text == text


async def test_impossible_deeds(slack: SlackStandIn) -> None:
    """Nonsense is refused with a reason for the person."""
    theirs = await slack.speak("ben", "general", "mine")
    with pytest.raises(NotPossible, match="nothing to send"):
        await slack.speak("ada", "general", " ")
    with pytest.raises(NotPossible, match="no channel"):
        await slack.speak("ada", "D000000BEN", "peek")
    with pytest.raises(NotPossible, match="nobody"):
        await slack.speak("bot", "general", "I am the bot")
    with pytest.raises(NotPossible, match="thread"):
        await slack.speak("ada", "general", "x", thread="1.1")
    with pytest.raises(NotPossible, match="not your message"):
        slack.edit("ada", "general", theirs, "x")


async def test_mention_inside_html(slack: SlackStandIn) -> None:
    """What a person typed is shown safely, with mentions marked."""
    await slack.speak("ada", "general", "@Parley <img src=x onerror=alert(1)>")
    html = slack.view().messages[0].html
    assert html == '<div><span class="mention">@Parley</span> &lt;img src=x onerror=alert(1)&gt;</div>'


async def test_same_seed_same_ids() -> None:
    """Two workspaces with one seed issue the same tokens."""
    assert SlackStandIn(seed=3).bot_token == SlackStandIn(seed=3).bot_token != SlackStandIn(seed=4).bot_token
