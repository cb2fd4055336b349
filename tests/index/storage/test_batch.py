"""Characters that end a string elsewhere: U+0000 in ids, texts and attributes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.storage.batch import attributes_as_json

Draw = Callable[..., WordVectors]
IDS = ["a", "a\0", "a\0b", "\0"]


@pytest.fixture
def index(draw: Draw, tmp_path: Path, small_config: IndexConfig) -> Index:
    made = Index.create(tmp_path / "x", small_config)
    made.add(IDS, draw(0, [2] * 4), [f"{id}\0text" for id in IDS], [{"n": n} for n in range(4)])
    return made


def test_ids_and_texts_with_it_are_like_all_others(index: Index, draw: Draw) -> None:
    assert index.snapshot().rows([*IDS, "b", "a\0c"]) == {id: row for row, id in enumerate(IDS)}
    assert index.known_ids(["a\0b", "b"]) == {"a\0b"}
    assert index.snapshot().texts(["a\0"]) == {"a\0": "a\0\0text"}
    assert [document.id for document in index.snapshot().documents([0, 1, 2, 3]).values()] == IDS
    assert index.snapshot().matching({"$id": {"$gt": "a"}}).tolist() == [1, 2]
    assert index.snapshot().matching({"$id": "a"}).tolist() == [0]
    with pytest.raises(InputError, match="already"):
        index.add(["a\0b"], draw(1, [1]))
    assert index.upsert(["a\0b", "a\0c"], draw(1, [1, 1])) == 1
    assert index.delete(["a\0"]) == 1
    assert set(index.snapshot().ids().values()) == {"a", "a\0b", "a\0c", "\0"}


def test_ids_and_texts_with_it_are_exported_and_imported(index: Index, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from wordhive.index.parquet import export_index, import_index

    export_index(index, tmp_path / "x.parquet")
    new = import_index(tmp_path / "x.parquet", tmp_path / "new")
    assert new.snapshot().documents([0, 1, 2, 3]) == index.snapshot().documents([0, 1, 2, 3])


@pytest.mark.parametrize(
    "attributes",
    [{"a": "x\0"}, {"a": "\0"}, {"a\0": 1}, {"a": [{"b": "x\0y"}]}, {"a": {"b\0": None}}, {"a": "\\\0"}],
)
def test_attributes_with_it_are_refused(index: Index, draw: Draw, attributes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"^an attribute of document 'new' has the character U\+0000.*leave it out"):
        index.add(["new"], draw(1, [1]), None, [attributes])
    assert len(index) == 4


@pytest.mark.parametrize("value", ["\\u0000", "\\\\u0000", "u0000", "\x01", "\\", "\\u0000\\"])
def test_attributes_that_look_like_it_are_kept(value: str) -> None:
    assert json.loads(attributes_as_json({value: value}, "d") or "") == {value: value}
