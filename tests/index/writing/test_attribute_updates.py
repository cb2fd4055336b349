"""Attributes that are changed without new vectors: one commit, and earlier snapshots keep what they saw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.maintenance.check import check

Draw = Callable[..., WordVectors]
TEXTS = ["bees", None, "honey " * 50]


@pytest.fixture
def index(draw: Draw, tmp_path: Path, small_config: IndexConfig) -> Index:
    made = Index.create(tmp_path / "x", small_config)
    made.add(["a", "b", "c"], draw(0, [2, 2, 2]), TEXTS, [{"year": 1990, "x": 1}, {"year": 2000}, None])
    return made


def attributes(index: Index) -> list[dict[str, Any]]:
    snapshot = index.snapshot()
    return [document.attributes for document in snapshot.documents(sorted(snapshot.ids())).values()]


def files(index: Index) -> dict[str, bytes]:
    folders = [index.path / "segments", index.path / "params"]
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def test_values_are_merged_and_none_removes_one(index: Index) -> None:
    before = files(index)
    assert index.update(["a", "c"], {"x": None, "year": 2001, "tags": ["new"]}) == 2
    assert attributes(index) == [{"year": 2001, "tags": ["new"]}, {"year": 2000}, {"year": 2001, "tags": ["new"]}]
    assert index.update(["c", "b"], [{"n": 1}, {"n": 2}]) == 2
    assert [each.get("n") for each in attributes(index)] == [None, 2, 1]
    assert index.update(where="year < 2001", attributes={"old": True}) == 1
    assert index.snapshot().matching("old = TRUE").tolist() == [1]
    assert index.update([], {"n": 3}) == index.update([], []) == 0
    assert files(index) == before
    assert [index.snapshot().documents([row])[row].text for row in range(3)] == TEXTS
    assert check(index.path) == []


def test_a_snapshot_and_another_reader_keep_what_they_saw(index: Index) -> None:
    other = Index.open(index.path)
    before = index.snapshot()
    index.update(["a"], {"year": 5})
    for earlier in (before, other.snapshot()):
        assert earlier.documents([0])[0].attributes["year"] == 1990
        assert earlier.matching({"year": 5}).tolist() == []
    assert index.snapshot().matching({"year": 5}).tolist() == [0]
    other.reload()
    assert other.snapshot().matching({"year": 5}).tolist() == [0]


def test_an_update_is_one_commit_and_merges_keep_it(index: Index, draw: Draw) -> None:
    n = index._catalog.n_commits()
    index.update(["a", "b", "c"], {"seen": True})
    assert index._catalog.n_commits() == n + 1
    index.add(["d"], draw(1, [1]))
    index.compact()
    assert [each.get("seen") for each in attributes(index)] == [True, True, True, None]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (((["a", "z"], {"n": 1}), {}), "holds no document 'z'; nothing was changed"),
        (((["a"],), {}), "attributes is None; expected a dict of names and values, or a list of such dicts"),
        (((["a"], "n"), {}), "attributes is 'n'; expected a dict"),
        (((["a"], [{}, {}]), {}), "2 dicts of attributes for 1 id; expected one each"),
        (((["a", "a"], [{}, {}]), {}), "document id 'a' is given twice"),
        (((["a", "b"], [{"n": 1}, {"n": {1}}]), {}), r"the attribute 'n' of document 'b' is \{1\}; give a list"),
        (((), {"attributes": {}}), "update takes either ids or where"),
        (((["a"], {}), {"where": "n = 1"}), "update takes either ids or where"),
        (((), {"attributes": [{}], "where": "year > 1"}), "expected a dict of names and values$"),
        (((["a"], {"n": float("nan")}), {}), "is nan, which JSON does not have"),
        (((["a"], {"n": 1}), {"missing_ok": "yes"}), "missing_ok is 'yes'; expected True or False"),
        ((("a", {"n": 1}), {}), "ids is 'a'; expected a list of ids"),
    ],
)
def test_a_wrong_update_changes_nothing(index: Index, arguments: Any, problem: str) -> None:
    before = attributes(index)
    with pytest.raises(InputError, match=problem):
        index.update(*arguments[0], **arguments[1])
    assert attributes(index) == before


def test_unknown_ids_may_be_passed_over(index: Index) -> None:
    assert index.update(["z", "a"], {"n": 1}, missing_ok=True) == 1
    assert index.update(["z", "b"], [{"n": 9}, {"n": 2}], missing_ok=True) == 1
    assert [each.get("n") for each in attributes(index)] == [1, 2, None]


def test_a_failure_in_the_middle_changes_nothing(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordhive.index.writing.commits._UPDATED_AT_ONCE", 1)
    index.update(["c"], {"deep": {}})
    before, calls = attributes(index), []

    def fail(given: Any, id: str, place: str = "") -> str | None:
        calls.append(id)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return "{}"

    monkeypatch.setattr("wordhive.index.writing.commits.attributes_as_json", fail)
    with pytest.raises(KeyboardInterrupt):
        index.update(["a", "b"], {"n": 1})
    assert attributes(index) == before
