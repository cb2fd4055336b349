"""What several commands of `wordhive bench` have in common: options, and how their results are kept and shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wordhive.index.quantity import quantity

from .. import terminal

if TYPE_CHECKING:
    from wordhive.eval.bench.encoded_collection import BenchResults

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


def collection_title(results: BenchResults) -> str:
    """What was measured on, for the head of a table."""
    split = f" ({results.split})" if results.split else ""
    documents, queries = quantity(results.n_documents, "document"), quantity(results.n_queries, "query")
    return f"{results.collection}{split}: {documents}, {queries}"


def keep(results: Any, folder: Path, file: str, as_json: bool, show: Callable[[], None], beside: str = "") -> None:
    """Write the results into a JSON file of the folder, then print them: as JSON, or as `show` does for people.

    Args:
        beside: What else is in the folder, such as "and the index".
    """
    terminal.write_json(folder / file, results)
    if as_json:
        terminal.print_json(results)
        return
    show()
    terminal.note(f"{file} {beside} are in {folder}" if beside else f"{file} is in {folder}")
