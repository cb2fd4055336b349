"""Segments that are merged: nothing a search finds changes, and nobody's files go away."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, MuveraConfig, WordhiveError, WordVectors
from wordhive.index.errors import WordhiveWarning
from wordhive.index.faiss import faiss_library
from wordhive.index.files import checksum
from wordhive.index.scoring.scores import Scores
from wordhive.index.storage import folders
from wordhive.index.storage.array_files import ArrayFile
from wordhive.index.storage.catalog.catalog_records import SegmentRecord
from wordhive.index.storage.word_id_lists import by_word_id
from wordhive.index.writing import merging
from wordhive.index.writing import writer as writer_module
from wordhive.index.writing.merging import due

Draw = Callable[..., WordVectors]
ENCODING = MuveraConfig(repetitions=4, bits=2, projection_dim=4)


def _record(n: int, first: int = 0, generation: int = 1) -> SegmentRecord:
    return SegmentRecord(f"{first}", generation, first, n, n, n)


@pytest.mark.parametrize(
    ("sizes", "merged"),
    [
        ([], 0),
        ([1] * 7, 0),
        ([1] * 8, 8),
        ([2048] * 7, 0),
        ([2048] * 8, 8),
        ([2048] * 7 + [5], 8),
        ([2048] * 7 + [5, 2048], 9),
        ([16384] + [2048] * 7, 0),
        ([16384] * 7 + [2048] * 8, 8),
        ([16384] * 8, 8),
        ([16384] + [1] * 8, 8),
        ([1] * 7 + [100, 1], 0),
        ([1] * 3 + [100] * 3 + [1], 0),
        ([1] * 9 + [100], 0),
        ([100] + [1] * 9, 9),
    ],
)
def test_the_last_segments_of_a_size_are_due_once_there_are_eight(sizes: list[int], merged: int) -> None:
    records = [_record(n, first) for first, n in enumerate(sizes)]
    assert due(records, {}) == records[len(records) - merged :]


def test_other_generations_are_left_alone() -> None:
    records = [_record(10, first, generation=1 + (first > 0)) for first in range(8)]
    assert due(records, {}) == []
    assert due([*records, _record(10, 8, generation=2)], {}) == [*records[1:], _record(10, 8, generation=2)]


def test_only_neighbours_are_merged() -> None:
    """A refit that was stopped left an old segment between new ones, which a rewritten one stands before."""
    generations = [2, 2, 1, *[2] * 7]
    records = [_record(10, first, generation) for first, generation in enumerate(generations)]
    assert due(records, {}) == []
    assert due([*records, _record(10, 10, 2)], {}) == [*records[3:], _record(10, 10, 2)]


def test_documents_between_merged_segments_keep_their_vectors(tmp_path: Path, draw: Draw) -> None:
    documents = draw(1, [2] * 13, summary_dim=4)
    index = Index.create(tmp_path / "x", IndexConfig(codec="Flat", encoding=None), summary_weight=0.5)
    for first, last in ((0, 3), (3, 4), (4, 5)):
        index.add([f"d{row}" for row in range(first, last)], documents[first:last])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer_module, "merge", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            index.refit()
    index.delete(["d0", "d1"])  # so that the first segment is rewritten, by the new parameters
    for row in range(5, 13):
        index.add([f"d{row}"], documents[row : row + 1])
    spans = sorted((s.record.first_row, s.record.first_row + s.record.n_rows) for s in index.snapshot().segments)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    for id, row in index.snapshot().rows([f"d{row}" for row in range(2, 13)]).items():
        stored = by_word_id(documents[int(id[1:]) : int(id[1:]) + 1])
        np.testing.assert_array_equal(index.snapshot().vectors(np.array([row])).vectors, stored.vectors, err_msg=id)


def test_segments_that_are_no_neighbours_are_refused(tmp_path: Path, draw: Draw) -> None:
    index = _unmerged(tmp_path / "x", IndexConfig(codec="Flat", encoding=None), draw(1, [2] * 3, summary_dim=4), 3)
    now = index.snapshot()
    assert now.generation is not None
    with pytest.raises(ValueError, match="are no neighbours"):
        merging.merge(index.path, now, [now.segments[0], now.segments[2]], now.generation, "000000000009", "cpu")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _filled(path: Path, config: IndexConfig, documents: WordVectors, batches: int) -> Index:
    index = Index.create(path, config, summary_weight=0.5)
    for part in np.array_split(np.arange(len(documents)), batches):
        index.add([f"d{row}" for row in part], documents.take(part), [f"text {row}" for row in part])
    return index


def _unmerged(path: Path, config: IndexConfig, documents: WordVectors, batches: int) -> Index:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer_module, "due", lambda records, deleted: [])
        return _filled(path, config, documents, batches)


@pytest.mark.parametrize("candidates", ["Flat", "SQ8", "IVF2,SQ8", "PQ4x4", "HNSW8_SQ8"])
def test_a_merged_index_answers_as_an_unmerged_one(draw: Draw, tmp_path: Path, candidates: str) -> None:
    documents = draw(1, [3, 0, 5, 4, 2] * 48, summary_dim=4)
    queries = draw(2, [3, 2, 0], summary_dim=4)
    config = IndexConfig(codec="SQ8", encoding=ENCODING, candidates=candidates, nprobe=2, ef_search=300)
    merged = _filled(tmp_path / "merged", config, documents, 10)
    unmerged = _unmerged(tmp_path / "unmerged", config, documents, 10)
    assert [segment.n_documents for segment in merged._catalog.segments()] == [192, 24, 24]
    assert unmerged.info().n_segments == 10
    assert merged.snapshot().documents([3, 239]) == unmerged.snapshot().documents([3, 239])
    for a, b in zip(merged.snapshot().score_all(queries), _one_block(unmerged, queries), strict=False):
        for one, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(one.total, other.total[: len(one.total)])
    for a, b in zip(
        merged.snapshot().find_candidates(queries, 240), unmerged.snapshot().find_candidates(queries, 240), strict=True
    ):
        assert set(a.tolist()) == set(b.tolist())
    if not candidates.startswith("HNSW"):
        for a, b in zip(
            merged.snapshot().find_candidates(queries, 20),
            unmerged.snapshot().find_candidates(queries, 20),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)


def _one_block(index: Index, queries: WordVectors) -> list[list[Scores]]:
    blocks = list(index.snapshot().score_all(queries))
    return [[Scores.concat([block[i] for block in blocks]) for i in range(len(queries))]]


def test_files_are_the_old_ones_rows_and_the_catalog_knows_them(draw: Draw, tmp_path: Path) -> None:
    documents = draw(3, [2, 4, 1] * 32, summary_dim=4)
    config = IndexConfig(codec="SQ8", encoding=ENCODING, candidates="SQ8")
    merged = _filled(tmp_path / "merged", config, documents, 8)
    unmerged = _unmerged(tmp_path / "unmerged", config, documents, 8)
    folders = sorted((tmp_path / "unmerged" / "segments").iterdir())
    [folder] = (tmp_path / "merged" / "segments").iterdir()
    for name in ("words.npy", "summaries.npy"):
        expected = np.concatenate([np.load(old / name) for old in folders])
        np.testing.assert_array_equal(np.load(folder / name), expected)
    np.testing.assert_array_equal(np.load(folder / "offsets.npy"), documents.offsets)
    stored = merged.snapshot().vectors(np.arange(len(documents)))
    np.testing.assert_array_equal(stored.word_ids, by_word_id(documents).word_ids)
    np.testing.assert_array_equal(np.load(folder / "vocabulary.npy"), np.unique(documents.word_ids))
    codes = [_codes(old / "candidates.faiss") for old in folders]
    np.testing.assert_array_equal(_codes(folder / "candidates.faiss"), np.concatenate(codes))
    for file in merged._catalog.files():
        path = tmp_path / "merged" / file.path
        assert (path.stat().st_size, checksum(path)) == (file.size, file.checksum)
    assert merged.info().bytes["words"] < unmerged.info().bytes["words"]


def _codes(path: Path) -> np.ndarray:
    index = faiss_library.read(path)
    return np.asarray(faiss_library.faiss().vector_to_array(index.codes))


def test_a_reader_keeps_its_answers_while_another_process_merges(draw: Draw, tmp_path: Path) -> None:
    documents, queries = draw(4, [3] * 80), draw(5, [4])
    config = IndexConfig(codec="SQ8", encoding=ENCODING, candidates="SQ8")
    writer = Index.create(tmp_path / "a", config)
    for start in range(0, 70, 10):
        writer.add([f"d{row}" for row in range(start, start + 10)], documents[start : start + 10])
    searched, untouched = Index.open(tmp_path / "a"), Index.open(tmp_path / "a")
    [before] = searched.snapshot().find_candidates(queries, 70)
    scores = searched.snapshot().score(queries, before)
    writer.add([f"d{row}" for row in range(70, 80)], documents[70:80])
    assert writer.info().n_segments == 1
    [again] = searched.snapshot().find_candidates(queries, 70)
    np.testing.assert_array_equal(again, before)
    np.testing.assert_array_equal(searched.snapshot().score(queries, before).total, scores.total)
    # One that had opened no file yet finds them merged away, and looks again.
    [found] = untouched.snapshot().find_candidates(queries, 80)
    assert len(found) == 80
    [block] = Index.open(tmp_path / "a").snapshot().score_all(queries)
    assert len(block[0].rows) == 80


def test_large_segments_have_the_index_for_large_ones(draw: Draw, tmp_path: Path) -> None:
    documents, queries = draw(6, [3] * 320), draw(7, [4] * 5)
    config = IndexConfig(
        codec="SQ8", encoding=ENCODING, candidates="SQ8", large_candidates="HNSW16_SQ8", large_from=100
    )
    index = _filled(tmp_path / "a", config, documents, 15)
    for segment in index._catalog.segments():
        kind = type(faiss_library.read(tmp_path / "a" / "segments" / segment.id / "candidates.faiss")).__name__
        assert kind == ("IndexHNSWSQ" if segment.n_documents >= 100 else "IndexScalarQuantizer")
    flat = _filled(tmp_path / "b", config.model_copy(update={"large_candidates": None}), documents, 16)
    for a, b in zip(
        index.snapshot().find_candidates(queries, 64), flat.snapshot().find_candidates(queries, 64), strict=True
    ):
        assert len(np.intersect1d(a, b)) >= 60
    assert max(segment.n_documents for segment in index._catalog.segments()) >= 100


def test_a_merge_that_fails_costs_no_document_and_is_tried_again(
    draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents, queries = draw(8, [3] * 9), draw(9, [4])
    index = Index.create(tmp_path / "a", IndexConfig(codec="SQ8", encoding=ENCODING, candidates="SQ8"))
    for row in range(7):
        index.add([f"d{row}"], documents[row : row + 1])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(merging, "ArrayFile", full)
        with pytest.warns(WordhiveWarning, match="segments were not merged"):
            index.add(["d7"], documents[7:8])
    assert len(index) == 8
    assert index.info().n_segments == 8
    assert len(index.snapshot().find_candidates(queries, 10)[0]) == 8
    assert len(list((tmp_path / "a" / "segments").iterdir())) == 8
    index.add(["d8"], documents[8:9])
    assert index.info().n_segments == 1
    assert len(Index.open(tmp_path / "a").snapshot().find_candidates(queries, 10)[0]) == 9


def test_a_stopped_merge_leaves_the_segments_as_they_were(
    draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = draw(8, [3] * 8)
    index = Index.create(tmp_path / "a", IndexConfig(codec="SQ8", encoding=ENCODING, candidates="SQ8"))
    for row in range(7):
        index.add([f"d{row}"], documents[row : row + 1])

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(merging, "ArrayFile", stop)
        with pytest.raises(KeyboardInterrupt):
            index.add(["d7"], documents[7:8])
    reopened = Index.open(tmp_path / "a")
    assert (len(reopened), reopened.info().n_segments) == (8, 8)
    assert not [path for path in (tmp_path / "a" / "segments").iterdir() if path.name.startswith("writing")]


def test_documents_are_rewritten_a_few_times_in_their_lives() -> None:
    for sizes in ([2048] * 600, [1] * 700, [100_000, *([1] * 500)], [1, 50, 2048, 7] * 150):
        records: list[SegmentRecord] = []
        rewritten = 0
        for first, n in enumerate(sizes):
            records.append(_record(n, first))
            while run := due(records, {}):
                merged = sum(record.n_documents for record in run)
                records = [*records[: -len(run)], _record(merged, run[0].first_row)]
                rewritten += merged
        assert rewritten <= 6 * sum(sizes)
        assert len(records) <= 30


@pytest.mark.parametrize("error", [MemoryError("no"), WordhiveError("words.npy is missing"), RuntimeError("FAISS")])
def test_whatever_stops_a_merge_is_a_warning(
    draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    documents = draw(8, [3] * 8)
    index = _filled(tmp_path / "a", IndexConfig(codec="SQ8", encoding=ENCODING, candidates="SQ8"), documents[:7], 7)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(writer_module, "merge", fail)
    with pytest.warns(WordhiveWarning, match="no document is lost"):
        index.add(["x"], documents[7:])
    assert (len(index), index.info().n_segments) == (8, 8)


@pytest.mark.parametrize("damage", [lambda b: b[:-3], lambda b: b[:-1] + bytes([b[-1] ^ 1])])
def test_damage_is_not_merged_away(draw: Draw, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    documents = draw(8, [3] * 8)
    index = _filled(tmp_path / "a", IndexConfig(codec="SQ8", encoding=ENCODING, candidates="SQ8"), documents[:7], 7)
    path = next(iter(sorted((tmp_path / "a" / "segments").glob("*/words.npy"))))
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    with pytest.warns(WordhiveWarning, match=r"words\.npy is damaged"):
        index.add(["x"], documents[7:])
    path.write_bytes(whole)
    index.add(["y"], draw(9, [3]))
    assert (len(index), index.info().n_segments) == (9, 1)


def test_word_ids_of_any_whole_number_type_stay_themselves(draw: Draw, tmp_path: Path) -> None:
    documents = draw(8, [3] * 8)
    index = Index.create(tmp_path / "a", IndexConfig(codec="SQ8", encoding=ENCODING, candidates="SQ8"))
    for row in range(8):
        part = documents[row : row + 1]
        kind = np.int64 if row % 2 else np.uint32
        index.add([f"d{row}"], WordVectors(part.vectors, part.offsets, part.word_ids.astype(kind)))
    np.testing.assert_array_equal(index.snapshot().vectors(np.arange(8)).word_ids, by_word_id(documents).word_ids)


def test_a_folder_that_stays_is_removed_by_a_later_writer(
    draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = draw(8, [3] * 9)
    index = _filled(tmp_path / "a", IndexConfig(codec="SQ8", encoding=ENCODING, candidates="SQ8"), documents[:7], 7)
    real = folders.shutil.rmtree

    def stuck(path: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise OSError(errno.ENOTEMPTY, "Directory not empty")

    with monkeypatch.context() as patch:
        patch.setattr(folders.shutil, "rmtree", stuck)
        index.add(["x"], documents[7:8])
    assert len(list((tmp_path / "a" / "segments").iterdir())) == 9
    assert real is folders.shutil.rmtree
    index.add(["y"], documents[8:])
    assert len(list((tmp_path / "a" / "segments").iterdir())) == 2


def test_a_search_keeps_to_the_segments_that_it_began_with(draw: Draw, tmp_path: Path) -> None:
    documents, queries = draw(8, [3] * 16), draw(9, [4])
    index = _filled(tmp_path / "a", IndexConfig(codec="SQ8", encoding=ENCODING, candidates="SQ8"), documents[:7], 7)
    blocks = index.snapshot().score_all(queries)
    first = next(blocks)
    index.add([f"x{row}" for row in range(9)], documents[7:16])  # merges all of them
    rows = np.concatenate([first[0].rows, *(block[0].rows for block in blocks)])
    assert rows.tolist() == list(range(7))


@pytest.mark.parametrize("at", [0, 1, 2, 5])
def test_an_interrupt_in_a_merge_comes_out_of_the_call(at: int, tmp_path: Path, draw: Draw) -> None:
    documents = draw(1, [3] * 8, summary_dim=4)
    index = _filled(tmp_path / "x", IndexConfig(codec="SQ8", encoding=None), documents[:7], 7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "ArrayFile", _stopped(KeyboardInterrupt(), at))
        with pytest.raises(KeyboardInterrupt):
            index.add(["d7"], documents[7:])
    assert len(index) == 8
    assert len(index.snapshot().segments) == 8
    index.compact()
    assert len(index) == 8


@pytest.mark.parametrize("at", [0, 1, 2, 5])
def test_a_full_disk_in_a_merge_is_told_as_one(at: int, tmp_path: Path, draw: Draw) -> None:
    documents = draw(1, [3] * 8, summary_dim=4)
    index = _filled(tmp_path / "x", IndexConfig(codec="SQ8", encoding=None), documents[:7], 7)
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "ArrayFile", _stopped(full, at))
        with pytest.warns(WordhiveWarning, match=r"segments were not merged \(.*No space left on device"):
            index.add(["d7"], documents[7:])
    assert len(index) == 8


def _stopped(error: BaseException, at: int) -> type[ArrayFile]:
    """Files of arrays that fail at the writing with that number."""
    count = itertools.count()

    class Stopped(ArrayFile):
        def write(self, rows: np.ndarray) -> None:
            if next(count) == at:
                raise error
            super().write(rows)

    return Stopped
