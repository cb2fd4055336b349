"""Times of queries: of their stages, and of what a user calls."""

from __future__ import annotations

import time

import pytest

from wordhive.eval.measuring.latency import Stages, latency


def sleep(milliseconds: float) -> None:
    time.sleep(milliseconds / 1000)


def staged(query: float, stages: Stages) -> None:
    stages.run("first", lambda: sleep(query))
    stages.run("second", lambda: sleep(2))


def test_stages_are_timed_each_by_itself_and_add_up() -> None:
    found = latency([10.0] * 5, staged)
    assert 10 <= found["first"]["p50"] < 15
    assert 2 <= found["second"]["p50"] < 7
    assert found["total"]["p50"] == pytest.approx(found["first"]["p50"] + found["second"]["p50"], rel=0.2)


def test_the_total_is_that_of_what_a_user_calls() -> None:
    found = latency([1.0] * 5, staged, lambda query: sleep(20 * query))
    assert found["total"]["p50"] >= 20
    assert found["first"]["p50"] < 20
