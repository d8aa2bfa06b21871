"""The home page of a person, as Slack's blocks. Pure."""

from collections.abc import Iterator

from adapters.slack.markup import noted
from bot.relay.contract import COMMANDS

Json = dict[str, object]
SECTION = 3_000
"""Characters that Slack takes in one section."""
HOW = (
    "- **Here:** write to me in the *Messages* tab. Every message at the top begins a conversation; answer in its "
    "thread to go on.\n"
    "- **In a channel:** mention me, or use `/ask`. I answer in the thread, and there you need not mention me again.\n"
    "- **For yourself alone:** `/ask private: your question`.\n"
    "- **About a message:** open its menu and choose *Ask about this* or *Summarise thread*.\n"
    "- **Files:** attach them to your message, and I read them."
)
ONLY_TEXT = "In threads, write a command as `!name`, for example `!stop`; slash commands do not work there."


def home_page(name: str, answers: str | None, usage: str | None) -> Json:
    """What there is to know about the assistant.

    Args:
        name: what it is called here.
        answers: which assistant and which model answer, in Markdown; None when that is not known just now.
        usage: what the person has used, likewise.
    """
    return {"type": "home", "blocks": list(_blocks(name, answers, usage))}


def _blocks(name: str, answers: str | None, usage: str | None) -> Iterator[Json]:
    yield _heading(name)
    if answers:
        yield _section(answers)
    yield _heading("How to ask")
    yield _section(HOW)
    yield {"type": "divider"}
    yield _heading("What you have used")
    yield _section(usage or "That is not known just now. Please open this page again in a moment.")
    yield {"type": "divider"}
    yield _heading("Commands")
    yield _section("\n".join(f"- `/{command}`: {description}" for command, description in COMMANDS.items()))
    yield {"type": "context", "elements": [{"type": "mrkdwn", "text": noted(ONLY_TEXT)}]}


def _heading(text: str) -> Json:
    return {"type": "header", "text": {"type": "plain_text", "text": text[:150], "emoji": False}}


def _section(markdown: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": noted(markdown)[:SECTION]}}
