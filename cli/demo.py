"""`wordhive demo`: the whole thing on text that every Python has, offline."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import hits, terminal

if TYPE_CHECKING:
    from wordhive.eval.results import CollectionResults
    from wordhive.retrieval.retriever import Retriever

_QUERIES = (
    "how can I make a class callable",
    "wait for several threads to finish",
    "find out which encoding a file uses",
    "what happens when two keys of a dict are equal",
)


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Start here")(demo)


def demo(
    to: Annotated[Path, typer.Option(help="Where the index goes; used again if it is there.")] = Path(
        "python-docs.hive"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the measurements as JSON.")] = False,
) -> None:
    """Index Python's own documentation, search it, and measure how well that works. Needs no network.

    \b
    wordhive demo
    wordhive search python-docs.hive "sort a list in place"
    """
    from wordhive.eval.collections.loading import PYTHON_DOCS
    from wordhive.eval.collections.python_docs import python_docs
    from wordhive.eval.experiment import CollectionSpec
    from wordhive.eval.runner import Runner
    from wordhive.eval.standard_experiment import standard_experiment
    from wordhive.eval.systems.indexed import indexed

    say = (lambda text, **style: None) if as_json else typer.secho
    say("1  Text: the language reference and the standard library's docstrings", bold=True)
    collection = python_docs()
    total = sum(1 for _ in collection.documents())
    say(f"   {total:,} passages, {len(collection.queries)} queries with a known answer\n")
    say("2  Index: one small vector a whole word, one vector a passage", bold=True)
    started = time.perf_counter()
    retriever, made = indexed(collection, to)
    seconds = time.perf_counter() - started
    note = f"{total:,} passages into {to} in {seconds:.0f} s" if made else f"{to} is there from an earlier run"
    info = retriever.index.info()
    say(f"   {note}")
    say(f"   {info.n_words:,} words ({info.n_words / total:.0f} a passage) in {terminal.size(info.total_bytes)}\n")
    if not as_json:
        typer.secho("3  Search", bold=True)
        retriever.search("warm up")  # kernels are compiled once, and pages of the index read
        for query in _QUERIES:
            _show(retriever, query)
        typer.secho("\n4  Measure: does the first sentence of a docstring find the rest of it?", bold=True)
    experiment = standard_experiment(CollectionSpec(source=PYTHON_DOCS), index=to)
    with tempfile.TemporaryDirectory(prefix="wordhive-") as folder:
        found = Runner(experiment, Path(folder)).run()
    if as_json:
        typer.echo(found.to_json(), nl=False)
        return
    _measured(found.collections[0])
    typer.secho("Try next", bold=True)
    typer.echo(f'   wordhive search {to} "your own question"')
    typer.echo(f"   wordhive info {to}")
    typer.echo("   wordhive index your-documents.jsonl --to your.hive")


def _show(retriever: Retriever, query: str) -> None:
    started = time.perf_counter()
    found = retriever.search(query, k=2)
    milliseconds = (time.perf_counter() - started) * 1000
    typer.echo("\n   " + typer.style(f'"{query}"', bold=True) + typer.style(f"  {milliseconds:.0f} ms", dim=True))
    hits.show(found)


def _measured(found: CollectionResults) -> None:
    measures = ("ndcg@10", "mrr@10", "recall@100")
    rows = [[system.name, *(f"{system.measures[name]:.3f}" for name in measures)] for system in found.systems]
    terminal.print_table(["system", *measures], rows)
    latency = found.systems[-1].latency
    stages = ", ".join(f"{stage} {times['p50']:.1f}" for stage, times in latency.items() if stage != "total")
    typer.echo(f"   a query takes {latency['total']['p50']:.0f} ms ({stages} ms; medians)\n")
