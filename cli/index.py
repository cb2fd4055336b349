"""`wordhive index`: text, or encoded shards, into an index."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import output

if TYPE_CHECKING:
    from wordhive.retrieval.documents import Document
    from wordhive.retrieval.retriever import Retriever


def register(app: typer.Typer) -> None:
    app.command("index", rich_help_panel="Search")(index)


def index(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="JSON lines (.jsonl, .gz), a BEIR folder, TSV, a folder of text files, shards by `wordhive encode`, "
            "or - for JSON lines on standard input.",
        ),
    ],
    to: Annotated[Path, typer.Option(help="The folder of the index.")],
    model: Annotated[
        str, typer.Option(help="Shipped model, model folder, or name on the hub.")
    ] = "wordhive-minilm-128",
    config: Annotated[str, typer.Option(help="Index preset or YAML file.")] = "default",
    append: Annotated[
        bool, typer.Option("--append", help="Add to an index that is there; its ids may not repeat.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after a stop: pass over ids that are there.")] = False,
    limit: Annotated[int | None, typer.Option(help="Only the first so many documents.", min=1)] = None,
    device: Annotated[str, typer.Option(help="Where FAISS searches: cpu or cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make an index, or add to one. The whole input is checked before anything is encoded.

    \b
    wordhive index docs.jsonl --to my.hive
    wordhive index more.tsv --to my.hive --append
    cat docs.jsonl | wordhive index - --to my.hive
    wordhive index huge.jsonl.gz --to my.hive            stop it with ctrl-C, then
    wordhive index huge.jsonl.gz --to my.hive --resume
    """
    from wordhive.index import InputError
    from wordhive.retrieval import shards
    from wordhive.retrieval.retriever import Retriever

    there = (to / "catalog.db").exists()
    if there and not (append or resume):
        raise InputError(
            f"{to} is already an index; add to it with --append, go on with --resume, or choose another --to"
        )
    if shards.is_shard_folder(Path(source)):
        retriever = _open(Retriever, to, shards.read_model(Path(source)) if not there else None, config, device)
        added = _run(retriever, to, there, lambda: shards.index_shards(Path(source), retriever, skip_known=resume))
    else:
        documents, total = checked_input(source, limit)
        retriever = _open(Retriever, to, None if there else model, config, device)
        added = _run(retriever, to, there, lambda: retriever.add(documents, skip_known=resume, total=total))
    if as_json:
        output.print_json({"index": str(to), "added": added, "documents": len(retriever)})
    else:
        typer.echo(f"{to}: {added:,} documents added, {len(retriever):,} in all")
        output.note(f'search it: wordhive search {to} "your query"')


def checked_input(source: str, limit: int | None) -> tuple[Iterable[Document], int]:
    """The documents of the input, read through once, so that a fault in its last line costs no encoding."""
    from itertools import islice

    from wordhive.retrieval.documents import read_documents

    if source == "-":  # can't be read twice
        held = list(islice(read_documents(source), limit))
        return held, len(held)
    total = sum(1 for _ in islice(read_documents(source), limit))
    return islice(read_documents(source), limit), total


def _open(kind: type[Retriever], to: Path, model: str | None, config: str, device: str) -> Retriever:
    if model is None:
        return kind.open(to, device=device)
    return kind.create(to, model, config=config, device=device)


def _run(retriever: Retriever, to: Path, there: bool, add: Callable[[], int]) -> int:
    try:
        return add()
    except BaseException as error:
        held = len(retriever)
        retriever.index.close()
        stopped = isinstance(error, KeyboardInterrupt)
        if not there and not held:
            # Nothing half-written: an index that got no document was not there before.
            shutil.rmtree(to, ignore_errors=True)
            if stopped:
                output.note("stopped before the first commit: nothing was written")
        elif stopped:
            output.note(f"stopped: {held:,} documents are safe in {to}; go on with --resume")
        raise
