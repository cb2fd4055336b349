"""Several runs put together to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError
from wordhive.index.arguments import instance, real_number, whole_number
from wordhive.index.quantity import quantity
from wordhive.retrieval.progress import progress_bar

from ..runs import Qrels, Run, measure
from .methods import METHODS, completed
from .norms import NORMS, normalised

_TENTHS = 10
_RRF_CONSTANTS = range(10, 101, 10)
_TUNING_DEPTH = 1000
# Beyond it sums and squares of scores are no numbers any more.
_LARGEST = 1e100


def fuse(
    runs: Sequence[Run],
    method: str = "rrf",
    params: dict[str, Any] | None = None,
    *,
    norm: str | None = "min-max",
    depth: int = 1000,
) -> Run:
    """The runs' documents ranked together; ties go to the smaller id.

    Args:
        method: By ranx's name, of those that need no training; "rrf" sums 1 / (k + rank) with k in `params`, 60 if
            not (Cormack et al., SIGIR 2009); "wsum" sums scores with `weights` in `params`, equal ones if not.
        norm: Brings each query's scores to a common scale ("min-max", "zmuv": mean 0 and variance 1, …) before they
            are summed; for "wsum" a document that a run has not found counts as its last one.
        depth: Documents of each ranking.

    Raises:
        InputError: Fewer than two runs, unknown methods, norms and parameters, and scores that the method or norm
            is not for.
    """
    _check(runs, method, params, norm)
    params, depth = _numbers(params), whole_number(depth, "depth")
    params = completed(method, params or {}, len(runs))
    queries = list(dict.fromkeys(id for run in runs for id in run))
    return _fused(_rankings(runs, queries, method, norm), method, params, depth)


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

    Args:
        method: "wsum", whose weights are tenths that add up to 1, or "rrf", whose k is 10, 20, … 100.
        qrels: Judgements of queries that are measured nowhere else.

    Raises:
        InputError: Another method, and runs without these queries.
    """
    _check(runs, method, None, norm)
    instance(qrels, "qrels", dict, "a dict of queries, each with a dict of documents and grades")
    if not all(any(id in run for id in qrels) for run in runs):
        raise InputError("a run answers none of the queries to tune on; give runs of that split")
    trials = _trials(method, len(runs))
    rankings, values = _rankings(runs, list(qrels), method, norm), []
    with progress_bar(f"Tuning {method}", len(trials), show=show_progress) as advance:
        for params in trials:
            fused = _fused(rankings, method, params, _TUNING_DEPTH)
            values.append(measure(qrels, fused, [main_measure])[main_measure])
            advance(1)
    return trials[values.index(max(values))]


def _check(runs: Any, method: Any, params: Any, norm: Any) -> None:
    instance(method, "method", str, "a name of ranx's, such as rrf")
    if norm is not None:
        instance(norm, "norm", str, "a name of ranx's, such as min-max, or None")
    if params is not None:
        instance(params, "params", dict, "a dict, such as {'k': 60}, or None")
    instance(runs, "runs", (list, tuple), "a list of runs")
    for run in runs:
        instance(run, "a run", dict, "a dict of queries, each with a dict of documents and scores")
        for found in run.values():
            instance(found, "what a query found", dict, "a dict of documents and scores")
    if len(runs) < 2:
        raise InputError(f"{quantity(len(runs), 'run')}; a fusion takes two at least")


def _numbers(params: dict[str, Any] | None) -> dict[str, Any] | None:
    """Parameters with the numbers that they are to have as float."""
    if params is None:
        return None
    numbers = dict(params)
    if "k" in params:
        k = real_number(params["k"], "k", "a number from 0, such as 60", least=0)
        numbers["k"] = int(k) if k.is_integer() else k
    if "weights" in params:
        instance(params["weights"], "weights", (list, tuple), "a list of numbers, one for each run")
        numbers["weights"] = [real_number(weight, "a weight", "a number") for weight in params["weights"]]
    return numbers


@dataclass(frozen=True)
class _Rankings:
    """One query's: ids of all documents, sorted, and what the method takes of each run, `[n_runs, n_documents]`."""

    documents: list[str]
    values: NDArray[np.float64]


def _trials(method: str, n_runs: int) -> list[dict[str, Any]]:
    if method == "rrf":
        return [{"k": k} for k in _RRF_CONSTANTS]
    if method == "wsum":
        tenths = product(range(_TENTHS + 1), repeat=n_runs)
        return [{"weights": [n / _TENTHS for n in parts]} for parts in tenths if sum(parts) == _TENTHS]
    raise InputError(f"the method {method!r} can't be tuned; choose wsum or rrf")


def _rankings(runs: Sequence[Run], queries: list[str], method: str, norm: str | None) -> dict[str, _Rankings]:
    if norm is not None and norm not in NORMS:
        raise InputError(f"can't fuse with norm {norm!r}; choose one of {', '.join(NORMS)}")
    return {id: _ranking(id, [run.get(id, {}) for run in runs], method, norm) for id in queries}


def _ranking(query: str, found: list[dict[str, float]], method: str, norm: str | None) -> _Rankings:
    documents = sorted({document for own in found for document in own})
    column = {document: place for place, document in enumerate(documents)}
    scores = np.full((len(found), len(documents)), np.nan)
    ranks = scores.copy()
    for number, own in enumerate(found):
        columns = [column[document] for document in own]
        scores[number, columns] = list(own.values())
        ranks[number, columns] = np.arange(1, len(own) + 1)
        if not METHODS[method].by_rank and not (np.abs(scores[number, columns]) < _LARGEST).all():
            raise InputError(
                f"run {number + 1} has a score of query {query!r} that is no number or beyond {_LARGEST:g}; fuse by "
                "ranks, such as by rrf"
            )
    if METHODS[method].by_rank or not documents:
        return _Rankings(documents, ranks)
    fills = METHODS[method].fills
    try:
        # Among zmuv's mean and deviation, documents that were not found count, too.
        values = normalised(_filled(scores) if fills and norm == "zmuv" else scores, ranks, norm)
    except ValueError as error:
        raise InputError(f"a run's scores of query {query!r}: {error}") from error
    return _Rankings(documents, _filled(values) if fills else values)


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values with each run's last one for documents that it has not found; 0 where it has found none."""
    missing = np.isnan(values)
    last = np.where(missing, np.inf, values).min(axis=1, keepdims=True)
    return np.where(missing, np.where(np.isinf(last), 0.0, last), values)


def _fused(rankings: dict[str, _Rankings], method: str, params: dict[str, Any], depth: int) -> Run:
    return {id: _best(id, ranking, method, params, depth) for id, ranking in rankings.items()}


def _best(query: str, ranking: _Rankings, method: str, params: dict[str, Any], depth: int) -> dict[str, float]:
    if not ranking.documents:
        return {}
    with np.errstate(all="ignore"):
        total = METHODS[method].combine(ranking.values, **params)
    if not np.isfinite(total).all():
        raise InputError(f"{method!r} with {params} gives a document of query {query!r} no number; choose others")
    order = np.argsort(-total, kind="stable")[:depth]
    return {ranking.documents[place]: score for place, score in zip(order.tolist(), total[order].tolist(), strict=True)}
