"""`wordhive bench maxsim`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wordhive.eval.bench import maxsim
from wordhive.eval.bench.maxsim import FloatTimes


def test_maxsim_is_measured_and_the_results_kept(run: Callable[..., Any], tmp_path: Path) -> None:
    size = ["--documents", "60", "--words", "7", "--dims", "16", "--query-words", "3", "--query-words", "20"]
    done = run("bench", "maxsim", *size, "--threads", "1", "--report", tmp_path)
    assert done.code == 0
    assert "60 documents of 7 words, 16 dims in float32" in done.out
    assert "Senary256" in done.out
    found = json.loads((tmp_path / "maxsim.json").read_text())
    assert found["shape"] == {"documents": 60, "words": 7, "dims": 16}
    assert [(one["threads"], one["query_words"]) for one in found["floats"]] == [(1, 3), (1, 20)]
    assert found["floats"][0].keys() == {
        "threads", "query_words", "ours", "numpy", "maxsim_cpu", "sgemm", "operations", "peak",
    }  # fmt: skip
    assert [(one["codec"], one["query_words"]) for one in found["codecs"][::2]] == [
        ("Senary256", 3), ("PQ{dims/4}x6", 3), ("SQ8", 3),
    ]  # fmt: skip


def test_json_is_what_is_kept(run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maxsim, "in_own_process", lambda *_, **__: ([FloatTimes(1, 3, 2, 4, None, 1, 8, 9)], []))
    done = run("bench", "maxsim", "--threads", "1", "--report", tmp_path, "--json")
    assert done.json() == json.loads((tmp_path / "maxsim.json").read_text())
    assert done.json()["floats"][0] | {"maxsim_cpu": None, "peak": 9} == done.json()["floats"][0]


def test_more_threads_than_there_are_is_an_error(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("bench", "maxsim", "--threads", "10000", "--report", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "error: --threads 10000: this process may use" in done.err
