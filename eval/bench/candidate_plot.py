"""A plot of first stages: recall against bytes, recall against candidates."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from ..svg.frame import BOTTOM, LEFT, LETTERS, RIGHT, TOP, Frame, labelled, short, stairs_of, thin
from ..svg.labels import Box, place
from ..svg.plot import PANEL_HEIGHT, PANEL_WIDTH, write_plot
from ..svg.scales import Scale
from ..svg.shapes import N_COLOURS, mark, path, titled
from .candidates import CANDIDATES, Measured

_TOP = 10
_AMONG = 50
# A logit scale needs shares above 0 and below 1.
_LEAST, _MOST = 0.01, 0.9995


def draw(stages: Sequence[Measured], title: str, file: Path) -> None:
    """Draw first stages into an SVG file."""
    names = list(dict.fromkeys(stage.encoding for stage in stages))
    numbers = {name: number for number, name in enumerate(names)}
    write_plot(file, title, [_by_bytes(stages, numbers), _by_candidates(stages, numbers)], legend=names)


def _by_bytes(stages: Sequence[Measured], numbers: dict[str, int]) -> str:
    sizes = [stage.bytes_per_document for stage in stages]
    frame = _frame(Scale.around(sizes, LEFT, PANEL_WIDTH - RIGHT, "log"))
    best = _front(stages)
    stairs = stairs_of([(stage.bytes_per_document, _share(stage, _AMONG)) for stage in best], frame)
    points = [(frame.x(stage.bytes_per_document), frame.y(_share(stage, _AMONG))) for stage in best]
    box = Box(LEFT, TOP, PANEL_WIDTH, PANEL_HEIGHT - BOTTOM)
    names = [f"{stage.encoding}, {stage.candidates}" for stage in best]
    others = [
        (frame.x(stage.bytes_per_document), frame.y(_share(stage, _AMONG))) for stage in stages if stage not in best
    ]
    obstacles = [thin(*line) for line in pairwise(stairs)] + [Box(x - 6, y - 6, x + 6, y + 6) for x, y in others]
    labels = place(points, names, box, LETTERS, obstacles)
    content = [
        frame.draw("bytes a document →", f"exact top {_TOP} among {_AMONG} candidates ↑", short, _tick),
        path(stairs, "front"),
        *(labelled(label, x, y) for label, (x, y) in zip(labels, points, strict=True)),
    ]
    for stage in stages:
        share = stage.shares[_TOP][_AMONG]
        told = f"{stage.encoding}, {stage.candidates}: {share:.3f}, {stage.bytes_per_document:,.0f} bytes"
        position = frame.x(stage.bytes_per_document), frame.y(_share(stage, _AMONG))
        content.append(titled(told, mark(numbers[stage.encoding], *position)))
    return "".join(content)


def _by_candidates(stages: Sequence[Measured], numbers: dict[str, int]) -> str:
    frame = _frame(Scale(CANDIDATES[0], CANDIDATES[-1], LEFT + 10, PANEL_WIDTH - RIGHT - 14, "log"))
    content = [frame.draw("candidates →", f"exact top {_TOP} among them ↑", lambda n: f"{n:,.0f}", _tick, CANDIDATES)]
    for name, number in numbers.items():
        stage = next(stage for stage in stages if stage.encoding == name)
        points = [(frame.x(n), frame.y(_share(stage, n))) for n in CANDIDATES]
        marks = "".join(mark(number, x, y, 4) for x, y in points)
        told = f"{name}, {stage.candidates}"
        content.append(titled(told, path(points, f"curve s{number % N_COLOURS}") + marks))
    return "".join(content)


def _frame(x: Scale) -> Frame:
    low, high = _LEAST / 1.2, 1 - (1 - _MOST) / 1.5
    return Frame(x, Scale(low, high, PANEL_HEIGHT - BOTTOM, TOP, "logit"), PANEL_HEIGHT, PANEL_WIDTH)


def _share(stage: Measured, n: int) -> float:
    return min(max(stage.shares[_TOP][n], _LEAST), _MOST)


def _tick(share: float) -> str:
    return f"{share:g}".removeprefix("0")


def _front(stages: Sequence[Measured]) -> list[Measured]:
    """Those that no smaller one equals."""
    front: list[Measured] = []
    for stage in sorted(stages, key=lambda s: (s.bytes_per_document, -s.shares[_TOP][_AMONG])):
        if not front or stage.shares[_TOP][_AMONG] > front[-1].shares[_TOP][_AMONG]:
            front.append(stage)
    return front
