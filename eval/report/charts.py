"""The charts of a report, as SVG: quality against a cost, recall of candidates, queries one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from math import sqrt

from wordhive.index.quantity import quantity

from ..results import CollectionResults, SystemResults
from ..svg.cost_chart import Point, cost_chart, labelled
from ..svg.frame import IN_PAGE, SQUARE, Frame, plain
from ..svg.labels import Box, place_labels, shortened
from ..svg.recall_chart import Curve, recall_chart
from ..svg.scales import Scale
from ..svg.shapes import circle, group, line, picture, titled
from . import numbers
from .ranking import Legend, baseline, measure_name, named, value

_LARGEST = 13.0  # radius of a circle


def quality_by_cost(
    collection: CollectionResults,
    legend: Legend,
    cost: Callable[[SystemResults], float | None],
    name: str,
    shown: Callable[[float | None], str],
) -> str | None:
    """Systems by a cost and the main measure; None where no system has a cost above 0.

    Args:
        cost: Of a system; None where it is unknown.
        name: Of the cost.
        shown: A cost as text.
    """
    measure = measure_name(collection.main_measure)
    points = []
    for system in collection.systems:
        amount, gain = cost(system), value(system, collection.main_measure)
        if amount and gain is not None:
            told = f"{system.name}: {measure} {numbers.quality(gain)}, {shown(amount)}"
            points.append(Point(amount, gain, system.name, told, legend.number(system.name)))
    if not points:
        return None
    base = baseline(collection)
    gain = value(base, collection.main_measure) if base else None
    has_cost = base is not None and any(point.label == base.name for point in points)
    level = (base.name, gain) if base is not None and gain is not None and not has_cost else None
    chart = cost_chart(IN_PAGE, points, name, measure, level=level)
    title = f"{measure} against {name}, {collection.name}"
    listed = "; ".join(f"{point.label}: {numbers.quality(point.gain)}, {shown(point.cost)}" for point in points)
    return picture(title, listed, IN_PAGE.width, IN_PAGE.height, chart)


def candidate_recall(collection: CollectionResults, legend: Legend) -> str | None:
    """Share of the exact top 10 by number of candidates; None where no system has a first stage."""
    curves = [
        Curve(system.name, legend.number(system.name), dict(sorted(system.candidate_recall.items())))
        for system in collection.systems
        if system.candidate_recall
    ]
    if not curves:
        return None
    shares = [share for curve in curves for share in curve.shares.values()]
    room = 0.06 * max(max(shares) - min(shares), 0.02)
    y = Scale(min(shares) - room, max(shares) + room, IN_PAGE.bottom, IN_PAGE.top)
    chart = recall_chart(IN_PAGE, curves, y, "share of the exact top 10")
    listed = "; ".join(
        f"{curve.name}: {', '.join(f'{n:,} → {numbers.quality(share)}' for n, share in curve.shares.items())}"
        for curve in curves
    )
    return picture(f"Recall of candidates, {collection.name}", listed, IN_PAGE.width, IN_PAGE.height, chart)


def queries(
    collection: CollectionResults, first: SystemResults, second: SystemResults, numbered: Sequence[str]
) -> str | None:
    """Queries by the main measure of two systems; None where their values are unknown.

    Args:
        numbered: Ids of the queries that get numbers, from 1.
    """
    ones, others = (system.per_query.get(collection.main_measure, []) for system in (first, second))
    if not ones or not others:
        return None
    top = max(1.0, *ones, *others)
    low, high = -0.04 * top, 1.04 * top
    frame = Frame(
        SQUARE, Scale(low, high, SQUARE.left, SQUARE.right), Scale(low, high, SQUARE.bottom, SQUARE.top)
    )  # fmt: skip
    measure = measure_name(collection.main_measure)
    x_name, y_name = (f"{measure} of {shortened(system.name)}" for system in (first, second))
    points = dict(zip(collection.query_ids, zip(ones, others, strict=True), strict=True))
    content = [
        frame.draw(f"{x_name} →", f"{y_name} ↑", plain, plain),
        line(frame.x(0), frame.y(0), frame.x(top), frame.y(top), "diagonal"),
        _circles(frame, points),
        _numbers(frame, points, numbered),
    ]
    better = sum(other > one for one, other in points.values())
    worse = sum(other < one for one, other in points.values())
    told = f"{named(second.name)} is better on {quantity(better, 'query')} than {named(first.name)}, worse on {worse:,}"
    title = f"Queries one by one, {collection.name}"
    return picture(title, told, SQUARE.width, SQUARE.height, "".join(content))


Values = dict[str, tuple[float, float]]  # query id → values of both systems


def _circles(frame: Frame, points: Values) -> str:
    """A circle for each pair of values, larger for more queries. The smallest are drawn last."""
    content = []
    groups = sorted(_grouped(points, list(points)).items(), key=lambda item: -len(item[1]))
    unit = min(3.0, _LARGEST / sqrt(len(groups[0][1])))
    for (one, other), ids in groups:
        side = "better" if other > one else "worse" if other < one else "same"
        some = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
        told = f"{some}: {numbers.quality(one)} → {numbers.quality(other)}"
        radius = max(unit * sqrt(len(ids)), 2.2)
        content.append(titled(told, circle(frame.x(one), frame.y(other), radius, side)))
    return "".join(content)


def _numbers(frame: Frame, points: Values, ids: Sequence[str]) -> str:
    """Rings with the numbers of queries; queries with the same values share one."""
    number = {id: n for n, id in enumerate(ids, 1)}
    groups = _grouped(points, [id for id in ids if id in points])
    positions = [(frame.x(one), frame.y(other)) for one, other in groups]
    names = [_runs([number[id] for id in same]) for same in groups.values()]
    canvas = frame.canvas
    inside = Box(canvas.left + 1, canvas.top, canvas.right, canvas.bottom)
    labels = place_labels(positions, names, inside, canvas.letters)
    rings = [
        circle(x, y, 5, "ring") + labelled(label, x, y) for (x, y), label in zip(positions, labels, strict=True)
    ]  # fmt: skip
    return group("flags", "".join(rings))


def _grouped(points: Values, ids: Sequence[str]) -> dict[tuple[float, float], list[str]]:
    """The ids by their values, to two places."""
    groups: dict[tuple[float, float], list[str]] = defaultdict(list)
    for id in ids:
        one, other = points[id]
        groups[round(one, 2), round(other, 2)].append(id)
    return groups


def _runs(ns: Sequence[int]) -> str:
    """Rising numbers, those that follow each other as a range: 1–3, 7."""
    starts = [n for n in ns if n - 1 not in ns]
    ends = [n for n in ns if n + 1 not in ns]
    return ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in zip(starts, ends, strict=True))
