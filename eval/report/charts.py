"""The charts of a report, as SVG: quality against a cost, recall of candidates, queries one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from math import sqrt

from wordhive.index.quantity import quantity

from ..results import CollectionResults, SystemResults
from ..svg.frame import (
    BOTTOM,
    HEIGHT,
    LEFT,
    LETTERS,
    RIGHT,
    SQUARE,
    TOP,
    WIDTH,
    Frame,
    apart,
    labelled,
    plain_tick,
    short,
    stairs_of,
    thin,
)
from ..svg.labels import Box, place, shortened, text_width
from ..svg.scales import Scale
from ..svg.shapes import line, mark, path, picture, text, titled
from . import numbers
from .ranking import Roster, baseline, front, measure_name, named, value

_LARGEST = 13.0


def quality_by_cost(
    collection: CollectionResults,
    roster: Roster,
    cost: Callable[[SystemResults], float | None],
    name: str,
    shown: Callable[[float | None], str],
) -> str | None:
    """Systems by a cost, on a logarithmic axis, and the main measure, with those that none is better than for less.

    Args:
        cost: Of a system, None where it is unknown.
        shown: A cost as text. None where no system has a cost above 0.
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
        Scale.around([amount for _, amount, _ in points], LEFT, WIDTH - RIGHT, kind="log"),
        Scale.around(gains, HEIGHT - BOTTOM, TOP),
    )
    measure = measure_name(collection.main_measure)
    content = [frame.draw(f"{name} →", f"{measure} ↑", short, plain_tick)]
    taken = []
    if base is not None and level is not None:
        y = frame.y(level)
        content.append(line(LEFT, y, WIDTH - RIGHT, y, "level"))
        content.append(text(shortened(base.name), WIDTH - RIGHT - 3, y - 8, "end", "faint"))
        width = text_width(shortened(base.name), LETTERS)
        taken = [thin((LEFT, y), (WIDTH, y)), Box(WIDTH - RIGHT - 3 - width, y - 16, WIDTH - RIGHT - 3, y)]
    stairs = stairs_of(front([(amount, gain) for _, amount, gain in points]), frame)
    content.append(path(stairs, "front"))
    places = [(frame.x(amount), frame.y(gain)) for _, amount, gain in points]
    box = Box(LEFT + 2, TOP - 12, WIDTH, HEIGHT - BOTTOM)
    labels = place(places, [name for name, *_ in points], box, LETTERS, [*map(thin, stairs, stairs[1:]), *taken])
    for (system, amount, gain), (x, y), label in zip(points, places, labels, strict=True):
        told = f"{system}: {measure} {numbers.quality(gain)}, {shown(amount)}"
        content.append(titled(told, labelled(label, x, y) + mark(roster.number(system), x, y)))
    listed = "; ".join(f"{s}: {numbers.quality(gain)}, {shown(amount)}" for s, amount, gain in points)
    title = f"{measure} against {name}, {collection.name}"
    return picture(title, listed, WIDTH, HEIGHT, "".join(content))


def candidate_recall(collection: CollectionResults, roster: Roster) -> str | None:
    """Share of the exact top 10 by number of candidates; None where no system has a first stage."""
    curves = {s.name: dict(sorted(s.candidate_recall.items())) for s in collection.systems if s.candidate_recall}
    if not curves:
        return None
    ns = sorted({n for curve in curves.values() for n in curve})
    shares = [share for curve in curves.values() for share in curve.values()]
    x = Scale.around(ns, LEFT, WIDTH - RIGHT, kind="log")
    if len(ns) > 1:
        x = Scale(ns[0], ns[-1], LEFT + 10, WIDTH - RIGHT - 14, kind="log")
    spread = max(max(shares) - min(shares), 0.02)
    frame = Frame(x, Scale(min(shares) - 0.06 * spread, max(shares) + 0.06 * spread, HEIGHT - BOTTOM, TOP))
    content = [frame.draw("candidates →", "share of the exact top 10 ↑", numbers.count, plain_tick, apart(ns, x))]
    for name, curve in curves.items():
        number = roster.number(name)
        points = [(frame.x(n), frame.y(share)) for n, share in curve.items()]
        marks = "".join(mark(number, px, py, 4) for px, py in points)
        content.append(titled(name, path(points, f"curve s{number % 8}") + marks))
    listed = "; ".join(
        f"{name}: {', '.join(f'{n:,} → {numbers.quality(share)}' for n, share in curve.items())}"
        for name, curve in curves.items()
    )
    return picture(f"Recall of candidates, {collection.name}", listed, WIDTH, HEIGHT, "".join(content))


def queries(
    collection: CollectionResults, first: SystemResults, second: SystemResults, marked: Sequence[str]
) -> str | None:
    """Each query by the main measure of two systems; equal ones as one larger circle;

    None where the values of queries are not there.

    Args:
        marked: Ids that get numbers.
    """
    ones, others = (s.per_query.get(collection.main_measure, []) for s in (first, second))
    if not ones or not others:
        return None
    top = max(1.0, *ones, *others)
    frame = Frame(
        Scale(-0.04 * top, 1.04 * top, LEFT, WIDTH - RIGHT),
        Scale(-0.04 * top, 1.04 * top, SQUARE - BOTTOM, TOP),
        SQUARE,
    )
    measure = measure_name(collection.main_measure)
    content = [
        frame.draw(
            f"{measure} of {shortened(first.name)} →",
            f"{measure} of {shortened(second.name)} ↑",
            plain_tick,
            plain_tick,
        )
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
    return picture(title, told, WIDTH, SQUARE, "".join(content))


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
    box = Box(LEFT + 1, TOP, WIDTH - RIGHT, frame.height - BOTTOM)
    parts = []
    for (x, y), label in zip(places, place(places, names, box, LETTERS), strict=True):
        parts.append(f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
        parts.append(labelled(label, x, y))
    return f'<g class="flags">{"".join(parts)}</g>'


def _runs(ns: Sequence[int]) -> str:
    """Rising numbers, those that follow each other as a range: 1–3, 7."""
    starts = [n for n in ns if n - 1 not in ns]
    ends = [n for n in ns if n + 1 not in ns]
    return ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in zip(starts, ends, strict=True))
