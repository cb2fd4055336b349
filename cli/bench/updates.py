"""`wordhive bench updates`: what deletions, additions and replacements leave of an index."""

from __future__ import annotations

import typer

from wordhive.index.quantity import quantity

from .. import terminal
from ..options.collection import Split
from ..options.model import ModelName
from .options import (
    AsJson,
    CandidatesScored,
    CollectionName,
    EncodedShards,
    FirstQueries,
    Preset,
    Report,
    report_folder,
)


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
    from wordhive.eval.bench import updates as update_bench
    from wordhive.eval.collections.loading import load_collection
    from wordhive.retrieval.encoder import DEFAULT_MODEL, Encoder

    loaded = load_collection(collection, split)
    folder = report_folder(report, loaded.name)
    with terminal.stoppable(lambda: f"nothing was measured; the same command makes the indexes in {folder} anew"):
        found = update_bench.bench(
            loaded.name,
            list(loaded.queries.values())[:queries],
            shards,
            Encoder.load(model or DEFAULT_MODEL),
            folder,
            config=config,
            candidates=candidates,
            on_note=terminal.note,
        )
    terminal.write_json(folder / "updates.json", found)
    if as_json:
        terminal.print_json(found)
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
    terminal.print_table(["change", "documents", "seconds", "peak memory beyond the model's"], rows, title=title)
    sizes = [found.bytes_updated, found.bytes_compacted, found.bytes_fresh]
    rows = [[_megabytes(size), f"{size / found.bytes_fresh:.3f} ×"] for size in sizes]
    names = ["updated", "… and compacted", "made afresh"]
    terminal.print_table(
        ["index", "on disk", "of the fresh one"], [[n, *row] for n, row in zip(names, rows, strict=True)]
    )
    rows = [
        [f"updated and fresh, {found.candidates:,} candidates", f"{found.overlap:.4f}"],
        ["updated and fresh, all documents scored", f"{found.overlap_all:.4f}"],
        ["before and after it was compacted", f"{found.overlap_compacted:.4f}"],
    ]
    terminal.print_table(["top 10", "overlap"], rows)
    terminal.note(f"updates.json and both indexes are in {folder}")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
