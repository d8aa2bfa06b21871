"""Forms: the windows in which people write, and what comes back from them.

Like buttons they carry all that they mean in their identity, so one that was opened before a restart is understood.
"""

import re
from collections.abc import Sequence

import discord
from discord import ui
from pydantic import ValidationError

from bot.domain.record import Record

QUESTION, COMMENT = "question", "comment"
"""Names of the fields."""
_ABOUT = re.compile(r"about:(?P<alone>[01]):(?P<target>\d+)")
_FEEDBACK = re.compile(r"feedback:(?P<run>\w+)")
_LONGEST_COMMENT = 1_000


class AboutMessage(Record):
    """The form that asks what somebody wants to know about a message."""

    alone: bool
    """Only they see the answer."""
    target: int
    """The interaction that opened it, by which the message is remembered."""


class Feedback(Record):
    """The form that asks what was wrong with an answer."""

    run_id: str


class Submitted(Record):
    """A form that was filled in."""

    form: AboutMessage | Feedback
    texts: dict[str, str]
    """By field."""


class _Field(Record, extra="ignore"):
    custom_id: str = ""
    value: str = ""


class _Component(Record, extra="ignore"):
    component: _Field | None = None
    components: tuple[_Field, ...] = ()


class _Data(Record, extra="ignore"):
    custom_id: str
    components: tuple[_Component, ...]


def about_message(form: AboutMessage) -> ui.Modal:
    """Asks for the question."""
    title = "Ask privately" if form.alone else "Ask about this"
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=QUESTION, style=discord.TextStyle.long, placeholder="What do you want to know about it?"
    )
    return _modal(title, f"about:{int(form.alone)}:{form.target}", "Your question", field)


def feedback(form: Feedback) -> ui.Modal:
    """Asks for a comment, which may be left out: that the answer was not good is counted already."""
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=COMMENT,
        style=discord.TextStyle.long,
        placeholder="You may leave this empty.",
        required=False,
        max_length=_LONGEST_COMMENT,
    )
    return _modal("What was wrong with it?", f"feedback:{form.run_id}", "Comment", field)


def submitted(interaction: discord.Interaction) -> Submitted | None:
    """What was filled in; None for what is no form of ours."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return None
    try:
        data = _Data.model_validate(interaction.data)
    except ValidationError:
        return None
    form = _form_of(data.custom_id)
    return None if form is None else Submitted(form=form, texts=_texts(data.components))


def _form_of(identity: str) -> AboutMessage | Feedback | None:
    if about := _ABOUT.fullmatch(identity):
        return AboutMessage(alone=about["alone"] == "1", target=int(about["target"]))
    if judged := _FEEDBACK.fullmatch(identity):
        return Feedback(run_id=judged["run"])
    return None


def _texts(components: Sequence[_Component]) -> dict[str, str]:
    fields = [field for part in components for field in (part.component, *part.components) if field]
    return {field.custom_id: field.value.strip() for field in fields}


def _modal(title: str, identity: str, label: str, field: ui.TextInput[ui.Modal]) -> ui.Modal:
    modal = ui.Modal(title=title, custom_id=identity, timeout=None)
    modal.add_item(ui.Label(text=label, component=field))
    modal.stop()  # what is filled in is understood by its identity; a live modal would be kept in memory for each
    return modal
