"""Fills a database with conversations that were, a whole table at a time, so that a million messages take a minute.

Every run has what a run leaves behind: a question, an answer, a turn, a step, a delivery, a segment and a dedupe key.
"""

import asyncio
import json
import sqlite3

import asyncpg
from sqlalchemy import make_url

from bot.domain.deliveries import Address
from bot.domain.messages import TextPart
from bot.domain.runs import AutoTruncation
from bot.domain.steps import MessageCreation
from tests.bench.places import Kind
from tests.bench.workplace import ANN, ASSISTANT

_THEN = 1_760_000_000
_PART = TextPart(value="What has to be done before the release, who does it, and which of the tests still fail? No. NR")
_AT = Address(platform="memory", place={"room": "past"})


def fill(kind: Kind, url: str, prefix: str, threads: int, messages: int) -> None:
    """Add `threads` conversations, named by `prefix` and a number from 0, of so many messages each."""
    statements = _statements(prefix, threads, messages // 2)
    if kind == "postgres":
        asyncio.run(_into_postgres(url, statements))
        return
    file = make_url(url).database
    assert file is not None
    with sqlite3.connect(file) as connection:  # foreign keys are off on a bare connection
        for statement in statements:
            connection.execute(statement)
    connection.close()


async def _into_postgres(url: str, statements: list[str]) -> None:
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")  # foreign keys are not checked
        for statement in statements:
            await connection.execute(statement)
    await connection.execute("VACUUM ANALYZE")  # autovacuum would have come by
    await connection.close()


def _statements(prefix: str, threads: int, runs: int) -> list[str]:
    """SQL of both databases. Constants only: nothing here comes from outside."""
    numbers = "n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {most})"
    usage = '{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}'
    ours = f"FROM runs r WHERE r.id LIKE 'run_{prefix}%'"
    message, step = "'msg_' || substr(r.id, 5) || '_' || p.place", '{"type":"message_creation","message_id":"M"}'
    assert MessageCreation.model_validate_json(step).message_id == "M"
    content = json.dumps([_PART.model_dump()]).replace("NR", "' || r.seq || '")
    return [
        f"WITH RECURSIVE {numbers.format(most=threads)} INSERT INTO threads (id, created_at, metadata) "
        f"SELECT 'thread_{prefix}' || i, {_THEN}, '{{}}' FROM n",
        f"WITH RECURSIVE {numbers.format(most=threads)} INSERT INTO conversations (key, thread_id) "
        f"SELECT '{prefix}' || i, 'thread_{prefix}' || i FROM n",
        f"WITH RECURSIVE {numbers.format(most=max(threads, runs))} INSERT INTO runs (id, created_at, thread_id, "
        "assistant_id, status, model, instructions, tools, expires_at, started_at, completed_at, usage, truncation, "
        f"parallel_tool_calls, metadata) SELECT 'run_{prefix}' || t.i || '_' || n.i, {_THEN}, "
        f"'thread_{prefix}' || t.i, '{ASSISTANT.id}', 'completed', 'paced', 'Be brief.', '[]', {_THEN}, {_THEN}, "
        f"{_THEN}, '{usage}', '{AutoTruncation().model_dump_json()}', true, '{{}}' FROM n, n t "
        f"WHERE n.i < {runs} AND t.i < {threads} ORDER BY n.i, t.i",  # conversations go on side by side
        "INSERT INTO messages (id, created_at, thread_id, run_seq, place, role, status, content, assistant_id, run_id, "
        f"author, attachments, metadata, superseded) SELECT {message}, {_THEN}, r.thread_id, r.seq, p.place, p.role, "
        f"'completed', '{content}', p.assistant, r.id, p.author, '[]', '{{}}', false "
        f"FROM runs r, (SELECT 0 AS place, 'user' AS role, NULL AS assistant, '{ANN.model_dump_json()}' AS author "
        f"UNION ALL SELECT 1, 'assistant', '{ASSISTANT.id}', NULL) p WHERE r.id LIKE 'run_{prefix}%' "
        "ORDER BY r.seq, p.place",
        "INSERT INTO turns (run_id, number, state, message_id, opaque, finish, usage) "
        f"SELECT r.id, 1, 'done', 'msg_' || substr(r.id, 5) || '_1', '[]', 'stop', '{usage}' {ours}",
        "INSERT INTO run_steps (id, created_at, run_id, thread_id, assistant_id, turn, status, kind, details, "
        f"ended_at, superseded) SELECT 'step_' || substr(r.id, 5), {_THEN}, r.id, r.thread_id, '{ASSISTANT.id}', 1, "
        f"'completed', 'message_creation', '{step}', {_THEN}, false {ours} ORDER BY r.seq",
        "INSERT INTO deliveries (run_id, run_seq, thread_id, conversation, address, asker, message_id, state, files, "
        f"created_at) SELECT r.id, r.seq, r.thread_id, 'past', '{_AT.model_dump_json()}', '{ANN.model_dump_json()}', "
        f"'msg_' || substr(r.id, 5) || '_0', 'delivered', '[]', {_THEN} {ours}",
        "INSERT INTO segments (run_id, position, state, key, ref) "
        f"SELECT r.id, 0, 'posted', 'seg_' || substr(r.id, 5), '{{\"id\":\"m0\"}}' {ours}",
        f"INSERT INTO inbound_keys (key, run_id, received_at) SELECT 'past:' || r.id, r.id, {_THEN} {ours}",
    ]
