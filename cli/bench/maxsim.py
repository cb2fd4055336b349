"""`wordhive bench maxsim`: how fast documents are scored, beside NumPy, another package, and the machine's best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import terminal
from . import options

if TYPE_CHECKING:
    from wordhive.eval.bench.maxsim import MaxsimBench


def maxsim(
    documents: Annotated[int, typer.Option(help="Documents that are scored.", min=1)] = 5183,
    words: Annotated[int, typer.Option(help="Words of each.", min=1)] = 105,
    dims: Annotated[int, typer.Option(help="Dimensions of a word.", min=1)] = 128,
    query_words: Annotated[
        list[int] | None,
        typer.Option(help="Words of the query; may be repeated \\[default: 16, 32, 64].", min=1),
    ] = None,
    threads: Annotated[
        list[int] | None, typer.Option(help="Threads; may be repeated \\[default: 1, and all].", min=1)
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="The folder of maxsim.json \\[default: out/bench/maxsim].")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Time MaxSim of random vectors: ours from floats and from codes, NumPy's, maxsim-cpu's, and sgemm by itself.

    All scores are held against NumPy's. maxsim-cpu is measured where it is installed (pip install maxsim-cpu).

    \b
    wordhive bench maxsim
    wordhive bench maxsim --documents 1000 --dims 32 --query-words 10 --query-words 320 --threads 1
    """
    from wordhive.eval.bench.maxsim import Shape, bench

    folder = options.report_folder(report, "maxsim")
    shape = Shape(documents, words, dims)
    with terminal.stoppable(lambda: "nothing was kept"):
        results = bench(shape, query_words or [16, 32, 64], threads)
    options.keep(results, folder, "maxsim.json", as_json, lambda: _print(results))


def _print(results: MaxsimBench) -> None:
    shape = results.shape
    rows = [
        [
            f"{one.threads}",
            f"{one.query_words}",
            f"{one.ours:,.2f}",
            f"{one.numpy:,.2f}",
            "–" if one.maxsim_cpu is None else f"{one.maxsim_cpu:,.2f}",
            f"{one.sgemm:,.2f}",
            *(f"{rate / 1e9:,.0f}" for rate in (one.rate(one.ours), one.rate(one.sgemm), one.peak)),
        ]
        for one in results.floats
    ]
    columns = ["threads", "query words", "ours, ms", "NumPy", f"maxsim-cpu {results.maxsim_cpu or ''}".rstrip()]
    columns += ["sgemm alone", "ours, Gflop/s", "sgemm", "sgemm at best"]
    title = f"{shape.documents:,} documents of {shape.words:,} words, {shape.dims} dims in float32"
    terminal.print_table(columns, rows, title=title)
    rows = [
        [
            one.codec,
            f"{one.bytes}",
            f"{one.threads}",
            f"{one.query_words}",
            f"{one.decoded:,.2f}",
            f"{one.ours:,.2f}",
            f"{one.decoded / one.ours:.1f} ×",
        ]
        for one in results.codecs
    ]
    columns = ["codec", "bytes a word", "threads", "query words", "decoded, then NumPy, ms", "ours, from codes", ""]
    terminal.print_table(columns, rows, title="the same documents from codes")
