"""The examples run, offline, and print what they say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
# A part of what each prints.
PRINTED = {
    "changes": "2 documents\nAnts lay a trail of scent",
    "evaluation": "mrr@10 1.000",
    "explanation": "bees → bees",
    "filters": "{'year': {'$gte': 1980}} ['trail', 'swarm']",
    "first_search": "Honey bees dance to tell where flowers are.",
    "own_model": "median",
    "own_vectors": "b ",
    "parquet": "2 documents in the new index",
}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_runs(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(path), run_name="__main__")
    assert PRINTED[path.stem] in capsys.readouterr().out
