"""PgBouncer in transaction mode in front of the tests' PostgreSQL."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

_START_SECONDS = 10.0
_CONFIGURATION = """
[databases]
{database} = host={server.host} port={port} dbname={database} user={server.username}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 100
"""


def why_no_pgbouncer() -> str | None:
    """None when it can be started, else the reason."""
    return None if _program() else "no pgbouncer (apt package pgbouncer)"


@contextmanager
def pgbouncer(database_url: str, directory: Path, connections: int) -> Iterator[str]:
    """The URL of the same database through PgBouncer, which has so few connections to it.

    Args:
        database_url: Where PostgreSQL is.
        directory: For the configuration.
        connections: Fewer than clients: then a client's transactions really go to different ones.
    """
    server = make_url(database_url)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        listen: int = probe.getsockname()[1]
    settings = directory / "pgbouncer.ini"
    settings.write_text(
        _CONFIGURATION.format(
            server=server,
            port=server.port or 5432,
            database=server.database,
            password=f" password={server.password}" if server.password else "",
            listen=listen,
            connections=connections,
        )
    )
    process = subprocess.Popen([_program() or "", "-q", settings.name], cwd=directory, **_not_as_root(directory))
    try:
        _wait_for(process, listen)
        yield server.set(host="127.0.0.1", port=listen).render_as_string(hide_password=False)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _program() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _not_as_root(directory: Path) -> dict[str, str]:
    """It refuses to run as root. Then it runs as PostgreSQL's user, who may otherwise not look into our folder."""
    if os.geteuid() != 0:
        return {}
    for folder in (directory, *directory.parents):
        if folder.stat().st_uid == 0 and folder.name:
            folder.chmod(folder.stat().st_mode | 0o011)
    (directory / "pgbouncer.ini").chmod(0o644)
    return {"user": "postgres"}


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "pgbouncer ended at once"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise TimeoutError("pgbouncer does not listen")
