"""What a slow browser is told: never everything, always the truth."""

from hypothesis import given
from hypothesis import strategies as st

from bot.playground.page.outbox import Outbox

CHANGES = st.lists(st.tuples(st.sampled_from("abc"), st.integers()))


@given(batches=st.lists(CHANGES))
def test_same_end(batches: list[list[tuple[str, int]]]) -> None:
    """However changes are gathered, a reader ends with the latest state of each thing, in order of appearance."""
    outbox, told, latest = Outbox(), {}, {}
    for batch in batches:
        for key, value in batch:
            outbox.put((key,), {"key": key, "value": value})
            latest[key] = value
        taken = outbox.take()
        assert len(taken) == len({change["key"] for change in taken})
        for change in taken:
            told[change["key"]] = change["value"]
    assert list(told.items()) == list(latest.items())
    assert outbox.take() == []


async def test_waits() -> None:
    """A batch gathers what comes within its pace."""
    outbox = Outbox()
    outbox.put(("a",), {"n": 1})
    outbox.put(("b",), {"n": 2})
    outbox.put(("a",), {"n": 3})
    assert await outbox.next_batch() == [{"n": 3}, {"n": 2}]
