"""Pairs of systems, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from wordhive.eval.contrasts import best_other, contrasts, holm, most_changed, p_value

VALUES = {
    "a": np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.1]),
    "b": np.array([0.2, 0.2, 0.9, 0.1, 0.9, 0.3]),
    "c": np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.1]),
}


def test_every_pair_is_tested_and_corrected_for_all() -> None:
    found = contrasts(VALUES, "student")
    assert [(c.first, c.second) for c in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    first = found[0]
    assert first.difference == pytest.approx((1.6 - 2.6) / 6)
    assert (first.wins, first.ties, first.losses) == (1, 1, 4)
    alone = [p_value(VALUES[c.first] - VALUES[c.second], "student") for c in found]
    assert [c.p for c in found] == pytest.approx(holm(alone))
    assert found[1].p == 1
    assert found[0].p == pytest.approx(min(1, 3 * alone[0]))


def test_the_seed_draws_the_permutations() -> None:
    source = np.random.default_rng(0)
    values = {"a": source.random(50), "b": source.random(50) + 0.1}
    first, again, other = (contrasts(values, "fisher", seed)[0].p for seed in (0, 0, 1))
    assert first == again != other
    assert other == pytest.approx(first, abs=0.02)


def test_the_best_other_and_the_queries_that_changed() -> None:
    assert best_other(VALUES, "a") == "b"
    assert best_other(VALUES, "b") == "a"
    assert best_other({"a": VALUES["a"]}, "a") is None
    assert contrasts({"a": VALUES["a"]}, "fisher") == []
    assert most_changed(VALUES["a"], VALUES["b"], 2) == [2, 4, 3]
    assert most_changed(VALUES["a"], VALUES["c"], 2) == []
