"""`wordhive info`: what an index holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import output

if TYPE_CHECKING:
    from wordhive.index import IndexConfig
    from wordhive.index.info import IndexInfo


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Search")(info)


def info(
    index: Annotated[Path, typer.Argument(help="The folder of an index.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show what an index holds, who made it, and where its bytes are.

    \b
    wordhive info my.hive
    """
    from wordhive.index import Index
    from wordhive.index.drift import HIGH

    opened = Index.open(index)
    found, spread, drift = opened.info(), _told(opened.intrinsic_dimension), _told(opened.drift)
    if as_json:
        sums = {
            "bytes_without_texts": found.bytes_without_texts,
            "bytes_of_documents": found.bytes_of_documents,
            "times_plain_text": found.times_plain_text(found.bytes_without_texts),
            "times_plain_text_without_parameters": found.times_plain_text(found.bytes_of_documents),
        }
        tuned = {"candidates": opened.settings.candidates, "probes": opened.settings.probes}
        output.print_json({**output.plain_value(found), **sums, "intrinsic_dimension": spread, "drift": drift, **tuned})
        return
    n = max(found.n_documents, 1)
    typer.secho(found.path, bold=True)
    gone = f", {found.n_deleted:,} deleted ones not compacted" if found.n_deleted else ""
    typer.echo(f"documents  {found.n_documents:,} in {found.n_segments} segments{gone}")
    typer.echo(f"words      {found.n_words:,}, {found.n_words / n:.1f} a document, {found.dim} dims")
    if found.exact_match:
        typer.echo("matching   identical words only")
    share = f", {found.summary_weight:.2f} of the score" if found.summary_dim else ""
    typer.echo(f"summary    {f'{found.summary_dim} dims' if found.summary_dim else 'none'}{share}")
    typer.echo(f"encoder    {found.encoder or 'none: vectors made elsewhere'}")
    typer.echo(f"stages     {_first_stage(found.config)}; words {found.config.codec}")
    if opened.settings.candidates is not None:
        typer.echo(f"candidates {opened.settings.candidates:,} a search, as it was tuned")
    if opened.settings.probes is not None:
        typer.echo(f"probes     {opened.settings.probes:,} lists, or places in a graph, as it was tuned")
    if drift is not None:
        advice = (
            f": later documents differ from those it was fitted to; wordhive refit {index}" if drift >= HIGH else ""
        )
        typer.echo(f"drift      {drift:.2f}{advice}")
    if spread is not None:
        typer.echo(f"spread     in {spread:.1f} dimensions around a document; more of them want more candidates")
    output.print_table(["part", "size", "bytes a document", "of the plain text"], _sizes(found))


def _sizes(info: IndexInfo) -> list[list[str]]:
    """Two sums, since on a small collection what is stored once is most of it, and on a large one next to nothing."""
    sums = {
        "all but texts": info.bytes_without_texts,
        "… and parameters": info.bytes_of_documents,
        "total": info.total_bytes,
        "(plain text)": info.text_bytes,
    }
    return [_row(info, part, size) for part, size in {**info.bytes, **sums}.items()]


def _row(info: IndexInfo, part: str, size: int) -> list[str]:
    times = info.times_plain_text(size)
    share = "–" if times is None else f"{times:.2f} ×"
    return [part, output.size(size), f"{size / max(info.n_documents, 1):,.1f}", share]


def _told(measure: Callable[[], float | None]) -> float | None:
    from wordhive.index import WordhiveError

    try:
        return measure()
    except WordhiveError as error:  # of a damaged index, all the rest can still be told
        output.note(f"warning: {error}")
        return None


def _first_stage(config: IndexConfig) -> str:
    if config.encoding is None:
        return "none: every search scores all documents"
    names = {"muvera": "MUVERA", "fitted": "fitted encoding", "summary": "the summary"}
    reduced = f" reduced to {config.reduction.dims} dims" if config.reduction else ""
    return f"{names[config.encoding.family]}{reduced}, {config.candidates}"
