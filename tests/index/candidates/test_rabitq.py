"""RaBitQ codes of several bits, which FAISS decodes by their first bit alone: nothing is made from decoded ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, InputError, MuveraConfig, WordhiveError
from wordhive.index import index as index_module
from wordhive.index.candidates.candidate_index import CandidateIndex
from wordhive.index.codecs import FaissCodec
from wordhive.index.faiss import faiss_factory

from ..conftest import Draw, Make, SlowScores, all_scores, names

MANY = ["RaBitQ2", "RaBitQ4", "RaBitQ8", "RaBitQfs4", "OPQ4,RaBitQ8"]
CANDIDATES = [
    "RaBitQ", "RaBitQ8", "RR32,RaBitQ8", "IVF8,RaBitQ8", "PCA32,IVF8,RaBitQ8",
    "IVF8,PQ16x4fs",
]  # fmt: skip
COPIED = ["IVF8,SQ8", "IVF8,Flat", "IVF8,PQ8x4", "IVF8,RaBitQ8", "PCA32,IVF8,RaBitQ8", "RR32,RaBitQ8", "RaBitQ8", "SQ8"]
N, DIM = 400, 32


def vectors(n: int, seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n, DIM)).astype(np.float32)


@pytest.mark.parametrize("setting", ["codec", "summary_codec"])
@pytest.mark.parametrize("codec", MANY)
def test_a_codec_of_several_bits_is_refused_when_an_index_is_made(tmp_path: Path, codec: str, setting: str) -> None:
    with pytest.raises(InputError, match=rf"codec '{codec}' is decoded by its first bit alone.*choose RaBitQ"):
        Index.create(tmp_path / "my.hive", IndexConfig(**{setting: codec}))
    assert not (tmp_path / "my.hive").exists()
    with pytest.raises(InputError, match="first bit alone"):
        FaissCodec.train(codec, vectors(N))


def test_decoding_tells_no_more_than_the_first_bit() -> None:
    """Or else FAISS was mended, and such codecs need not be refused."""
    errors = []
    for codec in ("RaBitQ", "RaBitQ8"):
        index = faiss_factory.from_factory(DIM, codec, vectors(N), "codec", 0).index
        errors.append(float(np.abs(index.sa_decode(index.sa_encode(vectors(N))) - vectors(N)).mean()))
    assert errors[1] > 0.9 * errors[0]


def test_an_index_that_an_earlier_version_made_so_is_searched_and_changed(
    make: Make, draw: Draw, slow_scores: SlowScores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "check_decodes", lambda config: None)
    index, documents, queries = make({"codec": "RaBitQ8"}), draw(1, [3, 0, 2] * 400), draw(2, [3])
    index.add(names(1000), documents[:1000])
    index = Index.open(index.path)
    index.add(names(200, 1000), documents[1000:])
    index.delete(names(300))
    index.refit()
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents[300:]), atol=0.3)


def built(factory: str, documents: NDArray[np.float32], parts: list[NDArray[np.float32]]) -> list[CandidateIndex]:
    """Indexes of some documents each, trained on all."""
    config = IndexConfig(candidates=factory, nprobe=8)
    made = [CandidateIndex.train(config, documents) for _ in parts]
    for index, part in zip(made, parts, strict=True):
        index.add(part)
    return made


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize("factory", COPIED)
def test_codes_are_appended_as_they_are(tmp_path: Path, factory: str, share: float) -> None:
    documents, queries = vectors(N), vectors(20, 2)
    kept = np.flatnonzero(np.random.default_rng(3).random(N - 150) < share) if share < 1 else None
    left = documents[150:] if kept is None else documents[150:][kept]
    index, other, expected = built(factory, documents, [documents[:150], documents[150:], np.r_[documents[:150], left]])
    other.save(tmp_path / "other")
    assert index.append(tmp_path / "other", kept)
    assert len(index) == 150 + len(left)
    for allowed in (None, np.arange(len(index)) % 3 > 0):
        found, wanted = (it.search(queries, 30, allowed) for it in (index, expected))
        np.testing.assert_allclose(found[0], wanted[0], rtol=1e-5)
        np.testing.assert_array_equal(found[1], wanted[1])


@pytest.mark.parametrize("factory", ["IVF8,PQ8x4fs"])
def test_codes_that_are_not_copied_are_not_decoded(tmp_path: Path, factory: str) -> None:
    index, other = built(factory, vectors(N), [vectors(9), vectors(N)])
    other.save(tmp_path / "other")
    assert not index.append(tmp_path / "other", np.arange(0, N, 2))
    assert len(index) == 9
    assert not index.append(tmp_path / "other", alike=False)
    assert index.vectors(10**6) is None


@pytest.mark.parametrize("factory", CANDIDATES)
def test_merged_documents_are_found_as_well_as_before(tmp_path: Path, draw: Draw, factory: str) -> None:
    config = IndexConfig(
        encoding=MuveraConfig(repetitions=4, bits=2, projection_dim=None), candidates=factory, nprobe=8, codec="Flat"
    )
    index, documents, queries = Index.create(tmp_path / "x", config), draw(1, [4] * N, dim=8), draw(2, [3] * 40, dim=8)
    for first in range(0, N, 100):
        index.add(names(100, first), documents[first : first + 100])

    def overlap(rows: list[NDArray[np.int64]], others: list[NDArray[np.int64]]) -> float:
        return float(np.mean([np.isin(a, b).mean() for a, b in zip(rows, others, strict=True)]))

    dead = names(N)[::5]
    alive = np.setdiff1d(np.arange(N), np.arange(0, N, 5))
    before = index.snapshot().find_candidates(queries, 10, alive)
    index.delete(dead)
    index.compact()
    assert len(index.snapshot().segments) == 1
    assert overlap(before, index.snapshot().find_candidates(queries, 10)) > 0.95


def test_small_segments_codes_are_not_taken_for_those_of_large_ones(tmp_path: Path, draw: Draw) -> None:
    """Both have product codes of as many bytes."""
    config = IndexConfig(
        encoding=MuveraConfig(repetitions=2, bits=2, projection_dim=4), candidates="PQ{dims/2}x4",
        large_candidates="PQ{dims/4}x8", large_from=500,
    )  # fmt: skip
    index, documents = Index.create(tmp_path / "x", config), draw(1, [4] * 600)
    index.add(names(300), documents[:300])
    index.add(names(300, 300), documents[300:])
    index.compact()
    found = index.snapshot().find_candidates(documents[:100], 20)
    assert np.mean([place in rows for place, rows in enumerate(found)]) > 0.8


@pytest.mark.parametrize("factory", ["RaBitQ8", "RR32,RaBitQ4"])
def test_what_is_not_decoded_is_not_put_on_a_gpu(monkeypatch: pytest.MonkeyPatch, factory: str) -> None:
    monkeypatch.setattr("wordhive.index.candidates.candidate_index.check_device", lambda device: None)
    (index,) = built(factory, vectors(N), [vectors(N)])
    with pytest.raises(WordhiveError, match="cannot be on a GPU; search on the cpu"):
        index.to("cuda")
