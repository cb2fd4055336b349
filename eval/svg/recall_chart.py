"""Shares of the exact top by the number of candidates, a curve for each first stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .frame import Canvas, Frame, plain
from .scales import Scale
from .shapes import N_COLOURS, mark, path, titled


@dataclass(frozen=True)
class Curve:
    """Shares of one first stage.

    Attributes:
        number: Which mark and colour it has.
        shares: Number of candidates → share.
    """

    name: str
    number: int
    shares: Mapping[int, float]


def recall_chart(canvas: Canvas, curves: Sequence[Curve], y: Scale, y_name: str) -> str:
    """The curves on a logarithmic axis of candidates."""
    ns = sorted({n for curve in curves for n in curve.shares})
    x = Scale.around(ns, canvas.left, canvas.right, "log")
    if len(ns) > 1:
        x = Scale(ns[0], ns[-1], canvas.left + 10, canvas.right - 14, "log")
    frame = Frame(canvas, x, y)
    content = [frame.draw("candidates →", f"{y_name} ↑", lambda n: f"{n:,.0f}", plain, _apart(ns, x))]
    for curve in curves:
        points = [(frame.x(n), frame.y(share)) for n, share in sorted(curve.shares.items())]
        marks = "".join(mark(curve.number, *point, 4) for point in points)
        content.append(titled(curve.name, path(points, f"curve s{curve.number % N_COLOURS}") + marks))
    return "".join(content)


def _apart(ns: Sequence[int], scale: Scale) -> list[float]:
    """The numbers of candidates to print: so far apart that they can be read."""
    printed = [float(ns[-1])]
    for n in reversed(ns[:-1]):
        if scale(printed[-1]) - scale(n) > 7.5 * len(f"{n:,}") + 6:
            printed.append(float(n))
    return printed[::-1]
