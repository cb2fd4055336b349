"""A plot of first stages: recall against bytes, recall against candidates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..svg.cost_chart import Point, cost_chart
from ..svg.frame import ALONE
from ..svg.front import front
from ..svg.plot import write_plot
from ..svg.recall_chart import Curve, recall_chart
from ..svg.scales import Scale
from .candidates import Measured

_TOP = 10
_AMONG = 50
_LEAST, _MOST = 0.01, 0.9995  # a logit axis needs shares above 0 and below 1


def draw(stages: Sequence[Measured], title: str, path: Path) -> None:
    """Draw first stages into an SVG file."""
    firsts = {stage.encoding: stage for stage in reversed(stages)}
    numbers = {name: number for number, name in enumerate(dict.fromkeys(stage.encoding for stage in stages))}
    points = _points(stages, numbers)
    curves = [
        Curve(f"{name}, {firsts[name].candidates}", number, {n: _shown(share) for n, share in _shares(firsts[name])})
        for name, number in numbers.items()
    ]
    y = Scale.around([share for curve in curves for share in curve.shares.values()], ALONE.bottom, ALONE.top, "logit")
    among = f"exact top {_TOP} among"
    charts = [
        cost_chart(ALONE, points, "bytes a document", f"{among} {_AMONG} candidates", y_kind="logit"),
        recall_chart(ALONE, curves, y, f"{among} them"),
    ]
    write_plot(path, title, "; ".join(point.told for point in points), charts, [curve.name for curve in curves])


def _points(stages: Sequence[Measured], numbers: dict[str, int]) -> list[Point]:
    """Each stage by its bytes; those on the front have labels."""
    best = front(stages, lambda stage: stage.bytes_per_document, lambda stage: stage.shares[_TOP][_AMONG])
    points = []
    for stage in stages:
        name, share = f"{stage.encoding}, {stage.candidates}", stage.shares[_TOP][_AMONG]
        told = f"{name}: {share:.3f}, {stage.bytes_per_document:,.0f} bytes"
        label = name if stage in best else ""
        points.append(Point(stage.bytes_per_document, _shown(share), label, told, numbers[stage.encoding]))
    return points


def _shares(stage: Measured) -> list[tuple[int, float]]:
    return sorted(stage.shares[_TOP].items())


def _shown(share: float) -> float:
    return min(max(share, _LEAST), _MOST)
