"""`start`: from `python -m bot demo` to the line that says that it can be used."""

import os
import signal
import sys
import tempfile
import time
from statistics import median
from subprocess import DEVNULL, PIPE, Popen, run

from tests.bench.records import Baseline, Figure, Target
from tests.support.house import ROOT

TARGET = 5.0
"""Seconds."""
LIBRARIES = "discord, slack_bolt, openai, sqlalchemy"


def measure(*, quick: bool) -> list[Figure]:
    """Starts and bare imports in turns."""
    starts: list[float] = []
    imports: list[float] = []
    for _ in range(1 if quick else 5):
        imports.append(_imported())
        starts.append(_started())
    base = Baseline(f"import {LIBRARIES}", median(imports))
    details = {"fastest s": min(starts), "slowest s": max(starts), "starts": float(len(starts))}
    return [Figure("start", "demo until ready", median(starts), "s", base, Target(TARGET), details)]


def _imported() -> float:
    began = time.monotonic()
    run([sys.executable, "-c", f"import {LIBRARIES}"], check=True)
    return time.monotonic() - began


def _started() -> float:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        command = [sys.executable, "-m", "bot", "demo", "--no-open", "--port", "0"]
        environment = {**kept, "PYTHONPATH": str(ROOT), "DATA_DIR": folder, "TOOLS_DIR": str(ROOT / "tools")}
        began = time.monotonic()
        with Popen(command, cwd=folder, env=environment, stdout=PIPE, stderr=DEVNULL, text=True) as process:
            assert process.stdout is not None
            said = process.stdout.readline()
            seconds = time.monotonic() - began
            process.send_signal(signal.SIGTERM)
            process.communicate()
    assert said.startswith("ready "), f"the demo did not start: {said!r}"
    return seconds
