"""Documents that are deleted and replaced, and indexes that are compacted and fitted anew."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.config import FittedConfig, ReductionConfig
from wordhive.index.maintenance.check import check
from wordhive.index.writing import merging as merging_module

from .conftest import Draw
from .filled_index import CONFIG, filled, ids, scores


def same(one: dict[str, list[float]], other: dict[str, list[float]]) -> bool:
    return sorted(one) == sorted(other) and all(np.allclose(one[id], other[id], atol=1e-6) for id in one)


def test_a_deleted_document_is_found_no_more(documents: WordVectors, queries: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    before = scores(index, queries)
    assert index.delete(ids(0, 7, 29)) == 3
    expected = {id: values for id, values in before.items() if id not in ids(0, 7, 29)}
    assert same(scores(index, queries), expected)
    assert same(scores(Index.open(index.path), queries), expected)
    assert index.info().n_deleted == 3
    assert len(index.snapshot().vectors(np.arange(30))) == 27


def test_a_deleted_id_is_free_again(documents: WordVectors, queries: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    before = scores(index, queries)
    index.delete(ids(7))
    index.add(ids(7), documents[7:8], ["new"])
    assert same(scores(index, queries), before)
    assert index.snapshot().texts(ids(7)) == {"d7": "new"}


def test_an_unknown_id_deletes_nothing(documents: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    with pytest.raises(InputError, match="holds no document 'nope'; nothing was changed"):
        index.delete(["d1", "nope"])
    assert len(index) == 30
    assert index.delete(["d1", "nope"], missing_ok=True) == 1
    assert index.delete([]) == 0
    with pytest.raises(InputError, match="expected a list of ids"):
        index.delete("d2")


def test_all_documents_can_be_deleted(documents: WordVectors, queries: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    index.delete(ids(*range(30)))
    assert scores(index, queries) == {}
    assert (index.info().n_segments, index.info().n_deleted) == (0, 0)
    index.add(ids(1), documents[1:2])
    assert list(scores(index, queries)) == ["d1"]


def test_upsert_replaces_and_adds_in_one_commit(documents: WordVectors, queries: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents[:20])
    assert index.upsert(ids(3, 25), documents.take(np.array([13, 14])), ["three", "new"]) == 1
    found = scores(index, queries)
    assert len(found) == 21
    np.testing.assert_allclose(found["d3"], found["d13"], atol=1e-6)
    np.testing.assert_allclose(found["d25"], found["d14"], atol=1e-6)
    assert index.snapshot().texts(ids(3, 25)) == {"d3": "three", "d25": "new"}


def test_an_upsert_that_fails_leaves_the_old_documents(documents: WordVectors, draw: Draw, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    with pytest.raises(InputError, match="dims"):
        index.upsert(ids(3), draw(1, [2], dim=5, summary_dim=4))
    assert (len(index), index.snapshot().texts(ids(3))) == (30, {"d3": "text 3"})


@pytest.mark.parametrize("candidates", ["Flat", "SQ8", "IVF2,SQ8", "PQ4x3", "HNSW8_SQ8"])
def test_a_compacted_index_answers_as_before(
    documents: WordVectors, queries: WordVectors, tmp_path: Path, candidates: str
) -> None:
    config = CONFIG.model_copy(update={"candidates": candidates, "nprobe": 2, "ef_search": 100})
    index = filled(tmp_path / "x", documents, 2, config)
    index.delete(ids(0, 1, 8, 12, 19, 29))
    index.upsert(ids(3, 4), documents.take(np.array([13, 14])))
    before, first = scores(index, queries), index.snapshot().find_candidates(queries, 5)
    names = index.snapshot().ids()
    index.compact()
    assert same(scores(index, queries), before)
    assert same(scores(Index.open(index.path), queries), before)
    assert (index.info().n_segments, index.info().n_deleted) == (1, 0)
    assert index.snapshot().ids() == names
    if candidates in ("Flat", "SQ8"):
        for a, b in zip(first, index.snapshot().find_candidates(queries, 5), strict=True):
            np.testing.assert_array_equal(a, b)
    assert len(list((index.path / "segments").iterdir())) == 1
    assert check(index.path) == []


def test_a_compacted_index_is_as_small_as_a_new_one(draw: Draw, tmp_path: Path) -> None:
    documents = draw(5, [6] * 600, summary_dim=4)
    index = filled(tmp_path / "x", documents)
    index.delete(ids(*range(0, 600, 2)))
    index.compact()
    new = Index.create(tmp_path / "new", CONFIG, summary_weight=0.5)
    kept = np.arange(1, 600, 2)
    new.add(ids(*kept), documents.take(kept), [f"text {row}" for row in kept])
    sizes = [sum(each.info().bytes.values()) for each in (index, new)]
    assert sizes[0] <= 1.05 * sizes[1]


def test_a_segment_that_is_half_deleted_is_rewritten_on_its_own(documents: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    index.delete(ids(0, 1, 2, 3))
    assert index.info().n_deleted == 4
    index.delete(ids(4))
    assert (index.info().n_deleted, index.info().n_segments) == (0, 3)


def test_a_compaction_that_is_stopped_changes_nothing(
    documents: WordVectors, queries: WordVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = filled(tmp_path / "x", documents)
    index.delete(ids(5))
    before = scores(index, queries)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(merging_module, "file_records", stop)
        with pytest.raises(KeyboardInterrupt):
            index.compact()
    assert same(scores(index, queries), before)
    assert same(scores(Index.open(index.path), queries), before)
    index.compact()
    assert same(scores(index, queries), before)


def test_first_documents_get_their_encoding_by_a_compaction(draw: Draw, tmp_path: Path) -> None:
    config = IndexConfig(
        encoding=FittedConfig(centroids=4, sample_words=64), reduction=ReductionConfig(dims=4, queries=16)
    )
    index = Index.create(tmp_path / "x", config, summary_weight=0.3)
    documents, queries = draw(1, [4] * 1100, summary_dim=4), draw(2, [3], summary_dim=4)
    index.add(ids(*range(100)), documents[:100])
    index.add(ids(*range(100, 1100)), documents[100:])
    assert len(index.snapshot().find_candidates(queries, 10)[0]) == 110
    before = scores(index, queries)
    index.compact()
    assert len(index.snapshot().find_candidates(queries, 10)[0]) == 10
    found = scores(index, queries)
    assert all(np.allclose(found[id], before[id], atol=0.05) for id in before)
    assert [path.name for path in (index.path / "params").iterdir()] == ["2"]


def test_a_refit_index_answers_nearly_as_before(draw: Draw, tmp_path: Path) -> None:
    documents, queries = draw(1, [4] * 300, summary_dim=4), draw(2, [3, 2], summary_dim=4)
    index = filled(tmp_path / "x", documents)
    index.delete(ids(0, 150, 299))
    before = scores(index, queries)
    index.refit()
    found = scores(index, queries)
    assert sorted(found) == sorted(before)
    assert all(np.allclose(found[id], before[id], atol=0.05) for id in before)
    assert [path.name for path in (index.path / "params").iterdir()] == ["2"]
    index.add(["new"], documents[:1])
    assert same(scores(Index.open(index.path), queries), scores(index, queries))


def test_a_snapshot_stays_as_it_is(documents: WordVectors, queries: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    reader = Index.open(index.path)
    before, then = scores(reader, queries), reader.snapshot()
    index.delete(ids(0, 1, 2))
    index.upsert(ids(3), documents[4:5], ["other"])
    index.compact()
    assert same(scores(reader, queries), before)
    assert reader.snapshot().texts(ids(3)) == {"d3": "text 3"}
    reader.reload()
    assert len(scores(reader, queries)) == 27
    assert reader.snapshot().texts(ids(3)) == {"d3": "other"}
    assert len(then.documents(list(range(30)))) == 30
    assert sum(len(block[0].rows) for block in then.score_all(queries)) == 30


def test_a_reader_that_had_not_looked_yet_sees_the_merged_index(
    documents: WordVectors, queries: WordVectors, tmp_path: Path
) -> None:
    index = filled(tmp_path / "x", documents)
    reader = Index.open(index.path)
    index.delete(ids(0, 1, 2))
    index.compact()
    assert len(scores(reader, queries)) == 27


def test_the_log_of_the_catalog_does_not_grow_with_every_commit(draw: Draw, tmp_path: Path) -> None:
    index, documents = filled(tmp_path / "x", draw(1, [2] * 8, summary_dim=4)), draw(3, [2] * 8, summary_dim=4)
    sizes = []
    for _ in range(12):
        index.upsert(ids(*range(8)), documents, ["x" * 40_000] * 8)
        sizes.append((index.path / "catalog.db-wal").stat().st_size)
    assert max(sizes) <= 3 * sizes[0]


def test_random_changes_leave_what_a_dictionary_would_hold(draw: Draw, queries: WordVectors, tmp_path: Path) -> None:
    pool, random_ = draw(7, [1, 2, 3, 4] * 25, summary_dim=4), random.Random(3)
    index, held = Index.create(tmp_path / "x", CONFIG, summary_weight=0.5), dict[str, int]()
    index.add(ids(*range(40)), pool[:40])
    held = {f"d{row}": row for row in range(40)}
    for _ in range(60):
        step = random_.choice(["add", "upsert", "delete", "compact"])
        if step == "compact":
            if random_.random() < 0.3:
                index.compact()
        elif step == "delete":
            chosen = random_.sample(sorted(held), min(len(held), random_.randint(0, 6)))
            index.delete(chosen)
            held = {id: row for id, row in held.items() if id not in chosen}
        else:
            free = [f"d{n}" for n in range(60) if step == "upsert" or f"d{n}" not in held]
            chosen = random_.sample(free, min(len(free), random_.randint(1, 6)))
            rows = [random_.randrange(100) for _ in chosen]
            (index.add if step == "add" else index.upsert)(chosen, pool.take(np.array(rows, np.int64)))
            held.update(zip(chosen, rows, strict=True))
    found = scores(index, queries)
    oracle = Index.create(tmp_path / "oracle", CONFIG, summary_weight=0.5)
    oracle.add(ids(*range(40)), pool[:40])  # the same documents train the same codecs
    oracle.delete(ids(*range(40)))
    oracle.add(list(held), pool.take(np.array(list(held.values()))))
    assert same(found, scores(oracle, queries))
    assert check(index.path) == []
