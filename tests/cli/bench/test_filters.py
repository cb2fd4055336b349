"""`wordhive bench filters`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_filters_are_measured_and_the_results_kept(run: Callable[..., Any], beir: Path, tmp_path: Path) -> None:
    done = run("bench", "filters", beir, "--report", tmp_path / "report", "-k", "3")
    assert done.code == 0
    assert "100.00%" in done.out
    assert "overlap with exact 3" in done.out
    again = run("bench", "filters", beir, "--report", tmp_path / "report", "-k", "3", "--queries", "1", "--json")
    found = json.loads(again.out)
    assert (found["n_documents"], found["n_queries"]) == (6, 1)
    assert [one["selectivity"] for one in found["filters"]] == [1, 0.1, 0.01, 0.001, 0.0001]
    assert found["filters"][0] | {"latency_ratio": 0} == {
        "selectivity": 1, "n_matching": 6, "hits": 3, "complete": 1, "overlap": 1, "latency_ratio": 0,
    }  # fmt: skip
    assert json.loads((tmp_path / "report" / "filters.json").read_text()).keys() == found.keys()
