"""`wordhive export`, `wordhive import`: an index as one Parquet file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordhive.index.quantity import quantity

from . import terminal
from .options.backend import DEVICE_HELP

_PANEL = "Maintenance"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=_PANEL)(export)
    app.command("import", rich_help_panel=_PANEL)(import_)


def export(
    index: Annotated[Path, typer.Argument(help="The folder of an index.")],
    file: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
    no_vectors: Annotated[
        bool, typer.Option("--no-vectors", help="Only ids, texts and attributes: it can't be imported again.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Write documents, attributes and vectors to a Parquet file, which pandas, polars and DuckDB read.

    \b
    wordhive export my.hive my.parquet
    """
    from wordhive.index import Index
    from wordhive.index.parquet import export_index
    from wordhive.retrieval.progress import progress_bar

    opened = Index.open(index)
    with terminal.stoppable(lambda: f"{file} was not written"), progress_bar("Exporting", len(opened)) as advance:
        n = export_index(opened, file, vectors=not no_vectors, on_documents=advance)
    size = file.stat().st_size
    if as_json:
        terminal.print_json({"file": str(file), "documents": n, "bytes": size})
    else:
        terminal.say(f"{file}: {quantity(n, 'document')}, {terminal.size(size)}")


def import_(
    file: Annotated[Path, typer.Argument(help="A Parquet file by wordhive export.")],
    to: Annotated[Path, typer.Option(help="The folder of the new index.")],
    device: Annotated[str, typer.Option(help=DEVICE_HELP)] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make an index of a Parquet file by wordhive export: no model is needed, codecs and first stage are fitted anew.

    \b
    wordhive import my.parquet --to my.hive
    """
    from wordhive.index.parquet import import_index, n_documents
    from wordhive.retrieval.progress import progress_bar

    total = n_documents(file)
    with terminal.stoppable(lambda: _imported(to)), progress_bar("Importing", total) as advance:
        n = len(import_index(file, to, on_documents=advance, device=device))
    if as_json:
        terminal.print_json({"index": str(to), "documents": n})
    else:
        terminal.say(f"{to}: {quantity(n, 'document')}")


def _imported(to: Path) -> str:
    return f"{to} is complete" if (to / "catalog.db").exists() else f"{to} was not made"
