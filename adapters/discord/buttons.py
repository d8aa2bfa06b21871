"""Buttons under answers. Their identity holds all their state, so they work after a restart."""

import re
from typing import Self, cast, get_args

import discord
from discord import ui

from bot.relay.contract import Button, Operation

_OPERATIONS = "|".join(get_args(Operation))


class RunButton(
    ui.DynamicItem[ui.Button[ui.View]], template=rf"run:(?P<op>{_OPERATIONS}):(?P<run>\w+)(:(?P<key>[\w.-]*))?"
):
    """One button. The key of the message that it was created with makes that message findable after a crash."""

    def __init__(self, op: Operation, run_id: str, key: str, label: str = "", *, danger: bool = False) -> None:
        """Make the button for an operation on a run."""
        self.op = op
        self.run_id = run_id
        self.key = key
        style = discord.ButtonStyle.danger if danger else discord.ButtonStyle.secondary
        super().__init__(ui.Button(label=label or op.title(), style=style, custom_id=identity(op, run_id, key)))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction, item: ui.Item[ui.View], match: re.Match[str], /
    ) -> Self:
        """Rebuild a pressed button from its identity."""
        return cls(cast("Operation", match["op"]), match["run"], match["key"] or "")

    async def callback(self, interaction: discord.Interaction) -> None:
        """Hand the press to the adapter, which listens to `run_button`."""
        interaction.client.dispatch("run_button", interaction, self.op, self.run_id)


def identity(op: str, run_id: str, key: str) -> str:
    """A button's `custom_id`, at most 100 characters."""
    return f"run:{op}:{run_id}:{key}"


def view_of(buttons: tuple[Button, ...], key: str) -> ui.View | None:
    """The buttons as discord.py sends them; None when there are none."""
    if not buttons:
        return None
    view = ui.View(timeout=None)
    for button in buttons:
        view.add_item(RunButton(button.op, button.run_id, key, button.label, danger=button.danger))
    view.stop()  # presses arrive at RunButton by identity; a live view would be kept in memory for every message
    return view


def carries_key(message: discord.Message, key: str) -> bool:
    """Whether a message was created with this key."""
    if str(message.nonce or "") == key:
        return True
    for row in message.components:
        children = row.children if isinstance(row, discord.ActionRow) else []
        if any((child.custom_id or "").endswith(f":{key}") for child in children):
            return True
    return False
