"""Buttons under answers, the form that one of them opens, and Slack's own Stop button.

Slack delivers clicks once, so the person is told when something fails.
"""

from slack_bolt.response import BoltResponse

from adapters.slack.blocks import Target, target
from adapters.slack.desk import NOT_TAKEN, Desk
from adapters.slack.happenings import Stopped
from adapters.slack.inbound import click_team
from adapters.slack.interactive import SubmissionPayload
from adapters.slack.modals import COMMENT, Judged, carried, feedback_form
from adapters.slack.payloads import ClickPayload
from adapters.slack.places import conversation_key, scope_of
from bot.domain.messages import Author
from bot.errors import StoreUnavailable
from bot.relay.commands import STOPPING
from bot.relay.contract import Press


class Presses:
    """Presses to a `Reception`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def click(self, click: ClickPayload) -> None:
        """Somebody has pressed a button."""
        channel = click.channel.id if click.channel else ""
        thread = click.message.thread_ts if click.message else None
        for action in click.actions:
            about = target(action.action_id, action.value)
            if about is None:
                continue
            if about.op == "down":  # before anything slow: the trigger lives for 3 seconds
                judged = Judged(run_id=about.run_id, channel=channel, thread=thread)
                form = self._desk.surface.open_form(click.trigger_id, feedback_form(judged))
                self._desk.courtesies.do("form", form)
            person = await self._desk.reader.author(click_team(click, self._desk.identity), click.user.id)
            note = await self._press(about, person, click.user.id, click.tenant)
            if note and channel:
                self._desk.note(channel, click.user.id, note, thread)

    async def _press(
        self, about: Target, person: Author, user: str, tenant: str, comment: str | None = None
    ) -> str | None:
        """Carry a press out. Returns what the person is told."""
        press = Press(
            op=about.op,
            run_id=about.run_id,
            call=about.call,
            comment=comment,
            person=person,
            moderator=await self._desk.reader.moderates(user),
            scope=scope_of(tenant or self._desk.identity.team_id),
        )
        try:
            return await self._desk.reception.press(press)
        except StoreUnavailable:
            return NOT_TAKEN

    async def submit(self, form: SubmissionPayload) -> BoltResponse:
        """Somebody has written what was wrong with an answer. When it cannot be taken the form stays open."""
        judged, comment = carried(Judged, form.view.private_metadata), form.view.field(COMMENT).strip()
        if judged is None or not comment:
            return BoltResponse(status=200, body="")
        home = form.user.team_id or (form.team.id if form.team else self._desk.identity.team_id)
        person = await self._desk.reader.author(home, form.user.id)
        about = Target(op="down", run_id=judged.run_id)
        note = await self._press(about, person, form.user.id, form.tenant, comment)
        if note == NOT_TAKEN:
            return BoltResponse(status=200, body={"response_action": "errors", "errors": {COMMENT: NOT_TAKEN}})
        if note and judged.channel:
            self._desk.note(judged.channel, form.user.id, note, judged.thread)
        return BoltResponse(status=200, body="")

    async def stop(self, stopped: Stopped) -> None:
        """Somebody has pressed Slack's own Stop button: the same as `stop` in that thread, with the same rights.

        Raises:
            StoreUnavailable: not taken.
        """
        event, tenant = stopped.event, stopped.tenant
        conversation = conversation_key(tenant, event.channel, event.thread_ts)
        key = stopped.event_id or f"{event.channel}:{event.thread_ts}"
        if not await self._desk.reception.first_time(f"slack:stop:{tenant}:{key}"):
            return  # sent again: by now it might stop another answer
        person = await self._desk.reader.author(stopped.team_id or tenant, event.user)
        try:
            note = await self._desk.carry_out("stop", conversation, person, event.user, (tenant, event.channel))
        except StoreUnavailable:
            note = NOT_TAKEN
        if note != STOPPING:
            self._desk.note(event.channel, event.user, note, event.thread_ts)
