"""`wordhive tune`: as few candidates as find nearly all, and as few lists, or places in a graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordhive.index.quantity import quantity

from . import terminal


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Maintenance")(tune)


def tune(
    index: Annotated[Path, typer.Argument(help="The folder of an index.")],
    target: Annotated[float, typer.Option(help="Share of the exact top k that searches shall find.")] = 0.995,
    k: Annotated[int, typer.Option("-k", help="Hits a query.", min=1)] = 10,
    queries: Annotated[
        Path | None,
        typer.Option(help="Queries such as are asked, some hundred \\[default: words of the documents]."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Find how many candidates the index needs, and keep it: searches then take no more of them.

    With lists (IVF…) or a graph (HNSW…) it also finds how many lists to visit, or how wide to walk.

    \b
    wordhive tune my.hive
    wordhive tune my.hive --target 0.98 --queries queries.jsonl
    """
    from wordhive.index import Index
    from wordhive.retrieval.files.inputs import read_queries
    from wordhive.retrieval.retriever import Retriever
    from wordhive.retrieval.searcher import Searcher
    from wordhive.retrieval.tuning import tune as find

    texts = None if queries is None else [query.text for query in read_queries(queries)]
    searcher = Searcher(Index.open(index)) if texts is None else Retriever.open(index).searcher
    with terminal.stoppable(lambda: "the index is as it was"):
        found = find(searcher, target, k=k, queries=texts)
    if as_json:
        terminal.print_json(found)
        return
    rows = []
    for n, share in found.curve.items():
        rows.append([f"{n:,}", f"{share:.4f}", "← from now on" if n == found.candidates else ""])
        if share == 1:
            break
    of = "" if found.own else " of documents' words"
    terminal.print_table(
        ["candidates", f"exact top {k} among them", ""], rows, title=f"{quantity(found.n_queries, 'query')}{of}"
    )
    if found.probes is not None:
        probed = [
            [f"{probes:,}", f"{share:.4f}", "← from now on" if probes == found.probes else ""]
            for probes, share in found.probed.items()
        ]
        terminal.print_table(["probes", f"exact top {k} among {quantity(found.candidates, 'candidate')}", ""], probed)
    probing = "" if found.probes is None else f", found by {quantity(found.probes, 'probe')}"
    terminal.say(
        f"{index}: {quantity(found.candidates, 'candidate')} a search from now on{probing}, unless it "
        f"asks for another number"
    )
