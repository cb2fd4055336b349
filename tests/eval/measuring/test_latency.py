"""Times of queries: of their stages, and of what a user calls."""

from __future__ import annotations

import time

import pytest

from wordhive.eval.measuring.latency import latency
from wordhive.retrieval.search.stage_times import StageTimes


def sleep(milliseconds: float) -> None:
    time.sleep(milliseconds / 1000)


def staged(query: float, times: StageTimes) -> None:
    times.run("first", sleep, query)
    times.run("second", sleep, 2)


def test_stages_are_timed_each_by_itself_and_add_up() -> None:
    found = latency([10.0] * 5, staged)
    assert 10 <= found["first"]["p50"] < 15
    assert 2 <= found["second"]["p50"] < 7
    assert found["total"]["p50"] == pytest.approx(found["first"]["p50"] + found["second"]["p50"], rel=0.2)


def test_the_total_is_that_of_what_a_user_calls() -> None:
    def search(query: float, times: StageTimes) -> None:
        staged(query, times)
        sleep(20)

    found = latency([1.0] * 5, search)
    assert found["total"]["p50"] >= 20
    assert found["first"]["p50"] < 20


def test_the_first_searches_are_a_warm_up() -> None:
    searched: list[int] = []
    found = latency(range(7), lambda query, times: times.run("only", searched.append, query))
    assert searched == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6]
    assert list(found) == ["only", "total"]
    assert latency([], lambda query, times: None) == {}
