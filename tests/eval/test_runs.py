"""Rankings and measures against hand-made numbers."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from wordhive.eval.runs import MEASURES, measure, ranking, trec_lines
from wordhive.index import InputError

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


def test_measuring_leaves_the_process_its_threads() -> None:
    before, most = numba.get_num_threads(), numba.config.NUMBA_NUM_THREADS
    numba.set_num_threads(most)
    try:
        measure(QRELS, RUN, ["mrr@10"])
        assert numba.get_num_threads() == most
    finally:
        numba.set_num_threads(before)


@pytest.mark.parametrize("measures", [["ndcg@10"], ["bpref"]])
def test_measures_without_queries_are_refused(measures: list[str]) -> None:
    with pytest.raises(InputError, match="no judged query"):
        measure({}, RUN, measures)


@pytest.mark.parametrize("name", ["magic", "", "ndcg@x", "precision@-3", "rbp", "iprec"])
def test_an_unknown_measure_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="ranx does not know"):
        measure(QRELS, RUN, [name])


def test_a_measure_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import ranx

    def evaluate(qrels: object, run: ranx.Run, names: list[str], **_: object) -> None:
        run.scores["map"] = {"a": 0.5, "b": float("nan")}

    monkeypatch.setattr(ranx, "evaluate", evaluate)
    with pytest.raises(InputError, match="map of query 'b' is no number"):
        measure(QRELS, RUN, ["map"])


def test_ids_of_any_length_measure_with_what_is_compiled() -> None:
    import ranx.data_structures.run as kernels

    measure(QRELS, RUN, ["mrr@10"])
    compiled = len(kernels.create_and_sort.signatures)
    for length in (3, 17, 40):
        long = {id: {document * length: score for document, score in found.items()} for id, found in RUN.items()}
        judged = {id: {document * length: grade for document, grade in grades.items()} for id, grades in QRELS.items()}
        assert measure(judged, long, ["mrr@10"]) == measure(QRELS, RUN, ["mrr@10"])
    assert len(kernels.create_and_sort.signatures) == compiled
