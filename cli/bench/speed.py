"""`wordhive bench speed`: where the time goes in indexing and in search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wordhive.index.quantity import quantity

from .. import terminal
from ..options.collection import Split
from ..options.model import ModelName
from . import options

if TYPE_CHECKING:
    from wordhive.eval.bench.speed import SpeedBench


def speed(
    collection: options.CollectionName,
    documents: options.FirstDocuments = 2048,
    queries: options.FirstQueries = 200,
    report: options.Report = None,
    split: Split = "test",
    candidates: options.CandidatesScored = 1000,
    config: options.Preset = None,
    model: ModelName = None,
    device: Annotated[str, typer.Option(help="Where all of it is computed, encoding too: cpu or cuda.")] = "cpu",
    as_json: options.AsJson = False,
) -> None:
    """Time every stage of indexing and of search, and hold it against what this machine can do.

    \b
    wordhive bench speed ../collections/scifact
    wordhive bench speed ../collections/scifact --documents 5183 --model wordhive-minilm-128
    wordhive bench speed ../collections/scifact --device cuda --report out/cuda
    """
    from wordhive.eval.bench.speed import bench
    from wordhive.eval.collections.loading import load_collection
    from wordhive.retrieval.encoder import DEFAULT_MODEL, Encoder

    loaded = load_collection(collection, split)
    folder = options.report_folder(report, loaded.name)
    with terminal.stoppable(lambda: "nothing was kept"):
        encoder = Encoder.load(model or DEFAULT_MODEL, device=device)
        results = bench(
            loaded, encoder, config=config, documents=documents, queries=queries,
            candidates=candidates, device=device,
        )  # fmt: skip
    options.keep(results, folder, "speed.json", as_json, lambda: _print(results))


def _print(speed: SpeedBench) -> None:
    peak = speed.peak
    terminal.say(
        f"{speed.collection}: {quantity(speed.n_documents, 'document')}, {quantity(speed.n_words, 'word')}",
        bold=True,
    )
    terminal.say(f"encoder {speed.encoder}; {speed.padding:.1%} of the transformer's tokens are padding")
    terminal.say(
        f"{peak.device}: {peak.sgemm / 1e9:,.0f} GFLOP/s in float32, {peak.bfloat16 / 1e9:,.0f} in bfloat16; "
        f"{peak.copy / 1e9:,.1f} GB/s copied\n"
    )
    rows = []
    for cost in speed.indexing:
        rate = None if cost.operations is None else cost.operations / max(cost.seconds, 1e-9)
        rows.append(
            [
                cost.stage,
                f"{cost.seconds:,.2f}",
                f"{1000 * cost.seconds / max(speed.n_documents, 1):,.3f}",
                "" if rate is None else f"{rate / 1e9:,.0f}",
                "" if rate is None else f"{rate / peak.sgemm:.0%}",
                "" if cost.bytes is None else f"{cost.bytes / max(cost.seconds, 1e-9) / 1e9:,.2f}",
            ]
        )
    columns = ["stage", "seconds", "ms a document", "GFLOP/s", "of float32's peak", "GB/s"]
    terminal.print_table(columns, rows, title="indexing text; … is part of the stage above")
    terminal.say(
        f"from text to disk takes {speed.text_ratio:.2f} × the transformer's own time; fitting {speed.fitting:,.1f} s "
        f"once; an index of the vectors {speed.building:,.1f} s, fitting included\n"
    )
    rows = [[stage, *(f"{value:.2f}" for value in values.values())] for stage, values in speed.searching.items()]
    title = f"searching with {speed.candidates:,} candidates, {quantity(speed.n_queries, 'single query')}, milliseconds"
    terminal.print_table(["stage", "p50", "p95", "p99"], rows, title=title)
    terminal.say(
        f"a query takes {speed.query_ratio:.2f} × the transformer's own time; it reads {speed.scanned / 1e6:,.1f} MB "
        f"in the first stage and {speed.decoded / 1e6:,.1f} MB in the second, and finds {speed.top:.4f} of the top 10\n"
    )
