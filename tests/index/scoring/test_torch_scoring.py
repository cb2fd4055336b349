"""Exact scores by torch, on its own CPU device and on a GPU where there is one, against their definition."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, WordVectors
from wordhive.index.codecs import Codec, train_codec
from wordhive.index.faiss import faiss_library
from wordhive.index.scoring import torch_codes, torch_scoring
from wordhive.index.scoring.scores import Scores
from wordhive.index.scoring.torch_scoring import TorchScoring
from wordhive.index.torch_device import full_float32

Draw = Callable[..., WordVectors]
Slow = Callable[..., NDArray[np.float64]]
Trained = Callable[[str, int], Codec]
gpu = pytest.mark.gpu

CODECS = [
    "Flat", "SQ8", "SQ6", "SQ4", "Residual256x1", "Residual256x2", "Residual256x4", "Ternary256", "Senary256",
    "Senary2", "Senary300", "PQ{dims/4}", "PQ{dims/4}x6", "PQ{dims/2}x3", "PQ{dims/4}x5", "OPQ{dims/4},PQ{dims/4}x6",
]  # fmt: skip
# Without a layout.
DECODED = ["SQfp16", "RQ2x6", "RaBitQ", "PQ{dims/8}x4", "PQ{dims/8}x9"]
COUNTS = [5, 0, 1, 130, 7, 0, 0, 64, 3]


@dataclass(eq=False)
class Held:
    """What is scored of a segment."""

    words: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    summaries: NDArray[np.uint8]


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=gpu)])
def device(request: pytest.FixtureRequest) -> str:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch finds no GPU")
    return str(request.param)


@pytest.fixture(scope="module")
def codec(draw: Draw) -> Trained:
    known: dict[tuple[str, int], Codec] = {}

    def trained(factory: str, dim: int) -> Codec:
        if (factory, dim) not in known:
            known[factory, dim] = train_codec(factory, draw(7, [1200], dim).vectors + np.float32(0.1))
        return known[factory, dim]

    return trained


def held(codec: Codec, texts: WordVectors) -> Held:
    summaries = codec.encode(texts.summary) if texts.summary is not None else np.zeros((len(texts), 0), np.uint8)
    return Held(codec.encode(texts.vectors), texts.offsets, summaries)


def decoded(codec: Codec, segment: Held, chosen: NDArray[np.int64]) -> WordVectors:
    vectors = WordVectors(codec.decode(segment.words), segment.offsets, np.zeros(len(segment.words), np.uint32))
    return vectors.take(chosen)


def check(scoring: TorchScoring, slow_scores: Slow, codec: Codec, queries: WordVectors, segments: list[Held]) -> None:
    documents = [(segment, np.arange(len(segment.offsets) - 1)) for segment in segments]
    found = scoring.word_scores(queries, codec, documents)
    assert (found.dtype, len(found)) == (np.float32, len(queries))
    expected = [slow_scores(queries, decoded(codec, *one)) for one in documents]
    np.testing.assert_allclose(found, np.concatenate(expected, axis=1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("factory", CODECS + DECODED)
def test_words_score_as_their_decoded_vectors(
    draw: Draw, slow_scores: Slow, codec: Trained, factory: str, device: str
) -> None:
    trained, queries = codec(factory, 16), draw(1, [3, 0, 40, 1, 0], 16)
    segments = [held(trained, draw(seed, COUNTS, 16)) for seed in (2, 3)]
    check(TorchScoring(device), slow_scores, trained, queries, segments)


@pytest.mark.parametrize("dim", [7, 33])
@pytest.mark.parametrize("factory", ["Residual256x1", "Ternary256", "Senary256", "SQ8", "SQ6", "SQ4"])
def test_dims_that_fill_no_byte_are_scored_in_full(
    draw: Draw, slow_scores: Slow, codec: Trained, factory: str, dim: int, device: str
) -> None:
    trained = codec(factory, dim)
    check(TorchScoring(device), slow_scores, trained, draw(1, [5], dim), [held(trained, draw(2, COUNTS, dim))])


def test_a_centroids_number_may_take_two_bytes(draw: Draw, slow_scores: Slow, device: str) -> None:
    sample, documents = draw(7, [32 * 300], 8), draw(2, COUNTS, 8)
    trained = train_codec("Residual300x1", sample.vectors)
    segment = held(trained, documents)
    assert segment.words[:, 1].any()
    check(TorchScoring(device), slow_scores, trained, draw(1, [5], 8), [segment])


def test_scores_below_zero_are_not_clipped(draw: Draw, slow_scores: Slow, codec: Trained, device: str) -> None:
    trained, documents, queries = codec("SQ8", 8), draw(2, COUNTS, 8), draw(1, [4], 8)
    near = WordVectors(np.abs(documents.vectors), documents.offsets, documents.word_ids)
    away = WordVectors(-np.abs(queries.vectors), queries.offsets, queries.word_ids)
    check(TorchScoring(device), slow_scores, trained, away, [held(trained, near)])


@pytest.mark.parametrize("factory", ["Senary256", "RQ2x6"])
def test_some_documents_have_the_same_scores_as_among_all(
    draw: Draw, codec: Trained, factory: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gathered, at one stretch, in blocks within and across segments, and without room for codes on the device."""
    trained, queries = codec(factory, 16), draw(1, [3, 9], 16, 16)
    segments = [held(trained, draw(seed, COUNTS, 16, 16)) for seed in (2, 3)]
    scoring = TorchScoring(device)

    def scores(*chosen: list[int]) -> NDArray[np.float32]:
        documents = [(segment, np.array(one, np.int64)) for segment, one in zip(segments, chosen, strict=True)]
        words = scoring.word_scores(queries, trained, documents)
        return np.concatenate([words, scoring.summary_scores(queries.summary, trained, documents)])

    everything = list(range(len(COUNTS)))
    whole = scores(everything, everything)
    for at_once, room in ((1 << 25, True), (16 * 8, True), (1, True), (1 << 25, False)):
        monkeypatch.setattr(torch_scoring, "_AT_ONCE", at_once)
        monkeypatch.setattr(torch_codes, "has_room", lambda n_bytes, device, room=room: room)
        scoring = TorchScoring(device)
        for first, second in (([0, 3, 8], [2, 3, 4]), ([1], [5, 6]), ([3], []), ([], [0, 1, 2]), (everything, [7])):
            columns = [*first, *(len(COUNTS) + n for n in second)]
            np.testing.assert_allclose(scores(first, second), whole[:, columns], rtol=1e-5, atol=1e-6)
        assert all((codes is not None) == room for codes in scoring._words._placed.values())


@pytest.mark.parametrize("factory", ["Senary256", "SQ8"])
def test_nothing_scores_zero(draw: Draw, codec: Trained, factory: str, device: str) -> None:
    trained, scoring = codec(factory, 8), TorchScoring(device)

    def scores(queries: WordVectors, documents: WordVectors) -> NDArray[np.float32]:
        return scoring.word_scores(queries, trained, [(held(trained, documents), np.arange(len(documents)))])

    assert scores(draw(1, [0, 0], 8), draw(2, [2, 3], 8)).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert scores(draw(1, [3], 8), draw(2, [0, 0], 8)).tolist() == [[0.0, 0.0]]
    assert scores(draw(1, [3], 8), WordVectors.empty(8)).shape == (1, 0)
    assert scores(WordVectors.empty(8), draw(2, [2], 8)).shape == (0, 1)


@pytest.mark.parametrize("n_queries", [0, 1, 6])
@pytest.mark.parametrize("factory", CODECS + DECODED)
def test_summaries_score_as_their_decoded_vectors(
    draw: Draw, codec: Trained, factory: str, n_queries: int, device: str
) -> None:
    trained, queries = codec(factory, 16), draw(3, [n_queries], 16).vectors
    segment = held(trained, draw(4, [0] * 50, 16, 16))
    found = TorchScoring(device).summary_scores(queries, trained, [(segment, np.arange(50))])
    expected = queries.astype(np.float64) @ trained.decode(segment.summaries).T
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert found.shape == (n_queries, 50)


def test_codes_are_put_there_once_and_go_with_their_segment(
    draw: Draw, codec: Trained, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, scoring, queries = codec("SQ8", 8), TorchScoring(device), draw(1, [3], 8)
    segment, shapes = held(trained, draw(2, [40] * 9, 8)), []

    def counted(array: NDArray[Any], place: torch.device) -> torch.Tensor:
        shapes.append(array.shape)
        return torch.tensor(array, device=place)

    monkeypatch.setattr(torch_codes, "put", counted)
    for chosen in ([0, 4], [2, 3, 7]):
        scoring.word_scores(queries, trained, [(segment, np.array(chosen))])
    assert shapes.count((360, 8)) == 1
    del segment
    gc.collect()
    assert not len(scoring._words._placed)


@pytest.mark.usefixtures("_own_precision")
@pytest.mark.parametrize("way", ["legacy", "named"])
def test_products_are_in_full_float32_whatever_the_program_allows(
    draw: Draw, codec: Trained, device: str, way: str
) -> None:
    matmul: Any = torch.backends.cuda.matmul
    trained, queries, segment = codec("Flat", 16), draw(1, [9], 16), held(codec("Flat", 16), draw(2, COUNTS, 16))
    documents = [(segment, np.arange(len(COUNTS)))]
    expected = TorchScoring(device).word_scores(queries, trained, documents)
    if way == "legacy":
        torch.set_float32_matmul_precision("high")
    elif hasattr(matmul, "fp32_precision"):
        matmul.fp32_precision = "tf32"
    with torch.autocast(device, torch.bfloat16):
        np.testing.assert_allclose(TorchScoring(device).word_scores(queries, trained, documents), expected, rtol=1e-6)
        with full_float32(torch.device(device)):
            assert getattr(matmul, "fp32_precision", "ieee") == "ieee"
            assert not torch.is_autocast_enabled(device)
    if way == "legacy":
        assert torch.get_float32_matmul_precision() == "high"
        assert matmul.allow_tf32


@pytest.fixture
def _own_precision() -> Iterator[None]:
    yield
    torch.set_float32_matmul_precision("highest")


def filled(draw: Draw, path: Path, factory: str, **settings: Any) -> Index:
    """Several segments, one of before codecs were trained, and with documents deleted."""
    config = IndexConfig(codec=factory, summary_codec=factory, encoding=None)
    index = Index.create(path, config, summary_weight=0.3, **settings)
    for first, last in ((0, 40), (40, 1150), (1150, 1200)):
        part = draw(1, [3, 0, 5, 1] * 300, 16, 8)[first:last]
        index.add([str(i) for i in range(first, last)], part)
    index.delete(["1160", "7"])
    return index


@pytest.fixture
def moved(device: str) -> Callable[[Index], Index]:
    """An index with its second stage on the device: there by its own option, or on torch's CPU device."""

    def open(index: Index) -> Index:
        if device == "cuda":
            library = faiss_library.faiss()
            if not hasattr(library, "StandardGpuResources") or not library.get_num_gpus():
                pytest.skip("FAISS finds no GPU")
            return Index.open(index.path, device=device)
        again = Index.open(index.path)
        again.snapshot().files.scoring = TorchScoring(device)
        again.reload()
        return again

    return open


@pytest.mark.parametrize("factory", ["Senary256", "PQ{dims/4}x6", "SQ8", "Flat", "RQ2x6"])
def test_an_index_scores_as_its_decoded_vectors(
    draw: Draw, slow_scores: Slow, tmp_path: Path, factory: str, moved: Callable[[Index], Index]
) -> None:
    index = filled(draw, tmp_path / "x.hive", factory)
    there, queries = moved(index), draw(5, [4, 0, 7], 16, 8)
    rows = np.array([1199, 3, 3, 45, 2, 1160, 700, 41, 0])
    expected = slow_scores(queries, index.snapshot().vectors(rows), 0.3)
    everything = list(zip(*index.snapshot().score_all(queries), strict=True))
    for i, blocks in enumerate(zip(*there.snapshot().score_all(queries), strict=True)):
        found = there.snapshot().score(queries[i : i + 1], rows)
        assert found.rows.tolist() == [0, 2, 3, 41, 45, 700, 1199]
        np.testing.assert_allclose(found.total, expected[i], atol=1e-5)
        whole, same = Scores.concat(everything[i]), Scores.concat(blocks)
        np.testing.assert_array_equal(same.rows, whole.rows)
        np.testing.assert_allclose(same.total, whole.total, rtol=1e-5, atol=1e-5)


def test_an_index_of_identical_words_scores_its_summaries_there(
    draw: Draw, tmp_path: Path, moved: Callable[[Index], Index]
) -> None:
    index = filled(draw, tmp_path / "x.hive", "SQ8", exact_match=True)
    rows = np.arange(1200)
    query = index.snapshot().vectors(np.array([2]))
    found, expected = moved(index).snapshot().score(query, rows), index.snapshot().score(query, rows)
    np.testing.assert_allclose(found.total, expected.total, atol=1e-5)
    assert found.words.any()
    assert found.summary.any()


def test_codes_stay_there_when_an_index_is_read_anew(
    draw: Draw, tmp_path: Path, moved: Callable[[Index], Index]
) -> None:
    index = filled(draw, tmp_path / "x.hive", "SQ8")
    there, query = moved(index), draw(5, [4], 16, 8)
    there.snapshot().score(query, np.arange(1200))
    assert there.snapshot().files.scoring is not None
    placed = there.snapshot().files.scoring._words._placed
    before = dict(placed)
    index.add(["new"], draw(6, [3], 16, 8))
    there.reload()
    assert there.snapshot().score(query, np.array([1200])).rows.tolist() == [1200]
    assert len(placed) == len(before) + 1
    assert all(placed[segment] is codes for segment, codes in before.items())


def test_torch_is_not_imported_to_score_on_the_cpu(draw: Draw, tmp_path: Path) -> None:
    filled(draw, tmp_path / "x.hive", "SQ8").close()
    code = f"""if True:
        import sys
        import numpy as np
        from wordhive.index import Index, WordVectors
        index = Index.open({str(tmp_path / "x.hive")!r})
        words, summary = np.eye(2, 16, dtype=np.float32), np.ones((1, 8), np.float32)
        query = WordVectors(words, np.array([0, 2]), np.zeros(2, np.uint32), summary)
        assert len(index.snapshot().score(query, np.arange(9)).rows) == 8
        assert "torch" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True)
