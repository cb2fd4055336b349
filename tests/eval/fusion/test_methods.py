"""Every method and norm of fusion: against ranx where it is right, and on scores that it is not right for."""

from __future__ import annotations

import math
import random
import subprocess
import sys
import warnings
from itertools import product
from typing import Any

import pytest

from wordhive.eval.fusion.fuse import fuse, tune
from wordhive.eval.fusion.methods import METHODS
from wordhive.eval.fusion.norms import NORMS
from wordhive.eval.runs import Run
from wordhive.index import InputError

PARAMS: dict[str, dict[str, Any]] = {"rbc": {"phi": 0.8}, "gmnz": {"gamma": 1.5}}
WEIGHTED = [name for name, method in METHODS.items() if "weights" in method.params]
BY_SCORE = [name for name, method in METHODS.items() if not method.by_rank]
# ranx's Condorcet counts votes of runs that have found neither document for one of them, by the order of a set.
SAME_AS_RANX = [name for name in METHODS if "condorcet" not in name]


def _fuse(runs: list[Run], method: str, norm: str | None = "min-max", **params: Any) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return fuse(runs, method, {**PARAMS.get(method, {}), **params}, norm=norm)


def _runs(seed: int, n_runs: int = 2) -> list[Run]:
    draw = random.Random(seed)
    return [
        {f"q{n}": {f"d{d}": draw.random() + 0.1 for d in draw.sample(range(30), draw.randint(1, 20))} for n in range(6)}
        for _ in range(n_runs)
    ]


def _ranked(run: Run) -> Run:
    return {id: dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))) for id, found in run.items()}


def _by_ranx(runs: list[Run], method: str, norm: str | None, params: dict[str, Any]) -> Run:
    import ranx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: Run = ranx.fuse([ranx.Run(run) for run in runs], norm=norm, method=method, params=params).to_dict()
    return found


@pytest.mark.slow  # ranx compiles each of them
@pytest.mark.parametrize("n_runs", [2, 3])
@pytest.mark.parametrize("method", SAME_AS_RANX)
def test_methods_are_those_of_ranx(method: str, n_runs: int) -> None:
    runs = [_ranked(run) for run in _runs(n_runs, n_runs)]
    params = PARAMS.get(method, {}) | ({"weights": [0.5, 0.3, 0.2][:n_runs]} if method in WEIGHTED else {})
    given = runs
    if METHODS[method].fills:  # ranx gives 0 to a document that was not found
        given = [
            {id: {d: run[id].get(d, min(run[id].values())) for r in runs for d in r[id]} for id in run} for run in runs
        ]
    norm = None if METHODS[method].by_rank else "min-max"
    for id, found in _by_ranx(given, method, norm, params).items():
        assert _fuse(runs, method, norm, **params)[id] == pytest.approx(found)


@pytest.mark.slow
@pytest.mark.parametrize("norm", [*NORMS, None])
def test_norms_are_those_of_ranx(norm: str | None) -> None:
    runs = [_ranked(run) for run in _runs(7)]
    for id, found in _by_ranx(runs, "sum", norm, {}).items():
        assert _fuse(runs, "sum", norm)[id] == pytest.approx(found)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "run",
    [
        {"q": {"a": 0.5, "b": 0.5, "c": 0.5}},
        {"q": {"a": 0.0, "b": 0.0}},
        {"q": {"a": 3.0}},
        {"q": {}},
        {},
        {"q": {"a": 5.0, "b": -2.0}},
        {"q": {"a": 1e-300, "b": 0.0}},
        {"q": {"a": 1e99, "b": -1e99}},
        {"q": {"a": 0.1, "b": 0.1, "c": 0.1}},
    ],
)
def test_unusual_scores_have_finite_sums(run: Run, method: str) -> None:
    other: Run = {"q": {"b": 2.0, "d": 1.0}}
    for runs, norm in product(([run, other], [run, run], [run, other, run]), (*NORMS, None)):
        for found in _fuse(runs, method, norm).values():
            assert all(map(math.isfinite, found.values()))
            assert list(found) == sorted(found, key=lambda id: (-found[id], id))
            assert set(found) == {id for each in runs for id in each.get("q", {})}


@pytest.mark.parametrize("method", BY_SCORE)
@pytest.mark.parametrize("scores", [{"a": -1.0, "b": -3.0}, {"a": 0.0, "b": -3.0}, {"a": -2.0}])
def test_norm_max_refuses_a_best_score_that_is_not_positive(method: str, scores: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"'q'.*norm max divides by the best score, which is -?\d.*take min-max"):
        _fuse([{"q": {"a": 1.0}}, {"q": scores}], method, "max")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("norm", ["min-max", "zmuv", "sum"])
@pytest.mark.parametrize("shift", [-100.0, 7.0])
def test_a_shift_of_all_scores_changes_nothing(method: str, norm: str, shift: float) -> None:
    runs = [_ranked(run) for run in _runs(5)]
    shifted = [{id: {d: score + shift for d, score in found.items()} for id, found in run.items()} for run in runs]
    for id, found in _fuse(runs, method, norm).items():
        assert _fuse(shifted, method, norm)[id] == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("method", BY_SCORE)
@pytest.mark.parametrize("norm", ["max", "rank", None])
@pytest.mark.parametrize("score", [math.inf, -math.inf, math.nan, 1e300])
def test_scores_that_are_no_numbers_are_refused(method: str, norm: str | None, score: float) -> None:
    with pytest.raises(InputError, match="run 2 has a score of query 'q' that is no number or beyond"):
        _fuse([{"q": {"a": 1.0}}, {"q": {"b": score}}], method, norm)


@pytest.mark.parametrize("method", [name for name in METHODS if name not in BY_SCORE])
def test_methods_by_rank_take_any_scores(method: str) -> None:
    one: Run = {"q": {"a": math.inf, "b": -1.0, "c": -math.inf}}
    other: Run = {"q": {"b": 1e300, "a": 1.0}}
    plain = [{"q": {"a": 3.0, "b": 2.0, "c": 1.0}}, {"q": {"b": 2.0, "a": 1.0}}]
    assert _fuse([one, other], method) == _fuse(plain, method)


def test_least_and_greatest_scores_are_those_of_runs_that_found_it() -> None:
    runs: list[Run] = [{"q": {"a": 3e9, "b": 2e9}}, {"q": {"b": -3e9, "c": -4e9}}]
    assert _fuse(runs, "min", None)["q"] == {"a": 3e9, "b": -3e9, "c": -4e9}
    assert _fuse(runs, "max", None)["q"] == {"a": 3e9, "b": 2e9, "c": -4e9}


def test_what_a_run_has_not_found_counts_as_its_last_one_on_every_scale() -> None:
    one: Run = {"q": {"a": 9.0, "b": 5.0}}
    other: Run = {"q": {"c": 2.0, "a": 1.0}}
    for norm in NORMS:
        found = _fuse([one, other], "wsum", norm)["q"]
        if norm != "borda":  # which gives it the mean of the ranks that are left
            assert found["b"] <= found["a"] or "inverted" in norm
    assert _fuse([one, other], "wsum", "rank")["q"] == pytest.approx({"a": 0.75, "c": 0.75, "b": 0.5})
    assert _fuse([one, other], "wsum", "min-max-inverted")["q"] == pytest.approx({"a": 0.5, "b": 0.5, "c": 0.0})


def test_condorcet_lets_the_majority_decide() -> None:
    runs: list[Run] = [{"q": dict.fromkeys(order, 1.0)} for order in ("abc", "bac", "acb")]
    assert list(_fuse(runs, "condorcet")["q"]) == ["a", "b", "c"]
    assert list(_fuse(runs, "w_condorcet", weights=[0.2, 0.7, 0.1])["q"]) == ["b", "a", "c"]
    assert list(_fuse([{"q": {"c": 1.0}}, {"q": {"a": 1.0}}], "condorcet")["q"]) == ["a", "c"]


def test_equal_sums_are_ties_whatever_the_order_of_the_runs() -> None:
    runs: list[Run] = [{"q": dict.fromkeys(order, 1.0)} for order in ("abc", "bca", "cab")]
    for given in (runs, runs[::-1], [runs[1], runs[0], runs[2]]):
        assert list(_fuse(given, "rrf")["q"]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("rrf", {"c": 60}, "'rrf' has no parameter 'c'; it has k"),
        ("isr", {"k": 60}, "'isr' has no parameter 'k'; it has none"),
        ("rrf", {"k": "60"}, "k is '60'; expected a number from 0"),
        ("rrf", {"k": -1}, "k is -1; expected a number from 0"),
        ("rbc", {}, "'rbc' needs its parameter 'phi'"),
        ("gmnz", {"gamma": math.nan}, "expected a finite number"),
        ("wsum", {"weights": [1.0]}, "1 weights for 2 runs"),
        ("wsum", {"weights": 0.5}, "expected a list of numbers, one for each run"),
        ("wsum", {"weights": [0.5, math.inf]}, "a weight is inf; expected a number"),
        ("wsum", {"weights": [0.5, "x"]}, "a weight is 'x'; expected a number"),
        ("wsum", {"weights": [0.5, True]}, "a weight is True; expected a number"),
        ("logn_isr", {"sigma": -1}, "no number"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(method: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        fuse([{"q": {"a": 1.0}}, {"q": {"b": 1.0}}], method, params)


@pytest.mark.parametrize("scores", [{"a": 1.0, "b": -math.inf}, {"a": -5.0, "b": -7.0}])
def test_tuning_refuses_what_fusing_does(scores: dict[str, float]) -> None:
    norm = "max" if scores["a"] < 0 else "min-max"
    with pytest.raises(InputError, match="query 'q'"):
        tune({"q": {"a": 1}}, [{"q": {"a": 1.0}}, {"q": scores}], norm=norm)


def test_fusing_loads_neither_models_nor_ranx() -> None:
    code = (
        "import sys; from wordhive.eval.fusion.fuse import fuse; fuse([{'q': {'a': 1.0}}, {'q': {'b': 1.0}}], 'wsum'); "
        "print([name for name in ('torch', 'ranx', 'sentence_transformers') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
