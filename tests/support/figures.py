"""Figures that belong to the result of a test that passed: shown at the end of the run, whoever captures the output."""

from collections.abc import Iterator

_MARK = "figures: "


def tell(*lines: str) -> None:
    """Say something for the summary at the end."""
    for line in lines:
        print(f"{_MARK}{line}")


def told(output: str) -> Iterator[str]:
    """What was told in a test's output."""
    for line in output.splitlines():
        if line.startswith(_MARK):
            yield line.removeprefix(_MARK)
