"""`wordhive eval`: quality and cost of systems on test collections."""

from __future__ import annotations

import math
import shlex
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import output

if TYPE_CHECKING:
    from wordhive.eval.evaluate import Evaluation


def register(app: typer.Typer) -> None:
    app.command("eval", rich_help_panel="Measure")(evaluate)


def evaluate(
    collection: Annotated[
        str | None,
        typer.Argument(
            metavar="COLLECTION|CONFIG",
            help="A BEIR folder (plain or .gz files), an ir_datasets id, or the YAML file of an experiment.",
        ),
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="An experiment that comes with wordhive: local, beir, msmarco.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="The folder of report and TREC runs \\[default of an experiment: out/ and its name]."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Of an experiment: encodings and indexes, to be shared \\[default: in the report folder]."),
    ] = None,
    queries: Annotated[int | None, typer.Option(help="Use only the first so many judged queries.", min=1)] = None,
    split: Annotated[
        str | None, typer.Option(help="Which judgements of a BEIR folder: qrels/SPLIT.tsv \\[default: test].")
    ] = None,
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
    candidates: Annotated[
        int | None, typer.Option(help="Documents that the second stage scores \\[default: 1000].", min=1)
    ] = None,
    bm25: Annotated[bool, typer.Option("--bm25", help="Measure BM25 beside it.")] = False,
    device: Annotated[str | None, typer.Option(help="Where the first stage is, cpu or cuda \\[default: cpu].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Measure one index on a collection, or the systems of an experiment side by side on many.

    Of one collection: exact search, its parts, and two-stage search. An experiment is a YAML file; run it again to go
    on after a stop.

    \b
    wordhive eval ../collections/scifact --report out/scifact
    wordhive eval beir/nfcorpus/test --candidates 200 --bm25
    wordhive eval configs/eval/local.yaml
    wordhive eval --suite beir --report out/beir
    """
    from wordhive.index import InputError

    if (collection is None) == (suite is None):
        raise InputError("give one thing to measure: a collection, the YAML file of an experiment, or --suite")
    if suite is None and collection is not None and not collection.endswith((".yaml", ".yml")):
        if cache is not None:
            raise InputError("--cache belongs to an experiment; of a single collection the index is kept: --index")
        evaluation = _evaluated(
            collection, split or "test", report, index, queries, model=model, config=config,
            candidates=candidates or 1000, device=device or "cpu", bm25=bm25,
        )  # fmt: skip
        output.print_json(evaluation.report()) if as_json else _print(evaluation)
        if report and not as_json:
            output.note(f"report.json, TREC runs and the index are in {report}")
        return
    options = {"split": split, "index": index, "model": model, "config": config, "candidates": candidates}
    given = [name for name, value in {**options, "device": device, "bm25": bm25 or None}.items() if value is not None]
    if given:
        raise InputError(f"--{given[0]} belongs to a single collection; an experiment says it in its YAML file")
    _experiment(collection, suite, report, cache, queries, as_json)


def _experiment(
    path: str | None, suite: str | None, report: Path | None, cache: Path | None, queries: int | None, as_json: bool
) -> None:
    from wordhive.eval.experiment import Experiment
    from wordhive.eval.report import write
    from wordhive.eval.runner import Runner

    experiment = Experiment.suite(suite) if suite is not None else Experiment.load(str(path))
    if queries is not None:
        experiment = experiment.with_queries(queries)
    folder = report or Path("out") / (suite or Path(str(path)).stem)
    runner = Runner(experiment, folder, cache, lambda collection, system: output.note(f"{collection}: {system} done"))
    with output.stoppable(lambda: f"every step that was done is safe in {folder}; run the same command again to go on"):
        found = runner.run()
    command = ["wordhive", "eval", *(["--suite", suite] if suite is not None else [str(path)])]
    command += ["--queries", str(queries)] if queries is not None else []
    found = replace(found, setting={**found.setting, "command": shlex.join([*command, "--report", str(folder)])})
    with output.whole_file(folder / "report.json") as file:
        file.write(found.to_json())
    write(found, folder)
    if as_json:
        typer.echo(found.to_json(), nl=False)
        return
    columns, rows = found.table()
    output.print_table(columns, rows, title=found.title)
    for each in found.collections:
        for line, n in each.warnings.items():
            output.note(f"{each.name}: {line}: {n:,}")
    output.note(f"report.html, report.md, report.tex, report.json and TREC runs are in {folder}")


def _evaluated(
    collection: str, split: str, report: Path | None, index: Path | None, queries: int | None, **options: Any
) -> Evaluation:
    from wordhive.eval import evaluate as evaluation
    from wordhive.eval.collections import load_collection

    if report:
        report.mkdir(parents=True, exist_ok=True)
    loaded = load_collection(collection, split)
    with tempfile.TemporaryDirectory(prefix="wordhive-") as temporary:
        path = index or (report / "index.hive" if report else Path(temporary) / "index.hive")
        found = evaluation.evaluate(loaded, path, limit=queries, **options)
    if report:
        _write(found, report)
    return found


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
