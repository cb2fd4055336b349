"""`wordhive bench speed`: where the time goes in indexing and in search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wordhive.index.quantity import quantity

from .. import terminal
from ..options.collection import Split
from ..options.model import ModelName
from .options import (
    AsJson,
    CandidatesScored,
    CollectionName,
    FirstDocuments,
    FirstQueries,
    Preset,
    Report,
    report_folder,
)

if TYPE_CHECKING:
    from wordhive.eval.bench.speed import SpeedBench


def register(group: typer.Typer) -> None:
    group.command()(speed)


def speed(
    collection: CollectionName,
    documents: FirstDocuments = 2048,
    queries: FirstQueries = 200,
    report: Report = None,
    split: Split = "test",
    candidates: CandidatesScored = 1000,
    config: Preset = None,
    model: ModelName = None,
    device: Annotated[str, typer.Option(help="Where all of it is computed, encoding too: cpu or cuda.")] = "cpu",
    as_json: AsJson = False,
) -> None:
    """Time every stage of indexing and of search, and hold it against what this machine can do.

    \b
    wordhive bench speed ../collections/scifact
    wordhive bench speed ../collections/scifact --documents 5183 --model wordhive-minilm-128
    wordhive bench speed ../collections/scifact --device cuda --report out/cuda
    """
    from wordhive.eval.bench import speed as speed_bench
    from wordhive.eval.collections.loading import load_collection
    from wordhive.retrieval.encoder import DEFAULT_MODEL, Encoder

    loaded = load_collection(collection, split)
    folder = report_folder(report, loaded.name)
    with terminal.stoppable(lambda: "nothing was kept"):
        encoder = Encoder.load(model or DEFAULT_MODEL, device=device)
        found = speed_bench.bench(
            loaded, encoder, config=config, documents=documents, queries=queries,
            candidates=candidates, device=device,
        )  # fmt: skip
    terminal.write_json(folder / "speed.json", found)
    if as_json:
        terminal.print_json(found)
        return
    _print(found)
    terminal.note(f"speed.json is in {folder}")


def _print(found: SpeedBench) -> None:
    peak = found.peak
    terminal.say(
        f"{found.collection}: {quantity(found.n_documents, 'document')}, {quantity(found.n_words, 'word')}", bold=True
    )
    terminal.say(f"encoder {found.encoder}; {found.padding:.1%} of the transformer's tokens are padding")
    terminal.say(
        f"{peak.device}: {peak.sgemm / 1e9:,.0f} GFLOP/s in float32, {peak.bfloat16 / 1e9:,.0f} in bfloat16; "
        f"{peak.copy / 1e9:,.1f} GB/s copied\n"
    )
    rows = []
    for cost in found.indexing:
        rate = None if cost.operations is None else cost.operations / max(cost.seconds, 1e-9)
        rows.append(
            [
                cost.stage,
                f"{cost.seconds:,.2f}",
                f"{1000 * cost.seconds / max(found.n_documents, 1):,.3f}",
                "" if rate is None else f"{rate / 1e9:,.0f}",
                "" if rate is None else f"{rate / peak.sgemm:.0%}",
                "" if cost.bytes is None else f"{cost.bytes / max(cost.seconds, 1e-9) / 1e9:,.2f}",
            ]
        )
    columns = ["stage", "seconds", "ms a document", "GFLOP/s", "of float32's peak", "GB/s"]
    terminal.print_table(columns, rows, title="indexing text; … is part of the stage above")
    terminal.say(
        f"from text to disk takes {found.text_ratio:.2f} × the transformer's own time; fitting {found.fitting:,.1f} s "
        f"once; an index of the vectors {found.building:,.1f} s, fitting included\n"
    )
    rows = [[stage, *(f"{value:.2f}" for value in values.values())] for stage, values in found.searching.items()]
    title = f"searching with {found.candidates:,} candidates, {quantity(found.n_queries, 'single query')}, milliseconds"
    terminal.print_table(["stage", "p50", "p95", "p99"], rows, title=title)
    terminal.say(
        f"a query takes {found.query_ratio:.2f} × the transformer's own time; it reads {found.scanned / 1e6:,.1f} MB "
        f"in the first stage and {found.decoded / 1e6:,.1f} MB in the second, and finds {found.top:.4f} of the top 10\n"
    )
