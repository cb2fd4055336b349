"""The shapes of charts as SVG: marks that differ in colour and shape, texts, lines, circles."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import cos, pi, sin

from wordhive.retrieval.pages import printable

N_COLOURS = 8


def escaped(text: str) -> str:
    """Text for a page or for an attribute, with its signs of HTML escaped."""
    return escape(printable(text))


def mark(number: int, x: float, y: float, size: float = 5.5) -> str:
    """The mark with this number, `size` from its middle to its border."""
    return f'<path class="mark s{number % N_COLOURS}" d="{_outline(number, x, y, size)}"/>'


def key(number: int) -> str:
    """The mark alone, for a table or a legend."""
    return f'<svg class="key" viewBox="0 0 16 16" aria-hidden="true">{mark(number, 8, 8, 6)}</svg>'


def text(content: str, x: float, y: float, anchor: str = "start", kind: str = "") -> str:
    """A line of text, at the height of its middle."""
    classes = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{classes}>{escaped(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def path(points: Sequence[tuple[float, float]], kind: str) -> str:
    """A line through points."""
    return f'<path class="{kind}" d="M{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def circle(x: float, y: float, radius: float, kind: str) -> str:
    """A circle."""
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'


def group(kind: str, content: str) -> str:
    """Content with a class of its own."""
    return f'<g class="{kind}">{content}</g>'


def titled(title: str, content: str) -> str:
    """Content with a title that shows when a reader points at it."""
    return f"<g><title>{escaped(title)}</title>{content}</g>"


def picture(title: str, description: str, width: float, height: float, content: str) -> str:
    """A whole chart. Screen readers tell its title and its description."""
    return (
        f'<svg class="chart" role="img" viewBox="0 0 {width:g} {height:g}"><title>{escaped(title)}</title>'
        f"<desc>{escaped(description)}</desc>{content}</svg>"
    )


def _outline(number: int, x: float, y: float, size: float) -> str:
    # Beyond eight systems colours come back with other shapes.
    shape = (number + number // N_COLOURS) % len(_SHAPES)
    corners = _SHAPES[shape]
    if not corners:
        return (
            f"M{x - size:.1f},{y:.1f}a{size:g},{size:g} 0 1 0 {2 * size:g},0a{size:g},{size:g} 0 1 0 -{2 * size:g},0z"
        )
    return "M" + "L".join(f"{x + size * dx:.1f},{y + size * dy:.1f}" for dx, dy in corners) + "z"


def _star(points: int, inner: float, turn: float = -pi / 2) -> list[tuple[float, float]]:
    radii = [1.2 if n % 2 == 0 else inner for n in range(2 * points)]
    return [(r * cos(turn + n * pi / points), r * sin(turn + n * pi / points)) for n, r in enumerate(radii)]


def _cross(turned: bool) -> list[tuple[float, float]]:
    a, b = 1.1, 0.36
    plus = [(-b, -a), (b, -a), (b, -b), (a, -b), (a, b), (b, b), (b, a), (-b, a), (-b, b), (-a, b), (-a, -b), (-b, -b)]
    return [((x - y) * 0.71, (x + y) * 0.71) for x, y in plus] if turned else plus


_SHAPES: list[list[tuple[float, float]]] = [
    [],
    [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    [(0, -1.15), (1.1, 0.85), (-1.1, 0.85)],
    [(0, -1.25), (1.1, 0), (0, 1.25), (-1.1, 0)],
    [(0, 1.15), (1.1, -0.85), (-1.1, -0.85)],
    _cross(False),
    _cross(True),
    _star(5, 0.52),
]
