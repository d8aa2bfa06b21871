"""What a model turn reads: instructions, the thread as far as it fits, and the run's own turns so far."""

import hashlib
from collections.abc import Sequence

import structlog

from bot.domain.assistants import FunctionDefinition
from bot.domain.deliveries import Delivery
from bot.domain.lanes import Lease
from bot.domain.runs import LastMessages, Run
from bot.domain.steps import ToolCall
from bot.domain.threads import Summary
from bot.domain.tokens import estimate_tokens
from bot.domain.turns import AssistantText, ModelInput, ModelRequest, OpaqueInput
from bot.engine.attachments import FileReader
from bot.engine.exchanges import Exchange, Renderer, call_inputs, with_calls
from bot.engine.interrupt import Interrupt
from bot.engine.parts import Parts
from bot.engine.progress import Progress
from bot.engine.prompt import instructions_for
from bot.engine.sizes import input_tokens, tool_tokens
from bot.engine.summary import Summariser, block, note
from bot.engine.truncation import Fit, fit
from bot.engine.window import Backwards, Window

log = structlog.get_logger()

_THREAD_SHARE = 0.7
"""Part of the window that the thread may take; the rest is for what the run's own tools give back."""
_HARDER = 0.5
"""Of the space, and of what was sent before, when the provider said that the request was too long."""
_LEAST_SPACE = 200
"""Tokens of the thread that are read in any case."""
_LEAST_OUTPUT = 400
"""Characters that remain of a tool's output in any case."""


class Context:
    """Builds the requests of one run.

    Args:
        parts: store, and model, tools and limits of the run.
        run: the run.
        lease: the right to keep a summary.
        interrupt: Stop and expiry, while a summary is made.
    """

    def __init__(self, parts: Parts, run: Run, lease: Lease, interrupt: Interrupt) -> None:
        self._parts = parts
        self._run = run
        self._lease = lease
        self._interrupt = interrupt
        self._tools: tuple[FunctionDefinition, ...] = parts.toolbox.definitions()
        self._instructions = instructions_for(run)
        self._thread: tuple[ModelInput, ...] | None = None
        self._harder = False
        self._revision = 0
        """Of the thread, before it was read."""
        self._sent: int | None = None

    async def request(self, progress: Progress, delivery: Delivery | None, *, harder: bool) -> ModelRequest:
        """The request for the next turn; `harder` after the provider found the last one too long."""
        if self._thread is None or harder != self._harder:
            self._harder = harder
            self._thread = await self._read_thread()
            self._sent = input_tokens(self._thread)
        own = _own_turns(progress, self._thread, self._space())
        return ModelRequest(
            model=self._parts.model.traits.name,
            instructions=self._instructions,
            input=(*self._thread, *own),
            tools=self._tools,
            parallel_tool_calls=self._run.parallel_tool_calls,
            max_output_tokens=self._may_write(progress),
            temperature=self._run.temperature,
            top_p=self._run.top_p,
            thread_id=self._run.thread_id,
            person_hash=_hash_of(delivery),
        )

    def _may_write(self, progress: Progress) -> int | None:
        most = self._run.max_completion_tokens
        return None if most is None else most - progress.written_tokens

    def _space(self) -> int:
        """Tokens for everything that is said."""
        window = self._parts.model.traits.context_tokens
        space = window - min(self._parts.limits.output_reserve, window // 4)
        if self._run.max_prompt_tokens is not None:
            space = min(space, self._run.max_prompt_tokens)
        space = max(space - estimate_tokens(self._instructions) - tool_tokens(self._tools), window // 8)
        return int(space * _HARDER) if self._harder else space

    def _thread_space(self) -> int:
        space = int(self._space() * _THREAD_SHARE)
        if self._harder and self._sent is not None:
            space = min(space, int(self._sent * _HARDER))
        return max(space, _LEAST_SPACE)

    # --- the thread

    async def _read_thread(self) -> tuple[ModelInput, ...]:
        pages = Backwards(self._parts.store.history, self._run, self._parts.limits.page)
        truncation = self._run.truncation
        if isinstance(truncation, LastMessages):
            window = await pages.newest(truncation.last_messages)
            chosen = await self._fit(window.exchanges, self._thread_space())
            return chosen.inputs if chosen.everything else (note(), *chosen.inputs)
        return await self._fit_all(pages)

    async def _fit_all(self, pages: Backwards) -> tuple[ModelInput, ...]:
        """Truncation `auto`: the newest exchanges word for word, everything before them in a summary."""
        limits = self._parts.limits
        self._revision = await self._parts.store.history.revision(self._run.thread_id)
        summary = await self._parts.store.history.summary(self._run.thread_id)
        floor = summary.upto if summary is not None else -1
        space = self._thread_space()
        space -= min(limits.summary_tokens, space // 4)
        window = await pages.read(floor, limits.window_messages, space)
        chosen = await self._fit(window.exchanges, space, limits.window_messages)
        before = () if summary is None else (block(summary),)
        if chosen.everything and window.complete:
            return (*before, *chosen.inputs)
        shorter = chosen.half(space, limits.window_messages)
        newer = await self._summarise(pages, window, shorter, summary)
        if newer is not None:
            return (block(newer), *shorter.inputs)
        return (*before, note(), *chosen.inputs)

    async def _fit(self, exchanges: tuple[Exchange, ...], space: int, messages: int | None = None) -> Fit:
        parts = self._parts
        earlier = [run_id for exchange in exchanges for run_id in exchange.run_ids if run_id != self._run.id]
        calls: tuple[ToolCall, ...] = await parts.store.history.calls_of(earlier) if earlier else ()
        renderer = Renderer(
            FileReader(parts.store.files, parts.model.traits, parts.limits),
            names=parts.model.traits.reads_authors,
            outputs=parts.limits.earlier_output,
        )
        return await fit(with_calls(exchanges, calls), renderer, parts.limits, space, messages)

    async def _summarise(self, pages: Backwards, window: Window, kept: Fit, previous: Summary | None) -> Summary | None:
        """Summarise what stands between `previous` and the kept exchanges, and keep it."""
        first = kept.kept[0].exchange.seq
        floor = previous.upto if previous is not None else -1
        limits = self._parts.limits
        most = limits.summary_messages + sum(len(rendered.exchange.messages) for rendered in kept.kept)
        window = await pages.read(floor, most, self._parts.model.traits.context_tokens, window)
        older = tuple(exchange for exchange in window.exchanges if exchange.seq < first)
        if not older:
            return None
        maker = Summariser(self._parts.model, limits)
        text = await maker.summarise(self._run, previous, older, self._interrupt, whole=window.complete)
        if text is None:
            return None
        now = int(self._parts.clock.now())
        summary = Summary(thread_id=self._run.thread_id, upto=older[-1].seq, text=text, created_at=now)
        await self._parts.store.history.keep_summary(self._lease, summary, self._revision)
        log.info("summary kept", run_id=self._run.id, thread_id=self._run.thread_id, upto=summary.upto)
        return summary


def _own_turns(progress: Progress, thread: Sequence[ModelInput], space: int) -> tuple[ModelInput, ...]:
    """The finished turns of this run; tool outputs are cut when they take more than is left beside the thread."""
    left = space - input_tokens(thread)
    whole = _replay(progress, most=None)
    if input_tokens(whole) <= left:
        return whole
    return _replay(progress, most=max(_LEAST_OUTPUT, 2 * left // max(len(progress.calls), 1)))


def _replay(progress: Progress, most: int | None) -> tuple[ModelInput, ...]:
    """What the provider wants to see again, text, calls and outputs of each turn."""
    inputs: list[ModelInput] = []
    for turn in progress.done:
        inputs += [OpaqueInput(item=item) for item in turn.opaque]
        if text := progress.texts.get(turn.message_id or ""):
            inputs.append(AssistantText(text=text))
        inputs += call_inputs(progress.calls_of(turn), most, extra=True)
    return tuple(inputs)


def _hash_of(delivery: Delivery | None) -> str:
    """A pseudonym for the provider's abuse detection."""
    if delivery is None:
        return ""
    asker = delivery.asker
    return hashlib.sha256(f"{asker.platform}:{asker.id}".encode()).hexdigest()[:32]
