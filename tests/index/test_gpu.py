"""The first stage on a GPU, against the CPU; without one, stand-ins for FAISS tell what would go there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, InputError, MuveraConfig, WordhiveError, WordVectors
from wordhive.index.candidates import gpu
from wordhive.index.candidates.candidate_index import CandidateIndex
from wordhive.index.candidates.gpu import check_device
from wordhive.index.config import FittedConfig, ReductionConfig
from wordhive.index.encodings import FittedEncoding, FusedEncoding, MuveraEncoding
from wordhive.index.faiss import faiss_index, faiss_library

Draw = Callable[..., WordVectors]
pytestmark = pytest.mark.usefixtures("in_float32")

SIDES = ["encode_documents", "encode_queries"]
COUNTS = [5, 0, 300, 1, 40, 0, 0, 77, 9, 120] * 3
SKETCH = {"projection_dim": 8, "projection": "count-sketch"}
MUVERAS: list[dict[str, Any]] = [
    {},
    {"fill": True},
    {"fill": True, "bits": 0},
    {"fill": True, "bits": 9, "repetitions": 2},
    {"projection_dim": 8},
    {"projection_dim": 8, "fill": True},
    {**SKETCH},
    {**SKETCH, "fill": True, "centre": True},
    {"final_dim": 100, "fill": True},
    {"final_dim": 100, "final_projection": "dense", "projection_dim": 8},
    {"google": True, "fill": True},
    {"google": True, "fill": True, **SKETCH, "final_dim": 100},
]


@pytest.fixture
def cuda() -> Any:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch finds no GPU")
    return torch.cuda


@pytest.fixture
def _gpu_faiss() -> None:
    library = faiss_library.faiss()
    if not hasattr(library, "StandardGpuResources") or not library.get_num_gpus():
        pytest.skip("FAISS finds no GPU")


def assert_same(encoding: MuveraEncoding | FittedEncoding | FusedEncoding, texts: WordVectors, side: str) -> None:
    expected, encoded = (getattr(encoding, side)(texts, device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(encoded, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.gpu
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("settings", MUVERAS, ids=str)
def test_muvera_is_that_of_the_cpu(cuda: Any, draw: Draw, settings: dict[str, Any], side: str) -> None:
    texts = draw(3, COUNTS, dim=32)
    config = MuveraConfig(**{"repetitions": 5, "bits": 4, "projection_dim": None, **settings})
    assert_same(MuveraEncoding.fit(config, texts), texts, side)


@pytest.mark.gpu
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("reduction", [None, ReductionConfig(dims=16, queries=200)], ids=["full", "reduced"])
def test_fitted_is_that_of_the_cpu(cuda: Any, draw: Draw, reduction: ReductionConfig | None, side: str) -> None:
    texts = draw(3, COUNTS, dim=32, summary_dim=12)
    config = FittedConfig(centroids=64, sample_words=512)
    assert_same(FusedEncoding.fit(config, texts, 0.7, reduction), texts, side)


@pytest.mark.gpu
def test_small_batches_encode_like_one(cuda: Any, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = draw(3, COUNTS, dim=32)
    encodings = [
        MuveraEncoding.fit(MuveraConfig(repetitions=5, bits=4, projection_dim=8, fill=True), texts),
        FittedEncoding.fit(FittedConfig(centroids=64, sample_words=512), texts),
    ]
    expected = [encoding.encode_documents(texts) for encoding in encodings]
    for family in ("muvera", "fitted"):
        monkeypatch.setattr(f"wordhive.index.encodings.{family}._BATCH_NUMBERS", 10_000)
    for encoding, rows in zip(encodings, expected, strict=True):
        np.testing.assert_allclose(encoding.encode_documents(texts, "cuda:0"), rows, atol=1e-4)


@pytest.mark.gpu
def test_words_times_buckets_are_never_in_memory(cuda: Any, draw: Draw) -> None:
    texts = draw(3, [500] * 100)
    encoding = MuveraEncoding.fit(MuveraConfig(repetitions=4, bits=12, projection_dim=None, fill=True), texts)
    cuda.reset_peak_memory_stats()
    encoding.encode_documents(texts, "cuda")
    assert cuda.max_memory_allocated() < 1e9 < 500 * 100 * 4 * 2**12 * 4


@pytest.mark.gpu
def test_a_gpu_beyond_the_last_is_named(cuda: Any, draw: Draw) -> None:
    encoding = MuveraEncoding.fit(MuveraConfig(), draw(1, [3], dim=32))
    with pytest.raises(WordhiveError, match="device 'cuda:99' was asked for"):
        encoding.encode_documents(draw(1, [3], dim=32), "cuda:99")


def vectors(n: int, seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n, 24)).astype(np.float32)


def build(factory: str, n: int = 3000, **settings: Any) -> CandidateIndex:
    index = CandidateIndex.train(IndexConfig(candidates=factory, **settings), vectors(3000))
    index.add(vectors(n))
    return index


@pytest.mark.gpu
@pytest.mark.usefixtures("_gpu_faiss")
@pytest.mark.parametrize("factory", ["Flat", "SQ8", "SQ4", "SQfp16", "PQ8x8", "IVF16,Flat", "IVF16,SQ8"])
@pytest.mark.parametrize("nprobe", [3, 99])
def test_candidates_are_those_of_the_cpu(factory: str, nprobe: int) -> None:
    index, queries = build(factory, nprobe=nprobe), vectors(20, seed=2)
    moved = index.to("cuda")
    (scores, numbers), (expected, best) = moved.search(queries, 50), index.search(queries, 50)
    assert len(moved) == 3000
    np.testing.assert_allclose(scores, expected, rtol=2e-3, atol=2e-2)  # decoded codes are there in float16
    assert np.mean([len(np.intersect1d(*rows)) / 50 for rows in zip(numbers, best, strict=True)]) > 0.97


@pytest.mark.gpu
@pytest.mark.usefixtures("_gpu_faiss")
def test_codes_of_4_bits_are_found_as_their_decoded_vectors() -> None:
    index, queries = build("PQ24x4"), vectors(20, seed=2)
    _, numbers = index.to("cuda").search(queries, 50)
    decoded = index.vectors(24 * 3000)
    assert decoded is not None
    best = np.argsort(-queries @ decoded.T, axis=1)[:, :50]  # the CPU's scan rounds its tables
    assert np.mean([len(np.intersect1d(*rows)) / 50 for rows in zip(numbers, best, strict=True)]) > 0.97


@pytest.mark.gpu
@pytest.mark.usefixtures("_gpu_faiss")
@pytest.mark.parametrize("factory", ["Flat", "SQ8", "IVF16,SQ8"])
def test_fewer_documents_than_asked_for_are_all_found(factory: str) -> None:
    _, numbers = build(factory, n=4, nprobe=16).to("cuda").search(vectors(2, seed=2), 100)
    assert np.sort(numbers, axis=1).tolist() == [[0, 1, 2, 3]] * 2


@pytest.mark.gpu
@pytest.mark.usefixtures("_gpu_faiss")
def test_what_a_gpu_has_not_is_named() -> None:
    with pytest.raises(WordhiveError, match="candidates 'PQ8x4fs' cannot be on a GPU"):
        build("PQ8x4fs", n=100).to("cuda")


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What went to which GPU, with stand-ins for FAISS's two."""
    library = faiss_library.faiss()
    went: list[tuple[str, int]] = []

    def flat(resources: object, dim: int, metric: int, config: SimpleNamespace) -> Any:
        went.append(("decoded in float16" if config.useFloat16 else "decoded", config.device))
        return library.IndexFlat(dim, metric)

    def clone(resources: object, number: int, index: Any, options: SimpleNamespace) -> Any:
        if isinstance(index, library.IndexPQFastScan):
            raise RuntimeError("This index type is not implemented on GPU.")
        assert not options.use_cuvs
        went.append(("as it is", number))
        return index

    monkeypatch.setattr(gpu, "_resources", object)
    stand_ins = {"GpuIndexFlat": flat, "index_cpu_to_gpu": clone, "get_num_gpus": lambda: 2}
    for name in ("StandardGpuResources", "GpuIndexFlatConfig", "GpuClonerOptions"):
        stand_ins[name] = SimpleNamespace
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(library, name, stand_in, raising=False)
    return went


@pytest.mark.parametrize("factory", ["SQ8", "SQ4", "SQfp16", "PQ8x8"])
@pytest.mark.parametrize("numbers", [1, 24 * 700, 10**9])
def test_codes_go_decoded(
    moved: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch, factory: str, numbers: int
) -> None:
    monkeypatch.setattr(faiss_index, "_DECODED_NUMBERS", numbers)
    index, queries = build(factory, n=1501), vectors(5, seed=2)
    (scores, found), (expected, best) = index.to("cuda").search(queries, 50), index.search(queries, 50)
    np.testing.assert_array_equal(found, best)
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    assert moved == [("decoded in float16", 0)]


def test_codes_of_4_bits_go_decoded(moved: list[tuple[str, int]]) -> None:
    index, queries = build("PQ24x4", n=1501), vectors(5, seed=2)
    (scores, _), decoded = index.to("cuda").search(queries, 50), index.vectors(24 * 1501)
    assert decoded is not None
    np.testing.assert_allclose(scores, -np.sort(-queries @ decoded.T, axis=1)[:, :50], atol=1e-4)
    assert moved == [("decoded in float16", 0)]
    assert build("PQ24x4", n=0).to("cuda").search(queries, 5)[1].shape == (5, 0)


def test_numbers_beyond_float16_go_in_float32(moved: list[tuple[str, int]]) -> None:
    index = CandidateIndex.train(IndexConfig(candidates="SQ8"), 1000 * vectors(3000))
    index.add(1000 * vectors(30))
    index.to("cuda")
    assert moved == [("decoded", 0)]


@pytest.mark.usefixtures("moved")
def test_a_full_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any) -> Any:
        raise RuntimeError("alloc fail dev 0 space Device size 123 bytes (cudaMalloc error out of memory [2])")

    monkeypatch.setattr(faiss_library.faiss(), "GpuIndexFlat", full)
    with pytest.raises(WordhiveError, match=r"cuda:1 has no room for 30 first-stage vectors of 24 dims.*on the cpu"):
        build("SQ8", n=30).to("cuda:1")


@pytest.mark.parametrize("factory", ["Flat", "IVF16,SQ8"])
def test_others_go_as_they_are(moved: list[tuple[str, int]], factory: str) -> None:
    assert len(build(factory).to("cuda:1")) == 3000
    assert moved == [("as it is", 1)]


@pytest.mark.parametrize(("device", "number"), [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1)])
def test_a_device_may_have_a_number(moved: list[tuple[str, int]], device: str, number: int) -> None:
    build("SQ8", n=3).to(device)
    assert moved == [("decoded in float16", number)]


@pytest.mark.usefixtures("moved")
def test_a_number_beyond_the_last_gpu_is_named() -> None:
    with pytest.raises(WordhiveError, match="device 'cuda:2' was asked for, but the last GPU here is cuda:1"):
        build("Flat").to("cuda:2")


@pytest.mark.usefixtures("moved")
def test_what_faiss_cannot_move_is_named() -> None:
    with pytest.raises(WordhiveError, match=r"'PQ8x4fs' cannot be on a GPU; .* Flat, SQ8, PQ\{dims\}x4 or IVF"):
        build("PQ8x4fs", n=100).to("cuda")


@pytest.mark.usefixtures("moved")
@pytest.mark.parametrize("factory", ["SQ8", "IVF16,SQ8", "HNSW32_SQ8"])
def test_a_filter_is_the_work_of_the_cpu(factory: str) -> None:
    index, queries, allowed = build(factory, n=3000), vectors(5, seed=2), np.arange(3000) % 3 > 0
    found = index.to("cuda").search(queries, 1990, allowed)
    assert found[1].shape == (5, 1990)
    np.testing.assert_array_equal(found[1], index.search(queries, 1990, allowed)[1])
    assert index.to("cuda").search(queries, 2100, allowed)[1].shape == (5, 2000)


@pytest.mark.gpu
@pytest.mark.usefixtures("_gpu_faiss")
@pytest.mark.parametrize("factory", ["SQ8", "IVF16,SQ8"])
def test_a_filter_finds_what_is_there(factory: str) -> None:
    allowed = np.arange(3000) % 100 == 0
    _, numbers = build(factory).to("cuda").search(vectors(5, seed=2), 50, allowed)
    assert np.sort(numbers, axis=1).tolist() == [list(range(0, 3000, 100))] * 5


def test_a_graph_goes_as_the_vectors_in_it(moved: list[tuple[str, int]]) -> None:
    index, queries = build("HNSW32_SQ8", n=700), vectors(5, seed=2)
    (_, found), (_, best) = index.to("cuda").search(queries, 50), build("SQ8", n=700).search(queries, 50)
    np.testing.assert_array_equal(found, best)
    assert moved == [("decoded in float16", 0)]


def test_an_index_on_a_gpu_has_both_stages_there(
    draw: Draw, small_config: IndexConfig, tmp_path: Path, moved: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of it, with torch's CPU device and FAISS's stand-ins in the GPU's place."""
    torch, asked = pytest.importorskip("torch"), []

    def stand_in(name: str) -> Any:
        asked.append(name)
        return torch.device("cpu")

    texts, queries = draw(1, COUNTS, 16, 8), draw(2, [5, 9], 16, 8)
    ids, settings = [str(i) for i in range(len(texts))], {"config": small_config, "summary_weight": 0.3}
    for module in ("scoring.torch_scoring", "encodings.torch_fitted", "encodings.torch_muvera"):
        monkeypatch.setattr(f"wordhive.index.{module}.torch_device", stand_in)
    here, there = (Index.create(tmp_path / name, **settings, device=name) for name in ("cpu", "cuda:1"))
    for index in (here, there):
        index.add(ids, texts)
    found = Index.open(tmp_path / "cpu", device="cuda:1")
    assert set(asked) == {"cuda:1"}
    for index in (there, found):
        for i, (rows, expected) in enumerate(
            zip(
                index.snapshot().find_candidates(queries, 12), here.snapshot().find_candidates(queries, 12), strict=True
            )
        ):
            np.testing.assert_array_equal(rows, expected)
            query = queries[i : i + 1]
            np.testing.assert_allclose(
                index.snapshot().score(query, rows).total, here.snapshot().score(query, rows).total, atol=1e-5
            )
        scoring = index.snapshot().files.scoring
        assert scoring is not None
        assert len(scoring._words._placed) == len(scoring._summaries._placed) == 1
    assert moved
    assert {number for _, number in moved} == {1}
    assert here.snapshot().files.scoring is None


@pytest.mark.usefixtures("moved")
def test_more_candidates_than_a_gpu_finds_are_refused() -> None:
    index, queries = build("SQ8", n=3000).to("cuda"), vectors(1, seed=2)
    assert index.search(queries, 2048)[1].shape == (1, 2048)
    with pytest.raises(InputError, match="2049 candidates were asked for; a GPU finds at most 2048"):
        index.search(queries, 2049)


@pytest.mark.parametrize("device", ["cuda:", "cuda:x", "cuda:-1", "CUDA", "", "mps", "cuda:0\n"])
def test_other_names_are_refused(device: str) -> None:
    with pytest.raises(WordhiveError, match="choose cpu or cuda"):
        check_device(device)
