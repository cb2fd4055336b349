"""`wordhive tune` on an index large enough to have a first stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, WordVectors
from wordhive.index.config import FittedConfig, IndexConfig, ReductionConfig

from .conftest import Run


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tune") / "x.hive"
    random = np.random.default_rng(0)
    vectors = random.standard_normal((1100 * 5, 8)).astype(np.float32)
    config = IndexConfig(
        encoding=FittedConfig(centroids=8, sample_words=64), reduction=ReductionConfig(dims=4, queries=64)
    )
    index = Index.create(path, config)
    words = WordVectors(vectors, np.arange(0, 5501, 5), random.integers(1, 999, 5500).astype(np.uint32))
    index.add([f"d{n}" for n in range(1100)], words)
    index.close()
    return path


def test_a_tuned_index_says_so(run: Run, path: Path) -> None:
    assert "as it was tuned" not in run("info", path).out
    done = run("tune", path, "--target", "0.9")
    assert done.code == 0
    assert "300 queries of documents' words" in done.out
    assert "← from now on" in done.out
    found = run("tune", path, "--target", "0.9", "--json").json()
    assert f"{path}: {found['candidates']:,} candidates a search from now on" in done.out.replace("\n", "")
    assert f"candidates {found['candidates']:,} a search, as it was tuned" in run("info", path).out


def test_bad_targets_are_one_line(run: Run, path: Path, tmp_path: Path) -> None:
    for arguments in (["--target", "2"], ["--queries", str(tmp_path / "none.tsv")]):
        refused = run("tune", path, *arguments)
        assert refused.code == 2
        assert "Traceback" not in refused.err
    assert run("tune", tmp_path / "none.hive").code == 2


def test_lists_are_tuned_too(run: Run, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((1100, 8)).astype(np.float32)
    config = IndexConfig(encoding=FittedConfig(centroids=8, sample_words=64), candidates="IVF16,SQ8", nprobe=1)
    index = Index.create(tmp_path / "x.hive", config)
    words = WordVectors(vectors, np.arange(1101), random.integers(1, 999, 1100).astype(np.uint32))
    index.add([f"d{n}" for n in range(1100)], words)
    index.close()
    assert run("info", tmp_path / "x.hive", "--json").json()["probes"] is None
    done = run("tune", tmp_path / "x.hive", "--target", "0.9")
    assert done.code == 0
    found = run("tune", tmp_path / "x.hive", "--target", "0.9", "--json").json()
    assert 1 < found["probes"] <= 16
    assert done.out.count("← from now on") == 2
    assert f"a search from now on, found by {found['probes']} probes" in done.out.replace("\n", " ")
    assert (
        f"probes     {found['probes']}, lists or places in a graph, as it was tuned"
        in run("info", tmp_path / "x.hive").out
    )
    kept = run("info", tmp_path / "x.hive", "--json").json()
    assert (kept["candidates"], kept["probes"]) == (found["candidates"], found["probes"])
