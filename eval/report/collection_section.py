"""All that a page says of one collection."""

from __future__ import annotations

from collections.abc import Callable

from ..results import CollectionResults, SystemResults
from . import numbers, sentences, tables
from .html_tables import system, table
from .ranking import Roster, baseline, challenger, listed, measure_name, median_latency, named, total_bytes
from .side_by_side import side_by_side
from .svg import charts
from .svg.shapes import escaped
from .tables import Table

_CHANGES = 100


def section(collection: CollectionResults, roster: Roster, alpha: float, anchor: str) -> str:
    """A collection: its result, measures, charts, tests, queries, published results, warnings."""
    parts = [
        f'<h2 id="{anchor}" dir="auto">{escaped(collection.name)}</h2>',
        f'<p class="about">{escaped(" ".join(filter(None, [about, sentences.truncation(collection)])))}</p>'
        if (about := sentences.about(collection))
        else "",
        f'<p class="result">{escaped(sentences.result(collection, alpha))}</p>',
        table(tables.measures(collection, roster, alpha), roster, f"Measures and costs, {collection.name}"),
        _charts(collection, roster),
        _tests(collection, roster),
        _queries(collection, roster),
        _published(collection, roster),
        _warnings(collection, roster),
    ]
    return (
        f'<section class="collection" aria-labelledby="{anchor}">\n' + "\n".join(filter(None, parts)) + "\n</section>"
    )


def _charts(collection: CollectionResults, roster: Roster) -> str:
    systems = collection.systems
    by_bytes = charts.quality_by_cost(collection, roster, total_bytes, "bytes a document", numbers.size)
    by_time = charts.quality_by_cost(collection, roster, median_latency, "median latency, ms", numbers.milliseconds)
    recall = charts.candidate_recall(collection, roster)
    figures = [
        _figure(
            "Quality and size", "The line bounds what can be had for so many bytes.", by_bytes,
            _unknown(systems, total_bytes), tables.sizes(systems), roster,
        ),
        _figure(
            "Quality and time", "The line bounds what can be had in so much time.", by_time,
            _unknown(systems, median_latency), tables.latencies(systems), roster,
        ),
        _figure(
            "Recall of candidates", "Of the exact top 10, how many are among the first candidates?", recall,
            _legend([s.name for s in systems if s.candidate_recall], roster), tables.candidate_recall(systems), roster,
        ),
        _one_by_one(collection, roster),
    ]  # fmt: skip
    return f'<div class="charts">{"".join(figures)}</div>' if any(figures) else ""


def _one_by_one(collection: CollectionResults, roster: Roster) -> str:
    first, second = baseline(collection), challenger(collection)
    if first is None or second is None:
        return ""
    marked = [query.query_id for query in collection.side_by_side]
    chart = charts.queries(collection, first, second, marked)
    n = len(collection.query_ids)
    said = f"Above the diagonal {named(second.name)} is better; a larger circle stands for more queries."
    note = "Ringed: the queries that changed most, shown below." if marked else ""
    less = f" Numbers: of the {_CHANGES} that differ most; report.json has all {n:,}." if n > _CHANGES else ""
    content = tables.changes(collection, first, second, _CHANGES)
    return _figure("Query by query", said, chart, f"<p>{escaped(note + less)}</p>", content, roster)


def _figure(title: str, said: str, chart: str | None, note: str, numbers_behind: Table, roster: Roster) -> str:
    if chart is None:
        return ""
    return (
        f"<figure><figcaption><h3>{escaped(title)}</h3><p>{escaped(said)}</p></figcaption>{chart}{note}"
        f"<details><summary>Numbers</summary>{table(numbers_behind, roster, title)}</details></figure>\n"
    )


def _legend(names: list[str], roster: Roster) -> str:
    return f'<p class="legend">{"".join(system(name, roster) for name in names)}</p>'


def _unknown(systems: list[SystemResults], cost: Callable[[SystemResults], float | None]) -> str:
    names = [s.name for s in systems if not cost(s)]
    return f"<p>Not shown, as it is unknown: {escaped(listed(names))}.</p>" if names else ""


def _tests(collection: CollectionResults, roster: Roster) -> str:
    if not collection.contrasts:
        return ""
    first, others = tables.contrasts(collection)
    more = f"<details><summary>All other pairs</summary>{table(others, roster, 'All other pairs')}</details>"
    shown = table(first, roster, f"Against the baseline, {collection.name}") if first.rows else ""
    measure = measure_name(collection.main_measure)
    told = f"Queries on which a system has a higher {measure} than the baseline, the same, a lower one."
    return (
        f"<h3>Wins and losses against <bdi>{escaped(collection.baseline)}</bdi></h3>"
        f'<p class="about">{escaped(told)}</p>{shown}{more if others.rows else ""}'
    )


def _queries(collection: CollectionResults, roster: Roster) -> str:
    shown = side_by_side(collection, roster)
    return f"<h3>Queries that changed most</h3>\n{shown}" if shown else ""


def _published(collection: CollectionResults, roster: Roster) -> str:
    if not collection.published:
        return ""
    shown = table(tables.published(collection), roster, f"Published results, {collection.name}")
    return f"<h3>Beside published results</h3>{shown}"


def _warnings(collection: CollectionResults, roster: Roster) -> str:
    if not collection.warnings:
        return ""
    shown = table(tables.warnings(collection), roster, f"Warnings, {collection.name}")
    return f'<div class="warnings"><h3>Warnings</h3>{shown}</div>'
