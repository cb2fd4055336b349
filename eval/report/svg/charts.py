"""The charts of a report, as SVG: quality against a cost, recall of candidates, queries one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

from wordhive.index.quantity import quantity

from ...results import CollectionResults, SystemResults
from .. import numbers
from ..ranking import Roster, baseline, front, measure_name, named, value
from .labels import Box, Label, place, shortened, text_width
from .scales import Scale
from .shapes import line, mark, path, picture, text, titled

_WIDTH, _HEIGHT, _SQUARE = 420, 300, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 28, 44
# Letters are as large as on a phone, where the chart is small; elsewhere they take less room than is kept for them.
_LETTERS = 13.0
_LARGEST = 13.0


@dataclass(frozen=True)
class Frame:
    """Both axes of a chart."""

    x: Scale
    y: Scale
    height: float = _HEIGHT

    def draw(
        self,
        x_name: str,
        y_name: str,
        x_shown: Callable[[float], str],
        y_shown: Callable[[float], str],
        xs: Sequence[float] = (),
    ) -> str:
        """Lines of the grid, their numbers, and what the axes are; xs: where numbers stand, or round ones."""
        bottom = self.height - _BOTTOM
        parts = [text(y_name, 4, 11, kind="axis")]
        for tick in self.y.ticks():
            y = self.y(tick)
            parts += [line(_LEFT, y, _WIDTH - _RIGHT, y, "grid"), text(y_shown(tick), _LEFT - 7, y, "end")]
        for tick in xs or self.x.ticks():
            x = self.x(tick)
            parts += [line(x, _TOP, x, bottom, "grid"), text(x_shown(tick), x, bottom + 14, "middle")]
        parts.append(text(x_name, _WIDTH - _RIGHT, self.height - 9, "end", "axis"))
        return "".join(parts)


def quality_by_cost(
    collection: CollectionResults,
    roster: Roster,
    cost: Callable[[SystemResults], float | None],
    name: str,
    shown: Callable[[float | None], str],
) -> str | None:
    """Systems by a cost, on a logarithmic axis, and the main measure, with those that none is better than for less.

    cost: of a system, None where it is unknown. shown: a cost as text. None where no system has a cost above 0.
    """
    points = [
        (system.name, amount, gain)
        for system in collection.systems
        if (amount := cost(system)) and (gain := value(system, collection.main_measure)) is not None
    ]
    if not points:
        return None
    base = baseline(collection)
    level = value(base, collection.main_measure) if base and base.name not in [n for n, *_ in points] else None
    gains = [gain for *_, gain in points] + ([level] if level is not None else [])
    frame = Frame(
        Scale.around([amount for _, amount, _ in points], _LEFT, _WIDTH - _RIGHT, log=True),
        Scale.around(gains, _HEIGHT - _BOTTOM, _TOP),
    )
    measure = measure_name(collection.main_measure)
    content = [frame.draw(f"{name} →", f"{measure} ↑", _short, _tick)]
    taken = []
    if base is not None and level is not None:
        y = frame.y(level)
        content.append(line(_LEFT, y, _WIDTH - _RIGHT, y, "level"))
        content.append(text(shortened(base.name), _WIDTH - _RIGHT - 3, y - 8, "end", "faint"))
        width = text_width(shortened(base.name), _LETTERS)
        taken = [_thin((_LEFT, y), (_WIDTH, y)), Box(_WIDTH - _RIGHT - 3 - width, y - 16, _WIDTH - _RIGHT - 3, y)]
    stairs = _stairs(front([(amount, gain) for _, amount, gain in points]), frame)
    content.append(path(stairs, "front"))
    places = [(frame.x(amount), frame.y(gain)) for _, amount, gain in points]
    box = Box(_LEFT + 2, _TOP - 12, _WIDTH, _HEIGHT - _BOTTOM)
    labels = place(places, [name for name, *_ in points], box, _LETTERS, [*map(_thin, stairs, stairs[1:]), *taken])
    for (system, amount, gain), (x, y), label in zip(points, places, labels, strict=True):
        told = f"{system}: {measure} {numbers.quality(gain)}, {shown(amount)}"
        content.append(titled(told, _labelled(label, x, y) + mark(roster.number(system), x, y)))
    listed = "; ".join(f"{s}: {numbers.quality(gain)}, {shown(amount)}" for s, amount, gain in points)
    title = f"{measure} against {name}, {collection.name}"
    return picture(title, listed, _WIDTH, _HEIGHT, "".join(content))


def candidate_recall(collection: CollectionResults, roster: Roster) -> str | None:
    """Share of the exact top 10 by number of candidates; None where no system has a first stage."""
    curves = {s.name: dict(sorted(s.candidate_recall.items())) for s in collection.systems if s.candidate_recall}
    if not curves:
        return None
    ns = sorted({n for curve in curves.values() for n in curve})
    shares = [share for curve in curves.values() for share in curve.values()]
    x = Scale.around(ns, _LEFT, _WIDTH - _RIGHT, log=True)
    if len(ns) > 1:
        x = Scale(ns[0], ns[-1], _LEFT + 10, _WIDTH - _RIGHT - 14, log=True)
    spread = max(max(shares) - min(shares), 0.02)
    frame = Frame(x, Scale(min(shares) - 0.06 * spread, max(shares) + 0.06 * spread, _HEIGHT - _BOTTOM, _TOP))
    content = [frame.draw("candidates →", "share of the exact top 10 ↑", numbers.count, _tick, _apart(ns, x))]
    for name, curve in curves.items():
        number = roster.number(name)
        points = [(frame.x(n), frame.y(share)) for n, share in curve.items()]
        marks = "".join(mark(number, px, py, 4) for px, py in points)
        content.append(titled(name, path(points, f"curve s{number % 8}") + marks))
    listed = "; ".join(
        f"{name}: {', '.join(f'{n:,} → {numbers.quality(share)}' for n, share in curve.items())}"
        for name, curve in curves.items()
    )
    return picture(f"Recall of candidates, {collection.name}", listed, _WIDTH, _HEIGHT, "".join(content))


def queries(
    collection: CollectionResults, first: SystemResults, second: SystemResults, marked: Sequence[str]
) -> str | None:
    """Each query by the main measure of two systems; equal ones as one larger circle; marked: ids that get numbers.

    None where the values of queries are not there.
    """
    ones, others = (s.per_query.get(collection.main_measure, []) for s in (first, second))
    if not ones or not others:
        return None
    top = max(1.0, *ones, *others)
    frame = Frame(
        Scale(-0.04 * top, 1.04 * top, _LEFT, _WIDTH - _RIGHT),
        Scale(-0.04 * top, 1.04 * top, _SQUARE - _BOTTOM, _TOP),
        _SQUARE,
    )
    measure = measure_name(collection.main_measure)
    content = [
        frame.draw(f"{measure} of {shortened(first.name)} →", f"{measure} of {shortened(second.name)} ↑", _tick, _tick)
    ]
    content.append(line(frame.x(0), frame.y(0), frame.x(top), frame.y(top), "diagonal"))
    places: dict[tuple[float, float], list[str]] = defaultdict(list)
    for id, one, other in zip(collection.query_ids, ones, others, strict=True):
        places[round(one, 2), round(other, 2)].append(id)
    largest = max(map(len, places.values()))
    unit = min(3.0, _LARGEST / sqrt(largest))
    for (one, other), ids in sorted(places.items(), key=lambda item: -len(item[1])):
        side = "better" if other > one else "worse" if other < one else "same"
        radius = max(unit * sqrt(len(ids)), 2.2)
        circle = f'<circle class="{side}" cx="{frame.x(one):.1f}" cy="{frame.y(other):.1f}" r="{radius:.1f}"/>'
        some = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
        content.append(titled(f"{some}: {numbers.quality(one)} → {numbers.quality(other)}", circle))
    content.append(_numbered(collection, ones, others, marked, frame))
    better = sum(b > a for a, b in zip(ones, others, strict=True))
    worse = sum(b < a for a, b in zip(ones, others, strict=True))
    told = f"{named(second.name)} is better on {quantity(better, 'query')} than {named(first.name)}, worse on {worse:,}"
    title = f"Queries one by one, {collection.name}"
    return picture(title, told, _WIDTH, _SQUARE, "".join(content))


def _numbered(
    collection: CollectionResults, ones: Sequence[float], others: Sequence[float], marked: Sequence[str], frame: Frame
) -> str:
    """Numbers on the queries that are shown side by side; those at one place in one flag."""
    row = {id: number for number, id in enumerate(collection.query_ids)}
    flags: dict[tuple[float, float], list[int]] = defaultdict(list)
    for number, id in enumerate(marked, 1):
        if id in row:
            flags[round(ones[row[id]], 2), round(others[row[id]], 2)].append(number)
    places = [(frame.x(one), frame.y(other)) for one, other in flags]
    names = [_runs(ns) for ns in flags.values()]
    box = Box(_LEFT + 1, _TOP, _WIDTH - _RIGHT, frame.height - _BOTTOM)
    parts = []
    for (x, y), label in zip(places, place(places, names, box, _LETTERS), strict=True):
        parts.append(f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
        parts.append(_labelled(label, x, y))
    return f'<g class="flags">{"".join(parts)}</g>'


def _runs(ns: Sequence[int]) -> str:
    """Rising numbers, those that follow each other as a range: 1–3, 7."""
    starts = [n for n in ns if n - 1 not in ns]
    ends = [n for n in ns if n + 1 not in ns]
    return ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in zip(starts, ends, strict=True))


def _labelled(label: Label, x: float, y: float) -> str:
    near = min(max(x, label.box.left), label.box.right), min(max(y, label.box.top), label.box.bottom)
    return (line(x, y, *near, "lead") if label.led else "") + text(label.text, *label.place, label.anchor, "label")


def _thin(start: tuple[float, float], end: tuple[float, float]) -> Box:
    """A level or an upright line, with some room about it."""
    (x1, y1), (x2, y2) = start, end
    return Box(min(x1, x2) - 2, min(y1, y2) - 2, max(x1, x2) + 2, max(y1, y2) + 2)


def _stairs(points: Sequence[tuple[float, float]], frame: Frame) -> list[tuple[float, float]]:
    """The border of what can be had: a gain is kept until a higher cost buys more."""
    found = [(frame.x(points[0][0]), frame.y.start)]
    for cost, gain in points:
        found += [(frame.x(cost), found[-1][1]), (frame.x(cost), frame.y(gain))]
    return [found[0], *found[2:], (frame.x.end, frame.y(points[-1][1]))]


def _apart(ns: Sequence[int], scale: Scale) -> list[float]:
    """Numbers of candidates to print, so far apart that they can be read."""
    found = [float(ns[-1])]
    for n in reversed(ns[:-1]):
        if scale(found[-1]) - scale(n) > 7.5 * len(f"{n:,}") + 6:
            found.append(float(n))
    return found[::-1]


def _short(number: float) -> str:
    """A tick of a cost: 5, 50, 5k, 5M; .2 below 1."""
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:g}{letter}"
    return f"{number:g}".removeprefix("0")


def _tick(number: float) -> str:
    return f"{number:g}".removeprefix("0") or "0"
