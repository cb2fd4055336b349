"""Rankings and measures against hand-made numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wordhive.eval.runs import MEASURES, measure, ranking, trec_lines

QRELS = {"a": {"d1": 2, "d4": 1}, "b": {"d2": 1}}
RUN = {"a": {"d4": 3.0, "d9": 2.0, "d1": 1.0}, "b": {"d7": 5.0, "d2": 4.0}}


def test_measures_equal_their_definitions() -> None:
    found = measure(QRELS, RUN)
    ideal = 2 + 1 / math.log2(3)
    ndcg_a = (1 + 2 / math.log2(4)) / ideal
    assert found["ndcg@10"] == pytest.approx((ndcg_a + 1 / math.log2(3)) / 2, abs=1e-6)
    assert found["mrr@10"] == pytest.approx((1 + 0.5) / 2, abs=1e-6)
    assert found["map"] == pytest.approx(((1 + 2 / 3) / 2 + 0.5) / 2, abs=1e-6)
    assert found["recall@100"] == pytest.approx(1.0, abs=1e-6)
    assert tuple(found) == MEASURES


def test_a_query_without_results_counts_zero() -> None:
    assert measure(QRELS, {"a": RUN["a"]}, ["mrr@10"])["mrr@10"] == pytest.approx(0.5, abs=1e-6)
    assert measure(QRELS, {"a": RUN["a"], "b": {}}, ["mrr@10"])["mrr@10"] == pytest.approx(0.5, abs=1e-6)


def test_a_ranking_is_sorted_and_cut_and_breaks_ties_by_id() -> None:
    rows = np.array([0, 1, 2, 3, 4])
    scores = np.array([1.0, 2.0, 2.0, 0.5, 2.0], np.float32)
    ids = {0: "e", 1: "c", 2: "a", 3: "d", 4: "b"}
    assert list(ranking(rows, scores, ids, 2)) == ["a", "b"]
    assert list(ranking(rows, scores, ids, 9)) == ["a", "b", "c", "e", "d"]


def test_a_trec_file_has_six_columns_and_ranks_from_one() -> None:
    lines = [line.split() for line in trec_lines(RUN, "tag")]
    assert lines[0] == ["a", "Q0", "d4", "1", "3", "tag"]
    assert [line[3] for line in lines] == ["1", "2", "3", "1", "2"]


def test_white_space_in_an_id_is_written_as_in_a_url() -> None:
    lines = list(trec_lines({"a b": {"my notes.txt": 1.0, "tab\there": 0.5, "é%": 0.25}}, "tag"))
    assert [line.split()[0] for line in lines] == ["a%20b"] * 3
    assert [line.split()[2] for line in lines] == ["my%20notes.txt", "tab%09here", "é%"]


def test_equal_scores_count_in_the_order_of_the_run() -> None:
    run = {"a": {f"d{number:03d}": 1.0 for number in range(100)}}
    for place in (0, 3, 9):
        assert measure({"a": {f"d{place:03d}": 1}}, run)["mrr@10"] == pytest.approx(1 / (place + 1))
