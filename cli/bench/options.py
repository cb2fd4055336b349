"""Options that several of `wordhive bench` have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wordhive.index.quantity import quantity

if TYPE_CHECKING:
    from wordhive.eval.bench.candidates import CandidateBench
    from wordhive.eval.bench.codecs import CodecBench

CollectionName = Annotated[str, typer.Argument(help="A BEIR folder (plain or .gz files), or an ir_datasets id.")]
Report = Annotated[Path | None, typer.Option(help="The folder of results \\[default: out/bench/COLLECTION].")]
Shards = Annotated[
    Path | None,
    typer.Option(help="Encoded documents: read if they are there, else written \\[default: in the report folder]."),
]
EncodedShards = Annotated[Path, typer.Option(help="Its documents as wordhive encode left them.")]
CandidatesScored = Annotated[int, typer.Option(help="Documents that the second stage scores.", min=1)]
Preset = Annotated[str | None, typer.Option(help="Index preset, or YAML file \\[default: default].")]
FirstQueries = Annotated[int | None, typer.Option(help="Use only the first so many judged queries.", min=1)]
FirstDocuments = Annotated[int | None, typer.Option(help="Use only the first so many documents.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the results as JSON.")]


def report_folder(report: Path | None, collection: str) -> Path:
    """Where the results on a collection are, made where it is not; it may be named by an ir_datasets id."""
    folder = report or Path("out") / "bench" / collection.replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def collection_title(found: CandidateBench | CodecBench) -> str:
    """What was measured on, for the head of a table."""
    split = f" ({found.split})" if found.split else ""
    return f"{found.collection}{split}: {quantity(found.n_documents, 'document')}, {quantity(found.n_queries, 'query')}"
