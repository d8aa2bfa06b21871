"""The tables. Domain times are whole Unix seconds of the process; lease times are Unix seconds of the database's clock.

A thread takes everything that hangs on it along when it is deleted. Order columns use AUTOINCREMENT because SQLite
otherwise gives the highest number out again after a delete.
"""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from bot.domain.assistants import Tool
from bot.domain.deliveries import Address, RemoteFile
from bot.domain.messages import Attachment, Author, Part
from bot.domain.runs import LastError, Truncation, Usage
from bot.domain.steps import StepDetails
from bot.store.columns import BigInt, CleanText, Json

ACTIVE_RUN: Final = "status IN ('queued', 'in_progress', 'requires_action', 'cancelling')"
OPEN_DELIVERY: Final = "state = 'open'"
FREE_LANE: Final = "ready AND owner IS NULL"
OWNED_LANE: Final = "owner IS NOT NULL"
UNCLAIMED: Final = "unclaimed"
"""Terms of partial indexes. A query uses such an index on SQLite only when it repeats the term word for word, and
prefers it to a full index on the same column when it covers the query: hence the term's own column in the index."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

Strings = dict[str, str]


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def _thread(**options: bool) -> Column[str]:
    return Column("thread_id", CleanText, ForeignKey("threads.id", ondelete="CASCADE"), **options)  # pyright: ignore[reportArgumentType]


def _run() -> Column[str]:
    return Column("run_id", CleanText, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)


assistants = Table(
    "assistants",
    metadata,
    Column("id", CleanText, primary_key=True),
    Column("created_at", BigInt, nullable=False),
    Column("operated_name", CleanText, unique=True),  # the name again, for the operator's assistants only
    Column("name", CleanText),
    Column("description", CleanText),
    Column("model", CleanText, nullable=False),
    Column("instructions", CleanText),
    Column("tools", Json(tuple[Tool, ...]), nullable=False),
    Column("metadata", Json(Strings), nullable=False),
    Column("temperature", Double),
    Column("top_p", Double),
    Column("own_model", Boolean, nullable=False, server_default=text("false")),
)

threads = Table(
    "threads",
    metadata,
    Column("id", CleanText, primary_key=True),
    Column("created_at", BigInt, nullable=False),
    Column("metadata", Json(Strings), nullable=False),
    Column("revision", Integer, nullable=False, server_default="0"),  # how often what was said was changed
)

conversations = Table(
    "conversations",
    metadata,
    Column("key", CleanText, primary_key=True),
    Column(  # deferred: the key is claimed first, and only the winner then makes the thread
        "thread_id",
        CleanText,
        ForeignKey("threads.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED"),
        nullable=False,
        index=True,
    ),
)

inbound_keys = Table(
    "inbound_keys",
    metadata,
    Column("key", CleanText, primary_key=True),
    Column("run_id", CleanText, nullable=False),  # no foreign key: a deleted run's event is still a duplicate
    Column("received_at", BigInt, nullable=False, index=True),
)

runs = Table(
    "runs",
    metadata,
    Column("seq", BigInt, primary_key=True, autoincrement=True),
    Column("id", CleanText, nullable=False, unique=True),
    Column("created_at", BigInt, nullable=False),
    _thread(nullable=False),
    Column("assistant_id", CleanText, nullable=False),
    Column("status", CleanText, nullable=False),
    Column("model", CleanText, nullable=False),
    Column("instructions", CleanText, nullable=False),
    Column("tools", Json(tuple[Tool, ...]), nullable=False),
    Column("last_error", Json(LastError)),
    Column("incomplete_reason", CleanText),
    Column("expires_at", BigInt),
    Column("started_at", BigInt),
    Column("cancelled_at", BigInt),
    Column("failed_at", BigInt),
    Column("completed_at", BigInt),
    Column("usage", Json(Usage)),
    Column("temperature", Double),
    Column("top_p", Double),
    Column("max_prompt_tokens", Integer),
    Column("max_completion_tokens", Integer),
    Column("truncation", Json(Truncation), nullable=False),
    Column("parallel_tool_calls", Boolean, nullable=False),
    Column("metadata", Json(Strings), nullable=False),
    Column("own_model", Boolean, nullable=False, server_default=text("false")),
    Column("not_before", Double),  # database clock
    Index("ix_runs_thread_id", "thread_id", "seq"),
    _partial("ix_runs_active", "thread_id", "seq", "status", where=ACTIVE_RUN),
    sqlite_autoincrement=True,
)

messages = Table(
    "messages",
    metadata,
    Column("seq", BigInt, primary_key=True, autoincrement=True),
    Column("id", CleanText, nullable=False, unique=True),
    Column("created_at", BigInt, nullable=False),
    _thread(nullable=False),
    Column("run_seq", BigInt, nullable=False),  # the run at whose place it stands; 0 = before any run
    Column("place", Integer, nullable=False),  # -1 heard beside it, 0 set the run off, 1 its answer, 2 after its end
    Column("role", CleanText, nullable=False),
    Column("status", CleanText, nullable=False),
    Column("incomplete_reason", CleanText),
    Column("content", Json(tuple[Part, ...]), nullable=False),
    Column("assistant_id", CleanText),
    Column("run_id", CleanText, index=True),
    Column("author", Json(Author)),
    Column("attachments", Json(tuple[Attachment, ...]), nullable=False),
    Column("metadata", Json(Strings), nullable=False),
    Column("superseded", Boolean, nullable=False),
    Column("source", CleanText, index=True),  # dedupe key of the chat message, for edits and deletions
    Index("ix_messages_place", "thread_id", "run_seq", "place", "seq"),
    sqlite_autoincrement=True,
)

turns = Table(
    "turns",
    metadata,
    _run(),
    Column("number", Integer, primary_key=True),
    Column("state", CleanText, nullable=False),
    Column("message_id", CleanText),
    Column("opaque", Json(tuple[str, ...]), nullable=False),
    Column("finish", CleanText),
    Column("usage", Json(Usage)),
    Column("error", CleanText),
)

run_steps = Table(
    "run_steps",
    metadata,
    Column("seq", BigInt, primary_key=True, autoincrement=True),
    Column("id", CleanText, nullable=False, unique=True),
    Column("created_at", BigInt, nullable=False),
    Column("run_id", CleanText, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("thread_id", CleanText, nullable=False),
    Column("assistant_id", CleanText, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("status", CleanText, nullable=False),
    Column("kind", CleanText, nullable=False),  # type of `details`, to look for
    Column("details", Json(StepDetails), nullable=False),
    Column("last_error", Json(LastError)),
    Column("ended_at", BigInt),
    Column("usage", Json(Usage)),
    Column("superseded", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

tool_calls = Table(
    "tool_calls",
    metadata,
    _run(),
    Column("turn", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("id", CleanText, nullable=False, unique=True),
    Column("provider_call_id", CleanText, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("arguments", CleanText, nullable=False),
    Column("extra", Json(Strings), nullable=False),
    Column("effect", CleanText, nullable=False),
    Column("state", CleanText, nullable=False),
    Column("output", CleanText),
    Column("started_fence", BigInt),
    Column("begins", Integer, nullable=False, server_default="0"),
    Column("decision", CleanText),
)

lanes = Table(
    "lanes",
    metadata,
    _thread(primary_key=True),
    Column("ready", Boolean, nullable=False),
    Column("platform", CleanText, nullable=False, server_default=""),  # of the chat; empty: whoever comes may have it
    Column("owner", CleanText),  # no foreign key: an owner without a row is dead, and found by just that
    Column("fence", BigInt, nullable=False),
    Column("due", Double, nullable=False),
    _partial("ix_lanes_free", "due", where=FREE_LANE),
    _partial("ix_lanes_owner", "owner", where=OWNED_LANE),
)

workers = Table(
    "workers",
    metadata,
    Column("id", CleanText, primary_key=True),
    Column("role", CleanText, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("draining", Boolean, nullable=False),
    Column("version", CleanText, nullable=False, server_default=""),  # of the code, for operators
)

duties = Table(
    "duties",
    metadata,
    Column("name", CleanText, primary_key=True),
    Column("owner", CleanText),  # as in lanes
    Column("fence", BigInt, nullable=False),
    Column("due", Double, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    _run(),
    Column("run_seq", BigInt, nullable=False),
    _thread(nullable=False, index=True),
    Column("conversation", CleanText, nullable=False),
    Column("address", Json(Address), nullable=False),
    Column("asker", Json(Author), nullable=False),
    Column("message_id", CleanText, nullable=False),
    Column("state", CleanText, nullable=False),
    Column("files", Json(tuple[RemoteFile, ...]), nullable=False),
    Column("created_at", BigInt, nullable=False),
    Column("channel", CleanText, nullable=False, server_default=""),
    Column("asker_id", CleanText, nullable=False, server_default=""),  # the asker's again, to look for
    _partial("ix_deliveries_open", "thread_id", "run_seq", "state", where=OPEN_DELIVERY),
    Index("ix_deliveries_channel", "channel", "asker_id", "run_seq"),
    Index("ix_deliveries_created_at", "created_at"),
)

segments = Table(
    "segments",
    metadata,
    _run(),
    Column("position", Integer, primary_key=True),
    Column("state", CleanText, nullable=False),
    Column("key", CleanText, nullable=False, unique=True),
    Column("ref", Json(Strings), nullable=False),
)

summaries = Table(
    "summaries",
    metadata,
    _thread(primary_key=True),
    Column("upto", BigInt, nullable=False),
    Column("text", CleanText, nullable=False),
    Column("created_at", BigInt, nullable=False),
)

files = Table(
    "files",
    metadata,
    Column("id", CleanText, primary_key=True),
    Column("created_at", BigInt, nullable=False),
    Column("filename", CleanText, nullable=False),
    Column("bytes", BigInt, nullable=False),
    Column("sha256", CleanText, nullable=False, index=True),
    Column("media_type", CleanText, nullable=False),
    Column("purpose", CleanText, nullable=False),
    Column("unclaimed", Boolean, nullable=False, server_default=text("false")),  # no message names it yet
    _partial("ix_files_unclaimed", "created_at", where=UNCLAIMED),
)

blobs = Table(  # used with PostgreSQL only: with SQLite the bytes are files beside the database
    "blobs",
    metadata,
    Column("sha256", CleanText, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

collections = Table(
    "collections",
    metadata,
    Column("name", CleanText, primary_key=True),
    Column("last_number", BigInt, nullable=False),
)

collection_records = Table(
    "collection_records",
    metadata,
    Column("collection", CleanText, ForeignKey("collections.name", ondelete="CASCADE"), primary_key=True),
    Column("number", BigInt, primary_key=True, autoincrement=False),
    Column("idempotency_key", CleanText, nullable=False),
    Column("fields", Json(Strings), nullable=False),
    UniqueConstraint("collection", "idempotency_key"),
)

notes = Table(
    "notes",
    metadata,
    Column("name", CleanText, primary_key=True),
    Column("value", CleanText, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    _run(),
    Column("person", CleanText, primary_key=True),  # `platform:id`, as in `deliveries.asker_id`
    Column("good", Boolean, nullable=False),
    Column("comment", CleanText),
    Column("created_at", BigInt, nullable=False),
)

installations = Table(  # of the app in workspaces, where one deployment serves many
    "installations",
    metadata,
    Column("name", CleanText, primary_key=True),  # `slack:E…`, `slack:T…`
    Column("sealed", CleanText, nullable=False),  # tokens and who we are there, encrypted
    Column("changed_at", Double, nullable=False),  # database clock
)
