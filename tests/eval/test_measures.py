"""Every measure that is printed, against trec_eval's own code (pytrec_eval) and ir_measures."""

from __future__ import annotations

import random
from pathlib import Path

import ir_measures
import pytest
import pytrec_eval

from wordhive.eval.collections.conventions import measures_of
from wordhive.eval.runs import MEASURES, Qrels, Run, query_values, read_run, trec_lines

# ranx's names → trec_eval's, with the least grade that is relevant.
TREC_EVAL = {
    "ndcg@10": ("ndcg_cut_10", 1),
    "recall@100": ("recall_100", 1),
    "recall@1000": ("recall_1000", 1),
    "map": ("map", 1),
    "mrr": ("recip_rank", 1),
    "precision@10": ("P_10", 1),
    "recall@100-l2": ("recall_100", 2),
    "recall@1000-l2": ("recall_1000", 2),
    "map-l2": ("map", 2),
    "mrr-l2": ("recip_rank", 2),
}
# What trec_eval has not, by ir_measures.
IR_MEASURES = {"ndcg@10": "nDCG@10", "mrr@10": "RR@10", "mrr@10-l2": "RR(rel=2)@10", "map-l2": "AP(rel=2)"}


def _random(seed: int) -> tuple[Qrels, Run]:
    """Judgements with all grades, unjudged documents, ties, short rankings, and a query without an answer."""
    draw = random.Random(seed)
    documents = [f"d{number}" for number in range(300)]
    qrels: Qrels = {}
    run: Run = {}
    for number in range(12):
        judged = draw.sample(documents, draw.randint(1, 60))
        qrels[f"q{number}"] = {id: draw.choice([-2, -1, 0, 0, 1, 1, 2, 3]) for id in judged}
        qrels[f"q{number}"][judged[0]] = draw.choice([1, 2])
        found = draw.sample(documents, draw.choice([1, 3, 7, 50, 250]))
        coarse = draw.choice([2, 5, 1000])
        run[f"q{number}"] = {id: draw.randint(0, coarse) / coarse for id in found}
    del run["q3"]
    run["q4"] = {"d1": 16777216.0, "d2": 16777217.0, "d3": 16777215.0}  # as float32, d1 and d2 are equal
    run["q5"] = {"unjudged": 1.0}
    run["not judged"] = {"d1": 1.0}
    return qrels, run


def _written(run: Run, path: Path) -> Path:
    lines = (f"{query} Q0 {id} 0 {score!r} t\n" for query, found in run.items() for id, score in found.items())
    path.write_text("".join(lines).replace(" judged", "judged"), encoding="utf-8")
    return path


def _trec_eval(qrels: Qrels, run: Run, measure: str, level: int) -> dict[str, float]:
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {measure}, relevance_level=level)
    found = evaluator.evaluate(run)
    return {query: found[query][measure] if query in found else 0.0 for query in qrels}


@pytest.mark.parametrize("seed", range(5))
def test_measures_of_a_foreign_run_are_those_of_trec_eval(tmp_path: Path, seed: int) -> None:
    qrels, run = _random(seed)
    ours = query_values(qrels, read_run(_written(run, tmp_path / "a.trec")), TREC_EVAL)
    for name, (measure, level) in TREC_EVAL.items():
        expected = _trec_eval(qrels, run, measure, level)
        assert dict(zip(qrels, ours[name], strict=True)) == pytest.approx(expected, abs=1e-6), name


@pytest.mark.parametrize("seed", range(5))
def test_measures_of_a_run_that_is_written_are_those_of_ir_measures(tmp_path: Path, seed: int) -> None:
    qrels, run = _random(seed)
    ours = query_values(qrels, run := read_run(_written(run, tmp_path / "a.trec")), IR_MEASURES)
    # Its RR@k breaks ties in another way than its other measures: it gets what we write, where there are none.
    (tmp_path / "b.trec").write_text("".join(trec_lines(run, "t")), encoding="utf-8")
    run = list(ir_measures.read_trec_run(str(tmp_path / "b.trec")))
    for name, measure in IR_MEASURES.items():
        rows = ir_measures.iter_calc([ir_measures.parse_measure(measure)], qrels, run)
        expected = dict.fromkeys(qrels, 0.0) | {row.query_id: row.value for row in rows if row.query_id in qrels}
        assert dict(zip(qrels, ours[name], strict=True)) == pytest.approx(expected, abs=1e-6), name


@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_is_written_measures_the_same_for_everyone(tmp_path: Path, seed: int) -> None:
    qrels, run = _random(seed)
    # In the order of our own rankings, which trec_eval would not choose: of equal scores the smaller id first.
    run = {query: dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))) for query, found in run.items()}
    path = tmp_path / "ours.trec"
    path.write_text("".join(trec_lines(run, "t")), encoding="utf-8")
    with path.open(encoding="utf-8") as file:
        theirs = pytrec_eval.parse_run(file)
    ours = query_values(qrels, run, TREC_EVAL)
    for name, (measure, level) in TREC_EVAL.items():
        expected = _trec_eval(qrels, theirs, measure, level)
        assert dict(zip(qrels, ours[name], strict=True)) == pytest.approx(expected, abs=1e-6), name
    assert {id: list(found) for id, found in read_run(path).items()} == {id: list(found) for id, found in run.items()}


def test_every_measure_that_a_convention_names_is_compared_above() -> None:
    named = {*MEASURES, *measures_of(["nDCG@10", "RR(rel=2)", "AP(rel=2)"]), *measures_of(["RR@10"])}
    assert named <= {*TREC_EVAL, *IR_MEASURES}


def test_gain_is_linear_and_may_be_exponential() -> None:
    qrels, run = {"q": {"a": 3, "b": 1}}, {"q": {"b": 2.0, "a": 1.0}}
    ndcg = ir_measures.parse_measure("nDCG(gains={0:0,1:1,2:3,3:7})@10")
    exponential = ir_measures.calc_aggregate([ndcg], qrels, run)[ndcg]
    found = query_values(qrels, run, ["ndcg@10", "ndcg_burges@10"])
    assert found["ndcg_burges@10"][0] == pytest.approx(exponential, abs=1e-6)
    assert found["ndcg@10"][0] != pytest.approx(exponential, abs=1e-3)
