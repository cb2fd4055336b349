"""`wordhive search`: one query, those that are typed, or a file of them."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wordhive.index.quantity import quantity

from . import hits, prompt, terminal
from .options.backend import BACKEND_HELP, DEVICE_HELP, checked_backend

if TYPE_CHECKING:
    from wordhive.index.filters.conditions import Where
    from wordhive.retrieval.hits import Hits
    from wordhive.retrieval.search.search_options import Candidates, SearchOptions
    from wordhive.retrieval.texts.documents import Query

_QUERIES_AT_ONCE = 64


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Search")(search)


def search(
    index: Annotated[Path, typer.Argument(help="The folder of an index.")],
    query: Annotated[str | None, typer.Argument(help="What to search for \\[default: asks for it].")] = None,
    queries: Annotated[
        str | None, typer.Option(help="Many queries instead: JSON lines, TSV, a BEIR folder, or - ; prints a TREC run.")
    ] = None,
    k: Annotated[int | None, typer.Option("-k", help="Hits a query \\[default: 10; 1000 in a run].", min=1)] = None,
    candidates: Annotated[
        str | None,
        typer.Option(help="Documents that the second stage scores: a number or all \\[default: 1000, or as tuned]."),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(help="Only documents that this lets through: \"year >= 2000 AND lang IN ('en', 'de')\"; or JSON."),
    ] = None,
    offset: Annotated[int, typer.Option(help="Pass over so many of the best hits.", min=0)] = 0,
    score_threshold: Annotated[
        float | None, typer.Option(help="The least score of a hit \\[default: none].", metavar="FLOAT")
    ] = None,
    passages: Annotated[
        int, typer.Option(help="Show so many passages of each hit, those that carry its score.", min=0, metavar="N")
    ] = 0,
    carve: Annotated[
        str | None,
        typer.Option(
            help="Score query words with this inner product or more as one, such as 0.7; faster, less exact.",
            metavar="FLOAT",
        ),
    ] = None,
    run: Annotated[Path | None, typer.Option(help="Write the TREC run into this file.")] = None,
    model: Annotated[str | None, typer.Option(help="The model, if the index does not name it.")] = None,
    device: Annotated[str, typer.Option(help=DEVICE_HELP)] = "cpu",
    backend: Annotated[str, typer.Option(help=BACKEND_HELP)] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print hits as JSON, one line a query.")] = False,
) -> None:
    """Search an index.

    \b
    wordhive search my.hive "how do bees communicate?"
    wordhive search my.hive                                  asks for queries, and loads the model once
    wordhive search my.hive "how do bees communicate?" --candidates all --json
    wordhive search books.hive "how do bees communicate?" -k 3 --passages 2
    wordhive search my.hive "how do bees communicate?" --where "year >= 2000 AND tags CONTAINS 'insects'"
    wordhive search my.hive --queries queries.jsonl --run bees.trec
    """
    from wordhive.index import InputError
    from wordhive.retrieval.retriever import Retriever

    if (query is None) == (queries is None) and (query is not None or not prompt.is_there()):
        raise InputError('give one query in quotes, or many with --queries FILE: wordhive search INDEX "your query"')
    options: SearchOptions = {
        "candidates": _depth(candidates),
        "where": _filter(where),
        "offset": offset,
        "score_threshold": score_threshold,
        "carving": _threshold(carve),
    }
    run_by = checked_backend(backend)
    if passages and queries is not None and not as_json:
        raise InputError("--passages shows the passages of one query's hits; for --queries give --json as well")
    if run is not None and (queries is None or as_json):
        raise InputError("--run writes a TREC run of --queries; leave it out, or --json")
    if queries is None:
        retriever = Retriever.open(index, model, device=device, backend=run_by)

        def answer(text: str) -> None:
            found = retriever.search(text, k or 10, **options)
            if as_json:
                terminal.print_json({"query": text, "hits": hits.with_passages(found, passages)})
            else:
                hits.show(found, passages=passages)

        if query is not None:
            answer(query)
        else:
            prompt.ask(answer, "search")
        return
    from wordhive.eval.runs import trec_lines
    from wordhive.retrieval.files.inputs import read_queries

    asked = list(read_queries(queries))
    retriever = Retriever.open(index, model, device=device, backend=run_by)

    def found(texts: list[str]) -> list[Hits]:
        return retriever.search(texts, k or 1000, **options)

    answers = _answers(found, asked)
    if as_json:
        for one, best in answers:
            terminal.print_json({"id": one.id, "query": one.text, "hits": hits.with_passages(best, passages)})
        return
    lines = (
        line for one, best in answers for line in trec_lines({one.id: {hit.id: hit.score for hit in best}}, "wordhive")
    )
    if run is None:
        for line in lines:
            terminal.say(line[:-1]) if sys.stdout.isatty() else typer.echo(line, nl=False)
    else:
        with terminal.whole_file(run) as file:
            file.writelines(lines)
        terminal.note(f"{run}: {quantity(len(asked), 'query')}")


def _answers(search: Callable[[list[str]], list[Hits]], asked: list[Query]) -> Iterator[tuple[Query, Hits]]:
    # A thousand hits with their texts take a megabyte: never those of all queries at once.
    for start in range(0, len(asked), _QUERIES_AT_ONCE):
        part = asked[start : start + _QUERIES_AT_ONCE]
        yield from zip(part, search([one.text for one in part]), strict=True)


def _filter(where: str | None) -> Where | None:
    from wordhive.index.filters.given_filter import given_filter

    return None if where is None else given_filter(where)


def _depth(candidates: str | None) -> Candidates | None:
    from wordhive.index import InputError

    if candidates is None or candidates == "all":
        return "all" if candidates else None
    if not re.fullmatch("[0-9]{1,18}", candidates) or not int(candidates):
        raise InputError(f"--candidates is {candidates!r:.60}; expected a number from 1, or all")
    return int(candidates)


def _threshold(carve: str | None) -> float | None:
    from wordhive.index import InputError

    if carve is None:
        return None
    try:
        threshold = float(carve)
    except ValueError:
        threshold = math.nan
    if math.isnan(threshold):
        raise InputError(f"--carve is {carve!r}; expected the least inner product of words to be joined, such as 0.7")
    return threshold
