"""Buttons under answers. What is said in return is for the person who pressed alone."""

import structlog

from bot.domain.deliveries import Delivery, DeliveryState, NotAgain
from bot.domain.names import person_name
from bot.domain.steps import Decision
from bot.ports import RunControl, Store
from bot.relay.answering import Answering
from bot.relay.contract import Press
from bot.relay.incoming import clean_text
from bot.relay.rights import may_act

log = structlog.get_logger()

NOT_YOURS = "Only the person who asked, or a moderator, can stop this answer."
NOT_YOURS_TO_DECIDE = "Only the person who asked, or a moderator, can decide this."
NOT_YOURS_TO_REPEAT = "Only the person who asked, or a moderator, can have this answered again."
TOO_LATE = "This answer is already finished."
SETTLED = "This is settled already."
UNKNOWN = "This answer is not known any more."
THANKS = "Thank you! Your feedback is noted."
NOT_AGAIN: dict[NotAgain, str] = {
    NotAgain.UNKNOWN: UNKNOWN,
    NotAgain.GOING_ON: "This answer is still being written.",
    NotAgain.NOT_NEWEST: "Only the newest answer can be written again. Ask the question once more instead.",
    NotAgain.NOT_TWICE: (
        "For this answer I did things that must not be done twice, so it is not written again. "
        "Tell me what should be different instead."
    ),
    NotAgain.NO_WAY_BACK: "A private answer cannot be written again later. Ask the question once more instead.",
    NotAgain.DELETED: "The question was deleted, so it is not answered again.",
}
_LONGEST_COMMENT = 3_000


class Presses:
    """Carries out button presses."""

    def __init__(self, store: Store, control: RunControl, answering: Answering, run_lifetime: int) -> None:
        """Act on `store`; runs are stopped and decisions taken by `control`.

        A new run is of the assistant that `answering` finds, and lives `run_lifetime`.
        """
        self._store = store
        self._control = control
        self._answering = answering
        self._run_lifetime = run_lifetime

    async def press(self, press: Press) -> str | None:
        """Carry out a press. Returns a note for the person, or None when the message itself will show it."""
        delivery = await self._store.deliveries.get(press.run_id)
        if delivery is None:
            return UNKNOWN
        match press.op:
            case "up" | "down":
                return await self._rate(press)
            case "stop":
                if not may_act(press, delivery):
                    return NOT_YOURS
                return None if await stop(self._store, self._control, delivery) else TOO_LATE
            case "regenerate":
                return await self._again(delivery) if may_act(press, delivery) else NOT_YOURS_TO_REPEAT
            case "worked" | "again" | "skip":
                if not may_act(press, delivery):
                    return NOT_YOURS_TO_DECIDE
                return None if await self._decide(press, Decision(press.op)) else SETTLED

    async def _rate(self, press: Press) -> str:
        """Write an opinion down: everybody who sees an answer may have one."""
        comment = clean_text(press.comment or "", alone=False).strip()[:_LONGEST_COMMENT] or None
        good = press.op == "up"
        if not await self._store.feedback.give(press.run_id, press.person, good=good, comment=comment):
            return UNKNOWN
        log.info("feedback", run_id=press.run_id, good=good, comment=comment is not None)
        return THANKS

    async def _again(self, delivery: Delivery) -> str | None:
        assistant = await self._answering.anew(delivery)
        if assistant is None:
            return UNKNOWN
        outcome = await self._store.intake.again(delivery.run_id, assistant, self._run_lifetime)
        if isinstance(outcome, NotAgain):
            log.info("not answered again", run_id=delivery.run_id, reason=outcome.value)
            return NOT_AGAIN[outcome]
        log.info("answered again", run_id=outcome.run_id, instead_of=delivery.run_id)
        return None

    async def _decide(self, press: Press, decision: Decision) -> bool:
        """Take a decision about an interrupted call. Returns False when there is nothing to decide any more."""
        by = person_name(press.person.name)
        decided = await self._control.decide(press.run_id, press.call, decision, by)
        log.info("decision", run_id=press.run_id, call=press.call, decision=str(decision), decided=decided)
        return decided


async def stop(store: Store, control: RunControl, delivery: Delivery) -> bool:
    """Stop a run. Returns False when it was over before."""
    run = await store.runs.get(delivery.run_id)
    if run is None or run.ended or delivery.state is not DeliveryState.OPEN:
        return False
    log.info("stop asked for", run_id=delivery.run_id)
    return await control.cancel(delivery.run_id) is not None
