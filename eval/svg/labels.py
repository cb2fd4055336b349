"""Labels of points, placed such that none covers another, or a point."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import hypot
from typing import Literal

Anchor = Literal["start", "middle", "end"]

_WIDEST = 26
_DISTANCES = (10, 18, 28, 40, 54, 70, 88, 108, 130, 155)
# Steps right and down from a point to its label, and the anchor of the label's text: beside the point first, then above
# and below it, then on the diagonals.
_DIRECTIONS: tuple[tuple[int, int, Anchor], ...] = (
    *((1, 0, "start"), (-1, 0, "end"), (0, -1, "middle"), (0, 1, "middle")),
    *((0, -1, "start"), (0, -1, "end"), (0, 1, "start"), (0, 1, "end")),
    *((1, -1, "start"), (-1, -1, "end"), (1, 1, "start"), (-1, 1, "end")),
)
_AMBIGUOUS = 60.0
_ROUNDS = 3


@dataclass(frozen=True)
class Box:
    """A rectangle by its upper left and lower right corners."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def about(cls, x: float, y: float) -> Box:
        """The room of a mark."""
        return cls(x - 6, y - 6, x + 6, y + 6)

    @classmethod
    def along(cls, start: tuple[float, float], end: tuple[float, float]) -> Box:
        """The room of a level or an upright line."""
        (x1, y1), (x2, y2) = start, end
        return cls(min(x1, x2) - 2, min(y1, y2) - 2, max(x1, x2) + 2, max(y1, y2) + 2)

    def overlap(self, other: Box) -> float:
        """Area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0) * max(height, 0)

    def distance(self, x: float, y: float) -> float:
        """From a point to the nearest of the rectangle."""
        return hypot(max(self.left - x, 0, x - self.right), max(self.top - y, 0, y - self.bottom))

    def outside(self, frame: Box) -> float:
        """Area beyond a frame."""
        return (self.right - self.left) * (self.bottom - self.top) - self.overlap(frame)


@dataclass(frozen=True)
class Label:
    """A text in its box.

    Attributes:
        anchor: How the text is aligned in its box.
        led: Whether a line must show the point that the label belongs to.
    """

    text: str
    box: Box
    anchor: Anchor
    led: bool

    @property
    def position(self) -> tuple[float, float]:
        """Where the text starts, ends, or has its middle."""
        b = self.box
        x = {"start": b.left, "middle": (b.left + b.right) / 2, "end": b.right}[self.anchor]
        return x, (b.top + b.bottom) / 2


def shortened(text: str) -> str:
    """A name with an ellipsis for its end, where it is too long for a chart."""
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1].rstrip() + "…"


def text_width(text: str, size: float) -> float:
    """About how wide a text is, in the units of its size; rather more than less."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return size * (0.56 * (len(text) - wide) + 1.05 * wide)


def place_labels(
    points: Sequence[tuple[float, float]], names: Sequence[str], frame: Box, size: float, obstacles: Sequence[Box] = ()
) -> list[Label | None]:
    """A label for each point, inside the frame, as near as there is room, or else where it covers least.

    Args:
        names: Texts of the labels; an empty one stands for no label.
        size: Height of a letter, in the units of points and frame.
        obstacles: What labels must not cover, beside each other and the points.
    """
    marks = [Box.about(x, y) for x, y in points]
    candidates = [[_label(point, shortened(name), *at, size) for at in product(_DISTANCES, _DIRECTIONS)]
                  for point, name in zip(points, names, strict=True)]  # fmt: skip
    named = [n for n, name in enumerate(names) if name]
    placed: dict[int, Label] = {}
    # Points with little room above them choose first: from the top, then from the left. Once all have chosen, each
    # chooses again, as the first ones did not know of the last.
    for number in sorted(named, key=lambda n: (points[n][1], points[n][0])) * _ROUNDS:
        taken = [*marks, *obstacles, *(label.box for n, label in placed.items() if n != number)]
        others = [points[n] for n in named if points[n] != points[number]]
        costs = [_cost(label, points[number], others, taken, frame) for label in candidates[number]]
        placed[number] = candidates[number][costs.index(min(costs))]
    return [placed.get(number) for number in range(len(points))]


def _cost(
    label: Label,
    point: tuple[float, float],
    others: Sequence[tuple[float, float]],
    taken: Sequence[Box],
    frame: Box,
) -> float:
    """The area that a label covers, and more where a reader would take it for the label of another point."""
    near = label.box.distance(*point) + 4
    ambiguous = not label.led and any(label.box.distance(*other) < near for other in others)
    covered = sum(label.box.overlap(box) for box in taken)
    return covered + 2 * label.box.outside(frame) + _AMBIGUOUS * ambiguous


def _label(
    point: tuple[float, float], text: str, distance: float, direction: tuple[int, int, Anchor], size: float
) -> Label:
    (x, y), (right, down, anchor) = point, direction
    width, height = text_width(text, size), size * 1.15
    x, y = x + right * distance * (0.7 if down else 1), y + down * (distance * 0.9 + 5)
    if not right:
        x += {"start": -6, "middle": 0, "end": 6}[anchor]
    left = x - {"start": 0, "middle": width / 2, "end": width}[anchor]
    return Label(text, Box(left, y - height / 2, left + width, y + height / 2), anchor, distance > _DISTANCES[1])
