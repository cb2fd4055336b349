"""What `wordhive eval` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from wordhive.index.quantity import quantity

from .. import terminal

if TYPE_CHECKING:
    from wordhive.eval.results import CollectionResults, ExperimentResults, IndexResults


def print_experiment(found: ExperimentResults) -> None:
    """Every system's main measure on every collection."""
    columns, rows = found.table()
    terminal.print_table(columns, rows, title=found.title)
    if any(cell.endswith("*") for row in rows for cell in row):
        terminal.say(f"* differs from {found.collections[0].baseline} by more than chance (p < {found.alpha:g})")


def print_evaluation(found: CollectionResults) -> None:
    """One index on one collection: quality, recall of candidates, bytes, latency."""
    last = [system for system in found.systems if system.index is not None][-1]
    assert last.index is not None
    split = f" ({found.split})" if found.split else ""
    n_queries = len(found.query_ids)
    terminal.say(
        f"{found.name}{split}: {quantity(found.n_documents, 'document')}, {quantity(n_queries, 'query')}", bold=True
    )
    _print_words(last.index)
    measures = list(last.measures)
    rows = [[system.name, *(f"{system.measures[name]:.4f}" for name in measures)] for system in found.systems]
    terminal.print_table(["system", *measures], rows)
    if last.candidate_recall:
        values = [f"{value:.3f}" for value in last.candidate_recall.values()]
        terminal.print_table(["candidates", *map(str, last.candidate_recall)], [["exact top 10 among them", *values]])
    _print_bytes(last.index)
    latency = [[stage, *(f"{value:.2f}" for value in times.values())] for stage, times in last.latency.items()]
    terminal.print_table(["stage, single queries", "p50 ms", "p95 ms", "p99 ms"], latency)
    seconds = next((s.seconds_indexing for s in found.systems if s.index and s.seconds_indexing is not None), None)
    if seconds is not None:
        terminal.say(f"encoded and indexed in {seconds:,.0f} s")


def _print_words(index: IndexResults) -> None:
    terminal.say(f"encoder {index.encoder}")
    removed = "" if index.words_removed is None else f" ({index.words_removed:.1%} of its whole words removed)"
    codes = index.bytes_per_document.get("words", 0)
    terminal.say(f"a document has {index.words_per_document:.1f} word vectors{removed} in {codes:,.0f} bytes\n")


def _print_bytes(index: IndexResults) -> None:
    sizes = index.bytes_per_document
    total = sum(sizes.values())
    every = {
        **sizes, "(plain text)": index.text_bytes, "all but texts": total - sizes.get("texts", 0), "total": total,
    }  # fmt: skip
    plain = index.text_bytes or math.nan
    parts = [[part, f"{size:,.1f}", f"{size / plain:.2f} ×"] for part, size in every.items()]
    terminal.print_table(["part of the index", "bytes a document", "of the plain text"], parts)
