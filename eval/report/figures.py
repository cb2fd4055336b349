"""The figures of a collection: charts, each with the numbers behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..results import CollectionResults, SystemResults
from . import charts, numbers, tables
from .ranking import Legend, baseline, challenger, listed, median_latency, named, total_bytes
from .tables import Table

_CHANGES = 100


@dataclass(frozen=True)
class Figure:
    """A chart with its title, its explanation and its numbers.

    Attributes:
        said: How to read the chart.
        chart: SVG.
        numbers: The numbers behind the chart.
        note: A sentence below the chart; None without one.
        systems: Names of the systems that are explained below the chart.
    """

    title: str
    said: str
    chart: str
    numbers: Table
    note: str | None = None
    systems: Sequence[str] = ()


def figures(collection: CollectionResults, legend: Legend) -> list[Figure]:
    """The figures of a collection; a chart without values is left out."""
    systems = collection.systems
    by_bytes = charts.quality_by_cost(collection, legend, total_bytes, "bytes a document", numbers.size)
    by_time = charts.quality_by_cost(collection, legend, median_latency, "median latency, ms", numbers.milliseconds)
    recall = charts.candidate_recall(collection, legend)
    return [
        *_figure(
            "Quality and size", "The line bounds what can be had for so many bytes.", by_bytes,
            tables.sizes(systems), _unknown(systems, total_bytes),
        ),
        *_figure(
            "Quality and time", "The line bounds what can be had in so much time.", by_time,
            tables.latencies(systems), _unknown(systems, median_latency),
        ),
        *_figure(
            "Recall of candidates", "Of the exact top 10, how many are among the first candidates?", recall,
            tables.candidate_recall(systems), explained=[s.name for s in systems if s.candidate_recall],
        ),
        *_one_by_one(collection),
    ]  # fmt: skip


def _figure(
    title: str, said: str, chart: str | None, behind: Table, note: str | None = None, explained: Sequence[str] = ()
) -> list[Figure]:
    return [] if chart is None else [Figure(title, said, chart, behind, note, explained)]


def _one_by_one(collection: CollectionResults) -> list[Figure]:
    first, second = baseline(collection), challenger(collection)
    if first is None or second is None:
        return []
    numbered = [query.query_id for query in collection.side_by_side]
    n = len(collection.query_ids)
    said = f"Above the diagonal {named(second.name)} is better; a larger circle stands for more queries."
    note = "Ringed: the queries that changed most, shown below." if numbered else ""
    less = f" Numbers: of the {_CHANGES} that differ most; report.json has all {n:,}." if n > _CHANGES else ""
    chart = charts.queries(collection, first, second, numbered)
    return _figure("Query by query", said, chart, tables.changes(collection, first, second, _CHANGES), note + less)


def _unknown(systems: list[SystemResults], cost: Callable[[SystemResults], float | None]) -> str | None:
    names = [system.name for system in systems if not cost(system)]
    return f"Not shown, as it is unknown: {listed(names)}." if names else None
