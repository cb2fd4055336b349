from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, MuveraConfig, WordVectors
from wordhive.index.config import FittedConfig, ReductionConfig
from wordhive.index.maintenance.drift import HIGH

FITTED = IndexConfig(
    encoding=FittedConfig(centroids=128, sample_words=1024), reduction=ReductionConfig(dims=64, queries=512)
)


def topics(seed: int, n: int = 150, dim: int = 24) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((n, dim))


OLD, NEW = topics(1), topics(2)


def documents(seed: int, n: int, of: NDArray[np.float64], summaries: bool = False) -> WordVectors:
    """Documents of twelve words, each near one of the topics."""
    random = np.random.default_rng(seed)
    words = of[random.integers(0, len(of), 12 * n)] + 0.3 * random.standard_normal((12 * n, of.shape[1]))
    vectors = (words / np.linalg.norm(words, axis=1, keepdims=True)).astype(np.float32)
    summary = vectors.reshape(n, 12, -1).mean(axis=1) if summaries else None
    return WordVectors(vectors, 12 * np.arange(n + 1), np.ones(12 * n, np.uint32), summary)


def filled(path: Path, later: WordVectors, config: IndexConfig = FITTED, weight: float = 0.0) -> Index:
    index = Index.create(path, config, summary_weight=weight)
    first = documents(3, 1100, OLD, summaries=later.summary is not None)
    index.add([f"old {row}" for row in range(len(first))], first)
    for part in np.array_split(np.arange(len(later)), 2):
        index.add([f"new {row}" for row in part], later.take(part))
    return index


@pytest.mark.parametrize("seed", [5, 6, 7])
@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_documents_of_the_same_kind_do_not_drift(tmp_path: Path, seed: int, weight: float) -> None:
    drift = filled(tmp_path / "x", documents(seed, 500, OLD, summaries=weight > 0), weight=weight).drift()
    assert drift is not None
    assert 0.8 < drift < 0.75 * HIGH


@pytest.mark.parametrize("seed", [5, 6, 7])
@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_documents_of_another_kind_drift(tmp_path: Path, seed: int, weight: float) -> None:
    index = filled(tmp_path / "x", documents(seed, 500, NEW, summaries=weight > 0), weight=weight)
    drift = index.drift()
    assert drift is not None
    assert drift > HIGH
    assert Index.open(index.path).drift() == pytest.approx(drift)


def test_after_a_refit_the_first_stage_finds_more_of_what_drifted(tmp_path: Path) -> None:
    later = documents(5, 600, NEW)
    index = filled(tmp_path / "x", later)
    before = found(index, later)
    index.refit()
    assert index.drift() is None  # nothing came since
    assert found(index, later) > before + 0.02
    index.add([f"more {row}" for row in range(500)], documents(9, 500, NEW))
    drift = index.drift()
    assert drift is not None
    assert drift < HIGH


def found(index: Index, later: WordVectors, n: int = 20) -> float:
    """The share of the exact top ten among n candidates, for words of the later documents."""
    queries = WordVectors(later.vectors[: 60 * 6], 6 * np.arange(61), later.word_ids[: 60 * 6], None)
    blocks = list(index.snapshot().score_all(queries))
    hits = 0
    for query, rows in enumerate(index.snapshot().find_candidates(queries, n)):
        scores = np.concatenate([block[query].total for block in blocks])
        held = np.concatenate([block[query].rows for block in blocks])
        hits += len(np.intersect1d(rows, held[np.argsort(-scores)[:10]]))
    return hits / 600


def test_merged_and_deleted_documents_change_little(tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents(5, 800, NEW))
    before = index.drift()
    index.delete([f"old {row}" for row in range(0, 1100, 7)] + [f"new {row}" for row in range(0, 800, 9)])
    index.compact()
    assert index.drift() == pytest.approx(before, rel=0.15)


@pytest.mark.parametrize("n", [0, 499])
def test_too_few_documents_tell_nothing(tmp_path: Path, n: int) -> None:
    assert filled(tmp_path / "x", documents(5, n, NEW)).drift() is None


@pytest.mark.parametrize("encoding", [None, MuveraConfig(repetitions=2, bits=2, projection_dim=4)])
def test_where_nothing_is_fitted_nothing_drifts(tmp_path: Path, encoding: MuveraConfig | None) -> None:
    index = filled(tmp_path / "x", documents(5, 500, NEW), IndexConfig(encoding=encoding))
    assert index.drift() is None


def test_an_empty_index_does_not_drift(tmp_path: Path) -> None:
    assert Index.create(tmp_path / "x", FITTED).drift() is None
