"""`wordhive compare`: runs side by side, with significance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wordhive.index.quantity import quantity

from .. import terminal
from ..options.collection import QrelsFile, QueriesFile, Split, collection_from, note_warnings

if TYPE_CHECKING:
    from wordhive.eval.comparison import QueryChange


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Measure")(compare)


def compare(
    runs: Annotated[list[str], typer.Argument(help="TREC runs, the first against the others; bm25 stands for BM25's.")],
    collection: Annotated[
        str, typer.Option(help="A BEIR folder, an ir_datasets id, or, with --queries-file and --qrels, documents.")
    ],
    split: Split = "test",
    queries_file: QueriesFile = None,
    qrels: QrelsFile = None,
    measure: Annotated[
        str | None,
        typer.Option(help="A measure of ranx: ndcg@10, mrr@10, recall@100, map, … \\[default: the collection's own]."),
    ] = None,
    test: Annotated[str, typer.Option(help="Paired test: fisher (randomisation) or student (t).")] = "fisher",
    per_query: Annotated[int, typer.Option(help="Show so many queries that differ most from the first.", min=0)] = 0,
    latex: Annotated[Path | None, typer.Option(help="Write the table into this file, for LaTeX with booktabs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare runs on a collection: means, p-values, and queries won and lost.

    \b
    wordhive compare out/{a,b}/runs/scifact/exact.trec bm25 --collection ../collections/scifact
    """
    from wordhive.eval import comparison
    from wordhive.eval.bm25 import bm25_run
    from wordhive.eval.contrasts import Test
    from wordhive.eval.runs import read_run, without_itself
    from wordhive.index import InputError

    tests: dict[str, Test] = {"fisher": "fisher", "student": "student"}
    if test not in tests:
        raise InputError(f"--test is {test!r}; choose fisher or student")
    files = {name: None if name == "bm25" else read_run(Path(name)) for name in runs}
    if len(files) < 2:
        raise InputError("give two different runs at least: wordhive compare A.trec B.trec --collection COLLECTION")
    loaded = collection_from(collection, split, queries_file, qrels)
    found = {name: bm25_run(loaded) if run is None else run for name, run in files.items()}
    if loaded.without_itself:
        found = {name: without_itself(run) for name, run in found.items()}
    measure = measure or loaded.main_measure
    compared = comparison.compare(loaded.qrels, found, measure, tests[test])
    note_warnings(loaded)
    for name in found:
        if missing := compared.missing[name]:
            terminal.note(f"{name} has no answer to {missing:,} of {compared.n_queries:,} judged queries: 0 there")
        if unknown := compared.unknown[name]:
            terminal.note(f"{name} has {quantity(unknown, 'query')} without judgements in {loaded.name}: left out")
    if latex is not None:
        with terminal.whole_file(latex) as file:
            file.write(compared.latex())
        terminal.note(f"{latex}: written")
    first = found.pop(compared.first)
    changed = {name: comparison.changes(loaded.qrels, first, run, measure, per_query) for name, run in found.items()}
    if as_json:
        terminal.print_json({**compared.plain(), "changes": changed} if per_query else compared.plain())
        return
    terminal.print_table(*compared.table())
    terminal.say(compared.method)
    if per_query:
        for name, changes in changed.items():
            _print_changes(f"{compared.first} − {name}", changes, loaded.queries)


def _print_changes(title: str, changes: list[QueryChange], texts: dict[str, str]) -> None:
    terminal.say()
    rows = [
        [
            f"{one.id}  {terminal.plain(texts[one.id])[:70]}",
            f"{one.first:.4f}",
            f"{one.other:.4f}",
            f"{one.difference:+.4f}",
        ]
        for one in changes
    ]
    terminal.print_table(["query", "first", "other", "difference"], rows, title=title)
