"""Quality on real collections, with the shipped model (make test-slow)."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytrec_eval

from wordhive.eval.bm25 import bm25_run
from wordhive.eval.collections.loading import load_collection
from wordhive.eval.experiment import CollectionSpec
from wordhive.eval.runner import Runner
from wordhive.eval.runs import measure, trec_lines
from wordhive.eval.standard_experiment import standard_experiment

pytestmark = pytest.mark.slow


# What BM25 without stemming reaches on the same files, and 1,000 candidates of few documents lose nothing.
@pytest.mark.parametrize(("name", "least"), [("cranfield", 0.345), ("scifact", 0.675)])
def test_exact_and_two_stage_search_reach_their_quality(
    collections: Path, tmp_path: Path, name: str, least: float
) -> None:
    experiment = standard_experiment(CollectionSpec(source=str(collections / name)), candidates=1000)
    found = Runner(experiment, tmp_path).run().collections[0]
    quality = {system.name: system.measures["ndcg@10"] for system in found.systems}
    print(name, {system: round(value, 4) for system, value in quality.items()}, found.systems[0].bytes_per_document)  # noqa: T201
    assert quality["exact"] >= least
    assert quality["two stages, 1000 candidates"] == pytest.approx(quality["exact"], abs=0.003)
    assert quality["exact"] > quality["exact, words alone"]


@pytest.mark.parametrize(("name", "ndcg"), [("scifact", 0.662), ("cranfield", 0.352), ("vaswani", 0.353)])
def test_bm25_reaches_what_it_reached_and_trec_eval_agrees(
    collections: Path, tmp_path: Path, name: str, ndcg: float
) -> None:
    collection = load_collection(str(collections / name))
    run = bm25_run(collection)
    found = measure(collection.qrels, run)
    assert found["ndcg@10"] == pytest.approx(ndcg, abs=0.002)
    path = tmp_path / "bm25.trec"
    path.write_text("".join(trec_lines(run, "bm25")), encoding="utf-8")
    names = {"ndcg@10": "ndcg_cut_10", "recall@100": "recall_100", "map": "map"}
    with path.open(encoding="utf-8") as file:
        values = pytrec_eval.RelevanceEvaluator(collection.qrels, set(names.values())).evaluate(
            pytrec_eval.parse_run(file)
        )
    for ours, theirs in names.items():
        total = sum(value[theirs] for value in values.values())
        assert found[ours] == pytest.approx(total / len(collection.qrels), abs=1e-6)
