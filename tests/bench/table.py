"""Figures as a table, for the terminal and for the documentation."""

from collections.abc import Sequence

from tests.bench.records import Figure, Target

HEAD = ("benchmark", "what", "figure", "baseline", "ratio", "target", "")


def plain(figures: Sequence[Figure]) -> str:
    """Columns for a terminal, details on a line of their own."""
    rows = [_cells(figure) for figure in figures]
    widths = [max(len(row[column]) for row in (HEAD, *rows)) for column in range(len(HEAD))]
    lines = [_padded(HEAD, widths)]
    for figure, row in zip(figures, rows, strict=True):
        lines.append(_padded(row, widths))
        if figure.details:
            lines.append(f"{'':{widths[0]}}    {_details(figure)}")
    return "\n".join(lines)


def markdown(figures: Sequence[Figure]) -> str:
    """The same as a Markdown table."""
    head = ("benchmark", "what", "figure", "baseline in the same run", "ratio", "target", "", "further")
    rows = [(*_cells(figure), _details(figure)) for figure in figures]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


def _cells(figure: Figure) -> tuple[str, ...]:
    base = figure.baseline
    return (
        figure.benchmark,
        figure.what,
        f"{number(figure.value)} {figure.unit}",
        f"{number(base.value)} {figure.unit} ({base.name})" if base else "",
        f"{number(figure.ratio)} ×" if figure.ratio is not None else "",
        _target(figure.target, figure.unit) if figure.target else "",
        figure.verdict or "",
    )


def _target(target: Target, unit: str) -> str:
    return f"{'≥' if target.at_least else '≤'} {number(target.limit)} {'×' if target.ratio else unit}"


def _details(figure: Figure) -> str:
    return ", ".join(f"{name} {number(value)}" for name, value in figure.details.items())


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def number(value: float) -> str:
    """Three digits that matter, and every digit before the point."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
