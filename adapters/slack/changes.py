"""Messages that were edited or deleted: what the assistant reads from then on follows."""

from adapters.slack.desk import Desk
from adapters.slack.happenings import TOMBSTONE, Change, ChangedMessage
from adapters.slack.inbound import source_key
from adapters.slack.places import conversation_key
from adapters.slack.stamps import micros, seconds
from bot.relay.contract import Deleted, Edited
from bot.relay.queues import Queues


class Changes:
    """Edits and deletions to a `Reception`."""

    def __init__(self, desk: Desk, turns: Queues) -> None:
        """Take turns with what is said: a change may overtake the message itself."""
        self._desk = desk
        self._turns = turns

    async def take(self, change: Change) -> None:
        """Take a change.

        Our own edits come back this way, many a second: they end here, before anything is asked.

        Raises:
            StoreUnavailable: not taken.
        """
        event = change.event
        before, now = event.previous_message, event.message
        if self._ours(before) or self._ours(now):
            return
        if event.subtype == "message_deleted":
            await self._deleted(change, event.deleted_ts or (before.ts if before else ""), before)
        elif now is not None and now.subtype == TOMBSTONE:  # with replies, a deleted message leaves a stone behind
            await self._deleted(change, now.ts, before)
        elif now is not None and not (before is not None and before.text == now.text):  # or merely a link's preview
            await self._edited(change, now)

    def _ours(self, message: ChangedMessage | None) -> bool:
        return message is not None and message.user == self._desk.identity.user_id

    async def _edited(self, change: Change, message: ChangedMessage) -> None:
        tenant, channel = change.tenant, change.event.channel
        async with self._turns.of(*_turn(change, message)):
            text = await self._desk.reader.words(message.text or "")
            at = seconds(message.edited.ts if message.edited else "") or seconds(change.event.ts)
            await self._desk.reception.edited(Edited(key=source_key(tenant, channel, message.ts), text=text, at=at))

    async def _deleted(self, change: Change, ts: str, before: ChangedMessage | None) -> None:
        if not ts:
            return
        async with self._turns.of(*_turn(change, before or ChangedMessage(ts=ts))):
            await self._desk.reception.deleted(Deleted(keys=(source_key(change.tenant, change.event.channel, ts),)))


def _turn(change: Change, message: ChangedMessage) -> tuple[str, int]:
    """The queue of the message's thread, and the place in it."""
    root = message.thread_ts or message.ts
    return conversation_key(change.tenant, change.event.channel, root), micros(change.event.ts)
