"""An index whose first documents are too few to fit an encoding to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, WordVectors
from wordhive.index.config import FittedConfig, ReductionConfig
from wordhive.index.encodings import fused, least_documents

Draw = Callable[..., WordVectors]
CONFIG = IndexConfig(
    codec="Flat",
    summary_codec="Flat",
    encoding=FittedConfig(centroids=8, sample_words=64),
    reduction=ReductionConfig(dims=6, queries=50),
    candidates="Flat",
)


@pytest.fixture(autouse=True)
def _ten_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "_LEAST_DOCUMENTS", 10)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index.create(tmp_path / "my.hive", CONFIG, summary_weight=0.5)


def add(index: Index, documents: WordVectors) -> None:
    start = len(index)
    index.add([f"d{number}" for number in range(start, start + len(documents))], documents)


def encoded(index: Index) -> list[bool]:
    return [path.exists() for path in sorted(index.path.glob("segments/*/")) for path in [path / "candidates.faiss"]]


def test_few_documents_are_all_candidates(index: Index, draw: Draw) -> None:
    add(index, draw(1, [3, 0, 4], summary_dim=4))
    add(index, draw(2, [2, 5], summary_dim=4))
    assert encoded(index) == [False, False]
    for rows in index.snapshot().find_candidates(draw(3, [2, 0], summary_dim=4), 1):
        assert sorted(rows.tolist()) == [0, 1, 2, 3, 4]


def test_with_enough_of_them_an_encoding_is_fitted_to_all(index: Index, draw: Draw) -> None:
    add(index, draw(1, [3, 0, 4, 6], summary_dim=4))
    add(index, draw(2, [2, 5, 3, 3, 1, 4, 2, 2], summary_dim=4))
    add(index, draw(4, [3, 3], summary_dim=4))
    assert encoded(index) == [False, True, True]
    assert sorted(path.name for path in (index.path / "params").iterdir()) == ["1", "2"]
    (rows,) = index.snapshot().find_candidates(draw(3, [3], summary_dim=4), 4)
    assert rows[4:].tolist() == [0, 1, 2, 3]
    assert rows[:4].min() >= 4


def test_scores_do_not_depend_on_when_it_is_fitted(
    tmp_path: Path, index: Index, draw: Draw, slow_scores: Callable[..., np.ndarray]
) -> None:
    first, second = draw(1, [3, 1, 4], summary_dim=4), draw(2, [2] * 12, summary_dim=4)
    add(index, first)
    add(index, second)
    query = draw(3, [5], summary_dim=4)
    scores = Index.open(index.path).snapshot().score(query, np.arange(15)).total
    expected = slow_scores(query, WordVectors.concat([first, second]), 0.5)[0]
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_reopened_it_finds_the_same(index: Index, draw: Draw) -> None:
    add(index, draw(1, [3, 1, 4], summary_dim=4))
    add(index, draw(2, [2] * 12, summary_dim=4))
    queries = draw(3, [5, 2], summary_dim=4)
    before = [rows.tolist() for rows in index.snapshot().find_candidates(queries, 5)]
    assert [rows.tolist() for rows in Index.open(index.path).snapshot().find_candidates(queries, 5)] == before


def test_a_failed_fit_leaves_what_was_there(index: Index, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    add(index, draw(1, [3, 1, 4], summary_dim=4))
    with monkeypatch.context() as patch:
        patch.setattr("wordhive.index.writing.writer.commit_batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            add(index, draw(2, [2] * 12, summary_dim=4))
    assert (len(index), [path.name for path in (index.path / "params").iterdir()]) == (3, ["1"])
    add(index, draw(2, [2] * 12, summary_dim=4))
    assert encoded(index) == [False, True]


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_what_is_enough_depends_on_what_is_fitted() -> None:
    assert least_documents(IndexConfig().encoding, None) == 1  # type: ignore[arg-type]
    assert least_documents(FittedConfig(), None) == 10
    assert least_documents(FittedConfig(), ReductionConfig(dims=30)) == 30
