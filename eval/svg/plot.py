"""A plot as a file of its own: charts side by side, light or dark as the reader's system is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wordhive.retrieval.pages import render

from .frame import ALONE
from .labels import text_width
from .shapes import mark, text

_GAP, _HEAD, _ROW = 20.0, 40.0, 17.0


def write_plot(path: Path, title: str, description: str, charts: Sequence[str], legend: Sequence[str] = ()) -> None:
    """Write charts into an SVG file.

    Args:
        description: What the charts show, for those who can't see them.
        charts: Each as large as `ALONE`.
        legend: Names in the order of the numbers of their marks.
    """
    rows = [mark(n, 8, _ROW * n + 8) + text(name, 20, _ROW * n + 8) for n, name in enumerate(legend)]
    step = ALONE.width + _GAP
    panels = [(_GAP + step * n, chart) for n, chart in enumerate([*charts, "".join(rows)])]
    beside = max((_GAP + text_width(name, ALONE.letters) for name in legend), default=0)
    plot = render(
        "plot.svg",
        "wordhive.eval.svg",
        title=title,
        description=description,
        panels=panels,
        head=_HEAD,
        width=round(_GAP + step * len(charts) + beside),
        height=round(_HEAD + max(ALONE.height, _ROW * len(legend))),
    )
    path.write_text(plot, encoding="utf-8", newline="\n")
