"""Fusion against sums that are worked out by hand, and the tuning of its parameters."""

from __future__ import annotations

import random

import numpy as np
import pytest

from wordhive.eval.fusion.fuse import fuse, tune
from wordhive.eval.runs import Qrels, Run, measure
from wordhive.index import InputError

A: Run = {"q": {"x": 9.0, "y": 5.0, "z": 1.0}, "only a": {"x": 1.0}}
B: Run = {"q": {"w": 0.5, "y": 0.4}, "only b": {"y": 1.0, "z": 1.0}}


def _by_hand(runs: list[Run], weights: list[float], norm: str) -> Run:
    fused: Run = {}
    for query in dict.fromkeys(id for run in runs for id in run):
        documents = {id for run in runs for id in run.get(query, {})}
        total = dict.fromkeys(documents, 0.0)
        for run, weight in zip(runs, weights, strict=True):
            found = run.get(query, {})
            scores = np.array([found.get(id, min(found.values(), default=0.0)) for id in documents])
            low, scale = (scores.mean(), scores.std()) if norm == "zmuv" else (scores.min(), np.ptp(scores))
            for id, value in zip(documents, (scores - low) / (scale or 1e-9), strict=True):
                total[id] += weight * value
        fused[query] = dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))
    return fused


def _random(seed: int) -> tuple[Qrels, list[Run]]:
    draw = random.Random(seed)
    qrels: Qrels = {f"q{n}": {f"d{draw.randint(0, 60)}": 1 for _ in range(4)} for n in range(8)}
    runs = []
    for noise in (0.2, 3.0):
        runs.append(
            {
                query: {f"d{n}": draw.random() * noise + (f"d{n}" in relevant) for n in draw.sample(range(60), 40)}
                for query, relevant in qrels.items()
            }
        )
    return qrels, runs


def test_ranks_are_summed() -> None:
    found = fuse([A, B])
    assert list(found["q"]) == ["y", "w", "x", "z"]  # w and x tie: the smaller id is first
    assert found["q"]["y"] == pytest.approx(2 / 62)
    assert found["q"]["w"] == found["q"]["x"] == pytest.approx(1 / 61)
    assert list(found["only a"]) == ["x"]
    assert list(found["only b"]) == ["y", "z"]
    assert fuse([A, B], "rrf", {"k": 1})["q"]["y"] == pytest.approx(2 / 3)


def test_equal_scores_keep_the_ranks_that_the_run_gives_them() -> None:
    run = {"q": {f"d{n}": 1.0 for n in (5, 3, 9, 1, 7)}}
    assert list(fuse([run, run])["q"]) == ["d5", "d3", "d9", "d1", "d7"]


@pytest.mark.parametrize("norm", ["min-max", "zmuv"])
def test_scores_are_summed_as_by_hand(norm: str) -> None:
    for runs in ([A, B], _random(1)[1]):
        found = fuse(runs, "wsum", {"weights": [0.3, 0.7]}, norm=norm)
        expected = _by_hand(runs, [0.3, 0.7], norm)
        for query, documents in expected.items():
            assert found[query] == pytest.approx(documents)
    found = fuse([A, B], "wsum", norm=norm)
    assert found["q"] == pytest.approx(_by_hand([A, B], [0.5, 0.5], norm)["q"])


def test_a_fusion_is_the_same_each_time_and_cut() -> None:
    _, runs = _random(2)
    whole = fuse(runs, "mnz")
    assert [list(documents.items()) for documents in fuse(runs, "mnz").values()] == [
        list(documents.items()) for documents in whole.values()
    ]
    assert {query: list(documents)[:3] for query, documents in whole.items()} == {
        query: list(documents) for query, documents in fuse(runs, "mnz", depth=3).items()
    }


@pytest.mark.parametrize("method", ["wsum", "rrf"])
def test_tuning_finds_what_measures_best(method: str) -> None:
    qrels, runs = _random(3)
    params = tune(qrels, runs, method, "map")
    trials = [{"weights": [n / 10, 1 - n / 10]} for n in range(11)] if method == "wsum" else []
    trials += [{"k": k} for k in range(10, 101, 10)] if method == "rrf" else []
    values = [measure(qrels, fuse(runs, method, trial), ["map"])["map"] for trial in trials]
    assert measure(qrels, fuse(runs, method, params), ["map"])["map"] == max(values)
    if method == "wsum":
        assert params["weights"][0] > 0.5  # the first run is much the better


def test_weights_of_three_runs_add_up_to_one() -> None:
    qrels, (good, poor) = _random(4)
    weights = tune(qrels, [poor, good, poor], main_measure="map")["weights"]
    assert sum(weights) == pytest.approx(1)
    assert max(weights) == weights[1]


def test_what_can_not_be_fused_is_refused() -> None:
    qrels, runs = _random(5)
    for work, said in [
        (lambda: fuse([A]), "takes two at least"),
        (lambda: fuse([A, B], "wsum", {"weights": [1.0]}), "1 weights for 2 runs"),
        (lambda: fuse([A, B], "magic"), "can't fuse by 'magic'"),
        (lambda: fuse([A, B], "posfuse"), "can't fuse by 'posfuse'"),
        (lambda: fuse([A, B], "wsum", norm="magic"), "norm 'magic'"),
        (lambda: tune(qrels, runs, "mnz"), "can't be tuned"),
        (lambda: tune(qrels, [A, *runs]), "none of the queries to tune on"),
    ]:
        with pytest.raises(InputError, match=said):
            work()
