"""Strings without ids: the numbers that they get, and how they are told from those that are there."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError
from wordhive.index.config import MuveraConfig
from wordhive.index.writing.free_numbers import FreeNumbers
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.texts.documents import Document

SMALL = IndexConfig(encoding=MuveraConfig(repetitions=4, bits=2, projection_dim=8))
OLD = ["old 0", "old 1", "old 2"]

Change = Callable[[Retriever, Iterable[Any]], int]
CHANGES = pytest.mark.parametrize("change", [Retriever.add, Retriever.upsert], ids=["add", "upsert"])
KINDS = pytest.mark.parametrize("kind", [list, iter], ids=["list", "generator"])


@pytest.fixture
def retriever(tmp_path: Path, tiny_encoder: Encoder) -> Retriever:
    return Retriever.create(tmp_path / "x.hive", tiny_encoder, config=SMALL)


@pytest.fixture
def two_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordhive.retrieval.operations.document_writer.DOCUMENTS_A_COMMIT", 2)


def texts(retriever: Retriever) -> dict[str, str | None]:
    snapshot = retriever.index.snapshot()
    found = snapshot.documents(sorted(snapshot.ids()))
    return {document.id: document.text for document in found.values()}


@KINDS
@CHANGES
@pytest.mark.usefixtures("two_a_commit")
def test_strings_take_nobodys_place(retriever: Retriever, change: Change, kind: Any) -> None:
    retriever.add(OLD)
    retriever.delete(["0", "1"])
    assert change(retriever, kind(["new a", "new b", "new c"])) == 3
    assert texts(retriever) == {"2": "old 2", "3": "new a", "4": "new b", "5": "new c"}


@KINDS
@CHANGES
@pytest.mark.usefixtures("two_a_commit")
@pytest.mark.parametrize("taken", [["3"], ["3", "4"], ["4"], ["5", "7"], ["4", "6", "8"]])
def test_numbers_of_the_users_own_are_passed_over(
    retriever: Retriever, change: Change, kind: Any, taken: list[str]
) -> None:
    retriever.add([(id, f"own {id}") for id in taken])
    new = [f"new {number}" for number in range(5)]
    assert change(retriever, kind(new)) == 5
    found = texts(retriever)
    assert {id: found[id] for id in taken} == {id: f"own {id}" for id in taken}
    assert Counter(found.values()) == Counter([*new, *(f"own {id}" for id in taken)])


@KINDS
@CHANGES
@pytest.mark.parametrize(
    "documents",
    [
        [{"id": 1, "text": "own"}, "plain"],
        ["plain", {"id": 0, "text": "own"}],
        ["plain", ("1", "own"), "other", Document("2", "second")],
        [("1", "own"), ("0", "second"), "plain", "other", ("2", "third")],
    ],
)
def test_a_mixed_list_does_not_clash_with_itself(
    retriever: Retriever, change: Change, kind: Any, documents: list[Any]
) -> None:
    assert change(retriever, kind(documents)) == len(documents) == len(retriever)


@CHANGES
@pytest.mark.usefixtures("two_a_commit")
def test_a_mixed_list_does_not_clash_with_a_later_commit_of_itself(retriever: Retriever, change: Change) -> None:
    assert change(retriever, ["plain", "other", {"id": 0, "text": "own"}, {"id": "1", "text": "second"}]) == 4
    assert texts(retriever)["0"] == "own"
    assert len(retriever) == 4


@CHANGES
@pytest.mark.usefixtures("two_a_commit")
def test_a_generator_that_gives_a_number_of_an_earlier_string_is_refused(retriever: Retriever, change: Change) -> None:
    with pytest.raises(InputError, match="'1' was given to a string before it in the same run; give all of them ids"):
        change(retriever, iter(["plain", "other", "third", {"id": 1, "text": "own"}]))
    assert texts(retriever) == {"0": "plain", "1": "other"}


def test_a_number_is_not_given_a_second_time_after_its_document_was_deleted(retriever: Retriever) -> None:
    retriever.add(["a", "b", "c"])
    retriever.delete(["2"])
    retriever.add(["d"])
    assert texts(retriever) == {"0": "a", "1": "b", "3": "d"}


def test_numbers_go_on_beyond_many_that_are_taken(retriever: Retriever) -> None:
    retriever.add([(number, "bee") for number in range(1, 1203)])
    retriever.delete([str(number) for number in range(1, 1000)])
    retriever.add(["ants"])
    assert [id for id, text in texts(retriever).items() if text == "ants"] == ["1203"]


def test_threads_add_strings_at_the_same_time(retriever: Retriever) -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(retriever.add, [f"{name} one", f"{name} two"]) for name in "abcd"]
        assert [run.result() for run in runs] == [2] * 4
    assert sorted(map(str, texts(retriever).values())) == [f"{name} {n}" for name in "abcd" for n in ("one", "two")]
    assert sorted(texts(retriever)) == [str(number) for number in range(8)]


ADD_TWO = """
import sys, time
from wordhive import Retriever, WordhiveError
retriever = Retriever.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for name in sys.argv[2:]:
    while True:
        try:
            retriever.add([f"{name} one", f"{name} two"])
            break
        except WordhiveError as error:
            assert "another process is writing" in str(error), error
            time.sleep(0.05)
"""


@pytest.mark.slow
def test_processes_add_strings_one_after_the_other(tmp_path: Path, tiny_folder: Path) -> None:
    with Retriever.create(tmp_path / "x.hive", str(tiny_folder), config=SMALL) as retriever:
        retriever.add(OLD)
    command = [sys.executable, "-c", ADD_TWO, str(tmp_path / "x.hive")]
    started = [
        subprocess.Popen([*command, *names], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for names in ("ab", "cd")
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.communicate("go\n", timeout=60)
    assert [process.returncode for process in started] == [0, 0]
    with Retriever.open(tmp_path / "x.hive") as retriever:
        expected = [*OLD, *(f"{name} {n}" for name in "abcd" for n in ("one", "two"))]
        assert sorted(map(str, texts(retriever).values())) == sorted(expected)


@KINDS
@pytest.mark.usefixtures("two_a_commit")
def test_skip_known_adds_strings_that_are_new(retriever: Retriever, kind: Any) -> None:
    retriever.add(["a", "b"])
    assert retriever.add(kind(["c", "a", "d"]), skip_known=True) == 2
    assert texts(retriever) == {"0": "a", "1": "b", "2": "c", "3": "d"}


@pytest.mark.usefixtures("two_a_commit")
@pytest.mark.parametrize("n", range(6))
def test_a_run_over_strings_that_was_stopped_goes_on_with_skip_known(retriever: Retriever, n: int) -> None:
    given = ["a", "b", "a", "c", "a"]

    def stopping() -> Iterator[str]:
        yield from given[:n]
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        retriever.add(stopping())
    held = len(retriever)
    assert retriever.add(given, skip_known=True) == 5 - held
    assert Counter(texts(retriever).values()) == Counter(given)
    assert retriever.add(given, skip_known=True) == 0


def test_skip_known_of_strings_and_ids_goes_by_each_ones_own(retriever: Retriever) -> None:
    retriever.add([("x", "a"), "b"])
    added = retriever.add([("x", "other"), ("y", "b"), "a", "b", "c"], skip_known=True)
    assert added == 2
    assert texts(retriever) == {"x": "a", "1": "b", "y": "b", "3": "c"}


def test_skip_known_of_strings_needs_texts(tmp_path: Path, tiny_encoder: Encoder) -> None:
    retriever = Retriever.create(tmp_path / "x", tiny_encoder, config=SMALL, store_texts=False)
    assert retriever.add([("x", "a")], skip_known=True) == 1
    with pytest.raises(InputError, match="keeps no texts, by which known strings could be told; give ids"):
        retriever.add(["a"], skip_known=True)
    assert retriever.add(["a"]) == 1


def test_strings_of_numpy_are_strings(retriever: Retriever) -> None:
    assert retriever.add(np.array(["bees", "ants"])) == 2
    assert texts(retriever) == {"0": "bees", "1": "ants"}


def test_ids_of_an_index_may_be_chosen_while_nobody_else_writes(tmp_path: Path) -> None:
    index = Index.create(tmp_path / "x", IndexConfig(encoding=None))
    vectors = [np.eye(4), np.eye(4)]
    index.add(["1", "b"], vectors)

    def choose(free: FreeNumbers) -> list[str]:
        with pytest.raises(Exception, match="another process is writing"):
            Index.open(tmp_path / "x").delete(["b"])
        return free.take([0, 1], {"2"})

    index.add(choose, vectors)
    assert list(index.snapshot().ids().values()) == ["1", "b", "3", "4"]
    with pytest.raises(InputError, match="'3' is already in"):
        index.add(lambda free: ["3", "5"], vectors)
    assert index.upsert(lambda free: ["3", "5"], vectors) == 1
    index.add(lambda free: [], [])
    assert len(index) == 5
