"""Gains against costs, with the border of what can be had for a cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .frame import Canvas, Frame, plain, short
from .front import front
from .labels import Box, Label, place_labels, shortened, text_width
from .scales import Kind
from .shapes import circle, line, mark, path, text, titled


@dataclass(frozen=True)
class Point:
    """What is drawn at a cost and a gain.

    Attributes:
        label: Text beside the point; may be empty.
        told: What the point tells when it is pointed at.
        number: Which mark it has; None: a grey dot.
    """

    cost: float
    gain: float
    label: str
    told: str
    number: int | None

    def draw(self, x: float, y: float) -> str:
        """The mark at its position."""
        return circle(x, y, 4.5, "behind") if self.number is None else mark(self.number, x, y)


def cost_chart(
    canvas: Canvas,
    points: Sequence[Point],
    x_name: str,
    y_name: str,
    *,
    y_kind: Kind = "linear",
    level: tuple[str, float] | None = None,
) -> str:
    """The points on a logarithmic axis of costs, and the line that bounds them.

    Args:
        points: At least one. Their costs are above 0.
        level: Name and gain of something that has no cost, a dotted line.
    """
    gains = [point.gain for point in points] + ([level[1]] if level else [])
    frame = Frame.around(canvas, [point.cost for point in points], gains, "log", y_kind)
    content = [frame.draw(f"{x_name} →", f"{y_name} ↑", short, plain)]
    border = _border(frame, points)
    obstacles = [Box.along(*ends) for ends in pairwise(border)]
    if level:
        line_and_name, taken = _level(frame, *level)
        content.append(line_and_name)
        obstacles += taken
    content.append(path(border, "front"))
    positions = [(frame.x(point.cost), frame.y(point.gain)) for point in points]
    inside = Box(canvas.left + 2, canvas.top - 12, canvas.width, canvas.bottom)
    labels = place_labels(positions, [point.label for point in points], inside, canvas.letters, obstacles)
    drawn = [
        (point, titled(point.told, labelled(label, x, y) + point.draw(x, y)))
        for point, label, (x, y) in zip(points, labels, positions, strict=True)
    ]
    drawn.sort(key=lambda pair: pair[0].number is not None)  # grey dots lie below
    return "".join([*content, *(shape for _, shape in drawn)])


def labelled(label: Label | None, x: float, y: float) -> str:
    """A label, with a line to its point where it needs one."""
    if label is None:
        return ""
    near = min(max(x, label.box.left), label.box.right), min(max(y, label.box.top), label.box.bottom)
    lead = line(x, y, *near, "lead") if label.led else ""
    return lead + text(label.text, *label.position, label.anchor, "label")


def _border(frame: Frame, points: Sequence[Point]) -> list[tuple[float, float]]:
    """Stairs: a gain is kept until a higher cost buys more."""
    best = front(points, lambda point: point.cost, lambda point: point.gain)
    corners = [(frame.x(best[0].cost), frame.y.start)]
    for point in best:
        x = frame.x(point.cost)
        corners += [(x, corners[-1][1]), (x, frame.y(point.gain))]
    return [corners[0], *corners[2:], (frame.x.end, corners[-1][1])]


def _level(frame: Frame, name: str, gain: float) -> tuple[str, list[Box]]:
    """A named level, and the room that it takes."""
    canvas, y, shown = frame.canvas, frame.y(gain), shortened(name)
    end = canvas.right - 3
    drawn = line(canvas.left, y, canvas.right, y, "level") + text(shown, end, y - 8, "end", "faint")
    name_box = Box(end - text_width(shown, canvas.letters), y - 16, end, y)
    return drawn, [Box.along((canvas.left, y), (canvas.width, y)), name_box]
