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
    for name, run in found.items():
        missing = sum(id not in run for id in loaded.qrels)
        if missing:
            output.note(f"{name} answers {len(loaded.qrels) - missing} of {len(loaded.qrels)} judged queries")
    compared = comparison.compare(loaded.qrels, found, measure, tests[test])
    if as_json:
        output.print_json(compared)
        return
    rows = [[compared.first, f"{compared.value:.4f}", "", "", ""]]
    for other in compared.others:
        counts = f"{other.wins} / {other.ties} / {other.losses}"
        rows.append([other.name, f"{other.value:.4f}", f"{-other.difference:+.4f}", _p(other.p), counts])
    output.print_table(["run", measure, "difference", "p", "first wins / ties / loses"], rows)
    kind = "Fisher's randomisation test" if test == "fisher" else "Student's paired t-test"
    typer.echo(f"{kind}, two-sided, Holm-corrected; {compared.n_queries} queries")


def _p(p: float) -> str:
    return "< .0001" if p < 0.0001 else f"{p:.4f}"
