"""Threads: work split over them for compiled kernels that release the interpreter lock, or kept in one thread.

These are plain threads, not OpenMP's: several callers may search at once, and no idle thread spins while torch's and
FAISS's threads work.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_LEAST_WORK = 20_000
T = TypeVar("T")


def run_in_blocks(kernel: Callable[[int, int], None], work: NDArray[np.int64]) -> None:
    """Call `kernel(first, last)` on ranges that cover all items and share the work evenly.

    Args:
        work: int64 `[n_items + 1]`, the running sum of each item's work from 0.
    """
    n_items = len(work) - 1
    n_blocks = min(threads(), n_items, 1 + int(work[-1]) // _LEAST_WORK)
    if n_blocks <= 1:
        kernel(0, n_items)
        return
    borders = np.searchsorted(work, np.linspace(0, work[-1], n_blocks + 1)[1:-1]).tolist()
    edges = [0, *borders, n_items]
    (first, last), *others = [(first, last) for first, last in itertools.pairwise(edges) if first < last]
    started = [_pool().submit(kernel, *block) for block in others]
    kernel(first, last)  # here, rather than wait: to wake a thread takes as long as a small search
    for done in started:
        done.result()


def submit(job: Callable[[], T]) -> Future[T]:
    """Begin a job that releases the interpreter lock in another thread; not from within one of these threads."""
    return _pool().submit(job)


@contextmanager
def one_thread(threads_of: Callable[[], int], set_threads: Callable[[int], None]) -> Iterator[None]:
    """Let a library compute in the calling thread alone.

    To wake a library's threads takes longer than a small search, a hundred times as long while another library's
    threads spin.

    Args:
        threads_of: The library's function that tells its number of threads.
        set_threads: The library's function that sets it.
    """
    before = threads_of()
    set_threads(1)
    try:
        yield
    finally:
        set_threads(before)


@cache
def threads() -> int:
    """Threads for the kernels: WORDHIVE_THREADS, or as many as this process may use."""
    given = os.environ.get("WORDHIVE_THREADS", "")
    if given.isdecimal() and len(given) < 10 and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads(), thread_name_prefix="wordhive")


# A child of a fork has none of its parent's threads, and would wait for them for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)
