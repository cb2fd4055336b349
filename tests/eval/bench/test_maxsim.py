"""The bench of MaxSim: its rows, its oracle, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wordhive.eval.bench import maxsim
from wordhive.eval.bench.maxsim import Shape, bench, in_turns, measure, numpy_scores, our_scores
from wordhive.index import InputError, WordhiveError
from wordhive.index.codecs import Floats

SHAPE = Shape(documents=60, words=7, dims=16)


@pytest.fixture(autouse=True)
def _two_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maxsim, "_ROUNDS", 2)
    monkeypatch.setattr(maxsim, "_REST", 0)
    monkeypatch.setattr(maxsim, "sgemm_peak", lambda: 1e9)


def test_every_variant_is_timed_for_every_query() -> None:
    floats, codecs = measure(SHAPE, [3, 40], 1)
    assert [(one.threads, one.query_words, one.operations) for one in floats] == [
        (1, 3, 2 * 60 * 7 * 16 * 3), (1, 40, 2 * 60 * 7 * 16 * 40),
    ]  # fmt: skip
    assert all(min(one.ours, one.numpy, one.sgemm) > 0 for one in floats)
    assert [(one.codec, one.query_words) for one in codecs] == [
        (codec, n) for codec in ("Senary256", "PQ{dims/4}x6", "SQ8") for n in (3, 40)
    ]
    assert [one.bytes for one in codecs[-2:]] == [16, 16]
    assert all(min(one.ours, one.decoded) > 0 for one in codecs)


def test_numpys_scores_are_those_of_the_definition() -> None:
    held, query = SHAPE.held(), SHAPE.query(5)
    expected = [sum(max(float(a @ b) for b in held[i : i + 1].vectors) for a in query.vectors) for i in range(60)]
    found = numpy_scores(query, held.offsets, lambda places: held.vectors[places])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(our_scores(query, Floats(), held.vectors, held.offsets), expected, atol=1e-5)


@pytest.mark.parametrize(("layout", "name"), [("Floats", "Flat"), ("ByteSteps", "SQ8"), ("CodeParts", "Senary256")])
def test_wrong_scores_are_no_result(layout: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = our_scores

    def tampered(query: Any, of: Any, codes: Any, offsets: Any) -> Any:
        found = scores(query, of, codes, offsets)
        found[-1] += 0.001 if type(of).__name__ == layout else 0
        return found

    monkeypatch.setattr(maxsim, "our_scores", tampered)
    with pytest.raises(WordhiveError, match=f"scores of {name} are off by 0.001"):
        measure(SHAPE, [3], 1)


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], list[int]]:
    """maxsim-cpu with scores that are off by so much; gives the words of each query that it is asked."""

    class Package:
        def __init__(self, off: float, asked: list[int]) -> None:
            self._off, self._asked = off, asked

        def maxsim_scores(self, query: Any, documents: Any) -> Any:
            self._asked.append(len(query))
            return np.einsum("qd,nwd->nqw", query, documents).max(axis=2).sum(axis=1) + self._off

    def install(off: float) -> list[int]:
        asked: list[int] = []
        monkeypatch.setattr(maxsim, "_their_version", lambda: "0.1.0")
        monkeypatch.setitem(sys.modules, "maxsim_cpu", Package(off, asked))
        return asked

    return install


def test_maxsim_cpu_is_asked_as_many_words_as_it_can_take(theirs: Callable[[float], list[int]]) -> None:
    asked = theirs(0)
    (found,), _ = measure(SHAPE, [70], 1)
    assert found.maxsim_cpu is not None
    assert asked == [32, 32, 6] * 5  # to compare, and two calls in each of two rounds


@pytest.mark.parametrize(("off", "dims"), [(0.1, 16), (0, 256)])
def test_maxsim_cpu_counts_only_where_it_is_right(theirs: Callable[[float], list[int]], off: float, dims: int) -> None:
    theirs(off)
    (found,), _ = measure(Shape(60, 7, dims), [3], 1)
    assert found.maxsim_cpu is None


def test_variants_take_turns() -> None:
    called: list[str] = []
    taken = in_turns({name: lambda name=name: called.append(name) for name in "ab"})  # type: ignore[misc]
    assert called == ["a", "a", "b", "b"] * 2  # the first call of a turn wakes threads
    assert sorted(taken) == ["a", "b"]


@pytest.mark.parametrize(
    ("shape", "threads", "message"),
    [
        (SHAPE, [10_000], "--threads 10000: this process may use"),
        (Shape(2, 2, 3), [1], "dims"),
        (Shape(2, 2, 16), [1], "4 words of 16 dims"),
    ],
)
def test_what_can_not_be_measured_is_told(shape: Shape, threads: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        bench(shape, [3], threads)
