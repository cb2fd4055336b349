from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordhive.index import threads as parallel

quick = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def ranges(work: list[int]) -> list[tuple[int, int]]:
    done: list[tuple[int, int]] = []
    lock = threading.Lock()

    def kernel(first: int, last: int) -> None:
        with lock:
            done.append((first, last))

    parallel.run_in_blocks(kernel, np.cumsum([0, *work], dtype=np.int64))
    return sorted(done)


@pytest.fixture
def four_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "threads", lambda: 4)
    monkeypatch.setattr(parallel, "_LEAST_WORK", 1)


@quick
@given(work=st.lists(st.integers(0, 50_000), min_size=1, max_size=30))
def test_every_item_is_done_exactly_once(work: list[int]) -> None:
    items = [item for first, last in ranges(work) for item in range(first, last)]
    assert items == list(range(len(work)))


@pytest.mark.usefixtures("four_threads")
def test_every_item_is_done_exactly_once_by_four_threads() -> None:
    work = [7, 0, 0, 100, 3, 3, 3, 0, 50, 1]
    items = [item for first, last in ranges(work) for item in range(first, last)]
    assert items == list(range(len(work)))


@pytest.mark.usefixtures("four_threads")
def test_even_work_is_shared_evenly() -> None:
    assert [last - first for first, last in ranges([10] * 40)] == [10] * 4


@pytest.mark.usefixtures("four_threads")
def test_items_without_work_are_done_too() -> None:
    assert ranges([0, 0, 0])[-1][1] == 3


def test_little_work_stays_in_one_block() -> None:
    assert ranges([1] * 100) == [(0, 100)]


@pytest.mark.usefixtures("four_threads")
def test_an_error_in_a_block_reaches_the_caller() -> None:
    def kernel(first: int, last: int) -> None:
        raise MemoryError(f"block {first}-{last}")

    with pytest.raises(MemoryError, match="block"):
        parallel.run_in_blocks(kernel, np.arange(41, dtype=np.int64))


@pytest.mark.parametrize(("given_threads", "expected"), [("3", 3), ("1", 1)])
def test_the_environment_sets_the_number_of_threads(
    monkeypatch: pytest.MonkeyPatch, given_threads: str, expected: int
) -> None:
    monkeypatch.setenv("WORDHIVE_THREADS", given_threads)
    assert parallel.threads.__wrapped__() == expected


@pytest.mark.parametrize(
    "given_threads",
    [
        "",
        "0",
        "-2",
        "many",
        "1.5",
        "²",
        "9" * 5000,
    ],
)
def test_a_number_of_threads_that_means_nothing_is_ignored(monkeypatch: pytest.MonkeyPatch, given_threads: str) -> None:
    monkeypatch.delenv("WORDHIVE_THREADS", raising=False)
    usual = parallel.threads.__wrapped__()
    monkeypatch.setenv("WORDHIVE_THREADS", given_threads)
    assert parallel.threads.__wrapped__() == usual
