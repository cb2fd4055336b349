"""An index that several open at once, in threads and in processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wordhive.index import Index, InputError, WordhiveError, WordVectors

from ..filled_index import filled, ids, scores


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
