"""An index whose documents are too few to train what it is configured to: the first ones, and those that are left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, MuveraConfig
from wordhive.index.candidates.candidate_index import CandidateIndex
from wordhive.index.config import FittedConfig, ReductionConfig, SummaryConfig
from wordhive.index.faiss import faiss_factory
from wordhive.index.storage import training

from ..conftest import Draw, SlowScores, all_scores, names

ENCODING = MuveraConfig(repetitions=2, bits=2, projection_dim=4)
FACTORIES = {
    "Flat": 1, "SQ8": 1, "HNSW8,Flat": 1, "RaBitQ4": 1, "RR8,SQ8": 1, "L2norm,SQ8": 1, "PCA8,SQ8": 8, "IVF20,Flat": 20,
    "IVF20_HNSW8,SQ8": 20, "PCA8,IVF20,SQ8,RFlat": 20, "IVF20,RaBitQ4": 20, "PQ4x4": 16, "PQ{dims}x4": 16,
    "PQ4x4fs": 16, "PQ4x6": 64, "PQ4": 256, "HNSW8_PQ{dims/8}x8": 256, "IVF20,PQ4": 256,
    "IVF20,PQ4x4": 20, "OPQ4,SQ8": 256, "RQ2x4": 32, "SQ8,Refine(PQ4x5)": 32,
}  # fmt: skip


@pytest.mark.parametrize(("factory", "least"), FACTORIES.items())
def test_as_many_vectors_are_wanted_as_faiss_wants(factory: str, least: int) -> None:
    assert faiss_factory.least_to_train(factory) == least
    vectors = np.random.default_rng(1).standard_normal((least, 32)).astype(np.float32)
    assert len(CandidateIndex.train(IndexConfig(candidates=factory), vectors)) == 0
    if least > 1 and not factory.endswith("8,SQ8"):  # whose range is stretched by two vectors more
        with pytest.raises(InputError, match=r"cannot be trained on .*index more documents at once, or choose SQ8"):
            CandidateIndex.train(IndexConfig(candidates=factory), vectors[1:])


@pytest.mark.parametrize(("factory", "least"), [("IVF1k,SQ8", 1024), ("IMI2x9,SQ8", 512), ("PQ4x12", 4096)])
def test_larger_numbers_are_read(factory: str, least: int) -> None:
    assert faiss_factory.least_to_train(factory) == least


def create(path: Path, candidates: str, **settings: Any) -> Index:
    return Index.create(path / "my.hive", IndexConfig(**{"encoding": ENCODING, "candidates": candidates, **settings}))


def encoded(index: Index) -> list[bool]:
    now = index.snapshot()
    return [now.parameters(segment.record.generation).encoding is not None for segment in now.segments]


CANDIDATES = ["IVF20,SQ8", "PQ4x4", "HNSW8_PQ4x4", "IVF12,PQ4x4", "PCA8,SQ8"]


@pytest.mark.parametrize("candidates", CANDIDATES)
def test_documents_may_come_one_by_one(tmp_path: Path, draw: Draw, slow_scores: SlowScores, candidates: str) -> None:
    index, documents, queries = create(tmp_path, candidates, codec="Flat"), draw(1, [2, 0, 4] * 10), draw(2, [3, 0])
    for place, name in enumerate(names(30)):
        index.add([name], documents[place : place + 1])
        for rows in index.snapshot().find_candidates(queries, place + 1):
            assert sorted(rows.tolist()) == list(range(place + 1))
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=1e-5)
    assert encoded(index)[-1]
    index.compact()
    assert encoded(index) == [True]


@pytest.mark.parametrize("candidates", CANDIDATES)
def test_an_index_that_shrank_is_refit(tmp_path: Path, draw: Draw, slow_scores: SlowScores, candidates: str) -> None:
    index, documents, queries = create(tmp_path, candidates, codec="Flat"), draw(1, [2, 0, 4] * 10), draw(2, [3, 0])
    index.add(names(30), documents)
    assert encoded(index) == [True]
    index.delete(names(30)[3:])
    index.refit()
    assert encoded(index) == [False]
    assert [sorted(rows.tolist()) for rows in index.snapshot().find_candidates(queries, 2)] == [[0, 1, 2]] * 2
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents[:3]), atol=1e-5)
    index.add(names(27, 3), documents[3:])
    assert encoded(index)[-1]
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=1e-5)


@pytest.mark.parametrize("preset", ["muvera", "muvera-1280", "default", "small", "precise", "summary", "exact"])
def test_every_preset_takes_a_first_batch_of_one(tmp_path: Path, draw: Draw, preset: str) -> None:
    index = Index.create(tmp_path / "my.hive", preset, summary_weight=0.5)
    for place in range(2):
        index.add(names(1, place), draw(place, [3], dim=16, summary_dim=8))
    index.refit()
    queries = draw(9, [2], dim=16, summary_dim=8)
    assert len(all_scores(index, queries)[0]) == 2
    if preset != "exact":
        assert sorted(index.snapshot().find_candidates(queries, 2)[0].tolist()) == [0, 1]


@pytest.mark.parametrize("large", [None, "IVF25,SQ8"])
def test_what_large_segments_want_counts_too(tmp_path: Path, draw: Draw, large: str | None) -> None:
    index = create(tmp_path, "SQ8", large_candidates=large, large_from=30)
    index.add(names(20), draw(1, [2] * 20))
    assert encoded(index) == [large is None]
    index.add(names(20, 20), draw(2, [2] * 20))
    assert encoded(index)[-1]


@pytest.mark.parametrize("encoding", [ENCODING, SummaryConfig(), FittedConfig(centroids=8)])
@pytest.mark.parametrize("candidates", ["IVF20,Rubbish", "PQ5x4", "IVF20,PQ7"])
def test_what_faiss_does_not_know_is_refused_although_it_is_not_made_yet(
    tmp_path: Path, draw: Draw, encoding: Any, candidates: str
) -> None:
    reduction = ReductionConfig(dims=6) if isinstance(encoding, FittedConfig) else None
    index = create(tmp_path, candidates, encoding=encoding, reduction=reduction)
    with pytest.raises(InputError, match="is no FAISS factory string"):
        index.add(["a"], draw(1, [3], dim=8, summary_dim=8))
    assert len(index) == 0


@pytest.mark.parametrize("settings", [{"candidates": "IVF30000,SQ8"}, {"large_candidates": "IVF64k,SQ8"}])
def test_what_a_sample_can_not_train_is_refused_at_once(tmp_path: Path, draw: Draw, settings: dict[str, str]) -> None:
    index = create(tmp_path, **{"candidates": "SQ8", **settings})
    with pytest.raises(InputError, match=r"would be trained on [\d,]+ vectors or more, and a sample has 20,000"):
        index.add(["a"], draw(1, [3]))


def test_a_codec_waits_for_words(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_LEAST_FOR_CODEBOOKS", 4)
    index = create(tmp_path, "SQ8", codec="PQ4x4", encoding=None)
    index.add(names(10), draw(1, [0] * 10))  # documents enough, and no words
    index.add(names(10, 10), draw(2, [1] * 10))
    index.delete(names(5, 10))
    assert [g.id for g in index.snapshot().generations.values()] == [1]
    index.add(names(10, 20), draw(3, [1] * 10))  # 15 words
    assert index.snapshot().parameters(1).config.codec == "SQ8"
    index.add(names(1, 30), draw(4, [1]))
    assert index.snapshot().generation.id == 2  # type: ignore[union-attr]
    assert index.snapshot().parameters(2).config.codec == "PQ4x4"
    assert len(all_scores(index, draw(5, [2]))[0]) == 26


def test_more_lists_than_the_first_encodings_are_trained_on_all(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wordhive.index.encodings.fused._ENCODED_DOCUMENTS", 10)
    index = create(tmp_path, "IVF20,SQ8")
    index.add(names(24), draw(1, [2] * 24))
    assert encoded(index) == [True]
