"""`wordhive bench updates`: what deletions, additions and replacements leave of an index."""

from __future__ import annotations

import typer

from wordhive.index.quantity import quantity

from . import output
from .bench_options import (
    AsJson,
    CandidatesScored,
    CollectionName,
    EncodedShards,
    FirstQueries,
    Preset,
    Report,
    report_folder,
)
from .collection import Split
from .model import ModelName


def register(group: typer.Typer) -> None:
    group.command()(updates)


def updates(
    collection: CollectionName,
    shards: EncodedShards,
    report: Report = None,
    split: Split = "test",
    queries: FirstQueries = None,
    candidates: CandidatesScored = 1000,
    config: Preset = None,
    model: ModelName = None,
    as_json: AsJson = False,
) -> None:
    """Index 90 % of a collection, delete 30 %, add the rest, replace 10 %, and compare with an index made afresh.

    \b
    wordhive encode ../collections/scifact --to scifact.shards
    wordhive bench updates ../collections/scifact --shards scifact.shards
    """
    from wordhive.eval import update_bench
    from wordhive.eval.collections import load_collection
    from wordhive.retrieval.encoder import DEFAULT_MODEL, Encoder

    loaded = load_collection(collection, split)
    folder = report_folder(report, loaded.name)
    with output.stoppable(lambda: f"nothing was measured; the same command makes the indexes in {folder} anew"):
        found = update_bench.bench(
            loaded.name,
            list(loaded.queries.values())[:queries],
            shards,
            Encoder.load(model or DEFAULT_MODEL),
            folder,
            config=config,
            candidates=candidates,
            on_note=output.note,
        )
    output.write_json(folder / "updates.json", found)
    if as_json:
        output.print_json(found)
        return
    rows = [
        [
            step.change,
            f"{step.n_documents:,}",
            f"{step.seconds:,.1f}",
            _megabytes(step.peak_memory - found.memory_before),
        ]
        for step in found.steps
    ]
    title = (
        f"{found.collection}: {quantity(found.n_documents, 'document')} at the end, "
        f"{quantity(found.n_queries, 'query')}"
    )
    output.print_table(["change", "documents", "seconds", "peak memory beyond the model's"], rows, title=title)
    sizes = [found.bytes_updated, found.bytes_compacted, found.bytes_fresh]
    rows = [[_megabytes(size), f"{size / found.bytes_fresh:.3f} ×"] for size in sizes]
    names = ["updated", "… and compacted", "made afresh"]
    output.print_table(
        ["index", "on disk", "of the fresh one"], [[n, *row] for n, row in zip(names, rows, strict=True)]
    )
    rows = [
        [f"updated and fresh, {found.candidates:,} candidates", f"{found.overlap:.4f}"],
        ["updated and fresh, all documents scored", f"{found.overlap_all:.4f}"],
        ["before and after it was compacted", f"{found.overlap_compacted:.4f}"],
    ]
    output.print_table(["top 10", "overlap"], rows)
    output.note(f"updates.json and both indexes are in {folder}")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
