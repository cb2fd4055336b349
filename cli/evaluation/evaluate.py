"""`wordhive eval`: quality and cost of systems on test collections."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import terminal
from ..options.collection import QrelsFile, QueriesFile, has_files
from ..options.model import ConfigName, ModelName
from .output import print_evaluation, print_experiment

if TYPE_CHECKING:
    from wordhive.eval.experiment import Experiment
    from wordhive.eval.results import ExperimentResults


def register(app: typer.Typer) -> None:
    app.command("eval", rich_help_panel="Measure")(evaluate)


def evaluate(
    collection: Annotated[
        str | None,
        typer.Argument(
            metavar="COLLECTION|CONFIG",
            help="A BEIR folder (plain or .gz), a file of documents, an ir_datasets id, or an experiment's YAML file.",
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
        typer.Option(help="The folder of encodings and indexes, to be shared \\[default: in the report folder]."),
    ] = None,
    queries: Annotated[int | None, typer.Option(help="Use only the first so many judged queries.", min=1)] = None,
    queries_file: QueriesFile = None,
    qrels: QrelsFile = None,
    split: Annotated[
        str | None, typer.Option(help="Which judgements of a BEIR folder: qrels/SPLIT.tsv \\[default: test].")
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(help="The index, made where it is not there \\[default: in the cache]."),
    ] = None,
    model: ModelName = None,
    config: ConfigName = None,
    candidates: Annotated[
        int | None, typer.Option(help="Documents that the second stage scores \\[default: 1000].", min=1)
    ] = None,
    bm25: Annotated[bool, typer.Option("--bm25", help="Measure BM25 beside it.")] = False,
    device: Annotated[
        str | None, typer.Option(help="Where the index is searched, cpu or cuda \\[default: cpu].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Measure one index on a collection, or the systems of an experiment side by side on many.

    Of one collection: exact search, its parts, and two-stage search. An experiment is a YAML file. With --report, run
    the same again to go on after a stop.

    \b
    wordhive eval ../collections/scifact --report out/scifact
    wordhive eval beir/nfcorpus/test --candidates 200 --bm25
    wordhive eval docs.jsonl --queries-file queries.tsv --qrels judged.qrels
    wordhive eval configs/eval/local.yaml
    wordhive eval --suite beir --report out/beir
    """
    from wordhive.eval.experiment import Experiment
    from wordhive.index import InputError

    if (collection is None) == (suite is None):
        raise InputError("give one thing to measure: a collection, the YAML file of an experiment, or --suite")
    options = {
        "split": split, "queries-file": queries_file, "qrels": qrels, "index": index, "model": model, "config": config,
        "candidates": candidates, "device": device, "bm25": bm25 or None,
    }  # fmt: skip
    given = {name: value for name, value in options.items() if value is not None}
    single = suite is None and not str(collection).endswith((".yaml", ".yml"))
    if given and not single:
        raise InputError(
            f"--{next(iter(given))} belongs to a single collection; an experiment says it in its YAML file"
        )
    if single:
        experiment = _single(str(collection), given)
    else:
        experiment = Experiment.suite(suite) if suite is not None else Experiment.load(str(collection))
        report = report or Path("out") / (suite or Path(str(collection)).stem)
    if queries is not None:
        experiment = experiment.with_queries(queries)
        given["queries"] = queries
    command = ["wordhive", "eval", *(["--suite", suite] if suite is not None else [str(collection)])]
    command += [part for name, value in given.items() for part in _option(name, value)]
    with ExitStack() as stack:
        folder = report or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wordhive-")))
        found = _run(experiment, folder, cache, report is not None, command)
    if as_json:
        typer.echo(found.to_json(), nl=False)
        return
    print_evaluation(found.collections[0]) if single else print_experiment(found)
    for each in found.collections:
        for line, n in each.warnings.items():
            terminal.note(f"{each.name}: {line}: {n:,}")
    if report:
        terminal.note(f"report.html, report.md, report.tex, report.json and TREC runs are in {report}")


def _single(collection: str, given: dict[str, Any]) -> Experiment:
    from wordhive.eval.experiment import CollectionSpec
    from wordhive.eval.standard_experiment import standard_experiment
    from wordhive.index import InputError

    queries_file, qrels = given.get("queries-file"), given.get("qrels")
    if not has_files(queries_file, qrels):
        spec = CollectionSpec(source=collection, split=given.get("split", "test"))
    elif "split" in given:
        raise InputError("--split belongs to a BEIR folder; of three files --qrels says which judgements")
    else:
        spec = CollectionSpec(documents=collection, queries_file=str(queries_file), qrels=str(qrels))
    own = {name: given[name] for name in ("model", "config", "candidates", "index", "device", "bm25") if name in given}
    return standard_experiment(spec, **own)


def _option(name: str, value: Any) -> Sequence[str]:
    return (f"--{name}",) if value is True else (f"--{name}", str(value))


def _run(experiment: Experiment, folder: Path, cache: Path | None, kept: bool, command: list[str]) -> ExperimentResults:
    """What the experiment finds, with its report in the folder; kept: it stays there."""
    from wordhive.eval.report import write
    from wordhive.eval.runner import Runner

    runner = Runner(experiment, folder, cache, lambda collection, system: terminal.note(f"{collection}: {system} done"))
    safe = f"every step that was done is safe in {folder}; run the same command again to go on"
    with terminal.stoppable(lambda: safe if kept else "nothing is kept without --report"):
        found = runner.run()
    command = [*command, "--report", str(folder)] if kept else command
    found = replace(found, setting={**found.setting, "command": shlex.join(command)})
    if kept:
        with terminal.whole_file(folder / "report.json") as file:
            file.write(found.to_json())
        write(found, folder)
    return found
