"""The house's direction, as pyproject.toml states it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_imports_go_in_one_direction_only() -> None:
    """Every import-linter contract of pyproject.toml is kept."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 broken" in result.stdout


def test_our_packages_lie_beside_each_other() -> None:
    """A foreign package called `adapters` or `tools` did not take the place of ours."""
    import adapters
    import bot

    assert Path(adapters.__file__ or "").parents[1] == Path(bot.__file__ or "").parents[1] == ROOT
