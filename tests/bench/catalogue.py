"""All benchmarks by name. Each takes `quick` and returns its figures; it is called outside any event loop."""

from collections.abc import Callable

from tests.bench import event, final_edit, idle, start, streams, turns
from tests.bench.records import Figure

ALL: dict[str, Callable[..., list[Figure]]] = {
    "event": event.measure,
    "streams": streams.measure,
    "final_edit": final_edit.measure,
    "thread_length": turns.thread_length,
    "database_size": turns.database_size,
    "idle": idle.measure,
    "start": start.measure,
}
