"""A plot as a file of its own: charts side by side, light or dark as the reader's system is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wordhive.retrieval.pages import render

from .shapes import mark, text

PANEL_WIDTH, PANEL_HEIGHT = 620.0, 440.0
_GAP = 20.0
_ROW = 17.0


def write_plot(path: Path, title: str, charts: Sequence[str], legend: Sequence[str] = ()) -> None:
    """Write charts of `PANEL_WIDTH` and `PANEL_HEIGHT` into an SVG file.

    Args:
        legend: Names of what is drawn, in the order of the numbers of their marks.
    """
    rows = [mark(n, 8, _ROW * n + 8) + text(name, 20, _ROW * n + 8) for n, name in enumerate(legend)]
    columns = [*charts, "".join(rows)] if legend else charts
    widths = [PANEL_WIDTH + _GAP] * len(charts) + [30.0 + 7 * max(map(len, legend), default=0)] * bool(legend)
    starts = [_GAP + sum(widths[:n]) for n in range(len(columns))]
    height = max(PANEL_HEIGHT, _ROW * len(legend)) + 50
    panels = list(zip(starts, columns, strict=True))
    page = render("plot.svg", "wordhive.eval.svg", title=title, panels=panels, width=_GAP + sum(widths), height=height)
    path.write_text(page, encoding="utf-8", newline="\n")
