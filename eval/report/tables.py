"""The tables of a report, as data: HTML, Markdown and LaTeX print the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..contrasts import Contrast
from ..results import CollectionResults, ExperimentResults, SystemResults
from . import numbers
from .ranking import Roster, against, baseline, beaten, best, leader, measure_name, median_latency, total_bytes, value


@dataclass(frozen=True)
class Cell:
    """What stands in one place.

    Attributes:
        system: Its text is the name of a system, which has a letter and a look.
        best: Of its column.
        beaten: Letters of the systems that this one is significantly better than.
        counts: Wins, ties, losses, which may be drawn.
        faint: Not of this report.
    """

    text: str
    system: bool = False
    best: bool = False
    beaten: str = ""
    counts: tuple[int, int, int] | None = None
    faint: bool = False


@dataclass(frozen=True)
class Table:
    """columns: their names. align: of each column, l or r. rows: as many cells as columns."""

    columns: list[str]
    align: str
    rows: list[list[Cell]]


def summary(results: ExperimentResults, roster: Roster) -> Table:
    """Systems by collections, on the main measure of each, and their average.

    The average is of systems that were measured on all collections, and of one measure only.
    """
    collections = results.collections
    by_name = [{system.name: system for system in c.systems} for c in collections]
    measures = {c.main_measure for c in collections}
    columns = [f"{c.name}, {measure_name(c.main_measure)}" for c in collections]
    values: list[list[float | None]] = [
        [value(systems[name], c.main_measure) if name in systems else None for name in roster.names]
        for c, systems in zip(collections, by_name, strict=True)
    ]
    lesser = [beaten(c, results.alpha) for c in collections]
    letters = [[roster.letters(found.get(name, set())) for name in roster.names] for found in lesser]
    if len(collections) > 1 and len(measures) == 1:
        columns.append("average")
        values.append([_mean([column[row] for column in values]) for row in range(len(roster.names))])
        letters.append([""] * len(roster.names))
    marks = [best(column) for column in values]
    rows = [
        [
            Cell(name, system=True),
            *(
                Cell(numbers.quality(column[row]), best=mark[row], beaten=raised[row])
                for column, mark, raised in zip(values, marks, letters, strict=True)
            ),
        ]
        for row, name in enumerate(roster.names)
    ]
    return Table(["system", *columns], "l" + "r" * len(columns), rows)


def measures(collection: CollectionResults, roster: Roster, alpha: float) -> Table:
    """Systems by measures and costs."""
    names = list(dict.fromkeys([collection.main_measure, *(m for s in collection.systems for m in s.measures)]))
    marks = {name: best([value(system, name) for system in collection.systems]) for name in names}
    lesser = beaten(collection, alpha)
    rows = []
    for row, system in enumerate(collection.systems):
        cells = [
            Cell(
                numbers.quality(value(system, name)),
                best=marks[name][row],
                beaten=roster.letters(lesser[system.name]) if name == collection.main_measure else "",
            )
            for name in names
        ]
        rows.append([Cell(system.name, system=True), *cells, *map(Cell, _costs(system))])
    costs = ["bytes a document", "median latency", "queries a second", "indexing", "peak memory"]
    return Table(
        ["system", *map(measure_name, names), *costs], "l" + "r" * (len(names) + len(costs)), rows
    )  # fmt: skip


def contrasts(collection: CollectionResults) -> tuple[Table, Table]:
    """All others against the baseline, and the remaining pairs, each from the side of the better one."""
    base = collection.baseline
    first = [
        found
        for system in collection.systems
        if system.name != base and (found := against(collection, system.name, base)) is not None
    ]
    others = [
        contrast if contrast.difference >= 0 else contrast.swapped
        for contrast in collection.contrasts
        if base not in (contrast.first, contrast.second)
    ]
    return _without_second(_contrasts(first)), _contrasts(others)


def published(collection: CollectionResults) -> Table:
    """What others published, between the best and the baseline of this report, by the main measure."""
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
    """What was wrong with the data, and how often."""
    rows = [[Cell(line), Cell(numbers.count(n))] for line, n in collection.warnings.items()]
    return Table(["warning", "how often"], "lr", rows)


def sizes(systems: Sequence[SystemResults]) -> Table:
    """Bytes of a document by part, of the systems where they are known."""
    known = [system for system in systems if system.bytes_per_document]
    parts = list(dict.fromkeys(part for system in known for part in system.bytes_per_document))
    rows = [
        [
            Cell(system.name, system=True),
            Cell(numbers.size(total_bytes(system))),
            *(Cell(numbers.size(system.bytes_per_document.get(part))) for part in parts),
        ]
        for system in known
    ]
    return Table(["system", "all", *parts], "lr" + "r" * len(parts), rows)


def latencies(systems: Sequence[SystemResults]) -> Table:
    """Milliseconds of a query by stage, of the systems where they are known."""
    points = list(dict.fromkeys(point for s in systems for stage in s.latency.values() for point in stage))
    rows = [
        [
            Cell(system.name, system=True),
            Cell(stage),
            *(Cell(numbers.milliseconds(found.get(point))) for point in points),
        ]
        for system in systems
        for stage, found in system.latency.items()
    ]
    return Table(["system", "stage", *points], "ll" + "r" * len(points), rows)


def candidate_recall(systems: Sequence[SystemResults]) -> Table:
    """Share of the exact top 10 by number of candidates, of the systems that have a first stage."""
    known = [system for system in systems if system.candidate_recall]
    ns = sorted({n for system in known for n in system.candidate_recall})
    rows = [
        [Cell(system.name, system=True), *(Cell(numbers.quality(system.candidate_recall.get(n))) for n in ns)]
        for system in known
    ]
    return Table(["system", *map(numbers.count, ns)], "l" + "r" * len(ns), rows)


def changes(collection: CollectionResults, first: SystemResults, second: SystemResults, most: int) -> Table:
    """The queries on which the second differs most from the first, by the main measure."""
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
    """Without the column of the second system, where that is always the same."""
    rows = [[row[0], *row[2:]] for row in content.rows]
    return Table([content.columns[0], *content.columns[2:]], content.align[0] + content.align[2:], rows)


def _contrasts(found: Sequence[Contrast]) -> Table:
    rows = [
        [
            Cell(c.first, system=True),
            Cell(c.second, system=True),
            Cell(numbers.difference(c.difference)),
            Cell(numbers.probability(c.p)),
            Cell(f"{c.wins:,} / {c.ties:,} / {c.losses:,}", counts=(c.wins, c.ties, c.losses)),
        ]
        for c in found
    ]
    return Table(["system", "against", "difference", "p", "wins / ties / losses"], "llrrr", rows)


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
