"""Writing one run's answer into the chat while it is being made."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog

from bot.domain.deliveries import DeliveryState
from bot.domain.events import MessageDelta, RunEvent
from bot.domain.messages import Attachment, ImageFilePart
from bot.domain.runs import Run
from bot.errors import Fenced, Forbidden, Gone, PlatformError, Refused, StoreUnavailable
from bot.relay.attachments import FileIntake
from bot.relay.composer import Composer
from bot.relay.contract import Button, Outbound, OutboundFile
from bot.relay.desk import Desk
from bot.relay.document import Document, incident
from bot.relay.governor import Stream
from bot.relay.links import addresses
from bot.relay.produced import answer_file, produced_files
from bot.relay.segments import FilesRefused, Segments
from bot.relay.status import WorkingStatus

log = structlog.get_logger()

_SHRINKS = 4
"""How often an answer is split smaller because the platform finds it too long."""
_HISTORY = 40
"""Newest messages whose web addresses count as known."""
_LOOK_AGAIN = 0.1
STOP = "Stop"


class RunWriter:
    """Implements `bot.ports.RunSink` for one run that came from a chat.

    `publish` only takes notes. A task of its own shows the newest text whenever the governor allows it, so a slow
    platform never holds up the run, and a failed interim edit never hurts it. Only `finish` must succeed.
    """

    def __init__(self, desk: Desk, stream: Stream) -> None:
        """Write at `desk`, at the pace of `stream`."""
        self._desk = desk
        self._stream = stream
        self._document = Document()
        self._composer = Composer(desk.adapter.dialect, desk.adapter.capabilities)
        self._segments = Segments(desk, stream)
        self._status = WorkingStatus(desk.adapter, desk.delivery.address, desk.clock, self._status_text)
        self._skipped: tuple[Attachment, ...] = ()
        self._changed = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._first_words_at: float | None = None
        self._tried = False
        self._strikes = 0
        self._ended = False

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator["RunWriter"]:
        """Write until the context is left. Leaving it early loses nothing: the next writer goes on from the store."""
        await self._load()
        tasks = [
            asyncio.create_task(self._write(), name=f"writer {self._desk.run_id}"),
            asyncio.create_task(self._status.keep(), name=f"status {self._desk.run_id}"),
        ]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception):
                    log.error("decoration failed", run_id=self._desk.run_id, exc_info=outcome)

    # --- RunSink

    async def prepare(self) -> None:
        """Take in the files that came with the message."""
        desk = self._desk
        if not desk.delivery.files:
            return
        attachments = await FileIntake(desk.store.files, desk.adapter, desk.policy).take(desk.delivery.files)
        images = [
            ImageFilePart(file_id=taken.file_id)
            for taken in attachments
            if taken.file_id is not None and taken.is_image
        ]
        records = [taken.attachment for taken in attachments]
        await desk.store.deliveries.attach(desk.lease, desk.run_id, records, images)
        self._skipped += tuple(record for record in records if record.skipped)

    def publish(self, event: RunEvent) -> None:
        """Take a note of what happened."""
        self._document.fold(event)
        if self._first_words_at is None and isinstance(event, MessageDelta):
            self._first_words_at = self._desk.clock.monotonic()
        self._changed.set()

    async def finish(self, run: Run) -> None:
        """Show the end at once, take the buttons away and close the delivery. Harmless when it was done before.

        Raises:
            PlatformError: the end could not be shown now; the delivery stays open.
        """
        self._ended = True
        async with self._one_at_a_time:
            await self._load()
            state = await self._deliver(run)
            await self._status.clear()
            await self._desk.store.deliveries.close(self._desk.lease, run.id, state)
        log.info("answer delivered", run_id=run.id, state=str(state), messages=self._segments.live)

    # --- while it goes on

    async def _load(self) -> None:
        """Take over what is on record: it is the truth at the end, and all there is after a crash."""
        desk = self._desk
        self._document.load(await desk.store.runs.messages(desk.run_id), await desk.store.runs.calls(desk.run_id))
        history = await desk.store.history.up_to(desk.run, _HISTORY)
        said = [message for message in history if message.role == "user"]
        self._composer.known = addresses([message.text for message in said])
        asked = [message for message in said if message.id == desk.delivery.message_id]
        self._skipped = tuple(record for message in asked for record in message.attachments if record.skipped)
        if not self._segments.loaded:
            await self._segments.load()

    async def _write(self) -> None:
        try:
            while not self._ended and self._strikes < self._desk.policy.strikes:
                await self._changed.wait()
                self._changed.clear()
                if await self._worth_showing():
                    if self._tried:
                        await self._stream.interim()
                    await self._show_interim()
        except Fenced:
            log.info("writer fenced off", run_id=self._desk.run_id)
        except (
            Exception
        ):  # the boundary of a decorative task: whatever it is, the run goes on and `finish` shows its end
            log.exception("writer failed", run_id=self._desk.run_id)

    async def _worth_showing(self) -> bool:
        """Whether there is enough for a first message: its arrival notifies people, so it has to say something."""
        policy, clock = self._desk.policy, self._desk.clock
        while self._segments.live == 0:
            text = self._document.text
            if not text.strip():
                return False
            if len(text) >= policy.first_characters or "\n" in text.strip(" "):
                break
            if clock.monotonic() >= (self._first_words_at or 0) + policy.first_seconds:
                break
            await clock.sleep(_LOOK_AGAIN)
        return True

    async def _show_interim(self) -> None:
        async with self._one_at_a_time:
            if self._ended:
                return
            wanted = self._interim()
            if not wanted:
                return
            self._tried = True
            try:
                await self._segments.show(wanted, final=False)
                return
            except (Gone, Forbidden) as error:
                self._strikes = self._desk.policy.strikes
                log.warning("no place for an answer", run_id=self._desk.run_id, error=type(error).__name__)
            except Refused as error:
                self._strikes += not (error.too_long and self._composer.shrink())
            except (PlatformError, StoreUnavailable) as error:
                self._strikes += 1
                log.info("interim edit failed", run_id=self._desk.run_id, error=type(error).__name__)
            self._changed.set()

    def _interim(self) -> list[Outbound]:
        self._learn_addresses()
        texts = self._composer.running(self._document.text, self._document.progress, self._segments.live)
        stop = (Button(op="stop", run_id=self._desk.run_id, label=STOP, danger=True),)
        return self._outbounds(texts, buttons=stop if self._desk.adapter.capabilities.buttons else ())

    def _learn_addresses(self) -> None:
        self._composer.known |= addresses(self._document.outputs)

    def _outbounds(
        self, texts: tuple[str, ...], *, buttons: tuple[Button, ...] = (), files: tuple[OutboundFile, ...] = ()
    ) -> list[Outbound]:
        """Buttons and files belong to the last message; only the first one notifies."""
        last = len(texts) - 1
        return [
            Outbound(
                text=text,
                silent=place > 0,
                buttons=buttons if place == last else (),
                files=files if place == last else (),
            )
            for place, text in enumerate(texts)
        ]

    def _status_text(self) -> str | None:
        if self._ended or self._segments.live:
            return None
        running = self._document.running
        return f"is using {', '.join(dict.fromkeys(running))}…" if running else "is thinking…"

    # --- at the end

    async def _deliver(self, run: Run) -> DeliveryState:
        files = await produced_files(self._desk, run.id)
        note = ""
        for _ in range(_SHRINKS):
            try:
                await self._segments.show(await self._final(run, files, note), final=True)
                return DeliveryState.DELIVERED
            except (Gone, Forbidden) as error:
                log.warning("answer abandoned", run_id=run.id, error=type(error).__name__)
                return DeliveryState.ABANDONED
            except FilesRefused:
                files, note = (), "_The files of this answer could not be attached here._"
            except Refused as error:
                if not (error.too_long and self._composer.shrink()):
                    break
        return await self._apologise(run)

    async def _apologise(self, run: Run) -> DeliveryState:
        """The platform does not take this answer in any form: say so, rather than nothing."""
        log.error("answer refused by the platform", run_id=run.id)
        text = f"The answer cannot be shown here. (Incident `{incident(run.id)}`)"
        try:
            await self._segments.show([Outbound(text=self._composer.plain(text))], final=True)
        except (Gone, Forbidden, Refused) as error:
            log.warning("answer abandoned", run_id=run.id, error=type(error).__name__)
            return DeliveryState.ABANDONED
        return DeliveryState.DELIVERED

    async def _final(self, run: Run, files: tuple[OutboundFile, ...], note: str) -> list[Outbound]:
        self._learn_addresses()
        names = {file_id: await self._name_of(file_id) for file_id in self._document.sources}
        whole = "\n\n".join(part for part in (self._document.whole(run, self._skipped, names), note) if part)
        texts, attach = self._composer.ended(whole, self._segments.live)
        if attach:
            files = (answer_file(whole), *files) if not note else files
        return self._outbounds(texts, files=files[: self._desk.policy.max_files])

    async def _name_of(self, file_id: str) -> str:
        file = await self._desk.store.files.get(file_id)
        return file.filename if file else "a file that is gone"
