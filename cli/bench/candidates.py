"""`wordhive bench candidates`: how much of the exact top first stages find."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import terminal
from ..options.collection import Split
from ..options.model import ModelName
from . import options

if TYPE_CHECKING:
    from wordhive.eval.bench.candidates import CandidateBench, FirstStage, Measured


def candidates(
    collection: options.CollectionName,
    report: options.Report = None,
    shards: options.Shards = None,
    split: Split = "test",
    queries: options.FirstQueries = None,
    documents: options.FirstDocuments = None,
    fitted_to: Annotated[
        int,
        typer.Option(help="Fit parameters to the first so many documents; an index's first commit has 2048.", min=1),
    ] = 2048,
    summary_weight: Annotated[
        float | None,
        typer.Option(help="The summary's share of the score: 0 is words alone \\[default: the model's].", min=0, max=1),
    ] = None,
    grid: Annotated[
        Path | None, typer.Option(help="First stages to compare, a YAML file \\[default: all that wordhive knows].")
    ] = None,
    config: Annotated[
        list[str] | None, typer.Option(help="Index preset or YAML file to compare instead; give it several times.")
    ] = None,
    model: ModelName = None,
    as_json: options.AsJson = False,
) -> None:
    """Compare first stages: how much of the exact top they find, in how many bytes, how fast.

    The results go into the report folder one by one; run the same command again to go on after a stop.

    \b
    wordhive bench candidates ../collections/scifact
    wordhive bench candidates beir/nfcorpus/test --config default --config small
    """
    from wordhive.eval.bench.candidate_plot import draw
    from wordhive.eval.bench.candidates import bench
    from wordhive.eval.bench.encoded_collection import EncodedCollection
    from wordhive.eval.collections.loading import load_collection
    from wordhive.index import InputError
    from wordhive.retrieval.encoder import DEFAULT_MODEL, Encoder

    if grid and config:
        raise InputError("--grid and --config both name what to compare; give one of them")
    stages = _stages(grid, config)
    loaded = load_collection(collection, split)
    folder = options.report_folder(report, loaded.name)
    with terminal.stoppable(lambda: f"what was measured is safe in {folder}; run the same command again to go on"):
        measured_on = EncodedCollection(
            loaded, Encoder.load(model or DEFAULT_MODEL), folder,
            shards=shards, n_queries=queries, n_documents=documents, fitted_to=fitted_to, summary_weight=summary_weight,
        )  # fmt: skip
        results = bench(stages, measured_on, lambda one: terminal.note(f"measured {one.encoding}, {one.candidates}"))
    draw(results.stages, options.collection_title(results), folder / "candidates.svg")
    beside = "candidates.svg and what a second run needs"
    options.keep(results, folder, "candidates.json", as_json, lambda: _print(results), beside)


def _print(results: CandidateBench) -> None:
    from wordhive.eval.bench.ground_truth import TOPS

    terminal.say(options.collection_title(results), bold=True)
    terminal.say(f"encoder {results.encoder}, parameters fitted to the first {results.fitted_to:,} documents")
    terminal.say(f"summaries have {results.summary_weight:.2f} of the score")
    terminal.say(f"nDCG@10 of exact search {results.ndcg_exact:.4f}\n")
    for top in TOPS:
        _print_shares(results.stages, top)
    _print_costs(results.stages)


def _stages(grid: Path | None, config: list[str] | None) -> list[FirstStage]:
    from wordhive.eval.bench.candidates import FirstStage, default_grid, load_grid
    from wordhive.index import IndexConfig, InputError

    if not config:
        return load_grid(grid or default_grid())
    stages = [FirstStage(name, IndexConfig.load(name)) for name in dict.fromkeys(config)]
    for stage in stages:
        if stage.config.encoding is None:
            raise InputError(f"{stage.name} has no first stage (it scores every document); leave it out")
    return stages


def _print_shares(stages: Sequence[Measured], top: int) -> None:
    from wordhive.eval.bench.candidates import CANDIDATES

    rows = [
        [s.encoding, s.candidates, f"{s.bytes_per_document:,.0f}", *(f"{s.shares[top][n]:.3f}" for n in CANDIDATES)]
        for s in stages
    ]
    columns = ["encoding", "FAISS", "bytes", *(f"among {n}" for n in CANDIDATES)]
    terminal.print_table(columns, rows, title=f"exact top {top}")


def _print_costs(stages: Sequence[Measured]) -> None:
    rows = [
        [
            s.encoding,
            s.candidates,
            f"{s.dims:,}",
            terminal.size(s.parameter_bytes),
            f"{s.seconds_fitting:.1f}",
            f"{s.documents_per_second:,.0f}",
            f"{s.queries_per_second:,.0f}",
            *(f"{s.ndcg[n]:.4f}" for n in (50, 100, 1000)),
        ]
        for s in stages
    ]
    columns = ["encoding", "FAISS", "dims", "parameters", "fit s", "docs/s", "queries/s"]
    terminal.print_table(
        [*columns, *(f"of {n}" for n in (50, 100, 1000))],
        rows,
        title="cost, and nDCG@10 after reranking so many",
    )
