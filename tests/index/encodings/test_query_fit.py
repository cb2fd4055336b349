"""An index that is fitted to queries such as will be asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, WordhiveError, WordVectors
from wordhive.index.config import FittedConfig, ReductionConfig
from wordhive.index.encodings import FittedEncoding, FusedEncoding, fused
from wordhive.index.files import checksum
from wordhive.index.scoring.maxsim import maxsim

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


def test_their_words_take_the_place_of_some_of_the_sample(draw: Draw) -> None:
    documents, queries = draw(1, [5] * 40), draw(2, [4] * 100)
    words = FittedEncoding.fit(FittedConfig(centroids=8, sample_words=64), documents, queries).words
    asked = queries.vectors / np.linalg.norm(queries.vectors, axis=1, keepdims=True)
    assert len(words) == 64
    assert int(((words @ asked.T).max(axis=1) > 1 - 1e-5).sum()) == 32
    few = FittedEncoding.fit(FittedConfig(centroids=8, sample_words=64), documents, queries[:1]).words
    assert int(((few @ asked.T).max(axis=1) > 1 - 1e-5).sum()) == 4


def test_a_reduction_keeps_what_they_ask_for(draw: Draw) -> None:
    # Queries of a narrow kind: all near one direction, which documents' own words seldom have.
    random = np.random.default_rng(0)
    documents, drawn = draw(1, [6] * 200, dim=16), draw(2, [4] * 300, dim=16)
    narrow = drawn.vectors * 0.2 + random.standard_normal(16).astype(np.float32)
    narrow /= np.linalg.norm(narrow, axis=1, keepdims=True)
    queries = WordVectors(narrow.astype(np.float32), drawn.offsets, drawn.word_ids)
    config, reduction = FittedConfig(centroids=32, sample_words=256), ReductionConfig(dims=8, queries=300)
    expected = maxsim(queries, documents.vectors, documents.offsets)
    errors = {}
    for name, known in {"with": queries[:150], "without": None}.items():
        encoding = FusedEncoding.fit(config, documents, 0.0, reduction, known)
        found = encoding.encode_queries(queries[150:]) @ encoding.encode_documents(documents).T
        wanted = expected[150:]
        errors[name] = np.mean([1 - np.corrcoef(a, b)[0, 1] for a, b in zip(found, wanted, strict=True)])
    assert errors["with"] < 0.7 * errors["without"]


def test_an_index_keeps_them_and_takes_them_whenever_it_is_fitted(draw: Draw, tmp_path: Path) -> None:
    queries = draw(3, [4] * 20, summary_dim=4)
    index = Index.create(tmp_path / "a", CONFIG, summary_weight=0.5, queries=queries)
    [file] = index._catalog.files()
    assert (file.path, file.checksum) == ("params/queries.safetensors", checksum(tmp_path / "a" / file.path))
    index.add(["x", "y"], draw(4, [3, 5], summary_dim=4))
    reopened = Index.open(tmp_path / "a")
    reopened.add([f"d{n}" for n in range(30)], draw(5, [4] * 30, summary_dim=4))
    encoding = reopened.snapshot().parameters(2).encoding
    assert encoding is not None
    asked = {row.tobytes() for row in queries.vectors.astype(np.float16)}
    assert sum(row.astype(np.float16).tobytes() in asked for row in encoding.words.words) == 32
    assert reopened.info().bytes["parameters"] > file.size
    assert [len(rows) for rows in reopened.snapshot().find_candidates(queries[:2], 40)] == [32, 32]


def test_queries_of_another_model_are_refused_before_anything_is_kept(draw: Draw, tmp_path: Path) -> None:
    index = Index.create(tmp_path / "a", CONFIG, queries=draw(3, [4] * 20, dim=5))
    with pytest.raises(InputError, match=r"queries that the index was given have 5 dims .* documents 8"):
        index.add([f"d{n}" for n in range(30)], draw(5, [4] * 30))
    assert len(index) == 0


def test_damaged_queries_are_named(draw: Draw, tmp_path: Path) -> None:
    index = Index.create(tmp_path / "a", CONFIG, queries=draw(3, [4] * 20))
    (tmp_path / "a" / "params" / "queries.safetensors").write_bytes(b"no")
    with pytest.raises(WordhiveError, match=r"queries\.safetensors is damaged"):
        index.add([f"d{n}" for n in range(30)], draw(5, [4] * 30))
    assert len(index) == 0


def test_a_configuration_that_fits_nothing_to_queries_refuses_them(draw: Draw, tmp_path: Path) -> None:
    for preset in ("exact", "muvera-2560"):
        with pytest.raises(InputError, match="fits nothing to queries"):
            Index.create(tmp_path / "a", preset, queries=draw(3, [4] * 20))
    assert not (tmp_path / "a").exists()


def test_queries_come_in_any_form_that_documents_do(draw: Draw, tmp_path: Path) -> None:
    index = Index.create(tmp_path / "a", CONFIG, queries=[np.ones((2, 8), np.float32), np.ones((1, 8), np.float32)])
    index.add([f"d{n}" for n in range(30)], draw(5, [4] * 30))
    assert len(index.snapshot().find_candidates(draw(6, [2]), 5)[0]) == 5
    with pytest.raises(InputError, match="beyond 65,504"):
        Index.create(tmp_path / "b", CONFIG, queries=[np.full((1, 8), 1e6, np.float32)])
    assert not (tmp_path / "b").exists()


def test_queries_that_went_missing_are_missed(draw: Draw, tmp_path: Path) -> None:
    index = Index.create(tmp_path / "a", CONFIG, queries=draw(3, [4] * 20))
    (tmp_path / "a" / "params" / "queries.safetensors").unlink()
    with pytest.raises(WordhiveError, match=r"queries\.safetensors is missing"):
        index.add([f"d{n}" for n in range(30)], draw(5, [4] * 30))


def test_documents_without_words_can_be_fitted_to(draw: Draw, tmp_path: Path) -> None:
    index = Index.create(tmp_path / "a", CONFIG, summary_weight=0.5)
    index.add([f"d{n}" for n in range(30)], draw(5, [0] * 30, summary_dim=4))
    assert len(index.snapshot().find_candidates(draw(6, [2], summary_dim=4), 5)[0]) == 5
