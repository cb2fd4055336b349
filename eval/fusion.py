"""Several runs put together to one, by ranx."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import product
from typing import Any

from wordhive.index import InputError
from wordhive.index.quantity import quantity
from wordhive.retrieval.progress import progress_bar

from .runs import Qrels, Run, measure

# ranx knows no empty ranking: a document that is none stands for one.
_NOTHING = ""
_BY_RANK = ("rrf", "isr", "log_isr", "logn_isr", "rbc")
_TENTHS = 10
_RRF_CONSTANTS = range(10, 101, 10)
_TUNING_DEPTH = 1000


def fuse(
    runs: Sequence[Run],
    method: str = "rrf",
    params: dict[str, Any] | None = None,
    *,
    norm: str | None = "min-max",
    depth: int = 1000,
) -> Run:
    """The runs' documents ranked together; ties go to the smaller id.

    method: of ranx; "rrf" sums 1 / (k + rank) with k in `params`, 60 if not (Cormack et al., SIGIR 2009); "wsum" sums
    scores with `weights` in `params`, equal ones if not. norm: brings each query's scores to a common scale ("min-max",
    "zmuv": mean 0 and variance 1, …) before they are summed; a document that a run has not found counts as its last
    one. depth: documents of each ranking. Raises InputError for fewer than two runs, and what ranx does not know.
    """
    if len(runs) < 2:
        raise InputError(f"{quantity(len(runs), 'run')}; a fusion takes two at least")
    if method == "wsum":
        params = {"weights": [1 / len(runs)] * len(runs)} | (params or {})
        if len(params["weights"]) != len(runs):
            raise InputError(
                f"{quantity(len(params['weights']), 'weight')} for {quantity(len(runs), 'run')}; give each run a weight"
            )
    queries = list(dict.fromkeys(id for run in runs for id in run))
    return _fused(_ranx_runs(runs, queries, method), queries, method, norm, params, depth)


def tune(
    qrels: Qrels,
    runs: Sequence[Run],
    method: str = "wsum",
    main_measure: str = "ndcg@10",
    *,
    norm: str | None = "min-max",
    show_progress: bool | None = None,
) -> dict[str, Any]:
    """The parameters under which the fused runs measure best; of equal ones the first.

    method: "wsum", whose weights are tenths that add up to 1, or "rrf", whose k is 10, 20, … 100. qrels: judgements of
    queries that are measured nowhere else. Raises InputError for another method, and runs without these queries.
    """
    if not all(any(id in run for id in qrels) for run in runs):
        raise InputError("a run answers none of the queries to tune on; give runs of that split")
    trials = _trials(method, len(runs))
    given, values = _ranx_runs(runs, list(qrels), method), []
    with progress_bar(f"Tuning {method}", len(trials), show=show_progress) as advance:
        for params in trials:
            fused = _fused(given, list(qrels), method, norm, params, _TUNING_DEPTH)
            values.append(measure(qrels, fused, [main_measure])[main_measure])
            advance(1)
    return trials[values.index(max(values))]


def _trials(method: str, n_runs: int) -> list[dict[str, Any]]:
    if method == "rrf":
        return [{"k": k} for k in _RRF_CONSTANTS]
    if method == "wsum":
        tenths = product(range(_TENTHS + 1), repeat=n_runs)
        return [{"weights": [n / _TENTHS for n in parts]} for parts in tenths if sum(parts) == _TENTHS]
    raise InputError(f"the method {method!r} can't be tuned; choose wsum or rrf")


def _ranx_runs(runs: Sequence[Run], queries: list[str], method: str) -> list[Any]:
    import ranx

    return [ranx.Run(run) for run in _complete(runs, queries, method)]


def _complete(runs: Sequence[Run], queries: list[str], method: str) -> list[Run]:
    """The runs with the same queries, in a form that ranx does not read in an order of its own."""
    if method in _BY_RANK:  # ranx sorts equal scores anyhow: it gets the ranks
        return [
            {id: {document: -float(rank) for rank, document in enumerate(run.get(id) or [_NOTHING])} for id in queries}
            for run in runs
        ]
    if method != "wsum":
        return [{id: run.get(id) or {_NOTHING: 0.0} for id in queries} for run in runs]
    filled: list[Run] = [{} for _ in runs]
    for id in queries:
        documents = dict.fromkeys(document for run in runs for document in run.get(id, ()))
        for run, own in zip(runs, filled, strict=True):
            scores = run.get(id) or {_NOTHING: 0.0}
            own[id] = dict.fromkeys(documents or [_NOTHING], min(scores.values())) | scores
    return filled


def _fused(
    runs: list[Any], queries: list[str], method: str, norm: str | None, params: dict[str, Any] | None, depth: int
) -> Run:
    import ranx

    norm = None if method in _BY_RANK else norm
    with warnings.catch_warnings():
        # Of casts in ranx's own kernels, each time they are compiled.
        warnings.simplefilter("ignore")
        try:
            fused = ranx.fuse(runs, norm=norm, method=method, params=params).to_dict()
        except Exception as error:  # ranx raises whatever its parts do
            raise InputError(
                f"ranx can't fuse by {method!r} with norm {norm!r} and parameters {params} "
                f"({type(error).__name__}: {error!s:.100}); try method rrf, or wsum with norm min-max"
            ) from error
    return {id: _best(fused[id], depth) for id in queries}


def _best(scores: dict[str, float], depth: int) -> dict[str, float]:
    pairs = sorted((-score, id) for id, score in scores.items() if id != _NOTHING)
    return {id: -score for score, id in pairs[:depth]}
