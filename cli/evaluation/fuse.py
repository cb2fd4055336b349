"""`wordhive fuse`: several runs put together to one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wordhive.index.quantity import quantity

from .. import terminal
from ..options.collection import QrelsFile, QueriesFile, Split, collection_from


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Measure")(fuse)


def fuse(
    runs: Annotated[list[Path], typer.Argument(help="TREC runs, two at least.")],
    to: Annotated[Path, typer.Option(help="The fused run.")],
    method: Annotated[
        str, typer.Option(help="By ranx's names: rrf (ranks), wsum (weighted sum of scores), mnz, max, …")
    ] = "rrf",
    norm: Annotated[
        str, typer.Option(help="What brings scores to a common scale: min-max, zmuv, max, sum, rank.")
    ] = "min-max",
    weights: Annotated[str | None, typer.Option(help="Of wsum, one a run: 0.3,0.7 \\[default: equal ones].")] = None,
    k: Annotated[int | None, typer.Option(help="Of rrf \\[default: 60].", min=1)] = None,
    depth: Annotated[int, typer.Option(help="Documents of each query.", min=1)] = 1000,
    tune_on: Annotated[
        str | None, typer.Option(help="Choose weights, or k, on this collection: a BEIR folder or an ir_datasets id.")
    ] = None,
    split: Split = "dev",
    queries_file: QueriesFile = None,
    qrels: QrelsFile = None,
    tuning_run: Annotated[
        list[Path] | None,
        typer.Option(help="The same systems' runs there, in the same order \\[default: the runs themselves]."),
    ] = None,
    measure: Annotated[str | None, typer.Option(help="What to tune for \\[default: the collection's own].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print method and parameters as JSON.")] = False,
) -> None:
    """Fuse runs to one, by ranks or by scores.

    \b
    wordhive fuse bm25.trec exact.trec --to hybrid.trec
    wordhive fuse bm25.trec exact.trec --to hybrid.trec --method wsum --weights 0.3,0.7
    wordhive fuse bm25.trec exact.trec --to hybrid.trec --method wsum --tune-on ../collections/scifact --split train
      --tuning-run bm25-train.trec --tuning-run exact-train.trec
    """
    from wordhive.eval.fusion import fuse as fusion
    from wordhive.eval.runs import read_run, trec_lines
    from wordhive.index import InputError

    params = _params(method, weights, k)
    given = [read_run(path) for path in runs]
    if tune_on is not None:
        if params:
            raise InputError("give --weights or --k, or --tune-on, which chooses them")
        if tuning_run and len(tuning_run) != len(runs):
            raise InputError(
                f"{len(tuning_run)} --tuning-run for {quantity(len(runs), 'run')}; give one a run, in the same order"
            )
        collection = collection_from(tune_on, split, queries_file, qrels)
        known = [read_run(path) for path in tuning_run] if tuning_run else given
        params = fusion.tune(collection.qrels, known, method, measure or collection.main_measure, norm=norm)
        terminal.note(
            f"tuned on {quantity(len(collection.qrels), 'query')} of {collection.name} {split}: {_said(params)}"
        )
        if both := sum(any(id in run for run in given) for id in collection.qrels):
            terminal.note(f"{both:,} of the fused queries are among them: measure on the others")
    elif queries_file or qrels or tuning_run:
        raise InputError("--queries-file, --qrels and --tuning-run go with --tune-on")
    fused = fusion.fuse(given, method, params, norm=norm, depth=depth)
    with terminal.whole_file(to) as file:
        file.writelines(trec_lines(fused, f"wordhive-{method}"))
    if as_json:
        terminal.print_json({"to": to, "method": method, "norm": norm, "params": params, "queries": len(fused)})
        return
    terminal.say(
        f"{to}: {quantity(len(runs), 'run')}, {quantity(len(fused), 'query')}, {method}{_said(params, before=' with ')}"
    )


def _params(method: str, weights: str | None, k: int | None) -> dict[str, Any]:
    from wordhive.index import InputError

    for name, value, of in (("--weights", weights, "wsum"), ("--k", k, "rrf")):
        if value is not None and method != of:
            raise InputError(f"{name} is of the method {of}; this is {method}")
    if k is not None:
        return {"k": k}
    if weights is None:
        return {}
    try:
        return {"weights": [float(weight) for weight in weights.split(",")]}
    except ValueError as error:
        raise InputError(f"--weights is {weights!r}; expected numbers with commas between, such as 0.3,0.7") from error


def _said(params: dict[str, Any], before: str = "") -> str:
    return before * bool(params) + ", ".join(f"{name} {value}" for name, value in params.items())
