"""`wordhive bench scale`: building, opening and searching an index as it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wordhive.index.quantity import quantity

from .. import terminal
from ..options.collection import Split
from ..options.model import ModelName
from . import options

if TYPE_CHECKING:
    from wordhive.eval.bench.scale import Size


def scale(
    collection: options.CollectionName,
    shards: options.EncodedShards,
    documents: Annotated[
        list[int] | None,
        typer.Option(help="A size to measure; may be repeated \\[default: 10000, 100000, 1000000].", min=1),
    ] = None,
    report: options.Report = None,
    split: Split = "test",
    queries: options.FirstQueries = None,
    candidates: options.CandidatesScored = 1000,
    config: options.Preset = None,
    model: ModelName = None,
    as_json: options.AsJson = False,
) -> None:
    """Grow an index to a million documents, and measure it on the way: time, bytes, memory, and what it finds.

    Documents beyond the collection's own are mixtures of two of them. Run the same command again to go on after a stop.

    \b
    wordhive encode ../collections/arxiv --to arxiv.shards
    wordhive bench scale ../collections/arxiv --shards arxiv.shards --queries 500
    """
    from wordhive.eval.bench.scale import bench
    from wordhive.eval.collections.loading import load_collection
    from wordhive.retrieval.encoder import DEFAULT_MODEL, Encoder

    loaded = load_collection(collection, split)
    folder = options.report_folder(report, loaded.name)
    with terminal.stoppable(lambda: f"the same command goes on with the index in {folder}"):
        sizes = bench(
            list(loaded.queries.values())[:queries],
            shards,
            Encoder.load(model or DEFAULT_MODEL),
            folder,
            documents or [10_000, 100_000, 1_000_000],
            config=config,
            candidates=candidates,
            on_size=lambda size: terminal.note(f"{quantity(size.n_documents, 'document')} measured"),
        )
    options.keep(sizes, folder, "scale.json", as_json, lambda: _print(sizes, candidates), "and the index")


def _print(sizes: list[Size], candidates: int) -> None:
    rows = [
        [
            f"{size.n_documents:,}",
            f"{size.seconds:,.1f}",
            f"{size.n_documents / size.seconds:,.0f}" if size.seconds else "–",
            f"{(sum(size.bytes.values()) - size.bytes.get('parameters', 0)) / size.n_documents:,.0f}",
            f"{sum(size.bytes.values()) / 1e6:,.1f}",
        ]
        for size in sizes
    ]
    columns = ["documents", "seconds to build", "documents a second", "bytes a document", "MB on disk"]
    terminal.print_table(columns, rows, title="building, from vectors; parameters count on disk only")
    rows = [
        [
            f"{size.n_documents:,}",
            f"{size.opened:.3f}",
            f"{size.opened_cold:.3f}",
            f"{size.answered_cold:.3f}",
            "–" if size.memory is None else f"{size.memory / 1e6:,.0f}",
        ]
        for size in sizes
    ]
    columns = ["documents", "warm", "cold", "cold, to the first answer", "MB of memory beyond mapped files"]
    terminal.print_table(columns, rows, title="opening, in seconds")
    stages = list(sizes[0].latency)
    rows = [
        [
            f"{size.n_documents:,}",
            *(f"{size.latency[stage]['p50']:.2f}" for stage in stages),
            f"{size.latency['total']['p95']:.2f}",
            f"{size.latency['total']['p99']:.2f}",
            f"{size.queries_per_second:,.0f}",
            f"{size.overlap:.4f}",
        ]
        for size in sizes
    ]
    columns = ["documents", *(f"{stage} p50" for stage in stages), "p95", "p99", "queries a second", "top 10 sizes"]
    terminal.print_table(
        columns, rows, title=f"searching with {quantity(candidates, 'candidate')}, milliseconds a query"
    )
