"""The frame of a chart: its size, its axes, and the numbers beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .scales import Kind, Scale
from .shapes import line, text


@dataclass(frozen=True)
class Canvas:
    """The size of a chart, and the lines between which its points lie.

    Attributes:
        letters: Height of a letter that labels keep room for.
    """

    width: float
    height: float
    letters: float
    left: float = 44
    top: float = 28

    @property
    def right(self) -> float:
        """Where the plane of the points ends."""
        return self.width - 12

    @property
    def bottom(self) -> float:
        """Where the numbers of the x axis begin."""
        return self.height - 44


# In a page, letters are as large as on a phone, where the chart is small. On a screen they take less than their room.
IN_PAGE = Canvas(420, 300, 13)
SQUARE = Canvas(420, 400, 13)
ALONE = Canvas(620, 440, 11)


@dataclass(frozen=True)
class Frame:
    """Both axes of a chart."""

    canvas: Canvas
    x: Scale
    y: Scale

    @classmethod
    def around(cls, canvas: Canvas, xs: Sequence[float], ys: Sequence[float], x: Kind, y: Kind) -> Frame:
        """Axes of these kinds with room around the values."""
        horizontal = Scale.around(xs, canvas.left, canvas.right, x)
        return cls(canvas, horizontal, Scale.around(ys, canvas.bottom, canvas.top, y))

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
            x_shown: Text of a number below the chart; `y_shown` of one beside it.
            xs: The numbers below the chart; round ones by default.
        """
        canvas = self.canvas
        parts = [text(y_name, 4, 11, kind="axis")]
        for tick in self.y.ticks():
            y = self.y(tick)
            parts += [line(canvas.left, y, canvas.right, y, "grid"), text(y_shown(tick), canvas.left - 7, y, "end")]
        for tick in xs or self.x.ticks():
            x = self.x(tick)
            parts.append(line(x, canvas.top, x, canvas.bottom, "grid"))
            parts.append(text(x_shown(tick), x, canvas.bottom + 14, "middle"))
        parts.append(text(x_name, canvas.right, canvas.height - 9, "end", "axis"))
        return "".join(parts)


def short(number: float) -> str:
    """A large number as a tick: 5, 50, 5k, 5M; .2 below 1."""
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:g}{letter}"
    return f"{number:g}".removeprefix("0")


def plain(number: float) -> str:
    """A number as a tick, without the 0 before its point."""
    return f"{number:g}".removeprefix("0") or "0"
