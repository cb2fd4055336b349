from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Run


def test_shards_an_index_and_a_search_by_openvino(run: Run, bees: Path, tmp_path: Path) -> None:
    shards, hive = tmp_path / "bees.shards", tmp_path / "bees.hive"
    assert run("encode", bees, "--to", shards, "--backend", "openvino").code == 0
    assert run("index", shards, "--to", hive).code == 0
    hits = [
        run("search", hive, "who spins webs?", "-k", "2", "--json", "--backend", backend).json()["hits"]
        for backend in ("torch", "openvino")
    ]
    assert hits[0][0]["id"] == hits[1][0]["id"] == "silk"
    assert hits[0][0]["score"] == pytest.approx(hits[1][0]["score"], abs=0.01)


@pytest.mark.parametrize("command", ["encode", "index", "search"])
def test_an_unknown_backend_is_refused(run: Run, bees: Path, hive: Path, tmp_path: Path, command: str) -> None:
    given = ["search", hive, "bees"] if command == "search" else [command, bees, "--to", tmp_path / "x"]
    outcome = run(*given, "--backend", "tpu")
    assert outcome.code == 2
    assert "error: --backend is 'tpu'; choose auto, compiled, torch or openvino" in outcome.err
    assert not (tmp_path / "x").exists()
