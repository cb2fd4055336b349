"""A picture of codecs: what they lose against their bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .codecs import CodecBench, MeasuredCodec

# Where a label may stand beside its point, in points: the first free place is taken. A letter's width, a line's height.
_PLACES = ((5, -9, "left"), (5, 4, "left"), (-5, 4, "right"), (-5, -9, "right"), (5, 12, "left"), (5, -17, "left"))
_LETTER, _LINE = 4.6, 8.5

Value = Callable[[MeasuredCodec], float]


def draw(found: CodecBench, title: str, path: Path) -> None:
    """Draw into a file; its ending says which format (.png, .svg, .pdf)."""
    # Not pyplot, which keeps figures and looks for a screen.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    figure = Figure(figsize=(14, 6), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    one_summary = len({codec.summaries for codec in found.codecs}) == 1
    size: Value = (lambda c: c.bytes_per_vector) if one_summary else (lambda c: c.bytes_per_document)
    left, right = figure.subplots(1, 2)
    panels: list[tuple[Any, Value, str]] = [
        (left, lambda c: c.overlap, "top 10 in common with the uncompressed"),
        (right, lambda c: c.ndcg, "nDCG@10"),
    ]
    for axes, value, label in panels:
        front = found.front_by(value)
        axes.plot([size(c) for c in front], [value(c) for c in front], color="0.7", zorder=1)
        for on_front, colour in ((True, "tab:blue"), (False, "0.6")):
            codecs = [codec for codec in found.codecs if (codec in front) == on_front]
            axes.scatter([size(c) for c in codecs], [value(c) for c in codecs], color=colour, zorder=2)
        of = f"a word (summaries {found.codecs[0].summaries})" if one_summary else "a document, words and summary"
        axes.set(xscale="log", xlabel=f"bytes {of}, log", ylabel=label)
        axes.margins(x=0.12)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 4, 8)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    right.axhline(found.ndcg_exact, color="tab:green", linewidth=1, linestyle="--")
    figure.draw_without_rendering()  # places are known from here on
    for axes, value, _ in panels:
        names = {id(c): c.words if one_summary else f"{c.words}, {c.summaries}" for c in found.codecs}
        _label(axes, [(names[id(c)], size(c), value(c)) for c in found.codecs])
    figure.savefig(path)


def _label(axes: Any, points: list[tuple[str, float, float]]) -> None:
    """Name the points, each where nothing is written yet, as far as there is such a place."""
    scale = 72 / axes.figure.dpi
    taken: list[tuple[float, float, float, float]] = []
    for name, x, y in sorted(points, key=lambda point: point[1:]):
        at_x, at_y = axes.transData.transform((x, y)) * scale
        boxes = [(at_x + dx - (_LETTER * len(name) if side == "right" else 0), at_y + dy) for dx, dy, side in _PLACES]
        chosen = next((k for k, box in enumerate(boxes) if not any(_meet(box, name, other) for other in taken)), 0)
        dx, dy, side = _PLACES[chosen]
        taken.append((*boxes[chosen], _LETTER * len(name), _LINE))
        axes.annotate(name, (x, y), xytext=(dx, dy), textcoords="offset points", fontsize=7.5, ha=side)


def _meet(corner: tuple[float, float], name: str, other: tuple[float, float, float, float]) -> bool:
    (x, y), (left, bottom, width, height) = corner, other
    return x < left + width and left < x + _LETTER * len(name) and y < bottom + height and bottom < y + _LINE
