"""The benchmarks run and tell everything. How fast something is never fails a test."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import catalogue
from tests.support.house import ROOT

CHEAP = ("event", "streams", "final_edit", "thread_length")


@pytest.mark.timeout(300)
def test_the_quick_form_tells_every_figure_with_its_unit_and_what_it_is_compared_with(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    command = [sys.executable, "-m", "tests.bench", *CHEAP, "--quick", "--json", str(file)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert run.returncode == 0, run.stderr
    told = json.loads(file.read_text())
    assert {figure["benchmark"] for figure in told["figures"]} == set(CHEAP)
    for figure in told["figures"]:
        assert figure["what"] in run.stdout
        assert figure["unit"]
        assert math.isfinite(figure["value"])
        assert (figure["verdict"] in ("met", "missed")) == (figure["target"] is not None)
        assert (figure["ratio"] is not None) == (figure["baseline"] is not None)
    assert all(any(figure["baseline"] for figure in told["figures"] if figure["benchmark"] == name) for name in CHEAP)
    assert told["machine"]["python"]
    assert set(told["benchmarks"]) == set(CHEAP)


def test_every_benchmark_is_described_in_the_documentation() -> None:
    described = (ROOT / "docs" / "PERFORMANCE.md").read_text()
    assert [name for name in catalogue.ALL if f"`{name}`" not in described] == []
