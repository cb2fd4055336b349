"""Searching in a child of a fork: it has none of the threads that its parent's searches left behind."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

BLOCKS = """
import threading

import numpy as np

from wordhive.index import threads

work = np.arange(0, 11 * threads._LEAST_WORK, threads._LEAST_WORK, dtype=np.int64)


def answer():
    done, met = [], threading.Barrier(4)  # so that each block needs a thread

    def kernel(first, last):
        met.wait()
        done.extend(range(first, last))

    threads.run_in_blocks(kernel, work)
    return sorted(done)
"""

FAISS = """
import numpy as np

from wordhive.index.codecs.factory import train_codec
from wordhive.index.faiss.faiss_library import faiss

faiss().omp_set_num_threads(4)
vectors = np.random.default_rng(0).standard_normal((20_000, 16)).astype(np.float32)
codec = train_codec("SQ8", vectors)


def answer():
    return codec.decode(codec.encode(vectors)).tolist()
"""

FORK = """
import os
import signal

before = answer()
child = os.fork()
if not child:
    signal.alarm(20)
    os._exit(answer() != before)
assert os.waitpid(child, 0)[1] == 0
assert answer() == before
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("work", [BLOCKS, FAISS], ids=["our threads", "FAISS's threads"])
def test_a_forked_child_works_on(work: str) -> None:
    environment = {**os.environ, "WORDHIVE_THREADS": "4"}
    done = subprocess.run([sys.executable, "-c", work + FORK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
