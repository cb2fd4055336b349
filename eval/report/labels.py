"""Places for the labels of points such that none covers another, or a point."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

_WIDEST = 26
_DISTANCES = (10, 18, 28, 40, 54, 70, 88, 108)
# Right and left of the point first, then above and below, then between.
_DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))


@dataclass(frozen=True)
class Box:
    """A rectangle by its upper left and lower right corners."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """Area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0) * max(height, 0)

    def outside(self, frame: Box) -> float:
        """Area beyond a frame."""
        return (self.right - self.left) * (self.bottom - self.top) - self.overlap(frame)


@dataclass(frozen=True)
class Label:
    """A text in its box, and whether a line must show to which point it belongs."""

    text: str
    box: Box
    led: bool


def shortened(text: str) -> str:
    """A name with an ellipsis for its end, where it is too long for a chart."""
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1].rstrip() + "…"


def text_width(text: str, size: float) -> float:
    """About how wide a text is, in the units of its size; rather more than less."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return size * (0.56 * (len(text) - wide) + 1.05 * wide)


def place(points: Sequence[tuple[float, float]], names: Sequence[str], frame: Box, size: float) -> list[Label]:
    """A label for each point, inside the frame, as near as there is room; where there is none, on what it covers least.

    size: of the letters, in the units of points and frame.
    """
    marks = [Box(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    placed: dict[int, Label] = {}
    # Points with little room above them choose first: from the top, then from the left.
    for number in sorted(range(len(points)), key=lambda n: (points[n][1], points[n][0])):
        taken = [*marks, *(label.box for label in placed.values())]
        text = shortened(names[number])
        candidates = [_label(points[number], text, *where, size) for where in product(_DISTANCES, _DIRECTIONS)]
        placed[number] = min(
            candidates,
            key=lambda label: sum(label.box.overlap(box) for box in taken) + 2 * label.box.outside(frame),
        )
    return [placed[number] for number in range(len(points))]


def _label(point: tuple[float, float], text: str, distance: float, direction: tuple[int, int], size: float) -> Label:
    (x, y), (right, down) = point, direction
    width, height = text_width(text, size), size * 1.15
    x, y = x + right * distance * (0.7 if down else 1), y + down * distance * (0.9 if right else 1.2)
    left = x if right > 0 else x - width if right < 0 else x - width / 2
    return Label(text, Box(left, y - height / 2, left + width, y + height / 2), distance > _DISTANCES[1])
