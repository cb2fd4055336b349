"""`wordhive eval`: quality and cost on a test collection."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import output

if TYPE_CHECKING:
    from wordhive.eval.evaluate import Evaluation


def register(app: typer.Typer) -> None:
    app.command("eval", rich_help_panel="Measure")(evaluate)


def evaluate(
    collection: Annotated[str, typer.Argument(help="A BEIR folder (plain or .gz files), or an ir_datasets id.")],
    split: Annotated[str, typer.Option(help="Which judgements of a BEIR folder: qrels/SPLIT.tsv.")] = "test",
    report: Annotated[Path | None, typer.Option(help="Write report.json and TREC runs into this folder.")] = None,
    index: Annotated[
        Path | None,
        typer.Option(help="The index, made where it is not there \\[default: in the report folder]."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Shipped model, model folder, or name on the hub \\[default: wordhive-minilm-32]."),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            help="Index preset or YAML file \\[default: default, or summary where only identical words match]."
        ),
    ] = None,
    candidates: Annotated[int, typer.Option(help="Documents that the second stage scores.", min=1)] = 1000,
    queries: Annotated[int | None, typer.Option(help="Use only the first so many judged queries.", min=1)] = None,
    bm25: Annotated[bool, typer.Option("--bm25", help="Measure BM25 beside it.")] = False,
    device: Annotated[str, typer.Option(help="Where the first stage is: cpu or cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Measure quality and cost on a collection: exact search, its parts, and two-stage search.

    \b
    wordhive eval ../collections/scifact --report out/scifact
    wordhive eval beir/nfcorpus/test --candidates 200 --bm25
    """
    from wordhive.eval import evaluate as evaluation
    from wordhive.eval.collections import load_collection

    if report:
        report.mkdir(parents=True, exist_ok=True)
    loaded = load_collection(collection, split)
    with tempfile.TemporaryDirectory(prefix="wordhive-") as temporary:
        path = index or (report / "index.hive" if report else Path(temporary) / "index.hive")
        found = evaluation.evaluate(
            loaded, path, model=model, config=config, candidates=candidates, limit=queries, device=device, bm25=bm25
        )
    if report:
        _write(found, report)
    if as_json:
        output.print_json(found.report())
        return
    _print(found)
    if report:
        output.note(f"report.json, TREC runs and the index are in {report}")


def _write(found: Evaluation, folder: Path) -> None:
    from wordhive.eval.runs import trec_lines

    output.write_json(folder / "report.json", found.report())
    for system in found.systems:
        name = "-".join(system.name.replace(",", "").split())
        lines = trec_lines(system.run, f"wordhive-{name}")
        (folder / f"{name}.trec").write_text("".join(lines), encoding="utf-8")


def _print(found: Evaluation) -> None:
    split = f" ({found.split})" if found.split else ""
    typer.secho(f"{found.collection}{split}: {found.n_documents:,} documents, {found.n_queries:,} queries", bold=True)
    typer.echo(f"encoder {found.encoder}")
    removed = "" if found.words_removed is None else f" ({found.words_removed:.1%} of its whole words removed)"
    codes = found.bytes_per_document.get("words", 0)
    typer.echo(f"a document has {found.words_per_document:.1f} word vectors{removed} in {codes:,.0f} bytes\n")
    measures = list(found.systems[0].measures)
    rows = [[system.name, *(f"{system.measures[name]:.4f}" for name in measures)] for system in found.systems]
    output.print_table(["system", *measures], rows)
    if found.candidate_recall:
        values = [f"{value:.3f}" for value in found.candidate_recall.values()]
        output.print_table(["candidates", *map(str, found.candidate_recall)], [["exact top 10 among them", *values]])
    sizes = found.bytes_per_document
    total = sum(size for part, size in sizes.items() if not part.startswith("("))
    sums = {"all but texts": total - sizes.get("texts", 0), "total": total}
    plain = sizes["(plain text)"] or math.nan
    parts = [[part, f"{size:,.1f}", f"{size / plain:.2f} ×"] for part, size in {**sizes, **sums}.items()]
    output.print_table(["part of the index", "bytes a document", "of the plain text"], parts)
    latency = [[stage, *(f"{value:.2f}" for value in times.values())] for stage, times in found.latency.items()]
    output.print_table(["stage, single queries", "p50 ms", "p95 ms", "p99 ms"], latency)
    if found.seconds_indexing is not None:
        typer.echo(f"indexed in {found.seconds_indexing:,.0f} s")
