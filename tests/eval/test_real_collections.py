"""Quality on real collections, with the shipped model (make test-slow)."""

from __future__ import annotations

from pathlib import Path

import pytest

from wordhive.eval.bm25 import bm25_run
from wordhive.eval.collections import load_collection
from wordhive.eval.evaluate import evaluate
from wordhive.eval.runs import measure

pytestmark = pytest.mark.slow


# What BM25 without stemming reaches on the same files, and 1,000 candidates of few documents lose nothing.
@pytest.mark.parametrize(("name", "least"), [("cranfield", 0.345), ("scifact", 0.675)])
def test_exact_and_two_stage_search_reach_their_quality(
    collections: Path, tmp_path: Path, name: str, least: float
) -> None:
    found = evaluate(load_collection(str(collections / name)), tmp_path / "index.hive", candidates=1000)
    quality = {system.name: system.measures["ndcg@10"] for system in found.systems}
    print(name, {system: round(value, 4) for system, value in quality.items()}, found.bytes_per_document)  # noqa: T201
    assert quality["exact"] >= least
    assert quality["two stages, 1000 candidates"] == pytest.approx(quality["exact"], abs=0.003)
    assert quality["exact"] > quality["exact, words alone"]


@pytest.mark.parametrize(("name", "ndcg"), [("scifact", 0.662), ("cranfield", 0.352), ("vaswani", 0.353)])
def test_bm25_reaches_what_it_reached(collections: Path, name: str, ndcg: float) -> None:
    collection = load_collection(str(collections / name))
    assert measure(collection.qrels, bm25_run(collection), ["ndcg@10"])["ndcg@10"] == pytest.approx(ndcg, abs=0.002)
