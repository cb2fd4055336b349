"""`wordhive bench filters`: what filtered search finds, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wordhive.index.quantity import quantity

from .. import terminal
from ..options.collection import Split
from ..options.model import ModelName
from . import options

if TYPE_CHECKING:
    from wordhive.eval.bench.filters import FilterBench


def filters(
    collection: options.CollectionName,
    report: options.Report = None,
    shards: Annotated[Path | None, typer.Option(help="The documents as wordhive encode left them.")] = None,
    split: Split = "test",
    queries: options.FirstQueries = None,
    k: Annotated[int, typer.Option("-k", help="Hits a query.", min=1)] = 10,
    candidates: Annotated[
        int | None, typer.Option(help="Documents that the second stage scores \\[default: 1000].", min=1)
    ] = None,
    config: options.Preset = None,
    model: ModelName = None,
    as_json: options.AsJson = False,
) -> None:
    """Search with filters that 100 % … 0.01 % of the documents pass, against exact search with the same filters.

    \b
    wordhive bench filters ../collections/scifact
    """
    from wordhive.eval.bench.filters import bench
    from wordhive.eval.collections.loading import load_collection

    loaded = load_collection(collection, split)
    folder = options.report_folder(report, loaded.name)
    with terminal.stoppable(lambda: f"what was indexed is safe in {folder}; run the same command again to go on"):
        results = bench(
            loaded,
            folder / "filters.hive",
            model=model,
            config=config,
            shards=shards,
            n_queries=queries,
            k=k,
            candidates=candidates,
            on_measured=lambda one: terminal.note(f"measured {one.selectivity:.2%}"),
        )
    options.keep(results, folder, "filters.json", as_json, lambda: _print(results), "and the index")


def _print(results: FilterBench) -> None:
    rows = [
        [
            f"{one.selectivity:.2%}",
            f"{one.n_matching:,}",
            f"{one.hits:.2f}",
            f"{one.complete:.1%}",
            f"{one.overlap:.4f}",
            f"{one.latency_ratio:.2f}",
        ]
        for one in results.filters
    ]
    columns = [
        "pass the filter",
        "documents",
        "hits",
        "complete",
        f"overlap with exact {results.k}",
        "time, of unfiltered",
    ]
    title = (
        f"{results.collection}: {quantity(results.n_documents, 'document')}, "
        f"{quantity(results.n_queries, 'query')}, {results.encoder}"
    )
    terminal.print_table(columns, rows, title=title)
