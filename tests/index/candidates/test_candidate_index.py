from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, InputError, WordhiveError
from wordhive.index.candidates import search_width
from wordhive.index.candidates.candidate_index import CandidateIndex
from wordhive.index.faiss import faiss_library

FACTORIES = ["Flat", "SQ8", "SQfp16", "HNSW32_SQ8", "HNSW16,SQ8", "IVF4,SQ8"]


def vectors(n: int, seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n, 8)).astype(np.float32)


def build(factory: str, n: int = 60, **settings: Any) -> CandidateIndex:
    index = CandidateIndex.train(IndexConfig(candidates=factory, **settings), vectors(60))
    index.add(vectors(n))
    return index


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_search_for_all_finds_every_document(factory: str) -> None:
    _, numbers = build(factory).search(vectors(3, seed=2), 60)
    np.testing.assert_array_equal(np.sort(numbers, axis=1), np.tile(np.arange(60), (3, 1)))


@pytest.mark.parametrize("factory", FACTORIES)
def test_scores_are_inner_products(factory: str) -> None:
    queries = vectors(3, seed=2)
    scores, numbers = build(factory).search(queries, 60)
    exact = np.take_along_axis(queries @ vectors(60).T, numbers, axis=1)
    np.testing.assert_allclose(scores, exact, atol=0.3)


@pytest.mark.parametrize("factory", FACTORIES)
def test_the_best_come_first(factory: str) -> None:
    scores, _ = build(factory).search(vectors(3, seed=2), 20)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_flat_finds_exactly_the_largest_inner_products() -> None:
    queries = vectors(3, seed=2)
    _, numbers = build("Flat").search(queries, 7)
    np.testing.assert_array_equal(numbers, np.argsort(-queries @ vectors(60).T, axis=1)[:, :7])


@pytest.mark.parametrize("factory", FACTORIES)
def test_asking_for_more_than_there_is_gives_what_there_is(factory: str) -> None:
    _, numbers = build(factory, n=4).search(vectors(2, seed=2), 100)
    assert np.sort(numbers, axis=1).tolist() == [[0, 1, 2, 3]] * 2


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize(("n", "asked"), [(0, 5), (9, 0)])
def test_nothing_to_find_gives_no_columns(factory: str, n: int, asked: int) -> None:
    scores, numbers = build(factory, n=n).search(vectors(2, seed=2), asked)
    assert (scores.shape, numbers.shape) == ((2, 0), (2, 0))


def test_fewer_than_no_candidates_are_refused_or_none() -> None:
    _, numbers = build("Flat").search(vectors(2, seed=2), -1)
    assert numbers.shape == (2, 0)


@pytest.mark.parametrize("factory", FACTORIES)
def test_documents_are_numbered_on(factory: str) -> None:
    index = build(factory, n=10)
    index.add(vectors(5, seed=3))
    assert len(index) == 15


@pytest.mark.parametrize("factory", FACTORIES)
def test_an_index_read_back_finds_the_same(tmp_path: Path, factory: str) -> None:
    config = IndexConfig(candidates=factory)
    index = build(factory)
    index.save(tmp_path / "candidates.faiss")
    again = CandidateIndex.load(tmp_path / "candidates.faiss", config, 8, 60)
    queries = vectors(3, seed=2)
    np.testing.assert_array_equal(again.search(queries, 9)[1], index.search(queries, 9)[1])


def shares(index: CandidateIndex, n: int, *widths: int | None) -> list[float]:
    """By probes, the share of the exact best n among those found."""
    queries = vectors(20, seed=2)
    exact = np.argsort(-queries @ vectors(60).T, axis=1)[:, :n]
    found = [index.search(queries, n, probes=probes)[1] for probes in widths]
    return [float(np.mean([np.isin(a, b).mean() for a, b in zip(exact, each, strict=True)])) for each in found]


def test_nprobe_bounds_the_lists_that_are_visited() -> None:
    assert shares(build("IVF4,SQ8", nprobe=1), 3, None) < shares(build("IVF4,SQ8", nprobe=4), 3, None)


@pytest.mark.parametrize("factory", ["IVF4,SQ8", "PCA4,IVF4,SQ8", "IVF4,SQ8,RFlat"])
def test_a_search_may_visit_other_lists_than_configured(factory: str) -> None:
    index = build(factory, nprobe=1)
    assert index.probing(3) == (1, 4)
    usual, one, two, all_lists, more = shares(index, 3, None, 1, 2, 4, 99)
    assert usual == one < two < all_lists == more


@pytest.fixture
def _walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs are walked, however few documents they have."""
    monkeypatch.setattr(search_width, "_SCANNED_A_PLACE", 0)


def test_a_graph_is_scanned_where_its_walk_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    index, queries = CandidateIndex.train(IndexConfig(candidates="HNSW2,Flat", ef_search=3), vectors(400)), vectors(20)
    index.add(vectors(400))
    assert index.probing(5) == (5, 400)
    assert build("Flat").probing(5) is None
    best = np.argsort(-queries @ vectors(400).T, axis=1)[:, :5]
    found = {
        probes: np.mean(np.sort(index.search(queries, 5, probes=probes)[1]) == np.sort(best)) for probes in (13, 14)
    }
    assert found[13] < 1.0 == found[14]  # 30 · 14 documents are more than there are
    np.testing.assert_array_equal(index.search(queries, 5)[1], index.search(queries, 5, probes=1)[1])
    monkeypatch.setattr(search_width, "_SCANNED_A_PLACE", 0)
    assert np.mean(np.sort(index.search(queries, 5, probes=14)[1]) == np.sort(best)) < 1.0


@pytest.mark.usefixtures("_walked")
def test_a_graph_whose_finds_are_refined_is_searched_by_inner_products() -> None:
    index, queries = build("HNSW32,RFlat"), vectors(3, 7)
    scores, numbers = index.search(queries, 5)
    expected = queries @ vectors(60).T
    np.testing.assert_allclose(scores, np.take_along_axis(expected, numbers, axis=1), rtol=1e-5)
    assert numbers[:, 0].tolist() == expected.argmax(axis=1).tolist()


@pytest.mark.usefixtures("_walked")
@pytest.mark.parametrize(("setting", "asked", "beam"), [(1, 50, 50), (55, 5, 55), (2**40, 5, 60)])
def test_the_beam_is_as_set_but_between_what_is_asked_and_all(
    setting: int, asked: int, beam: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, beams = faiss_library.faiss(), []
    real = library.SearchParametersHNSW
    monkeypatch.setattr(
        library, "SearchParametersHNSW", lambda efSearch: beams.append(efSearch) or real(efSearch=efSearch)
    )
    build("HNSW32_SQ8", ef_search=setting).search(vectors(1), asked)
    assert beams == [beam]


@pytest.mark.parametrize("factory", ["Rubbish", "HNSWx_SQ8"])
def test_a_string_that_is_no_factory_is_named(factory: str) -> None:
    with pytest.raises(InputError, match=f"candidates '{factory}' is no FAISS factory string for 8 dims"):
        build(factory)


@pytest.mark.parametrize("factory", ["IVF64,Flat", "IVF80,SQ8", "PQ4"])
def test_too_few_documents_to_train_are_counted(factory: str) -> None:
    with pytest.raises(InputError, match=f"candidates '{factory}' cannot be trained on 60 vectors"):
        build(factory)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "candidates.faiss").write_bytes(b"garbage" * 20)
    with pytest.raises(WordhiveError, match=r"candidates\.faiss is damaged"):
        CandidateIndex.load(tmp_path / "candidates.faiss", IndexConfig(), 8, 0)


def test_another_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="device is 'banana'; choose cpu or cuda"):
        Index.create(tmp_path / "my.hive", device="banana")
    assert not (tmp_path / "my.hive").exists()


def test_on_the_cpu_it_stays_what_it_is() -> None:
    index = build("Flat")
    assert index.to("cpu") is index


def test_a_gpu_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(faiss_library.faiss(), "StandardGpuResources", raising=False)
    with pytest.raises(WordhiveError, match=r"device 'cuda' was asked for.*no GPU.*faiss-gpu-cuvs"):
        build("Flat").to("cuda")


@pytest.mark.usefixtures("_walked")
@pytest.mark.parametrize("factory", ["HNSW8,Flat", "HNSW8_SQ8", "HNSW8_PQ8x8"])
def test_a_graph_of_euclidean_links_is_searched_by_inner_product(factory: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    encodings = (random.standard_normal((1500, 16)) * random.random((1500, 1))).astype(np.float32)
    queries = random.standard_normal((20, 16)).astype(np.float32)
    shares = {}
    for links in ("euclidean", "inner-product"):
        config = IndexConfig(candidates=factory, ef_search=400, links=links)
        index = CandidateIndex.train(config, encodings)
        index.add(encodings[:1000])
        before = index.search(queries, 5)  # a search between does not change how documents are linked
        index.add(encodings[1000:])
        scores, found = index.search(queries, 10)
        flat = encodings if "Flat" in factory else index.vectors(10**6)
        np.testing.assert_allclose(scores, np.take_along_axis(queries @ flat.T, found, axis=1), atol=1e-3)
        assert (before[1] < 1000).all()
        best = np.argsort(-(queries @ flat.T), axis=1)[:, :10]
        shares[links] = np.mean([np.isin(a, b).mean() for a, b in zip(best, found, strict=True)])
        index.save(tmp_path / links)
        for mapped in (True, False):
            loaded = CandidateIndex.load(tmp_path / links, config, encodings.shape[1], len(encodings), mapped=mapped)
            np.testing.assert_array_equal(loaded.search(queries, 10)[1], found)
    assert min(shares.values()) > 0.9
    assert shares["euclidean"] != shares["inner-product"]
