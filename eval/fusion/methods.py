"""How one query's rankings become one, by ranx's names of the methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cmp_to_key
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Method:
    """What each document's values become: of all runs, `[n_runs, n_documents]`, NaN where a run has not found it.

    Attributes:
        by_rank: The values are ranks, from 1, not scores.
        fills: A document that a run has not found gets its last value.
        params: Names and what holds where nothing is given; `weights` are one a run, None stands for equal ones
            that add up to 1, and a parameter without a default is `...`.
    """

    combine: Callable[..., Values]
    by_rank: bool = False
    fills: bool = False
    params: dict[str, Any] = field(default_factory=dict)


def _count(values: Values) -> Values:
    return np.asarray((~np.isnan(values)).sum(axis=0), np.float64)


def _sum(values: Values) -> Values:
    # Sorted, so that the same values of other runs make the same sum, to the last bit.
    return np.asarray(np.nansum(np.sort(values, axis=0), axis=0), np.float64)


def _weighted(values: Values, weights: list[float]) -> Values:
    return values * np.asarray(weights, np.float64)[:, None]


def _wmnz(values: Values, weights: list[float]) -> Values:
    return _sum(values) * _sum(_weighted(np.where(np.isnan(values), np.nan, 1.0), weights))


def _inverse_squares(ranks: Values) -> Values:
    return _sum(1 / ranks**2)


def _points(ranks: Values) -> Values:
    """Borda's: as many as there are documents for the first one, one less for each next; the others share the rest."""
    n = ranks.shape[1]
    left = (n - (~np.isnan(ranks)).sum(axis=1, keepdims=True) + 1) / 2
    return np.asarray(np.where(np.isnan(ranks), left, n + 1 - ranks), np.float64)


def _condorcet(ranks: Values, weights: list[float]) -> Values:
    """Each document against each other: the one that more runs have before the other goes before it."""
    places = np.where(np.isnan(ranks), np.inf, ranks).T.tolist()

    def compare(one: int, other: int) -> int:
        pairs = zip(places[one], places[other], weights, strict=True)
        votes: float = sum(weight * ((a > b) - (a < b)) for a, b, weight in pairs)
        return (votes > 0) - (votes < 0)

    order = sorted(range(len(places)), key=cmp_to_key(compare))
    points = np.empty(len(places))
    points[order] = np.arange(len(places), 0, -1)
    return points


_WEIGHTS: dict[str, Any] = {"weights": None}
METHODS = {
    "rrf": Method(lambda ranks, k: _sum(1 / (k + ranks)), by_rank=True, params={"k": 60}),
    "isr": Method(lambda ranks: _inverse_squares(ranks) * _count(ranks), by_rank=True),
    "log_isr": Method(lambda ranks: _inverse_squares(ranks) * np.log(_count(ranks)), by_rank=True),
    "logn_isr": Method(
        lambda ranks, sigma: _inverse_squares(ranks) * np.log(_count(ranks) + sigma),
        by_rank=True,
        params={"sigma": 0.01},
    ),
    "rbc": Method(lambda ranks, phi: _sum((1 - phi) * phi ** (ranks - 1)), by_rank=True, params={"phi": ...}),
    "bordafuse": Method(lambda ranks: _sum(_points(ranks)), by_rank=True),
    "w_bordafuse": Method(lambda ranks, weights: _sum(_weighted(_points(ranks), weights)), True, params=_WEIGHTS),
    "condorcet": Method(lambda ranks: _condorcet(ranks, [1.0] * len(ranks)), by_rank=True),
    "w_condorcet": Method(_condorcet, by_rank=True, params=_WEIGHTS),
    "sum": Method(_sum),
    "anz": Method(lambda scores: _sum(scores) / _count(scores)),
    "mnz": Method(lambda scores: _sum(scores) * _count(scores)),
    "gmnz": Method(lambda scores, gamma: _sum(scores) * _count(scores) ** gamma, params={"gamma": ...}),
    "max": Method(lambda scores: np.nanmax(scores, axis=0)),
    "min": Method(lambda scores: np.nanmin(scores, axis=0)),
    "med": Method(lambda scores: np.nanmedian(scores, axis=0)),
    "wsum": Method(lambda scores, weights: _sum(_weighted(scores, weights)), fills=True, params=_WEIGHTS),
    "wmnz": Method(_wmnz, params=_WEIGHTS),
    "mixed": Method(
        lambda scores, weights: _sum(_weighted(scores, weights)) * np.sqrt(_count(scores)), params=_WEIGHTS
    ),
}


def completed(name: str, given: dict[str, Any], n_runs: int) -> dict[str, Any]:
    """The parameters of a method with its defaults.

    Raises:
        InputError: An unknown method, and for parameters that it has not, lacks, or can't take.
    """
    if name not in METHODS:
        raise InputError(f"can't fuse by {name!r}; choose one of {', '.join(METHODS)}")
    known = METHODS[name].params
    for key in given:
        if key not in known:
            has = f"has {', '.join(known)}" if known else "has none"
            raise InputError(f"the method {name!r} has no parameter {key!r}; it {has}")
    params = {**known, **given}
    for key, value in params.items():
        if value is ...:
            raise InputError(f"the method {name!r} needs its parameter {key!r}; give a number")
        if key == "weights":
            params[key] = _weights(name, value, n_runs)
        elif not _is_number(value):
            raise InputError(f"the parameter {key!r} of {name!r} is {value!r:.80}; expected a finite number")
    return params


def _weights(name: str, value: Any, n_runs: int) -> list[float]:
    if value is None:
        return [1 / n_runs] * n_runs
    if not isinstance(value, (list, tuple)) or not all(map(_is_number, value)):
        raise InputError(f"the weights of {name!r} are {value!r:.80}; expected a list of finite numbers")
    if len(value) != n_runs:
        raise InputError(f"{len(value)} weights for {n_runs} runs; give each run a weight")
    return list(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e100
