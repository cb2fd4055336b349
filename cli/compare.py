"""`wordhive compare`: runs side by side, with significance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import output


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Measure")(compare)


def compare(
    runs: Annotated[list[str], typer.Argument(help="TREC runs, the first against the others; bm25 stands for BM25's.")],
    collection: Annotated[str, typer.Option(help="A BEIR folder, or an ir_datasets id.")],
    split: Annotated[str, typer.Option(help="Which judgements of a BEIR folder: qrels/SPLIT.tsv.")] = "test",
    measure: Annotated[str, typer.Option(help="A measure of ranx: ndcg@10, mrr@10, recall@100, map, …")] = "ndcg@10",
    test: Annotated[str, typer.Option(help="Paired test: fisher (randomisation) or student (t).")] = "fisher",
    latex: Annotated[Path | None, typer.Option(help="Write the table into this file, for LaTeX with booktabs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare runs on a collection: means, p-values, and queries won and lost.

    \b
    wordhive compare out/mine/exact.trec out/theirs/exact.trec bm25 --collection ../collections/scifact
    """
    from wordhive.eval import comparison
    from wordhive.eval.bm25 import bm25_run
    from wordhive.eval.collections import load_collection
    from wordhive.eval.runs import read_run
    from wordhive.index import InputError

    tests: dict[str, comparison.Test] = {"fisher": "fisher", "student": "student"}
    if test not in tests:
        raise InputError(f"--test is {test!r}; choose fisher or student")
    files = {name: None if name == "bm25" else read_run(Path(name)) for name in runs}
    if len(files) < 2:
        raise InputError("give two different runs at least: wordhive compare A.trec B.trec --collection COLLECTION")
    loaded = load_collection(collection, split)
    found = {name: bm25_run(loaded) if run is None else run for name, run in files.items()}
    compared = comparison.compare(loaded.qrels, found, measure, tests[test])
    for name in found:
        if missing := compared.missing[name]:
            output.note(f"{name} has no answer to {missing:,} of {compared.n_queries:,} judged queries: 0 there")
        if unknown := compared.unknown[name]:
            output.note(f"{name} has {unknown:,} queries without judgements in {loaded.name}: left out")
    if latex is not None:
        with output.whole_file(latex) as file:
            file.write(compared.latex())
        output.note(f"{latex}: written")
    if as_json:
        output.print_json(compared)
        return
    output.print_table(*compared.table())
    typer.echo(compared.method)
