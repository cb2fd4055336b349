from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, MuveraConfig, WordhiveError, WordVectors
from wordhive.index import merging as merging_module
from wordhive.index.catalog import Catalog
from wordhive.index.check import check
from wordhive.index.config import FittedConfig, ReductionConfig
from wordhive.index.errors import WordhiveWarning

Draw = Callable[..., WordVectors]
CONFIG = IndexConfig(codec="SQ8", encoding=MuveraConfig(repetitions=4, bits=2, projection_dim=4), candidates="SQ8")


def ids(*numbers: int) -> list[str]:
    return [f"d{number}" for number in numbers]


def filled(path: Path, documents: WordVectors, parts: int = 3, config: IndexConfig = CONFIG) -> Index:
    index = Index.create(path, config, summary_weight=0.5)
    for part in np.array_split(np.arange(len(documents)), parts):
        index.add(ids(*part), documents.take(part), [f"text {row}" for row in part])
    return index


def scores(index: Index, queries: WordVectors) -> dict[str, list[float]]:
    """Every document's exact score for each query, and that the first stage finds just these documents."""
    names, found = index.ids(), {}
    for block in index.score_all(queries):
        for row, *values in zip(block[0].rows.tolist(), *(one.total for one in block), strict=True):
            found[names[row]] = [float(value) for value in values]
    for rows in index.find_candidates(queries, len(index) + 5):
        assert sorted(names[row] for row in rows.tolist()) == sorted(found)
    assert sorted(names.values()) == sorted(found)
    assert len(index) == len(found)
    assert sorted(index.documents(list(names))) == sorted(names)
    return found


def same(one: dict[str, list[float]], other: dict[str, list[float]]) -> bool:
    return sorted(one) == sorted(other) and all(np.allclose(one[id], other[id], atol=1e-6) for id in one)


@pytest.fixture
def documents(draw: Draw) -> WordVectors:
    return draw(1, [3, 0, 5, 4, 2, 1] * 5, summary_dim=4)


@pytest.fixture
def queries(draw: Draw) -> WordVectors:
    return draw(2, [3, 2], summary_dim=4)


def test_a_deleted_document_is_found_no_more(documents: WordVectors, queries: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    before = scores(index, queries)
    assert index.delete(ids(0, 7, 29)) == 3
    expected = {id: values for id, values in before.items() if id not in ids(0, 7, 29)}
    assert same(scores(index, queries), expected)
    assert same(scores(Index.open(index.path), queries), expected)
    assert index.info().n_deleted == 3
    assert len(index.vectors(np.arange(30))) == 27


def test_a_deleted_id_is_free_again(documents: WordVectors, queries: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    before = scores(index, queries)
    index.delete(ids(7))
    index.add(ids(7), documents[7:8], ["new"])
    assert same(scores(index, queries), before)
    assert index.texts(ids(7)) == {"d7": "new"}


def test_an_unknown_id_deletes_nothing(documents: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    with pytest.raises(InputError, match="holds no document 'nope'; nothing was deleted"):
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
    assert index.texts(ids(3, 25)) == {"d3": "three", "d25": "new"}


def test_an_upsert_that_fails_leaves_the_old_documents(documents: WordVectors, draw: Draw, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    with pytest.raises(InputError, match="dims"):
        index.upsert(ids(3), draw(1, [2], dim=5, summary_dim=4))
    assert (len(index), index.texts(ids(3))) == (30, {"d3": "text 3"})


@pytest.mark.parametrize("candidates", ["Flat", "SQ8", "IVF2,SQ8", "PQ4x3", "HNSW8_SQ8"])
def test_a_compacted_index_answers_as_before(
    documents: WordVectors, queries: WordVectors, tmp_path: Path, candidates: str
) -> None:
    config = CONFIG.model_copy(update={"candidates": candidates, "nprobe": 2, "ef_search": 100})
    index = filled(tmp_path / "x", documents, 2, config)
    index.delete(ids(0, 1, 8, 12, 19, 29))
    index.upsert(ids(3, 4), documents.take(np.array([13, 14])))
    before, first = scores(index, queries), index.find_candidates(queries, 5)
    names = index.ids()
    index.compact()
    assert same(scores(index, queries), before)
    assert same(scores(Index.open(index.path), queries), before)
    assert (index.info().n_segments, index.info().n_deleted) == (1, 0)
    assert index.ids() == names
    if candidates in ("Flat", "SQ8"):
        for a, b in zip(first, index.find_candidates(queries, 5), strict=True):
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
    assert len(index.find_candidates(queries, 10)[0]) == 110
    before = scores(index, queries)
    index.compact()
    assert len(index.find_candidates(queries, 10)[0]) == 10
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
    assert reader.texts(ids(3)) == {"d3": "text 3"}
    reader.reload()
    assert len(scores(reader, queries)) == 27
    assert reader.texts(ids(3)) == {"d3": "other"}
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


def test_an_index_opened_twice_deletes_in_turn(documents: WordVectors, tmp_path: Path) -> None:
    first = filled(tmp_path / "x", documents)
    second = Index.open(first.path)
    first.delete(ids(1))
    with pytest.raises(InputError, match="holds no document 'd1'"):
        second.delete(ids(1))
    second.delete(ids(2))
    first.delete(ids(3))
    assert len(first) == 27


def test_a_second_writer_is_told_to_wait(documents: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    with index._writer.alone():
        for change in (lambda i: i.delete(ids(1)), lambda i: i.compact(), lambda i: i.refit()):
            with pytest.raises(WordhiveError, match="another process is writing"):
                change(Index.open(index.path))
    index.delete(ids(1))


def test_threads_search_one_moment_while_another_changes(
    documents: WordVectors, queries: WordVectors, tmp_path: Path
) -> None:
    index = filled(tmp_path / "x", documents)
    stop, faults, looked = threading.Event(), list[BaseException](), [0]

    def search() -> None:
        while not stop.is_set():
            try:
                now = index.snapshot()
                rows = now.find_candidates(queries, 100)[0]
                assert len(rows) == len(now)
                assert len(now.score(queries[:1], rows).rows) == len(rows)
                assert len(now.documents(rows.tolist())) == len(rows)
                looked[0] += 1
            except BaseException as error:
                faults.append(error)
                return

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(25):
        index.delete(ids(turn))
        index.upsert(ids(29, 40 + turn), documents[:2])
        if turn % 6 == 0:
            index.compact()
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert looked[0] >= 3


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(data)


def test_a_flipped_byte_is_found_by_check_and_refused_by_search(
    documents: WordVectors, queries: WordVectors, tmp_path: Path
) -> None:
    made = filled(tmp_path / "made", documents)
    made.delete(ids(4))
    made.compact()
    made.close()
    files = [path for path in made.path.rglob("*") if path.is_file() and path.parent != made.path]
    assert len(files) >= 8
    for file in files:
        shutil.copytree(made.path, tmp_path / "x")
        damaged = tmp_path / "x" / file.relative_to(made.path)
        _flip(damaged, damaged.stat().st_size // 2)
        assert check(tmp_path / "x") == [f"{damaged} is damaged; restore it from a copy"]
        with pytest.raises(WordhiveError, match="damaged"):
            Index.open(tmp_path / "x").find_candidates(queries, 3)
        shutil.rmtree(tmp_path / "x")


def test_check_tells_what_is_missing(documents: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    assert check(index.path) == []
    index.close()
    gone = next((index.path / "segments").rglob("words.npy"))
    gone.unlink()
    assert check(index.path) == [f"{gone} is missing from the index; restore it from a copy"]
    with pytest.raises(InputError, match="no wordhive index"):
        check(tmp_path)


def test_check_finds_documents_that_rows_do_not_have(documents: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    index.close()
    with sqlite3.connect(index.path / "catalog.db") as connection:
        connection.execute("DELETE FROM document WHERE row = 3")
    assert "rows and documents disagree" in check(index.path)[0]
    with pytest.raises(WordhiveError, match="no document 3"):
        Index.open(index.path).documents([2, 3])


_DELETE_IN_TURN = """
import sys
from wordhive.index import Index, WordhiveError
index = Index.open(sys.argv[1])
for number in range(int(sys.argv[2]), 30, 2):
    while True:
        try:
            index.delete([f"d{number}"])
            break
        except WordhiveError as error:
            if "another process is writing" not in str(error):
                raise
"""


def test_two_processes_delete_what_they_should(documents: WordVectors, queries: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    commands = [[sys.executable, "-c", _DELETE_IN_TURN, str(index.path), first] for first in ("10", "11")]
    workers = [subprocess.Popen(command) for command in commands]
    assert [worker.wait() for worker in workers] == [0, 0]
    index.reload()
    assert sorted(scores(index, queries)) == sorted(ids(*range(10)))


def test_an_index_whose_creation_was_killed_can_be_made_again(documents: WordVectors, tmp_path: Path) -> None:
    for name in ("segments", "params"):
        (tmp_path / "x" / name).mkdir(parents=True)
    for name in ("params/queries.safetensors", "catalog.new", "catalog.new-journal"):
        (tmp_path / "x" / name).write_bytes(b"half")
    index = filled(tmp_path / "x", documents)
    assert len(index) == 30
    assert check(index.path) == []
    assert not list(index.path.glob("catalog.new*"))


def test_nothing_else_is_taken_for_a_half_made_index(tmp_path: Path) -> None:
    mine = tmp_path / "x" / "params" / "mine"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(InputError, match="already something"):
        Index.create(tmp_path / "x", CONFIG)
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE setting SET value = '0.25' WHERE name = 'summary_weight'",
        "UPDATE segment SET first_row = first_row + 1",
        "UPDATE generation SET dim = 9",
        "UPDATE file SET size = size + 1",
        "DELETE FROM tombstone",
        "UPDATE history SET id = id + 7 WHERE id = (SELECT max(id) FROM history)",
        "DELETE FROM seal",
    ],
)
def test_a_catalog_that_says_what_nobody_wrote_is_refused(documents: WordVectors, tmp_path: Path, change: str) -> None:
    index = filled(tmp_path / "x", documents)
    index.delete(ids(3))
    index.close()
    with sqlite3.connect(index.path / "catalog.db") as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(WordhiveError, match=r"catalog\.db is damaged"):
        Index.open(index.path)
    assert ["catalog.db is damaged" in fault for fault in check(index.path)] == [True]


def test_a_change_holds_though_the_catalog_cannot_be_read_after_it(
    documents: WordVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = filled(tmp_path / "x", documents)

    def fail(_: Any) -> None:
        raise WordhiveError("cannot read the catalog: disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "fold", lambda _: patch.setattr(Catalog, "pinned", fail))
        with pytest.warns(WordhiveWarning, match="not merged"):
            assert index.delete(ids(1)) == 1
        with pytest.raises(WordhiveError, match="disk I/O error"):
            len(index)
    assert len(index) == 29
