"""Bpref against trec_eval's own code, where ranx divides by nothing."""

from __future__ import annotations

import random

import numpy as np
import pytest
import pytrec_eval

from wordhive.eval.bpref import bpref
from wordhive.eval.comparison import compare
from wordhive.eval.runs import Qrels, Run, measure, query_values
from wordhive.index import InputError


def _random(seed: int, grades: tuple[int, ...]) -> tuple[Qrels, Run]:
    """Few judgements of a query: some without a relevant document, some without one that is not."""
    draw, qrels, run = random.Random(seed), Qrels(), Run()
    documents = [f"d{number}" for number in range(12)]
    for number in range(100):
        qrels[f"q{number}"] = {id: draw.choice(grades) for id in draw.sample(documents, draw.randint(1, 8))}
        found = draw.sample(documents, draw.randint(1, 10))
        run[f"q{number}"] = {id: float(-rank) for rank, id in enumerate(found)}
    del run["q5"]
    return qrels, run


@pytest.mark.parametrize("grades", [(0, 1), (1, 2), (-1, 0, 1, 2), (0, 0, 0, 1)])
@pytest.mark.parametrize("level", [1, 2])
def test_bpref_is_that_of_trec_eval(grades: tuple[int, ...], level: int) -> None:
    qrels, run = _random(level, grades)
    name = "bpref" if level == 1 else f"bpref-l{level}"
    found = pytrec_eval.RelevanceEvaluator(qrels, {"bpref"}, relevance_level=level).evaluate(run)
    expected = [found[id]["bpref"] if id in found else 0.0 for id in qrels]
    assert query_values(qrels, run, [name])[name] == pytest.approx(expected, abs=1e-6)
    assert measure(qrels, run, [name])[name] == pytest.approx(np.mean(expected), abs=1e-6)


def test_bpref_without_a_document_that_is_not_relevant() -> None:
    assert bpref({"a": 1, "b": 1}, ["x", "a"]) == 0.5
    assert bpref({"a": 0}, ["a"]) == 0
    assert bpref({"a": 1}, []) == 0


def test_runs_are_compared_by_bpref() -> None:
    qrels: Qrels = {"q1": {"a": 1}, "q2": {"a": 1, "b": 1}, "q3": {"a": 1, "b": 0}}
    good: Run = {"q1": {"a": 1.0}, "q2": {"a": 2.0, "b": 1.0}, "q3": {"a": 2.0, "b": 1.0}}
    poor: Run = {"q1": {"b": 1.0}, "q2": {"a": 2.0}, "q3": {"a": 2.0, "b": 1.0}}
    found = compare(qrels, {"good": good, "poor": poor}, "bpref")
    (other,) = found.others
    assert found.means == {"good": 1.0, "poor": 0.5}
    assert (other.wins, other.ties, other.losses) == (2, 1, 0)
    assert 0.01 < other.p <= 1


def test_bpref_has_no_cutoff() -> None:
    with pytest.raises(InputError, match="bpref has no cutoff"):
        query_values({"q": {"a": 1}}, {"q": {"a": 1.0}}, ["bpref@10"])
