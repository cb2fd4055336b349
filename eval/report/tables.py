"""The tables of a report as data, for HTML, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..contrasts import Contrast
from ..results import CollectionResults, ExperimentResults, SystemResults
from . import numbers
from .ranking import Legend, against, baseline, beaten, best, leader, measure_name, median_latency, total_bytes, value

_COSTS = ["bytes a document", "median latency", "queries a second", "indexing", "peak memory"]


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        system: Whether the text is the name of a system, which has a letter and a mark.
        best: Whether it is the best of its column.
        beaten: Letters of the systems that this one significantly beats.
        counts: Wins, ties and losses, which a page draws.
        faint: Whether it comes from elsewhere than this report.
    """

    text: str
    system: bool = False
    best: bool = False
    beaten: str = ""
    counts: tuple[int, int, int] | None = None
    faint: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        columns: Their names.
        align: l or r for each column.
        rows: As many cells as columns.
    """

    columns: list[str]
    align: str
    rows: list[list[Cell]]


def summary(results: ExperimentResults, legend: Legend) -> Table:
    """The main measure of every system on every collection, and the average.

    A system that lacks a collection has no average. Collections with different main measures have none either.
    """
    collections = results.collections
    by_name = [{system.name: system for system in c.systems} for c in collections]
    measures = {c.main_measure for c in collections}
    columns = [f"{c.name}, {measure_name(c.main_measure)}" for c in collections]
    values: list[list[float | None]] = [
        [value(systems[name], c.main_measure) if name in systems else None for name in legend.names]
        for c, systems in zip(collections, by_name, strict=True)
    ]
    beaten_by = [beaten(c, results.alpha) for c in collections]
    letters = [[legend.letters(names.get(name, set())) for name in legend.names] for names in beaten_by]
    if len(collections) > 1 and len(measures) == 1:
        columns.append("average")
        values.append([_mean([column[row] for column in values]) for row in range(len(legend.names))])
        letters.append([""] * len(legend.names))
    cells = [
        [Cell(numbers.quality(v), best=top, beaten=raised) for v, top, raised in zip(vs, best(vs), ls, strict=True)]
        for vs, ls in zip(values, letters, strict=True)
    ]
    rows = [[Cell(name, system=True), *row] for name, row in zip(legend.names, zip(*cells, strict=True), strict=False)]
    return Table(["system", *columns], "l" + "r" * len(columns), rows)


def measures(collection: CollectionResults, legend: Legend, alpha: float) -> Table:
    """Measures and costs of every system."""
    names = list(dict.fromkeys([collection.main_measure, *(m for s in collection.systems for m in s.measures)]))
    tops = {name: best([value(system, name) for system in collection.systems]) for name in names}
    beaten_by = beaten(collection, alpha)
    rows = []
    for row, system in enumerate(collection.systems):
        cells = [
            Cell(
                numbers.quality(value(system, name)),
                best=tops[name][row],
                beaten=legend.letters(beaten_by[system.name]) if name == collection.main_measure else "",
            )
            for name in names
        ]
        rows.append([Cell(system.name, system=True), *cells, *map(Cell, _costs(system))])
    columns = [*map(measure_name, names), *_COSTS]
    return Table(["system", *columns], "l" + "r" * len(columns), rows)


def contrasts(collection: CollectionResults) -> tuple[Table, Table]:
    """All systems against the baseline; all other pairs, the better system first."""
    base = collection.baseline
    first = [
        contrast
        for system in collection.systems
        if system.name != base and (contrast := against(collection, system.name, base)) is not None
    ]
    others = [
        contrast if contrast.difference >= 0 else contrast.swapped
        for contrast in collection.contrasts
        if base not in (contrast.first, contrast.second)
    ]
    return _without_second(_contrasts(first)), _contrasts(others)


def published(collection: CollectionResults) -> Table:
    """Published results beside the best system and the baseline of this report, by the main measure."""
    ours = {s.name: s for s in (leader(collection), baseline(collection)) if s is not None}
    ours |= {s.name: s for s in collection.systems if s.name in collection.published}
    rows = [
        (number, [Cell(name, faint=True), Cell(numbers.quality(number), faint=True), Cell(source, faint=True)])
        for name, (number, source) in collection.published.items()
    ]
    for name, system in ours.items():
        if (number := value(system, collection.main_measure)) is not None:
            rows.append((number, [Cell(name, system=True), Cell(numbers.quality(number)), Cell("this report")]))
    rows.sort(key=lambda row: -row[0])
    return Table(["system", measure_name(collection.main_measure), "source"], "lrl", [row for _, row in rows])


def warnings(collection: CollectionResults) -> Table:
    """Faults of the data, and how often they occur."""
    rows = [[Cell(line), Cell(numbers.count(n))] for line, n in collection.warnings.items()]
    return Table(["warning", "how often"], "lr", rows)


def sizes(systems: Sequence[SystemResults]) -> Table:
    """Bytes of a document by part. Systems of unknown size are left out."""
    known = [system for system in systems if system.bytes_per_document]
    parts = list(dict.fromkeys(part for system in known for part in system.bytes_per_document))
    rows = [
        _row(system, [total_bytes(system), *map(system.bytes_per_document.get, parts)], numbers.size)
        for system in known
    ]  # fmt: skip
    return Table(["system", "all", *parts], "lr" + "r" * len(parts), rows)


def latencies(systems: Sequence[SystemResults]) -> Table:
    """Milliseconds of a query by stage. Systems of unknown latency are left out."""
    points = list(dict.fromkeys(point for s in systems for stage in s.latency.values() for point in stage))
    rows = [
        [Cell(system.name, system=True), Cell(stage), *(Cell(numbers.milliseconds(times.get(p))) for p in points)]
        for system in systems
        for stage, times in system.latency.items()
    ]
    return Table(["system", "stage", *points], "ll" + "r" * len(points), rows)


def candidate_recall(systems: Sequence[SystemResults]) -> Table:
    """Share of the exact top 10 by number of candidates. Systems without a first stage are left out."""
    known = [system for system in systems if system.candidate_recall]
    ns = sorted({n for system in known for n in system.candidate_recall})
    rows = [_row(system, map(system.candidate_recall.get, ns), numbers.quality) for system in known]
    return Table(["system", *map(numbers.count, ns)], "l" + "r" * len(ns), rows)


def changes(collection: CollectionResults, first: SystemResults, second: SystemResults, most: int) -> Table:
    """The `most` queries on which two systems differ most, by the main measure."""
    ours, theirs = (s.per_query.get(collection.main_measure, []) for s in (second, first))
    rows = sorted(
        zip(collection.query_ids, collection.queries, theirs, ours, strict=False), key=lambda row: -abs(row[3] - row[2])
    )
    cells = [
        [Cell(id), Cell(text), Cell(numbers.quality(a)), Cell(numbers.quality(b)), Cell(numbers.difference(b - a))]
        for id, text, a, b in rows[:most]
    ]
    return Table(["query", "text", first.name, second.name, "difference"], "llrrr", cells)


def _without_second(content: Table) -> Table:
    """The table without the column of the second system, which is always the baseline."""
    rows = [[row[0], *row[2:]] for row in content.rows]
    return Table([content.columns[0], *content.columns[2:]], content.align[0] + content.align[2:], rows)


def _contrasts(pairs: Sequence[Contrast]) -> Table:
    rows = [
        [
            Cell(c.first, system=True),
            Cell(c.second, system=True),
            Cell(numbers.difference(c.difference)),
            Cell(numbers.probability(c.p)),
            Cell(f"{c.wins:,} / {c.ties:,} / {c.losses:,}", counts=(c.wins, c.ties, c.losses)),
        ]
        for c in pairs
    ]
    return Table(["system", "against", "difference", "p", "wins / ties / losses"], "llrrr", rows)


def _row(system: SystemResults, values: Iterable[float | None], shown: Callable[[float | None], str]) -> list[Cell]:
    return [Cell(system.name, system=True), *(Cell(shown(value)) for value in values)]


def _costs(system: SystemResults) -> list[str]:
    return [
        numbers.size(total_bytes(system)),
        numbers.milliseconds(median_latency(system)),
        numbers.rate(system.queries_per_second),
        numbers.duration(system.seconds_indexing),
        numbers.memory(system.peak_memory),
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(values) if len(known) == len(values) else None
