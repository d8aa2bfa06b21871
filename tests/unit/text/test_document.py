"""What a run looks like as Markdown."""

import pytest

from bot.domain.events import CallChanged, MessageChanged, MessageCreated, MessageDelta
from bot.domain.messages import FileCitation, Message, MessageStatus, TextPart
from bot.domain.runs import Run, RunStatus
from bot.domain.steps import CallState, Decision, Effect, ToolCall
from bot.relay.text.document import Document

RUN = Run(
    seq=1, id="run_0123456789", created_at=1, thread_id="t", assistant_id="a", status=RunStatus.COMPLETED, model="m"
)


def message(number: int, text: str = "", *, superseded: bool = False, cited: tuple[str, ...] = ()) -> Message:
    notes = tuple(
        FileCitation(
            text=mark, start_index=text.index(mark), end_index=text.index(mark) + len(mark), file_id=f"file-{mark[1]}"
        )
        for mark in cited
    )
    return Message(
        id=f"msg_{number}", created_at=1, thread_id="t", role="assistant", superseded=superseded,
        status=MessageStatus.COMPLETED if text else MessageStatus.IN_PROGRESS,
        content=(TextPart(value=text, annotations=notes),) if text else (),
    )  # fmt: skip


def call(state: CallState, name: str = "get_weather") -> ToolCall:
    return ToolCall(
        run_id="r", turn=1, position=0, id="c", provider_call_id="p", name=name, arguments="{}",
        effect=Effect.READ, state=state,
    )  # fmt: skip


def test_texts_stand_in_order_and_withdrawn_ones_vanish() -> None:
    document = Document()
    for number in (1, 2):
        document.fold(MessageCreated(message(number)))
        document.fold(MessageDelta(f"msg_{number}", f"part {number}"))
    assert document.text == "part 1\n\npart 2"
    document.fold(MessageChanged(message(1, superseded=True)))
    assert document.text == "part 2"


def test_a_withdrawn_text_is_not_shown_again_after_a_restart() -> None:
    document = Document()
    document.load([message(1, "withdrawn", superseded=True), message(2, "kept")], [])
    assert document.text == "kept"
    assert document.whole(RUN, ()) == "kept"


def test_an_open_fence_does_not_swallow_the_next_text_or_the_ending() -> None:
    document = Document()
    document.fold(MessageDelta("msg_1", "```py\ncode"))
    assert document.text == "```py\ncode"
    document.fold(MessageDelta("msg_2", "text"))
    assert document.text == "```py\ncode\n```\n\ntext"


def test_the_names_of_tools_cannot_format_anything() -> None:
    document = Document()
    document.fold(CallChanged(call(CallState.STARTED, "a`](http://x) b")))
    assert document.progress == "_Running `ahttpxb`…_"
    document.fold(CallChanged(call(CallState.DONE)))
    assert document.progress == ""


def test_citations_become_numbers_and_sources() -> None:
    document = Document()
    document.fold(MessageDelta("msg_1", "One 【a】, two 【b】, one again 【a】, made up 【x】"))
    assert document.text == "One [1], two [2], one again [1], made up [3]"
    document.fold(
        MessageChanged(message(1, "One 【a】, two 【b】, one again 【a】, made up 【x】", cited=("【a】", "【b】")))
    )
    document.fold(MessageDelta("msg_2", "Three 【c】"))
    assert document.text == "One [1], two [2], one again [1], made up \n\nThree [3]".replace("up \n", "up\n")
    names = {"file-a": "hand_book.md", "file-b": "b.md"}
    assert document.footer(RUN, names) == "[1] hand book.md · [2] b.md"
    second = RUN.model_copy(update={"metadata": {"version": "2"}})
    assert document.footer(second, names) == "[1] hand book.md · [2] b.md · 2/2"
    assert "hand" not in document.ending(RUN, [])


def test_a_decision_is_told_in_one_line_whatever_the_person_is_called() -> None:
    run = RUN.model_copy(update={"metadata": {"decided 1.0.1": "again Ada", "decided 1.1.1": "skip *Eve* [x](y)"}})
    assert Document().ending(run, []).splitlines()[:2] == [
        "_Ada decided: run it again_",
        "_Eve x (y) decided: skip it_",
    ]


def test_what_cannot_be_shown_is_replaced() -> None:
    document = Document()
    document.fold(MessageDelta("msg_1", "a\x00b\ud800c\td"))
    assert document.text == "a\ufffdb\ufffdc\td"


@pytest.mark.parametrize(
    ("decision", "running"),
    [(None, ("pay",)), (Decision.AGAIN, ("pay",)), (Decision.WORKED, ()), (Decision.SKIP, ())],
)
def test_a_call_that_a_person_declared_done_or_skipped_is_not_shown_as_running(
    decision: Decision | None, running: tuple[str, ...]
) -> None:
    """Nothing frightens more than a payment that seems to be made a second time."""
    document = Document()
    document.fold(CallChanged(call(CallState.STARTED, "pay").model_copy(update={"decision": decision})))
    assert document.running == running
