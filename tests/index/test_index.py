from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from numpy.typing import NDArray

from wordhive.index import (
    Index,
    IndexConfig,
    InputError,
    MuveraConfig,
    WordhiveError,
    WordVectors,
    faiss_library,
    parameters,
)
from wordhive.index import segment as segment_module
from wordhive.index import snapshot as snapshot_module
from wordhive.index import writing as writing_module
from wordhive.index.catalog import FORMAT_VERSION, Catalog
from wordhive.index.disk import checksum
from wordhive.index.info import EncoderStamp
from wordhive.index.parameters import Parameters
from wordhive.index.segment import ID_FILES
from wordhive.index.word_id_lists import WordIdLists, by_word_id

Draw = Callable[..., WordVectors]
SlowScores = Callable[..., NDArray[np.float64]]
Make = Callable[..., Index]

COUNTS = [3, 1, 0, 5, 2, 4]
EXACT = IndexConfig(encoding=None)
FLAT = {"codec": "Flat", "summary_codec": "Flat", "candidates": "Flat"}


# No test here cuts the power; test_segment.py checks what is synced.
@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_module, "sync", lambda path: None)


@pytest.fixture
def make(tmp_path: Path, small_config: IndexConfig) -> Iterator[Make]:
    made = []

    def make(config: IndexConfig | dict[str, Any] | None = None, name: str = "my.hive", **options: Any) -> Index:
        if not isinstance(config, IndexConfig):
            config = small_config.model_copy(update=config or {})
        made.append(Index.create(tmp_path / name, config, **options))
        return made[-1]

    yield make
    for index in made:
        index.close()


def names(n: int, first: int = 0) -> list[str]:
    return [f"doc {number}" for number in range(first, first + n)]


def all_scores(index: Index, queries: WordVectors) -> NDArray[np.float32]:
    blocks = list(index.score_all(queries))
    return np.stack([np.concatenate([block[query].total for block in blocks]) for query in range(len(queries))])


def stored(path: Path) -> WordVectors:
    parts = []
    for folder in sorted((path / "segments").iterdir()):
        has_summary = (folder / "summaries.npy").exists()
        parameters, summary = Parameters.load(path / "params" / "1", has_summary=has_summary), None
        words = parameters.words.decode(np.load(folder / "words.npy"))
        if parameters.summaries is not None:
            summary = parameters.summaries.decode(np.load(folder / "summaries.npy"))
        lists = WordIdLists(*(np.load(folder / f"{name}.npy") for name in ID_FILES))
        offsets = np.load(folder / "offsets.npy")
        parts.append(WordVectors(words, offsets, lists.decode(np.arange(len(offsets) - 1), offsets), summary))
    return WordVectors.concat(parts)


def contents(path: Path) -> list[str]:
    folders = [*(path / "segments").iterdir(), *(path / "params").iterdir()]
    return sorted(folder.relative_to(path).as_posix() for folder in folders)


# Scores


@pytest.mark.parametrize("codec", ["SQ8", "SQ4", "SQfp16", "Flat", "PQ4x2", "Ternary256", "Residual300x2"])
def test_scores_are_exact_for_what_is_stored(
    make: Make, draw: Draw, slow_scores: SlowScores, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parameters, "_LEAST_TO_LEARN", 1)
    index, queries = make({"codec": codec}), draw(2, [3, 0, 5])
    index.add(names(6), draw(1, COUNTS))
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, stored(index.path)), atol=1e-5)


@pytest.mark.parametrize(("codec", "tolerance"), [("SQ8", 0.03), ("SQ4", 0.5), ("SQfp16", 0.002), ("Flat", 1e-5)])
def test_scores_are_close_to_those_of_the_vectors_given(
    make: Make, draw: Draw, slow_scores: SlowScores, codec: str, tolerance: float
) -> None:
    codecs = {"codec": codec, "summary_codec": codec}
    index, queries, documents = make(codecs), draw(2, [3, 5]), draw(1, COUNTS)
    index.add(names(6), documents)
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=tolerance)


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_the_summary_has_its_weight_in_the_score(
    make: Make, draw: Draw, slow_scores: SlowScores, weight: float
) -> None:
    index = make(FLAT, summary_weight=weight)
    queries, documents = draw(2, [3, 5], summary_dim=4), draw(1, COUNTS, summary_dim=4)
    index.add(names(6), documents)
    expected = slow_scores(queries, documents, weight)
    np.testing.assert_allclose(all_scores(index, queries), expected, atol=1e-5)


def test_both_parts_of_a_score_are_told_apart(make: Make, draw: Draw) -> None:
    index, query, documents = make(FLAT, summary_weight=0.25), draw(2, [3], summary_dim=4), draw(1, COUNTS, 8, 4)
    index.add(names(6), documents)
    assert query.summary is not None
    assert documents.summary is not None
    expected = 0.25 * (query.summary @ documents.summary.T)[0]
    np.testing.assert_allclose(index.score(query, np.arange(6)).summary, expected, atol=1e-5)


def test_without_summaries_their_weight_does_not_count(make: Make, draw: Draw, slow_scores: SlowScores) -> None:
    index, queries, documents = make(FLAT, summary_weight=0.7), draw(2, [3]), draw(1, COUNTS)
    index.add(names(6), documents)
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=1e-5)


@pytest.mark.parametrize("rows", [[0], [2], [1, 2, 3], [0, 3, 5], [5, 0, 3], [4, 3, 2, 1, 0], []])
def test_chosen_rows_score_like_all_of_them(make: Make, draw: Draw, rows: list[int]) -> None:
    index, query = make(summary_weight=0.5), draw(2, [3], summary_dim=4)
    index.add(names(6), draw(1, COUNTS, summary_dim=4))
    scores = index.score(query, np.array(rows, np.int64))
    np.testing.assert_allclose(scores.total, all_scores(index, query)[0, scores.rows], atol=1e-6)


def test_scored_rows_come_in_order(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    assert index.score(draw(2, [3]), np.array([5, 0, 3])).rows.tolist() == [0, 3, 5]


def test_a_row_that_is_asked_for_twice_has_its_own_score(make: Make, draw: Draw) -> None:
    index, query = make(), draw(2, [3])
    index.add(names(6), draw(1, COUNTS))
    scores = index.score(query, np.array([0, 0, 2]))
    np.testing.assert_allclose(scores.total, all_scores(index, query)[0, scores.rows], atol=1e-6)


def test_rows_that_do_not_exist_are_left_out(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    assert index.score(draw(2, [3]), np.array([4, 6, 99])).rows.tolist() == [4]


def test_a_document_without_words_scores_zero(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    assert all_scores(index, draw(2, [3]))[0, 2] == 0


@pytest.mark.parametrize("words", [1, 4, 7])
def test_scoring_in_small_blocks_gives_the_same(
    make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch, words: int
) -> None:
    index, queries = make(summary_weight=0.5), draw(2, [3, 1], summary_dim=4)
    index.add(names(6), draw(1, COUNTS, summary_dim=4))
    at_once = all_scores(index, queries)
    monkeypatch.setattr(snapshot_module, "_BLOCK_WORDS", words)
    np.testing.assert_allclose(all_scores(index, queries), at_once, atol=1e-6)


def test_every_row_is_scored_once(make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_module, "_BLOCK_WORDS", 4)
    index = make()
    index.add(names(6), draw(1, COUNTS))
    index.add(names(2, 6), draw(3, [2, 3]))
    blocks = [block[0].rows for block in index.score_all(draw(2, [3]))]
    assert np.concatenate(blocks).tolist() == list(range(8))


def test_an_empty_index_scores_nothing(make: Make, draw: Draw) -> None:
    index, query = make(), draw(2, [3])
    assert (list(index.score_all(query)), len(index.score(query, np.arange(3)).rows)) == ([], 0)


# Candidates


@pytest.mark.parametrize("candidates", ["Flat", "SQ8", "HNSW32_SQ8", "HNSW16,SQ8", "IVF4,SQ8"])
def test_asking_for_all_candidates_finds_every_document(make: Make, draw: Draw, candidates: str) -> None:
    index = make({"candidates": candidates})
    index.add(names(24), draw(1, [*COUNTS] * 4))
    index.add(names(6, 24), draw(3, COUNTS))
    found = index.find_candidates(draw(2, [3, 5]), 30)
    assert [sorted(rows.tolist()) for rows in found] == [list(range(30))] * 2


@pytest.mark.parametrize("candidates", ["Flat", "SQ8", "HNSW32_SQ8"])
def test_a_document_is_the_first_candidate_for_its_own_words(make: Make, draw: Draw, candidates: str) -> None:
    documents = draw(1, [4] * 12, dim=16)
    index = make({"candidates": candidates, "encoding": MuveraConfig(repetitions=8, bits=3, projection_dim=None)})
    index.add(names(12), documents)
    assert [rows[0] for rows in index.find_candidates(documents, 3)] == list(range(12))


def test_candidates_come_in_the_order_of_their_inner_products(make: Make, draw: Draw) -> None:
    index, documents, query = make(FLAT), draw(1, COUNTS), draw(2, [4])
    index.add(names(6), documents)
    encoding = index.snapshot().parameters(1).encoding
    assert encoding is not None
    products = (encoding.encode_queries(query) @ encoding.encode_documents(documents).T)[0]
    assert index.find_candidates(query, 4)[0].tolist() == np.argsort(-products, kind="stable")[:4].tolist()


def test_summaries_find_candidates_too(make: Make, draw: Draw) -> None:
    index, documents, queries = make(FLAT, summary_weight=0.95), draw(1, [3] * 8, 8, 4), draw(2, [3] * 8)
    index.add(names(8), documents)
    alike = WordVectors(queries.vectors, queries.offsets, queries.word_ids, documents.summary)
    assert [rows[0] for rows in index.find_candidates(alike, 3)] == list(range(8))


@pytest.mark.parametrize("n", [0, 1, 4, 7])
def test_no_more_candidates_are_found_than_asked_for(make: Make, draw: Draw, n: int) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    index.add(names(2, 6), draw(3, [2, 3]))
    assert [len(rows) for rows in index.find_candidates(draw(2, [3, 5]), n)] == [n, n]


def test_an_empty_index_has_no_candidates(make: Make, draw: Draw) -> None:
    assert [len(rows) for rows in make().find_candidates(draw(2, [3, 5]), 4)] == [0, 0]


def test_a_query_without_words_finds_candidates(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    assert len(index.find_candidates(draw(2, [0]), 6)[0]) == 6


def test_documents_without_any_word_can_be_added(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    index.add(names(2, 6), draw(1, [0, 0]))
    assert len(index) == 8


def test_an_index_without_first_stage_has_no_candidates(make: Make, draw: Draw) -> None:
    index = make(EXACT)
    index.add(names(6), draw(1, COUNTS))
    with pytest.raises(InputError, match=r"no first stage.*candidates='all'"):
        index.find_candidates(draw(2, [3]), 4)


def test_an_index_without_first_stage_scores_all(make: Make, draw: Draw, slow_scores: SlowScores) -> None:
    index, queries, documents = make(EXACT), draw(2, [3, 5]), draw(1, COUNTS)
    index.add(names(6), documents)
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=0.03)


def test_an_index_without_first_stage_stores_no_candidates(make: Make, draw: Draw) -> None:
    index = make(EXACT)
    index.add(names(6), draw(1, COUNTS))
    assert index.info().bytes["candidates"] == 0


def test_a_gpu_that_is_not_there_is_named_before_anything_is_made(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(faiss_library.faiss(), "StandardGpuResources", raising=False)
    for use in (lambda: make(device="cuda"), lambda: Index.open(make().path, device="cuda")):
        with pytest.raises(WordhiveError, match="device 'cuda' was asked for"):
            use()
        shutil.rmtree(tmp_path / "my.hive", ignore_errors=True)


# Several segments


@pytest.mark.parametrize("cuts", [[3], [1, 2, 5]])
def test_several_segments_score_like_one(make: Make, draw: Draw, cuts: list[int]) -> None:
    documents, queries = draw(1, COUNTS, summary_dim=4), draw(2, [3, 5], summary_dim=4)
    one, several = (make(FLAT, name, summary_weight=0.5) for name in ("one", "several"))
    one.add(names(6), documents)
    add_in_parts(several, documents, cuts)
    np.testing.assert_allclose(all_scores(several, queries), all_scores(one, queries), atol=1e-5)


@pytest.mark.parametrize("cuts", [[3], [1, 2, 5]])
def test_several_segments_find_the_candidates_of_one(make: Make, draw: Draw, cuts: list[int]) -> None:
    documents, queries = draw(1, [3, 1, 2, 5, 2, 4]), draw(2, [3, 5])
    one, several = (make(FLAT, name) for name in ("one", "several"))
    one.add(names(6), documents)
    add_in_parts(several, documents, cuts)
    found = [[rows.tolist() for rows in index.find_candidates(queries, 4)] for index in (one, several)]
    assert found[1] == found[0]


def add_in_parts(index: Index, documents: WordVectors, cuts: list[int]) -> None:
    for first, last in zip([0, *cuts], [*cuts, len(documents)], strict=True):
        index.add(names(last - first, first), documents[first:last])


def test_chosen_rows_of_several_segments_score_like_all(make: Make, draw: Draw) -> None:
    index, query = make(), draw(2, [3])
    add_in_parts(index, draw(1, COUNTS), [1, 4])
    scores = index.score(query, np.array([5, 0, 3, 1]))
    np.testing.assert_allclose(scores.total, all_scores(index, query)[0, [0, 1, 3, 5]], atol=1e-6)


def test_the_rows_of_two_adds_do_not_clash(make: Make, draw: Draw) -> None:
    index = make()
    add_in_parts(index, draw(1, COUNTS), [2, 4])
    assert index.ids() == dict(enumerate(names(6)))


def test_two_writers_in_turn_share_the_rows(make: Make, draw: Draw) -> None:
    first = make()
    second = Index.open(first.path)
    for number, index in enumerate([first, second, first, second]):
        index.add(names(2, 2 * number), draw(number, [2, 1]))
    second.close()
    first.reload()
    assert first.ids() == dict(enumerate(names(8)))


def test_a_reader_sees_new_documents_after_a_reload(make: Make, draw: Draw) -> None:
    writer = make()
    reader = Index.open(writer.path)
    writer.add(names(6), draw(1, COUNTS))
    reader.reload()
    assert all_scores(reader, draw(2, [3])).shape == (1, 6)
    reader.close()


def test_a_reader_keeps_answering_while_another_adds(make: Make, draw: Draw) -> None:
    writer, query = make(), draw(2, [3])
    writer.add(names(6), draw(1, COUNTS))
    reader = Index.open(writer.path)
    before = all_scores(reader, query)
    writer.add(names(2, 6), draw(3, [2, 3]))
    np.testing.assert_array_equal(all_scores(reader, query), before)
    reader.close()


# What is kept


def test_ids_are_given_back_unchanged(make: Make, draw: Draw) -> None:
    given = ["größe", "日本語", "🐝", "e\u0301", "é", "a/b\\c d\n", "'; DROP TABLE document; --", "0", "x" * 3000]
    index = make()
    index.add(given, draw(1, [2] * len(given)))
    assert list(index.ids().values()) == given


def test_known_ids_are_told_from_others(make: Make, draw: Draw) -> None:
    index = make()
    index.add(["a", "é"], draw(1, [2, 1]))
    assert index.known_ids(["a", "A", "e\u0301", "é", "new"]) == {"a", "é"}


def test_an_empty_index_knows_no_ids(make: Make) -> None:
    assert make().known_ids(["a"]) == set()


def test_texts_and_attributes_are_given_back(make: Make, draw: Draw) -> None:
    index = make()
    index.add(["a", "b"], draw(1, [2, 1]), texts=["ein Text", "日本"], attributes=[{"year": 1984}, None])
    given = [(document.id, document.text, document.attributes) for document in index.documents([0, 1]).values()]
    assert given == [("a", "ein Text", {"year": 1984}), ("b", "日本", {})]


def test_documents_without_texts_have_none(make: Make, draw: Draw) -> None:
    index = make()
    index.add(["a"], draw(1, [2]))
    assert index.documents([0])[0].text is None


def test_the_encoder_is_remembered(make: Make) -> None:
    stamp = EncoderStamp("all-MiniLM-L6-v2", "0123456789abcdef")
    index = make(encoder=stamp)
    assert Index.open(index.path).encoder == stamp


def test_an_index_opened_again_gives_identical_results(make: Make, draw: Draw) -> None:
    index, queries = make(summary_weight=0.3), draw(2, [3, 5], summary_dim=4)
    add_in_parts(index, draw(1, COUNTS, summary_dim=4), [4])
    again = Index.open(index.path)
    np.testing.assert_array_equal(all_scores(again, queries), all_scores(index, queries))
    np.testing.assert_array_equal(again.find_candidates(queries, 5), index.find_candidates(queries, 5))


def test_an_index_opened_again_knows_its_configuration(make: Make) -> None:
    index = make({"nprobe": 7}, summary_weight=0.3)
    again = Index.open(index.path)
    assert (again.config, again.summary_weight) == (index.config, 0.3)


def test_a_copied_folder_is_an_index_of_its_own(make: Make, draw: Draw, tmp_path: Path) -> None:
    index, queries = make(), draw(2, [3, 5])
    index.add(names(6), draw(1, COUNTS))
    expected = all_scores(index, queries)
    index.close()
    shutil.copytree(index.path, tmp_path / "copy")
    shutil.rmtree(index.path)
    np.testing.assert_array_equal(all_scores(Index.open(tmp_path / "copy"), queries), expected)


def test_a_copy_grows_without_the_original(make: Make, draw: Draw, tmp_path: Path) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    shutil.copytree(index.path, tmp_path / "copy")
    Index.open(tmp_path / "copy").add(["new"], draw(3, [2]))
    assert (len(Index.open(tmp_path / "copy")), len(index)) == (7, 6)


def test_the_same_documents_make_the_same_files(make: Make, draw: Draw) -> None:
    checksums = []
    for name in ("one", "two"):
        index = make(name=name, summary_weight=0.3)
        index.add(names(6), draw(1, COUNTS, summary_dim=4))
        checksums.append(index._catalog.files())
    assert checksums[1] == checksums[0]


def test_the_catalog_names_every_file_with_its_checksum(make: Make, draw: Draw) -> None:
    index = make(summary_weight=0.3)
    add_in_parts(index, draw(1, COUNTS, summary_dim=4), [4])
    files = [path for part in ("segments", "params") for path in (index.path / part).rglob("*") if path.is_file()]
    expected = {path.relative_to(index.path).as_posix(): (path.stat().st_size, checksum(path)) for path in files}
    assert {file.path: (file.size, file.checksum) for file in index._catalog.files()} == expected


def test_word_ids_are_stored_as_given_in_their_own_order(make: Make, draw: Draw) -> None:
    index, documents = make(), draw(1, COUNTS)
    index.add(names(6), documents)
    np.testing.assert_array_equal(stored(index.path).word_ids, by_word_id(documents).word_ids)


def test_word_ids_may_be_left_out(make: Make, draw: Draw, slow_scores: SlowScores) -> None:
    index, documents, queries = make({**FLAT, "word_ids": False}), draw(1, COUNTS), draw(2, [3])
    index.add(names(6), documents)
    assert not index.vectors(np.arange(6)).word_ids.any()
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=1e-5)
    assert index.snapshot().segments[0].word_ids.sizes.tolist() == [0] * 6


@pytest.mark.parametrize("codec", ["Ternary4", "PQ4x2"])
def test_codecs_that_learn_wait_for_documents(
    make: Make, draw: Draw, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parameters, "_LEAST_TO_LEARN", 10)
    index, documents = make({"codec": codec, "encoding": None}), draw(1, [4] * 12)
    sizes = []
    for first, last in ((0, 6), (6, 9), (9, 12)):
        index.add(names(12)[first:last], documents[first:last])
        sizes.append(index.snapshot().segments[-1].words.shape[1])
    assert sizes[:2] == [8, 8]  # SQ8
    assert sizes[2] < 8
    assert len(index.snapshot().generations) == 2
    index.delete(names(12)[:8])  # four are left, and what was learned stays
    index.add(["x"], draw(2, [3]))
    assert len(index.snapshot().generations) <= 2


# What can be added


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_tensors_of_any_precision_can_be_added(make: Make, slow_scores: SlowScores, draw: Draw, kind: str) -> None:
    torch = pytest.importorskip("torch")
    documents, queries = draw(1, COUNTS), draw(2, [3])
    parts = np.split(documents.vectors, documents.offsets[1:-1])
    index = make(FLAT)
    index.add(names(6), [torch.tensor(part, dtype=getattr(torch, kind)) for part in parts])
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=0.03)


def test_float64_arrays_can_be_added(make: Make, slow_scores: SlowScores, draw: Draw) -> None:
    documents, queries = draw(1, COUNTS), draw(2, [3])
    index = make(FLAT)
    index.add(names(6), [part.astype(np.float64) for part in np.split(documents.vectors, documents.offsets[1:-1])])
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=1e-5)


def test_adding_nothing_changes_nothing(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    index.add([], [])
    assert (len(index), index.info().n_segments) == (6, 1)


def test_adding_nothing_to_an_empty_index_changes_nothing(make: Make) -> None:
    index = make()
    index.add([], [])
    assert len(index) == 0


def few_then_many(draw: Draw) -> tuple[WordVectors, WordVectors, WordVectors]:
    return draw(1, [1, 1, 1], dim=16), draw(2, [2] * 40, dim=16), draw(3, [3] * 5, dim=16)


def test_a_tiny_first_batch_leaves_later_scores_exact(make: Make, draw: Draw, slow_scores: SlowScores) -> None:
    few, many, queries = few_then_many(draw)
    index = make({"codec": "SQ8"})
    index.add(names(3), few)
    index.add(names(40, 3), many)
    np.testing.assert_allclose(all_scores(index, queries)[:, 3:], slow_scores(queries, many), atol=0.05)


def test_the_range_of_a_tiny_first_batch_alone_would_clip_later_scores(draw: Draw, slow_scores: SlowScores) -> None:
    few, many, queries = few_then_many(draw)
    clipped = np.clip(many.vectors, few.vectors.min(axis=0), few.vectors.max(axis=0))
    scores = slow_scores(queries, WordVectors(clipped, many.offsets, many.word_ids))
    assert np.abs(scores - slow_scores(queries, many)).max() > 10 * 0.05


def test_a_first_batch_without_words_leaves_later_scores_exact(make: Make, draw: Draw, slow_scores: SlowScores) -> None:
    index, documents, queries = make(EXACT), draw(1, COUNTS), draw(2, [3])
    index.add(["empty"], draw(1, [0]))
    index.add(names(6), documents)
    np.testing.assert_allclose(all_scores(index, queries)[:, 1:], slow_scores(queries, documents), atol=0.05)


# What is known about it


def test_a_new_index_is_empty(make: Make) -> None:
    info = make().info()
    assert (info.n_documents, info.n_words, info.n_segments, info.dim, info.summary_dim) == (0, 0, 0, 0, 0)


def test_info_counts_what_was_added(make: Make, draw: Draw) -> None:
    index = make(summary_weight=0.3)
    add_in_parts(index, draw(1, COUNTS, summary_dim=4), [4])
    info = index.info()
    assert (info.n_documents, info.n_words, info.n_segments, info.dim, info.summary_dim) == (6, 15, 2, 8, 4)


def test_info_counts_the_bytes_of_every_file(make: Make, draw: Draw) -> None:
    index = make(summary_weight=0.3)
    add_in_parts(index, draw(1, COUNTS, summary_dim=4), [4])
    counted = sum(index.info().bytes.values())
    index.close()  # the last connection writes SQLite's log into the catalog
    few = {"lock", "committed"}  # bytes
    files = [path for path in index.path.rglob("*") if path.is_file() and path.name not in few]
    assert sum(path.stat().st_size for path in files) == counted


def test_info_counts_the_bytes_of_words_apart(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    assert index.info().bytes["words"] == (index.path / "segments" / "000000000000" / "words.npy").stat().st_size


def test_info_counts_the_bytes_of_texts(make: Make, draw: Draw) -> None:
    index = make()
    index.add(["a", "b"], draw(1, [2, 1]), texts=["größe", "日本"])
    assert index.info().text_bytes == 7 + 6


# Where an index may be


def test_an_index_can_be_made_in_an_empty_folder(tmp_path: Path) -> None:
    assert len(Index.create(tmp_path)) == 0


def test_folders_above_are_made(tmp_path: Path) -> None:
    assert len(Index.create(tmp_path / "a" / "b" / "my.hive")) == 0


def test_an_index_is_not_made_over_another(make: Make) -> None:
    index = make()
    with pytest.raises(InputError, match=r"my\.hive is already an index"):
        Index.create(index.path)


def test_an_index_is_not_made_in_a_folder_with_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="is already something"):
        Index.create(tmp_path)


def test_an_index_is_not_made_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "my.hive").touch()
    with pytest.raises(InputError, match=r"my\.hive is already something"):
        Index.create(tmp_path / "my.hive")


def test_an_index_is_not_made_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WordhiveError, match="cannot write to"):
        Index.create(tmp_path / "file" / "my.hive")


def test_an_unknown_preset_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no index preset 'best'"):
        Index.create(tmp_path / "my.hive", "best")
    assert not (tmp_path / "my.hive").exists()


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_a_summary_weight_that_is_no_share_is_refused(tmp_path: Path, weight: float) -> None:
    with pytest.raises(InputError, match="summary_weight"):
        Index.create(tmp_path / "my.hive", summary_weight=weight)


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no index at .*gone\.hive"):
        Index.open(tmp_path / "gone.hive")


@pytest.mark.parametrize("name", ["folder", "file"])
def test_a_path_that_is_no_index_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"{name} is no wordhive index"):
        Index.open(tmp_path / name)


def test_a_newer_format_is_refused(make: Make) -> None:
    path = make().path
    connection = sqlite3.connect(path / "catalog.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(InputError, match=rf"my\.hive has index format 99; this wordhive reads format {FORMAT_VERSION}"):
        Index.open(path)


def test_a_damaged_catalog_is_named(make: Make) -> None:
    index = make()
    index.close()
    (index.path / "catalog.db").write_bytes(b"")
    with pytest.raises(WordhiveError, match=r"catalog\.db is damaged"):
        Index.open(index.path)


def test_a_catalog_without_settings_is_named(tmp_path: Path) -> None:
    Catalog.create(tmp_path / "catalog.db", {}).close()
    with pytest.raises(WordhiveError, match=r"damaged|no catalog"):
        Index.open(tmp_path)


# Bad input


def refuse(index: Index, named: str, *arguments: Any, **options: Any) -> None:
    before = index.ids()
    with pytest.raises(InputError, match=named):
        index.add(*arguments, **options)
    assert index.ids() == before


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(make: Make, value: float) -> None:
    vectors = [np.ones((2, 8)), np.full((1, 8), value)]
    refuse(make(), "text 1 .*NaN or infinity", names(2), vectors)


@pytest.mark.parametrize("as_list", [True, False])
def test_other_dims_are_refused(make: Make, draw: Draw, as_list: bool) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    other = draw(2, [3], dim=5)
    refuse(index, "5 dims.* 8", ["new"], [other.vectors] if as_list else other)


@pytest.mark.parametrize("summary_dim", [0, 3])
def test_other_summary_dims_are_refused(make: Make, draw: Draw, summary_dim: int) -> None:
    index = make(summary_weight=0.3)
    index.add(names(6), draw(1, COUNTS, summary_dim=4))
    refuse(index, f"summaries have {summary_dim} dims, the index's 4", ["new"], draw(2, [3], summary_dim=summary_dim))


@pytest.mark.parametrize("search", ["find_candidates", "score", "score_all"])
def test_a_query_of_other_dims_is_refused(make: Make, draw: Draw, search: str) -> None:
    index, query = make(), draw(2, [3], dim=5)
    index.add(names(6), draw(1, COUNTS))
    calls: dict[str, Callable[[], object]] = {
        "find_candidates": lambda: index.find_candidates(query, 3),
        "score": lambda: index.score(query, np.arange(3)),
        "score_all": lambda: list(index.score_all(query)),
    }
    with pytest.raises(InputError, match="vectors have 5 dims, the index 8"):
        calls[search]()


def test_a_query_with_a_summary_that_documents_lack_is_refused(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    with pytest.raises(InputError, match="summaries have 4 dims, the index's 0"):
        index.find_candidates(draw(2, [3], summary_dim=4), 3)


def test_an_id_given_twice_is_refused(make: Make, draw: Draw) -> None:
    refuse(make(), "'b' is given twice", ["a", "b", "b"], draw(1, [1, 2, 1]))


def test_an_id_that_is_already_there_is_refused(make: Make, draw: Draw) -> None:
    index = make()
    index.add(["a", "b"], draw(1, [1, 2]))
    refuse(index, r"'b' is already in .*my\.hive", ["c", "b"], draw(1, [1, 2]))


def test_ids_that_are_already_there_are_counted(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(5), draw(1, [1] * 5))
    refuse(index, "'doc 2' and 2 more is already", names(5, 2), draw(1, [1] * 5))


@pytest.mark.parametrize("id", [7, None, b"a", "", 1.5, ("a",)])
def test_an_id_that_is_no_string_is_refused(make: Make, draw: Draw, id: Any) -> None:
    refuse(make(), "is not a string", ["a", id], draw(1, [1, 2]))


def test_an_id_that_is_no_valid_unicode_is_refused(make: Make, draw: Draw) -> None:
    refuse(make(), "ud800", ["a\ud800"], draw(1, [1]))


def test_a_text_that_is_no_valid_unicode_is_refused(make: Make, draw: Draw) -> None:
    refuse(make(), "'a'", ["a"], draw(1, [1]), texts=["\ud800"])


def test_attributes_that_are_no_json_are_refused(make: Make, draw: Draw) -> None:
    refuse(make(), "'a'", ["a"], draw(1, [1]), attributes=[{"tags": {1, 2}}])


@pytest.mark.parametrize(
    ("ids", "options", "named"),
    [
        (["a"], {}, "1 ids for the vectors of 2 documents"),
        (["a", "b", "c"], {}, "3 ids for the vectors of 2 documents"),
        (["a", "b"], {"texts": ["one"]}, "1 texts for the vectors of 2"),
        (["a", "b"], {"attributes": [{}, {}, {}]}, "3 attributes for the vectors of 2"),
    ],
)
def test_numbers_that_disagree_are_refused(
    make: Make, draw: Draw, ids: Sequence[str], options: dict[str, Any], named: str
) -> None:
    refuse(make(), named, ids, draw(1, [1, 2]), **options)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"codec": "Rubbish"}, "codec 'Rubbish' is no FAISS factory"),
        ({"candidates": "Rubbish"}, "candidates 'Rubbish' is no FAISS factory"),
        ({"codec": "PQ3"}, "codec 'PQ3' is no FAISS factory string for 8 dims"),
        ({"codec": "HNSW32"}, "codec 'HNSW32' cannot encode single vectors"),
        ({"codec": "Senary65537"}, "codec 'Senary65537' has 65,537 centroids; choose at most 65,536"),
        ({"candidates": "IVF64,Flat"}, "candidates 'IVF64,Flat' cannot be trained on 6 vectors"),
        ({"encoding": MuveraConfig(projection_dim=9)}, "projection_dim is 9, but the words have 8"),
    ],
)
def test_settings_that_can_not_be_trained_leave_nothing(
    make: Make, draw: Draw, settings: dict[str, Any], named: str
) -> None:
    index = make(settings)
    refuse(index, named, names(6), draw(1, COUNTS))
    assert contents(index.path) == []


def test_a_refused_batch_leaves_the_index_open_for_the_next(make: Make, draw: Draw) -> None:
    index = make()
    index.add(["a"], draw(1, [1]))
    refuse(index, "'a'", ["b", "a"], draw(1, [1, 2]))
    index.add(["b"], draw(1, [2]))
    assert len(index) == 2


# Damage


def damage(path: Path, kind: str) -> None:
    if kind == "missing":
        path.unlink()
    else:
        path.write_bytes(b"" if kind == "empty" else b"garbage" * 50)


def search(path: Path, query: WordVectors) -> None:
    index = Index.open(path)
    index.find_candidates(query, 3)
    index.score(query, np.arange(3))


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("words.npy", "missing"),
        ("words.npy", "garbage"),
        pytest.param("words.npy", "empty"),
        ("offsets.npy", "missing"),
        ("offsets.npy", "garbage"),
        pytest.param("summaries.npy", "missing"),
        ("summaries.npy", "garbage"),
        pytest.param("candidates.faiss", "missing"),
        ("candidates.faiss", "empty"),
        ("candidates.faiss", "garbage"),
    ],
)
def test_a_damaged_file_of_a_segment_is_named(make: Make, draw: Draw, file: str, kind: str) -> None:
    index = make(summary_weight=0.3)
    index.add(names(6), draw(1, COUNTS, summary_dim=4))
    damage(index.path / "segments" / "000000000000" / file, kind)
    with pytest.raises(WordhiveError, match=rf"{file} is (damaged|missing)"):
        search(index.path, draw(2, [3], summary_dim=4))


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("words.faiss", "missing"),
        ("words.faiss", "garbage"),
        pytest.param("summaries.faiss", "missing"),
        ("summaries.faiss", "garbage"),
        pytest.param("encoding.safetensors", "missing"),
        pytest.param("encoding.safetensors", "empty"),
        pytest.param("encoding.safetensors", "garbage"),
        pytest.param("config.json", "missing"),
        pytest.param("config.json", "empty"),
        ("config.json", "garbage"),
    ],
)
def test_a_damaged_file_of_the_parameters_is_named(make: Make, draw: Draw, file: str, kind: str) -> None:
    index = make(summary_weight=0.3)
    index.add(names(6), draw(1, COUNTS, summary_dim=4))
    damage(index.path / "params" / "1" / file, kind)
    with pytest.raises(WordhiveError, match=file):
        search(index.path, draw(2, [3], summary_dim=4))


def test_a_missing_segment_is_named(make: Make, draw: Draw) -> None:
    index = make(EXACT)
    index.add(names(6), draw(1, COUNTS))
    shutil.rmtree(index.path / "segments" / "000000000000")
    with pytest.raises(WordhiveError, match=r"000000000000.* is missing"):
        all_scores(Index.open(index.path), draw(2, [3]))


# Writing that fails


def full(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupted(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


@contextmanager
def full_catalog(*_: Any) -> Iterator[sqlite3.Connection]:
    raise sqlite3.OperationalError("database or disk is full")
    yield


STEPS = ["Parameters.train", "save_array", "file_records", "Catalog.commit"]


def break_step(monkeypatch: pytest.MonkeyPatch, step: str, failure: Callable[..., Any]) -> None:
    owner, _, name = step.rpartition(".")
    target = {"": writing_module, "Parameters": Parameters, "Catalog": Catalog}[owner]
    monkeypatch.setattr(target, name, failure)


FAILURES = [
    *((step, full, WordhiveError) for step in STEPS[:3]),
    ("Catalog.commit", full_catalog, WordhiveError),
    *((step, interrupted, KeyboardInterrupt) for step in STEPS),
]


@pytest.mark.parametrize(("step", "failure", "error"), FAILURES)
def test_a_first_batch_that_fails_leaves_nothing(
    make: Make, draw: Draw, step: str, failure: Callable[..., Any], error: type[BaseException]
) -> None:
    index = make()
    with pytest.MonkeyPatch.context() as patch:
        break_step(patch, step, failure)
        with pytest.raises(error):
            index.add(names(6), draw(1, COUNTS))
    assert (len(index), contents(index.path)) == (0, [])


@pytest.mark.parametrize(("step", "failure", "error"), [f for f in FAILURES if f[0] != "Parameters.train"])
def test_a_later_batch_that_fails_leaves_what_was_there(
    make: Make, draw: Draw, step: str, failure: Callable[..., Any], error: type[BaseException]
) -> None:
    index, query = make(), draw(2, [3])
    index.add(names(6), draw(1, COUNTS))
    before = (index.ids(), contents(index.path), all_scores(index, query).tolist())
    with pytest.MonkeyPatch.context() as patch:
        break_step(patch, step, failure)
        with pytest.raises(error):
            index.add(names(2, 6), draw(3, [2, 3]))
    assert (index.ids(), contents(index.path), all_scores(index, query).tolist()) == before


@pytest.mark.parametrize(("step", "failure", "error"), FAILURES)
def test_a_batch_that_failed_can_be_added_again(
    make: Make, draw: Draw, slow_scores: SlowScores, step: str, failure: Callable[..., Any], error: type[BaseException]
) -> None:
    index, documents, query = make(), draw(1, COUNTS), draw(2, [3])
    with pytest.MonkeyPatch.context() as patch:
        break_step(patch, step, failure)
        with pytest.raises(error):
            index.add(names(6), documents)
    index.add(names(6), documents)
    np.testing.assert_allclose(all_scores(Index.open(index.path), query), slow_scores(query, documents), atol=0.03)


@pytest.mark.parametrize(("step", "failure"), [("save_array", full), ("Catalog.commit", full_catalog)])
def test_a_full_disk_is_said_to_be_full(make: Make, draw: Draw, step: str, failure: Callable[..., Any]) -> None:
    index = make()
    with pytest.MonkeyPatch.context() as patch:
        break_step(patch, step, failure)
        with pytest.raises(WordhiveError, match=r"the disk is full: nothing of this batch was kept in .*my\.hive"):
            index.add(names(6), draw(1, COUNTS))


def test_another_disk_error_names_its_reason(make: Make, draw: Draw) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    index = make()
    with pytest.MonkeyPatch.context() as patch:
        break_step(patch, "save_array", fail)
        with pytest.raises(WordhiveError, match=r"cannot write to .*my\.hive: Input/output error"):
            index.add(names(6), draw(1, COUNTS))


def limit_catalog(index: Index, pages: int) -> None:
    connection = index._catalog._connection
    connection.execute(f"PRAGMA max_page_count = {pages or connection.execute('PRAGMA page_count').fetchone()[0]}")


def long_names() -> list[str]:
    return [f"{number:0300d}" for number in range(200)]


def test_a_catalog_that_can_not_grow_keeps_nothing_of_the_batch(make: Make, draw: Draw) -> None:
    index = make(EXACT)
    limit_catalog(index, 0)
    with pytest.raises(WordhiveError):
        index.add(long_names(), draw(1, [1] * 200))
    assert (len(index), contents(index.path)) == (0, [])


def test_a_catalog_that_can_grow_again_takes_the_batch(make: Make, draw: Draw) -> None:
    index = make(EXACT)
    limit_catalog(index, 0)
    with pytest.raises(WordhiveError):
        index.add(long_names(), draw(1, [1] * 200))
    limit_catalog(index, 10_000)
    index.add(long_names(), draw(1, [1] * 200))
    assert len(index) == 200


def test_a_catalog_that_can_not_grow_is_a_full_disk(make: Make, draw: Draw) -> None:
    index = make(EXACT)
    limit_catalog(index, 0)
    with pytest.raises(WordhiveError, match="the disk is full"):
        index.add(long_names(), draw(1, [1] * 200))


def test_a_disk_that_fills_up_with_the_encoding_is_a_full_disk(
    make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(path: Path, data: bytes) -> int:
        return full() if path.suffix == ".safetensors" else write(path, data)  # type: ignore[no-any-return]

    write = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(WordhiveError, match="the disk is full"):
        make().add(names(6), draw(1, COUNTS))


def test_after_a_first_batch_that_failed_the_next_one_trains_anew(
    make: Make, draw: Draw, slow_scores: SlowScores
) -> None:
    index, documents, query = make(), draw(1, COUNTS), draw(2, [3])
    small = WordVectors(documents.vectors * np.float32(0.1), documents.offsets, documents.word_ids)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Catalog, "commit", full_catalog)
        with pytest.raises(WordhiveError):
            index.add(names(6), small)
    index.add(names(6), documents)
    np.testing.assert_allclose(all_scores(Index.open(index.path), query), slow_scores(query, documents), atol=0.03)


def test_a_new_index_that_can_not_be_written_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Catalog, "create", full)
    with pytest.raises(WordhiveError, match="the disk is full"):
        Index.create(tmp_path / "my.hive")
    assert not (tmp_path / "my.hive").exists()


def test_an_empty_folder_that_can_not_be_written_stays_empty(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Catalog, "create", full)
        with pytest.raises(WordhiveError, match="the disk is full"):
            Index.create(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["000000000001", "000000000099", "writing-000000000001"])
def test_what_a_crash_left_is_invisible_to_search(make: Make, draw: Draw, name: str) -> None:
    index, query = make(), draw(2, [3])
    index.add(names(6), draw(1, COUNTS))
    expected = all_scores(index, query)
    shutil.copytree(index.path / "segments" / "000000000000", index.path / "segments" / name)
    np.testing.assert_array_equal(all_scores(Index.open(index.path), query), expected)


@pytest.mark.parametrize("name", ["000000000001", "000000000099", "writing-000000000001"])
def test_what_a_crash_left_is_removed_by_the_next_add(make: Make, draw: Draw, name: str) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    shutil.copytree(index.path / "segments" / "000000000000", index.path / "segments" / name)
    index.add(["new"], draw(3, [2]))
    assert contents(index.path) == ["params/1", "segments/000000000000", "segments/000000000001"]


def test_parameters_that_a_crash_left_are_removed_by_the_next_add(make: Make, draw: Draw) -> None:
    index = make()
    (index.path / "params" / "1").mkdir()
    index.add(names(6), draw(1, COUNTS))
    assert (index.path / "params" / "1" / "words.faiss").is_file()


def test_a_second_writer_is_refused(make: Make, draw: Draw) -> None:
    index = make()
    with (
        FileLock(index.path / "lock"),
        pytest.raises(WordhiveError, match=r"another process is writing to .*my\.hive"),
    ):
        index.add(names(6), draw(1, COUNTS))


def test_a_second_writer_does_not_sweep_away_what_the_first_writes(make: Make, draw: Draw) -> None:
    index = make()
    (index.path / "segments" / "writing-000000000000").mkdir()
    with FileLock(index.path / "lock"), pytest.raises(WordhiveError):
        index.add(names(6), draw(1, COUNTS))
    assert contents(index.path) == ["segments/writing-000000000000"]


def test_a_writer_lets_go_of_the_lock(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    with FileLock(index.path / "lock", timeout=0) as lock:
        assert lock.is_locked


def test_a_writer_that_fails_lets_go_of_the_lock(make: Make, draw: Draw) -> None:
    index = make({"codec": "Rubbish"})
    with pytest.raises(InputError):
        index.add(names(6), draw(1, COUNTS))
    with FileLock(index.path / "lock", timeout=0) as lock:
        assert lock.is_locked


def test_a_folder_that_can_not_be_locked_is_named(make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    index = make()
    monkeypatch.setattr(FileLock, "acquire", fail)
    with pytest.raises(WordhiveError, match=r"cannot write to .*my\.hive"):
        index.add(names(6), draw(1, COUNTS))


def test_searching_needs_no_lock(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    with FileLock(index.path / "lock"):
        assert len(Index.open(index.path).find_candidates(draw(2, [3]), 6)[0]) == 6


# Threads


@pytest.mark.parametrize("candidates", ["Flat", "HNSW32_SQ8"])
def test_searches_from_several_threads_give_what_one_gives(make: Make, draw: Draw, candidates: str) -> None:
    index = make({"candidates": candidates}, summary_weight=0.3)
    add_in_parts(index, draw(1, COUNTS * 4, summary_dim=4), [6, 15])
    queries = [draw(seed, [1 + seed % 5], summary_dim=4) for seed in range(40)]
    serial = [answer(index, query) for query in queries]
    fresh = Index.open(index.path)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda query: answer(fresh, query), queries)) == serial


def answer(index: Index, query: WordVectors) -> tuple[list[int], list[float], list[str]]:
    rows = index.find_candidates(query, 8)[0]
    documents = index.documents(sorted(rows.tolist()))
    return rows.tolist(), index.score(query, rows).total.tolist(), [found.id for found in documents.values()]


def test_the_dimension_of_first_stage_vectors_is_estimated(draw: Draw, tmp_path: Path) -> None:
    encoding = MuveraConfig(repetitions=1, bits=0, projection_dim=None)
    index = Index.create(tmp_path / "a", IndexConfig(encoding=encoding, candidates="Flat"))
    assert index.intrinsic_dimension() is None
    index.add([f"a{n}" for n in range(400)], draw(1, [1] * 400))
    assert index.intrinsic_dimension() is None  # too few to tell
    index.add([f"b{n}" for n in range(2000)], draw(2, [1] * 2000))
    found = Index.open(tmp_path / "a").intrinsic_dimension()
    assert found == pytest.approx(7, abs=1.5)  # unit vectors in 8 dims
    exact = Index.create(tmp_path / "b", IndexConfig(encoding=None))
    exact.add(["x"], draw(1, [1]))
    assert exact.intrinsic_dimension() is None
