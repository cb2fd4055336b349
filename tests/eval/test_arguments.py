"""Every argument of fusion and comparison, given values of every kind: taken as it should be, or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wordhive.eval.comparison import compare
from wordhive.eval.fusion.fuse import fuse, tune

Taken = Callable[[Callable[[Any], Any]], set[str]]

QRELS = {"q": {"a": 1}, "r": {"b": 1}}
RUN = {"q": {"a": 2.0, "b": 1.0}, "r": {"a": 1.0}}
OTHER = {"q": {"b": 2.0}, "r": {"b": 1.0, "a": 0.5}}
NONE = {"None"}
NUMBERS = {"3", "3 of NumPy", "array of no dims"}
REALS = {"0", "-1", "3", "3 of NumPy", "2**70", "3.0", "1.5", "1.5 of NumPy", "fraction"}

# Each argument of each function, and the kinds of values that it takes.
CALLS: dict[str, tuple[Callable[[Any], Any], set[str]]] = {
    "fuse runs": (fuse, set()),
    "fuse a run": (lambda value: fuse([RUN, value]), {"empty dict"}),
    "fuse a query": (lambda value: fuse([RUN, {"q": value}]), {"empty dict", "dict"}),
    "fuse method": (lambda value: fuse([RUN, OTHER], value), set()),
    "fuse params": (lambda value: fuse([RUN, OTHER], "rrf", value), {"None", "empty dict"}),
    "fuse k": (lambda value: fuse([RUN, OTHER], "rrf", {"k": value}), REALS - {"-1"}),
    "fuse weights": (lambda value: fuse([RUN, OTHER], "wsum", {"weights": value}), set()),
    "fuse norm": (lambda value: fuse([RUN, OTHER], "wsum", norm=value), NONE),
    "fuse depth": (lambda value: fuse([RUN, OTHER], depth=value), NUMBERS),
    "tune qrels": (lambda value: tune(value, [RUN, OTHER], "rrf"), set()),
    "tune runs": (lambda value: tune(QRELS, value, "rrf"), set()),
    "tune method": (lambda value: tune(QRELS, [RUN, OTHER], value), set()),
    "compare qrels": (lambda value: compare(value, {"a": RUN, "b": OTHER}), set()),
    "compare runs": (lambda value: compare(QRELS, value), set()),
    "compare a run": (lambda value: compare(QRELS, {"a": RUN, "b": value}), {"empty dict"}),
    "compare measure": (lambda value: compare(QRELS, {"a": RUN, "b": OTHER}, value), set()),
    "compare test": (lambda value: compare(QRELS, {"a": RUN, "b": OTHER}, "map", value), set()),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_argument_takes_its_kinds_of_values_and_refuses_others(taken: Taken, name: str) -> None:
    call, kinds = CALLS[name]
    assert taken(call) == kinds


@pytest.mark.parametrize("weights", [[1.0, float("nan")], [1.0, float("inf")], [1.0, None], ["1", "2"], [True, 1]])
def test_weights_that_are_no_numbers_are_refused(weights: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"a weight is .*; expected a number"):
        fuse([RUN, OTHER], "wsum", {"weights": weights})
