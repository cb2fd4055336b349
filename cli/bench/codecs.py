"""`wordhive bench codecs`: what compression costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import terminal
from ..options.collection import Split
from ..options.model import ModelName
from . import options

if TYPE_CHECKING:
    from wordhive.eval.bench.codecs import CodecBench, CodecPair


def codecs(
    collection: options.CollectionName,
    report: options.Report = None,
    shards: options.Shards = None,
    split: Split = "test",
    queries: options.FirstQueries = None,
    documents: options.FirstDocuments = None,
    fitted_to: Annotated[
        int,
        typer.Option(help="Train codecs on the first so many documents; an index's first commit has 2048.", min=1),
    ] = 2048,
    grid: Annotated[
        Path | None, typer.Option(help="Codecs to compare, a YAML file \\[default: all that wordhive knows].")
    ] = None,
    codec: Annotated[
        list[str] | None, typer.Option(help="Codec of the words to compare instead; give it several times.")
    ] = None,
    model: ModelName = None,
    as_json: options.AsJson = False,
) -> None:
    """Compare codecs of words and summaries: what they lose, in how many bytes, how fast.

    The results go into the report folder one by one; run the same command again to go on after a stop.

    \b
    wordhive bench codecs ../collections/scifact
    wordhive bench codecs ../collections/scifact --codec Ternary256 --codec SQ8
    """
    from wordhive.eval.bench.codec_plot import draw
    from wordhive.eval.bench.codecs import bench
    from wordhive.eval.bench.encoded_collection import EncodedCollection
    from wordhive.eval.collections.loading import load_collection
    from wordhive.retrieval.encoder import DEFAULT_MODEL, Encoder

    pairs = _pairs(grid, codec)
    loaded = load_collection(collection, split)
    folder = options.report_folder(report, loaded.name)
    with terminal.stoppable(lambda: f"what was measured is safe in {folder}; run the same command again to go on"):
        measured_on = EncodedCollection(
            loaded, Encoder.load(model or DEFAULT_MODEL), folder,
            shards=shards, n_queries=queries, n_documents=documents, fitted_to=fitted_to,
        )  # fmt: skip
        results = bench(pairs, measured_on, lambda one: terminal.note(f"measured {one.words}, {one.summaries}"))
    draw(results, options.collection_title(results), folder / "codecs.svg")
    options.keep(
        results, folder, "codecs.json", as_json, lambda: _print(results), "codecs.svg and what a second run needs"
    )


def _print(results: CodecBench) -> None:
    rows = [
        [
            f"{one.words} {one.summaries}",
            str(one.bytes_per_vector),
            f"{one.bytes_per_document:,.0f}",
            f"{one.ndcg:.4f}",
            f"{one.ndcg - results.ndcg_exact:+.4f}",
            f"{one.overlap:.3f}",
            "*" if one in results.front else "",
            f"{one.words_per_second / 1e6:.1f}",
            f"{one.documents_per_second / 1000:.0f}",
            f"{one.seconds_training:.1f}",
            f"{one.words_per_second_encoded / 1e6:.2f}",
        ]
        for one in results.codecs
    ]
    columns = ["words and summaries", "B a word", "B a doc.", "nDCG@10", "lost", "overlap", "front"]
    columns += ["M dec/s", "k docs/s", "train s", "M enc/s"]
    terminal.print_table(
        columns,
        rows,
        title=f"{options.collection_title(results)}; nDCG@10 without compression {results.ndcg_exact:.4f}",
    )
    terminal.note(
        "decoded and encoded: million words a second; docs/s: thousand documents gathered, decoded and scored"
    )


def _pairs(grid: Path | None, codecs: list[str] | None) -> list[CodecPair]:
    from wordhive.eval.bench.codecs import CodecPair, default_codecs, load_codecs
    from wordhive.index import IndexConfig, InputError

    if grid and codecs:
        raise InputError("--grid and --codec both name what to compare; give one of them")
    if codecs:
        return [CodecPair(codec, IndexConfig().summary_codec) for codec in dict.fromkeys(codecs)]
    return load_codecs(grid or default_codecs())
