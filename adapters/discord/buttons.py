"""Buttons under answers. Their identity holds all their state, so they work after a restart."""

import re
from dataclasses import dataclass
from typing import Self, cast, get_args

import discord
from discord import ui

from bot.domain.steps import INTERRUPTION
from bot.relay.contract import Button, Operation

_OPERATIONS = "|".join(get_args(Operation))
_IDENTITY = rf"run:(?P<op>{_OPERATIONS}):(?P<run>\w+)(?::(?P<key>[\w.-]*)(?::(?P<call>{INTERRUPTION}))?)?"
_KEY = re.compile(_IDENTITY)


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button's identity says."""

    op: Operation
    run_id: str
    key: str = ""
    """Of the message that it was created with, which makes that message findable after a crash."""
    call: str = ""
    """As `Button.call`."""

    @property
    def identity(self) -> str:
        """The `custom_id`: at most 100 characters, a key has at most 25, a run's id 28, a call ten or so."""
        return f"run:{self.op}:{self.run_id}:{self.key}" + (f":{self.call}" if self.call else "")


class RunButton(ui.DynamicItem[ui.Button[ui.View]], template=_IDENTITY):
    """One button. Whatever has another form of identity is not heard."""

    def __init__(self, pressed: Pressed, label: str = "", *, danger: bool = False) -> None:
        """Make the button for an operation on a run."""
        self.pressed = pressed
        style = discord.ButtonStyle.danger if danger else discord.ButtonStyle.secondary
        super().__init__(ui.Button(label=label or pressed.op.title(), style=style, custom_id=pressed.identity))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction, item: ui.Item[ui.View], match: re.Match[str], /
    ) -> Self:
        """Rebuild a pressed button from its identity."""
        op = cast("Operation", match["op"])
        return cls(Pressed(op, match["run"], match["key"] or "", match["call"] or ""))

    async def callback(self, interaction: discord.Interaction) -> None:
        """Hand the press to the adapter, which listens to `run_button`."""
        interaction.client.dispatch("run_button", interaction, self.pressed)


def view_of(buttons: tuple[Button, ...], key: str) -> ui.View | None:
    """The buttons as discord.py sends them; None when there are none."""
    if not buttons:
        return None
    view = ui.View(timeout=None)
    for button in buttons:
        pressed = Pressed(button.op, button.run_id, key, button.call)
        view.add_item(RunButton(pressed, button.label, danger=button.danger))
    view.stop()  # presses arrive at RunButton by identity; a live view would be kept in memory for every message
    return view


def keys_of(message: discord.Message) -> set[str]:
    """The keys that a message's buttons carry; a message is created with one of them at most."""
    rows = [row.children for row in message.components if isinstance(row, discord.ActionRow)]
    matches = [_KEY.fullmatch(child.custom_id or "") for children in rows for child in children]
    return {match["key"] for match in matches if match and match["key"]}
