"""`wordhive bench updates`: what deletions, additions and replacements leave of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wordhive.index.quantity import quantity

from .. import terminal
from ..options.collection import Split
from ..options.model import ModelName
from . import options

if TYPE_CHECKING:
    from wordhive.eval.bench.updates import UpdateBench


def updates(
    collection: options.CollectionName,
    shards: options.EncodedShards,
    report: options.Report = None,
    split: Split = "test",
    queries: options.FirstQueries = None,
    candidates: options.CandidatesScored = 1000,
    config: options.Preset = None,
    model: ModelName = None,
    as_json: options.AsJson = False,
) -> None:
    """Index 90 % of a collection, delete 30 %, add the rest, replace 10 %, and compare with an index made afresh.

    \b
    wordhive encode ../collections/scifact --to scifact.shards
    wordhive bench updates ../collections/scifact --shards scifact.shards
    """
    from wordhive.eval.bench.updates import bench
    from wordhive.eval.collections.loading import load_collection
    from wordhive.retrieval.encoder import DEFAULT_MODEL, Encoder

    loaded = load_collection(collection, split)
    folder = options.report_folder(report, loaded.name)
    with terminal.stoppable(lambda: f"nothing was measured; the same command makes the indexes in {folder} anew"):
        results = bench(
            loaded.name,
            list(loaded.queries.values())[:queries],
            shards,
            Encoder.load(model or DEFAULT_MODEL),
            folder,
            config=config,
            candidates=candidates,
            on_note=terminal.note,
        )
    options.keep(results, folder, "updates.json", as_json, lambda: _print(results), "and both indexes")


def _print(results: UpdateBench) -> None:
    rows = [
        [
            step.change,
            f"{step.n_documents:,}",
            f"{step.seconds:,.1f}",
            _megabytes(step.peak_memory - results.memory_before),
        ]
        for step in results.steps
    ]
    title = (
        f"{results.collection}: {quantity(results.n_documents, 'document')} at the end, "
        f"{quantity(results.n_queries, 'query')}"
    )
    terminal.print_table(["change", "documents", "seconds", "peak memory beyond the model's"], rows, title=title)
    sizes = [results.bytes_updated, results.bytes_compacted, results.bytes_fresh]
    rows = [[_megabytes(size), f"{size / results.bytes_fresh:.3f} ×"] for size in sizes]
    names = ["updated", "… and compacted", "made afresh"]
    terminal.print_table(
        ["index", "on disk", "of the fresh one"], [[n, *row] for n, row in zip(names, rows, strict=True)]
    )
    rows = [
        [f"updated and fresh, {results.candidates:,} candidates", f"{results.overlap:.4f}"],
        ["updated and fresh, all documents scored", f"{results.overlap_all:.4f}"],
        ["before and after it was compacted", f"{results.overlap_compacted:.4f}"],
    ]
    terminal.print_table(["top 10", "overlap"], rows)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
