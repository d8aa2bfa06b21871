"""The forms that we open, and what they carry along until they are sent off. Pure."""

from typing import TypeVar

from pydantic import ValidationError

from adapters.slack.mrkdwn import to_markdown
from bot.domain.record import Record

Json = dict[str, object]
ASK_FORM = "ask_about"
FEEDBACK_FORM = "feedback"
QUESTION, AUDIENCE, COMMENT = "question", "audience", "comment"
"""Fields, by their blocks."""
ME, THREAD = "me", "thread"
"""Values of `AUDIENCE`."""
METADATA = 3_000
"""Characters that Slack keeps with a form."""
EXCERPT = 1_500
QUOTED = 300
LONGEST = 3_000
"""Characters that Slack lets people write into one field."""

R = TypeVar("R", bound=Record)


class Pointed(Record, extra="ignore"):
    """The message that a form asks about."""

    channel: str
    ts: str
    thread: str | None = None
    """Root of its thread, when it has one."""
    author: str = ""
    """Id of who wrote it."""
    name: str = ""
    excerpt: str = ""
    """Its beginning, in mrkdwn, for when it cannot be read any more."""
    response_url: str | None = None

    @property
    def root(self) -> str:
        """First message of the thread that it is in or begins."""
        return self.thread or self.ts


class Judged(Record, extra="ignore"):
    """The answer that was found bad."""

    run_id: str
    channel: str = ""
    thread: str | None = None


def ask_form(pointed: Pointed) -> Json:
    """What do you want to know about this message, and who is to see the answer?"""
    who = [(ME, "Only me"), (THREAD, "Everybody, in the thread")]
    options = [{"text": _plain(label), "value": value} for value, label in who]
    quoted = " ".join(to_markdown(pointed.excerpt, {}).split())[:QUOTED] or "(no text)"
    return _modal(
        ASK_FORM,
        "Ask about this",
        "Ask",
        _fitting(pointed),
        {"type": "context", "elements": [_plain(quoted)]},
        _input(QUESTION, "Your question", {"type": "plain_text_input", "multiline": True, "max_length": LONGEST}),
        _input(AUDIENCE, "Who sees the answer?", {
            "type": "static_select", "options": options, "initial_option": options[0],
        }),
    )  # fmt: skip


def feedback_form(judged: Judged) -> Json:
    """What was wrong with this answer?"""
    return _modal(
        FEEDBACK_FORM,
        "What went wrong?",
        "Send",
        judged.model_dump_json(exclude_none=True),
        _input(COMMENT, "What should have been better?", {
            "type": "plain_text_input", "multiline": True, "max_length": LONGEST,
        }),
    )  # fmt: skip


def carried(record: type[R], metadata: str) -> R | None:
    """What a form carried along; None when that makes no sense."""
    try:
        return record.model_validate_json(metadata)
    except ValidationError:
        return None


def _fitting(pointed: Pointed) -> str:
    """As much of the excerpt as Slack keeps."""
    excerpt = pointed.excerpt[:EXCERPT]
    while True:
        metadata = pointed.model_copy(update={"excerpt": excerpt}).model_dump_json(exclude_none=True)
        if len(metadata) <= METADATA or not excerpt:
            return metadata
        excerpt = excerpt[: len(excerpt) // 2]


def _modal(callback: str, title: str, submit: str, metadata: str, *blocks: Json) -> Json:
    return {
        "type": "modal",
        "callback_id": callback,
        "title": _plain(title),
        "submit": _plain(submit),
        "close": _plain("Cancel"),
        "private_metadata": metadata,
        "blocks": list(blocks),
    }


def _input(name: str, label: str, element: Json) -> Json:
    return {"type": "input", "block_id": name, "label": _plain(label), "element": element | {"action_id": "value"}}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}
