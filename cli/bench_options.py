"""Options that several of `wordhive bench` have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CollectionName = Annotated[str, typer.Argument(help="A BEIR folder (plain or .gz files), or an ir_datasets id.")]
Report = Annotated[Path | None, typer.Option(help="The folder of all results \\[default: out/bench/COLLECTION].")]
Shards = Annotated[
    Path | None,
    typer.Option(help="Encoded documents: read if they are there, else written \\[default: in the report folder]."),
]
EncodedShards = Annotated[Path, typer.Option(help="Its documents as wordhive encode left them.")]
CandidatesScored = Annotated[int, typer.Option(help="Documents that the second stage scores.", min=1)]
Preset = Annotated[str | None, typer.Option(help="Index preset, or YAML file \\[default: default].")]
Split = Annotated[str, typer.Option(help="Which judgements of a BEIR folder: qrels/SPLIT.tsv.")]
FirstQueries = Annotated[int | None, typer.Option(help="Use only the first so many judged queries.", min=1)]
FirstDocuments = Annotated[int | None, typer.Option(help="Use only the first so many documents.", min=1)]
ModelName = Annotated[
    str | None, typer.Option(help="Shipped model, model folder, or name on the hub \\[default: wordhive-minilm-32].")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the results as JSON.")]


def report_folder(report: Path | None, collection: str) -> Path:
    """Where the results on a collection are; it may be named by an ir_datasets id."""
    return report or Path("out") / "bench" / collection.replace("/", "-")
