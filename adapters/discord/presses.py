"""Buttons under answers, and the form behind one of them: acknowledged at once, then carried out."""

import discord
import structlog

from adapters.discord.buttons import Pressed
from adapters.discord.deadlines import FirstAnswer
from adapters.discord.forms import COMMENT, Feedback, Submitted, feedback
from adapters.discord.inbound import is_moderator, scope_in
from adapters.discord.material import author_of
from bot.errors import StoreUnavailable
from bot.relay.contract import Press, Reception

log = structlog.get_logger()

NOT_DONE = "That could not be done just now. Please try again."
_THANKS = "Thank you. Your comment is kept with the answer."


class Presses:
    """Carries out presses. What there is to say about one is for the person alone."""

    def __init__(self, reception: Reception) -> None:
        """Hand them to `reception`."""
        self._reception = reception

    async def pressed(self, interaction: discord.Interaction, pressed: Pressed) -> None:
        """A button. That an answer was not good counts by itself; a comment comes when its form is filled in.

        It is carried out although its acknowledgement failed: the person sees that, but they did press.
        """
        answer = FirstAnswer(interaction)
        if pressed.op == "down":
            await answer.open(feedback(Feedback(run_id=pressed.run_id)))
        else:
            await answer.defer(thinking=False)
        press = _press(interaction, pressed)
        if note := await self._carried_out(interaction, press):
            await answer.note(note)

    async def commented(self, interaction: discord.Interaction, filled: Submitted, form: Feedback) -> None:
        """The form behind 👎. An empty comment says nothing that the button has not said."""
        answer = FirstAnswer(interaction)
        await answer.defer(thinking=False)
        comment = filled.texts.get(COMMENT, "")
        if not comment:
            return
        press = _press(interaction, Pressed("down", form.run_id)).model_copy(update={"comment": comment})
        await answer.note(await self._carried_out(interaction, press) or _THANKS)

    async def _carried_out(self, interaction: discord.Interaction, press: Press) -> str | None:
        try:
            return await self._reception.press(press)
        except StoreUnavailable as error:
            log.warning("press not carried out", interaction_id=interaction.id, reason=type(error).__name__)
            return NOT_DONE


def _press(interaction: discord.Interaction, pressed: Pressed) -> Press:
    return Press(
        op=pressed.op,
        run_id=pressed.run_id,
        call=pressed.call,
        person=author_of(interaction.user),
        moderator=is_moderator(interaction.user),
        scope=scope_in(interaction),
    )
