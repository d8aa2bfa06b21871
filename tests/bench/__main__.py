"""The benchmarks: `python -m tests.bench [NAME …] [--json FILE] [--markdown] [--quick]`."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import TextIO

from bot.logs import set_up_logs
from tests.bench import catalogue
from tests.bench.machine import load, machine
from tests.bench.records import Figure
from tests.bench.table import markdown, plain

DEFAULT = Path(".data/bench.json")


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write. Never fails because something is slow."""
    arguments = _parser().parse_args(words)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    about = asyncio.run(machine())
    figures: list[Figure] = []
    circumstances: dict[str, dict[str, float]] = {}
    with arguments.json.with_suffix(".log").open("w") as log:
        _log_to(log)
        for name in arguments.names or catalogue.ALL:
            circumstances[name] = {"load": load()}
            circumstances[name]["seconds"] = _run(name, figures, quick=arguments.quick)
            document = {"machine": about, "quick": arguments.quick, "benchmarks": circumstances}
            document["figures"] = [figure.as_json() for figure in figures]
            arguments.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    loads = [f"{name} {facts['load']:.1f}" for name, facts in circumstances.items()]
    print(f"load of the machine before each: {', '.join(loads)}\n")
    print(markdown(figures) if arguments.markdown else plain(figures))
    return 0


def _run(name: str, figures: list[Figure], *, quick: bool) -> float:
    """Add the figures of one benchmark. Returns how many seconds it took."""
    began = time.monotonic()
    print(f"{name} …", end=" ", flush=True, file=sys.stderr)
    figures += catalogue.ALL[name](quick=quick)
    seconds = time.monotonic() - began
    print(f"{seconds:.0f} s", flush=True, file=sys.stderr)
    return seconds


def _log_to(file: TextIO) -> None:
    """Log as the bot does, but into a file: writing logs is a part of its work."""
    with redirect_stderr(file):
        set_up_logs("INFO", "json", [])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *catalogue.ALL], help=", ".join(catalogue.ALL))
    parser.add_argument("--json", type=Path, default=DEFAULT, help="where to write everything; the log goes beside it")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/PERFORMANCE.md")
    parser.add_argument("--quick", action="store_true", help="a minute in all: shows that it runs, not how fast")
    return parser


if __name__ == "__main__":
    sys.exit(main())
