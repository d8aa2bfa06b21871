"""Accept, then acknowledge: everything that Slack delivers for one workspace, as `front.py` hands it on."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from slack_bolt.response import BoltResponse

from adapters.slack.api import SlackApi
from adapters.slack.changes import Changes
from adapters.slack.courtesies import Courtesies
from adapters.slack.desk import Desk
from adapters.slack.happenings import Change, Opened, Stopped, ThreadStarted
from adapters.slack.inbound import Reader
from adapters.slack.interactive import ShortcutPayload, SubmissionPayload
from adapters.slack.modals import ASK_FORM, FEEDBACK_FORM
from adapters.slack.pages import Pages
from adapters.slack.payloads import ClickPayload, Envelope, EventHead, Head, SlashPayload, cleaned
from adapters.slack.presses import Presses
from adapters.slack.replies import Identity
from adapters.slack.settings import PROMPTS, Prompt
from adapters.slack.shortcuts import Shortcuts
from adapters.slack.slash import SlashCommands
from adapters.slack.surface import Surface
from adapters.slack.talk import Talk
from bot.relay.contract import Reception
from bot.relay.queues import Queues

CHANGES = frozenset({"message_changed", "message_deleted"})


class Ingress:
    """One workspace's deliveries to those who deal with them."""

    def __init__(
        self,
        api: SlackApi,
        identity: Identity,
        reader: Reader,
        reception: Reception,
        courtesies: Courtesies,
        taking: Callable[[str], AbstractContextManager[None]],
        prompts: tuple[Prompt, ...] = PROMPTS,
    ) -> None:
        """Enter `taking` with the `ts` of every message for as long as it is dealt with; suggest `prompts`."""
        self._api = api
        self._courtesies = courtesies
        self._taking = taking
        desk = Desk(api, Surface(api), identity, reader, reception, courtesies, prompts)
        turns = Queues()
        self._talk = Talk(desk, turns)
        self._changes = Changes(desk, turns)
        self._slash = SlashCommands(desk)
        self._presses = Presses(desk)
        self._shortcuts = Shortcuts(desk)
        self._pages = Pages(desk)

    async def dispatch(self, head: Head, body: dict[str, object]) -> BoltResponse:
        """Accept one delivery. Returns its acknowledgement.

        Raises:
            StoreUnavailable: not accepted.
            ValidationError: it makes no sense.
        """
        if head.command is not None:
            return await self._slash.take(SlashPayload.model_validate(cleaned(body)))
        match head.type:
            case "block_actions":
                await self._presses.click(ClickPayload.model_validate(cleaned(body)))
            case "message_action":
                await self._shortcuts.choose(ShortcutPayload.model_validate(cleaned(body)))
            case "view_submission":
                return await self._submit(SubmissionPayload.model_validate(cleaned(body)))
            case "event_callback" if head.event is not None:
                await self._event(head.event, cleaned(body))
            case _:
                pass
        return _acknowledged()

    async def _submit(self, form: SubmissionPayload) -> BoltResponse:
        match form.view.callback_id:
            case callback if callback == ASK_FORM:
                return await self._shortcuts.submit(form)
            case callback if callback == FEEDBACK_FORM:
                return await self._presses.submit(form)
            case _:
                return _acknowledged()

    async def _event(self, head: EventHead, body: object) -> None:
        match head.type:
            case "message" if head.subtype in CHANGES:
                await self._changes.take(Change.model_validate(body))
            case "message" | "app_mention":
                await self._said(Envelope.model_validate(body))
            case "app_home_opened":
                self._pages.opened(Opened.model_validate(body))
            case "assistant_thread_started":
                started = ThreadStarted.model_validate(body)
                self._talk.expect(started.event.assistant_thread.channel_id, started.event.assistant_thread.thread_ts)
                self._pages.thread_started(started)
            case "agent_session_stopped":
                await self._presses.stop(Stopped.model_validate(body))
            case "app_uninstalled" | "tokens_revoked":
                self._courtesies.do("token check", self._check_token())
            case _:
                pass

    async def _said(self, envelope: Envelope) -> None:
        with self._taking(envelope.event.ts):
            await self._talk.hear(envelope)

    async def hear_late(self, envelope: Envelope) -> bool:
        """Accept a message that was read long after it was said, and that may be known already.

        Returns:
            Whether it may have been for us at all.

        Raises:
            StoreUnavailable: not accepted.
        """
        return await self._talk.hear(envelope, late=True)

    async def _check_token(self) -> None:
        """Find out whether it is our token that was revoked; a refusal ends the adapter."""
        await self._api.identity()


def _acknowledged() -> BoltResponse:
    return BoltResponse(status=200, body="")
