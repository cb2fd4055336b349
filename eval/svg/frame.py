"""The frame of a chart: its axes, the labels of its points, and the border of what can be had for a cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .labels import Box, Label
from .scales import Scale
from .shapes import line, text

WIDTH, HEIGHT, SQUARE = 420, 300, 400
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 28, 44
# Letters are as large as on a phone, where the chart is small; elsewhere they take less room than is kept for them.
LETTERS = 13.0


@dataclass(frozen=True)
class Frame:
    """Both axes of a chart."""

    x: Scale
    y: Scale
    height: float = HEIGHT
    width: float = WIDTH

    def draw(
        self,
        x_name: str,
        y_name: str,
        x_shown: Callable[[float], str],
        y_shown: Callable[[float], str],
        xs: Sequence[float] = (),
    ) -> str:
        """The lines of the grid, their numbers, and the names of the axes.

        Args:
            xs: Where numbers stand below the chart; round ones by default.
        """
        bottom = self.height - BOTTOM
        parts = [text(y_name, 4, 11, kind="axis")]
        for tick in self.y.ticks():
            y = self.y(tick)
            parts += [line(LEFT, y, self.width - RIGHT, y, "grid"), text(y_shown(tick), LEFT - 7, y, "end")]
        for tick in xs or self.x.ticks():
            x = self.x(tick)
            parts += [line(x, TOP, x, bottom, "grid"), text(x_shown(tick), x, bottom + 14, "middle")]
        parts.append(text(x_name, self.width - RIGHT, self.height - 9, "end", "axis"))
        return "".join(parts)


def labelled(label: Label, x: float, y: float) -> str:
    """A label, with a line to its point where it needs one."""
    near = min(max(x, label.box.left), label.box.right), min(max(y, label.box.top), label.box.bottom)
    return (line(x, y, *near, "lead") if label.led else "") + text(label.text, *label.place, label.anchor, "label")


def thin(start: tuple[float, float], end: tuple[float, float]) -> Box:
    """A level or an upright line, with some room about it."""
    (x1, y1), (x2, y2) = start, end
    return Box(min(x1, x2) - 2, min(y1, y2) - 2, max(x1, x2) + 2, max(y1, y2) + 2)


def stairs_of(points: Sequence[tuple[float, float]], frame: Frame) -> list[tuple[float, float]]:
    """The border of what can be had: a gain is kept until a higher cost buys more."""
    stairs = [(frame.x(points[0][0]), frame.y.start)]
    for cost, gain in points:
        stairs += [(frame.x(cost), stairs[-1][1]), (frame.x(cost), frame.y(gain))]
    return [stairs[0], *stairs[2:], (frame.x.end, frame.y(points[-1][1]))]


def apart(ns: Sequence[int], scale: Scale) -> list[float]:
    """Numbers of candidates to print, so far apart that they can be read."""
    shown = [float(ns[-1])]
    for n in reversed(ns[:-1]):
        if scale(shown[-1]) - scale(n) > 7.5 * len(f"{n:,}") + 6:
            shown.append(float(n))
    return shown[::-1]


def short(number: float) -> str:
    """A tick of a cost: 5, 50, 5k, 5M; .2 below 1."""
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:g}{letter}"
    return f"{number:g}".removeprefix("0")


def plain_tick(number: float) -> str:
    """A number without the 0 before its point."""
    return f"{number:g}".removeprefix("0") or "0"
