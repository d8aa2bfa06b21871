"""What has to be there before an answer is begun: the files that came with the message, and what was said before it."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import structlog

from bot.domain.deliveries import BELONGS_TO, Heard, RemoteFile
from bot.domain.messages import Attachment, ImageFilePart
from bot.errors import PlatformError
from bot.ports import Overheard, Store
from bot.relay.attachments import FileIntake, Taken
from bot.relay.chat import Chat
from bot.relay.errand import Errand
from bot.relay.incoming import clean_heard
from bot.relay.policy import RelayPolicy

log = structlog.get_logger()


class Preparation:
    """Prepares one run. Done again after a crash in the middle, it comes to the same."""

    def __init__(self, store: Store, errand: Errand, chat: Chat, policy: RelayPolicy) -> None:
        """Fetch from `chat`, within the limits of `policy`, what the question of `errand` needs."""
        self._store = store
        self._errand = errand
        self._chat = chat
        self._policy = policy
        self._files = FileIntake(store.files, chat, policy, errand.run_id)

    async def take_in_files(self) -> None:
        """Make attachments of the files that came with the question, and with what it refers to.

        Raises:
            StoreUnavailable: a file could not be stored.
            Fenced: somebody else has the lane.
        """
        errand = self._errand
        remote = sorted(errand.delivery.files, key=lambda file: BELONGS_TO in file.source)  # its own ones come first
        if not remote:
            return
        own: list[Taken] = []
        beside: dict[str, list[Attachment]] = defaultdict(list)
        for file, taken in zip(remote, await self._files.take([_bare(file) for file in remote]), strict=True):
            if (message_id := file.source.get(BELONGS_TO)) is None:
                own.append(taken)
            else:
                beside[message_id].append(taken.attachment)
        images = [ImageFilePart(file_id=one.file_id) for one in own if one.file_id is not None and one.is_image]
        records = [one.attachment for one in own]
        await self._store.deliveries.attach(errand.lease, errand.run_id, records, images, beside)

    async def listen_back(self) -> None:
        """Put what was said before beside the question, where the assistant has not heard it.

        That is when it was called into a conversation, and where what does not mention it passes unanswered. A platform
        that does not tell is no reason not to answer.

        Raises:
            StoreUnavailable: it could not be stored.
            Fenced: somebody else has the lane.
        """
        errand = self._errand
        if not await self._has_gaps():
            return
        heard = await self._heard()
        known = await self._store.history.known(errand.run, [one.key for one in heard]) if heard else frozenset[str]()
        fresh = [one for one in heard if one.key not in known]
        if fresh:
            await self._store.deliveries.hear(errand.lease, errand.run_id, await self._with_files(fresh))
            log.info("heard what was said before", run_id=errand.run_id, messages=len(fresh))

    async def _has_gaps(self) -> bool:
        run = self._errand.run
        if run.version > 1:  # it was heard for the first version
            return False
        if not self._errand.untouched and await self._store.runs.turns(run.id):
            return False
        return run.missed_some or not await self._store.history.up_to(run, 1, run.seq)

    async def _heard(self) -> Sequence[Heard]:
        try:
            async with asyncio.timeout(self._policy.context_seconds):
                heard = await self._chat.context(self._policy.context_messages)
        except (PlatformError, TimeoutError) as error:
            log.warning("cannot hear what was said before", run_id=self._errand.run_id, error=type(error).__name__)
            return ()
        return [clean_heard(one, self._policy.heard_text) for one in heard[-self._policy.context_messages :]]

    async def _with_files(self, heard: Sequence[Heard]) -> list[Overheard]:
        """With the files of the newest messages, as many as come with one question at most."""
        newest = [(place, file) for place, one in reversed([*enumerate(heard)]) for file in one.files]
        taken = await self._files.take([file for _, file in newest])
        attachments: dict[int, list[Attachment]] = defaultdict(list)
        for (place, _), one in zip(newest, taken, strict=True):
            attachments[place].append(one.attachment)
        return [Overheard(one, tuple(attachments[place])) for place, one in enumerate(heard)]


def _bare(file: RemoteFile) -> RemoteFile:
    """As the adapter described it."""
    source = {name: value for name, value in file.source.items() if name != BELONGS_TO}
    return file.model_copy(update={"source": source})
