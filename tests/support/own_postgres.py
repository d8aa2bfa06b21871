"""A PostgreSQL server of one's own in a temporary folder, for tests that stop it. Others use the machine's."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

_WHERE = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_OWNER = "postgres"
"""Who runs the server when we are root, for whom it refuses to run."""
_SETTINGS = {"fsync": "on", "listen_addresses": "127.0.0.1"}
_SECONDS = 60

Manner = Literal["fast", "immediate"]
"""How a server stops: sessions are ended and everything is written; or at once, as in a crash."""


class OwnPostgres:
    """One server. It accepts everybody, on loopback only.

    Args:
        folder: of its own, belongs to who runs it.
        programs: where `initdb` and `pg_ctl` are.
        connections: how many it allows, administrators included.
    """

    def __init__(self, folder: Path, programs: Path, connections: int) -> None:
        self._folder = folder
        self._programs = programs
        self._port = _free_port()
        self._options = {**_SETTINGS, "port": str(self._port), "max_connections": str(connections)}
        self._options["unix_socket_directories"] = str(folder)

    @property
    def url(self) -> str:
        """Its database, the same after every restart."""
        return f"postgresql://{_OWNER}@127.0.0.1:{self._port}/postgres"

    def create(self) -> None:
        """Make the files of the server."""
        self._run("initdb", "--pgdata", self._data, "--username", _OWNER, "--auth", "trust", "--no-sync")

    def start(self) -> None:
        """Start it. Returns when it accepts connections; after a crash it has recovered by then."""
        options = " ".join(f"-c {name}={value}" for name, value in self._options.items())
        log = str(self._folder / "server.log")
        self._run("pg_ctl", "start", "--wait", "--pgdata", self._data, "--log", log, "--options", options)

    def stop(self, manner: Manner = "fast") -> None:
        """Stop it. Returns when it is gone."""
        self._run("pg_ctl", "stop", "--wait", "--pgdata", self._data, "--mode", manner)

    def restart(self, manner: Manner = "fast") -> None:
        """Stop and start it."""
        self.stop(manner)
        self.start()

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return (Path(self._data) / "postmaster.pid").exists()

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        user = _OWNER if os.geteuid() == 0 else None
        silent = subprocess.DEVNULL  # the server inherits it: a pipe would never end
        done = subprocess.run(
            command, user=user, cwd=self._folder, stdout=silent, stderr=silent, timeout=_SECONDS, check=False
        )
        assert done.returncode == 0, f"{program}: exit code {done.returncode}\n{self._log()}"

    def _log(self) -> str:
        log = self._folder / "server.log"
        return log.read_text()[-2000:] if log.exists() else ""


def why_none() -> str | None:
    """None when a server can be made here, else the reason."""
    if _programs() is None:
        return "no initdb and pg_ctl of PostgreSQL on this machine"
    if os.geteuid() == 0 and _OWNER not in {user.pw_name for user in pwd.getpwall()}:
        return f"PostgreSQL does not run as root, and there is no user {_OWNER}"
    return None


@contextmanager
def own_postgres(connections: int = 20) -> Generator[OwnPostgres]:
    """A running server, gone afterwards."""
    programs = _programs()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="parley-postgres-"))  # not in pytest's, which nobody else may enter
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _OWNER)
        server = OwnPostgres(folder, programs, connections)
        server.create()
        server.start()
        try:
            yield server
        finally:
            if server.running:
                server.stop("immediate")
    finally:
        shutil.rmtree(folder)


def _programs() -> Path | None:
    """The newest installed version's folder, or that of the search path."""
    found = [path for pattern in _WHERE for path in Path("/").glob(pattern.removeprefix("/")) if _complete(path)]
    if found:
        return max(found)
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path and _complete(Path(on_path).parent) else None


def _complete(folder: Path) -> bool:
    return all((folder / program).exists() for program in ("initdb", "pg_ctl", "postgres"))


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
