"""Tables and mappings as documents: rows are taken, keys and column names never."""

from __future__ import annotations

import os
import types
from collections import UserDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import IndexConfig, InputError
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.texts.table_rows import rows_of

ROWS: list[dict[str, Any]] = [
    {"id": "a", "text": "bees", "year": 1967, "lang": "en"},
    {"id": "b", "text": "ants", "year": 1990, "lang": None},
    {"id": "c", "text": "honey", "year": 2001, "lang": "de"},
]
FOUND = {
    "a": ("bees", {"year": 1967, "lang": "en"}),
    "b": ("ants", {"year": 1990}),
    "c": ("honey", {"year": 2001, "lang": "de"}),
}
COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}


class PolarsFrame:
    """What a frame of Polars does: it iterates columns, and gives rows when it is asked."""

    def __iter__(self) -> Iterator[list[Any]]:
        return iter(COLUMNS.values())

    def iter_rows(self, *, named: bool = False) -> Iterator[Any]:
        assert named
        return iter(ROWS)


def pandas_frame() -> Any:
    return pytest.importorskip("pandas").DataFrame(ROWS)


def arrow_table() -> Any:
    return pytest.importorskip("pyarrow").table(COLUMNS)


def arrow_batch() -> Any:
    return pytest.importorskip("pyarrow").RecordBatch.from_pylist(ROWS)


def data_set() -> Any:
    return pytest.importorskip("datasets").Dataset.from_list(ROWS).select_columns(["id", "text", "year"])


TABLES = {
    "pandas": pandas_frame,
    "polars": PolarsFrame,
    "arrow table": arrow_table,
    "arrow batch": arrow_batch,
    "rows": lambda: ROWS,
}


@pytest.fixture
def retriever(tmp_path: Path, tiny_encoder: Encoder) -> Retriever:
    return Retriever.create(tmp_path / "x.hive", tiny_encoder, config=IndexConfig(encoding=None))


def stored(retriever: Retriever) -> dict[str, tuple[str | None, dict[str, Any]]]:
    snapshot = retriever.index.snapshot()
    found = snapshot.documents(sorted(snapshot.ids()))
    return {document.id: (document.text, document.attributes) for document in found.values()}


@pytest.mark.parametrize("change", [Retriever.add, Retriever.upsert])
@pytest.mark.parametrize("kind", [name for name in TABLES if name != "rows"])
def test_a_table_is_its_rows(retriever: Retriever, change: Callable[..., int], kind: str) -> None:
    assert change(retriever, TABLES[kind]()) == 3
    assert stored(retriever) == FOUND


def test_a_data_set_is_its_rows(retriever: Retriever) -> None:
    assert retriever.add(data_set()) == 3
    assert stored(retriever) == {id: (text, {"year": rest["year"]}) for id, (text, rest) in FOUND.items()}


def test_a_table_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordhive.retrieval.texts.table_rows._ROWS_AT_ONCE", 2)
    for table in (pandas_frame(), arrow_table()):
        assert [row["id"] for row in rows_of(table)] == ["a", "b", "c"]


def test_whole_numbers_of_a_table_are_ids(retriever: Retriever) -> None:
    pandas = pytest.importorskip("pandas")
    retriever.add(pandas.DataFrame({"id": np.array([7, 8]), "text": ["bees", "ants"], "year": [1, 2]}))
    assert stored(retriever) == {"7": ("bees", {"year": 1}), "8": ("ants", {"year": 2})}


def test_values_that_a_frame_lacks_are_left_out(retriever: Retriever) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"id": ["a", "b"], "text": ["x", "y"], "n": [1.5, np.nan], "m": pandas.array([None, 2])})
    retriever.add(frame)
    assert stored(retriever) == {"a": ("x", {"n": 1.5}), "b": ("y", {"m": 2})}


def test_a_table_without_ids_is_refused_by_its_columns(retriever: Retriever) -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InputError, match=r"document 0 \(counted from 0\): no id; .*\(fields: body, 3\)"):
        retriever.add(pandas.DataFrame({"body": ["x"], 3: ["y"]}))
    assert len(retriever) == 0


def test_a_column_is_its_strings(retriever: Retriever) -> None:
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    frame = pandas_frame()
    columns = [frame["text"], frame[frame.year > 1980]["text"], pyarrow.array(["x"]), pyarrow.chunked_array([["y"]])]
    assert [retriever.add(column) for column in [*columns, pandas.Index(["z"])]] == [3, 2, 1, 1, 1]
    texts = [text for text, _ in stored(retriever).values()]
    assert texts == ["bees", "ants", "honey", "ants", "honey", "x", "y", "z"]


def test_a_column_or_row_with_names_is_refused(retriever: Retriever) -> None:
    frame = pandas_frame()
    for series in (frame.iloc[0], frame.set_index("id")["text"]):
        with pytest.raises(InputError, match=r"a Series with labels such as 'id|'a'; give its items\(\)"):
            retriever.add(series)
    assert len(retriever) == 0
    assert retriever.add(frame.set_index("id")["text"].items()) == 3
    assert {id: text for id, (text, _) in stored(retriever).items()} == {"a": "bees", "b": "ants", "c": "honey"}


MAPPINGS: dict[str, Any] = {
    "dict": {"id": "a", "text": "bees"},
    "dict of texts": {"a": "bees"},
    "empty dict": {},
    "mapping proxy": types.MappingProxyType({"id": "a", "text": "bees"}),
    "UserDict": UserDict(id="a", text="bees"),
    "environment": os.environ,
}


@pytest.mark.parametrize("change", [Retriever.add, Retriever.upsert])
@pytest.mark.parametrize("kind", MAPPINGS)
def test_a_mapping_is_refused(retriever: Retriever, change: Callable[..., int], kind: str) -> None:
    with pytest.raises(InputError, match=r"which gives its keys; expected a list of them: wrap a single one"):
        change(retriever, MAPPINGS[kind])
    assert len(retriever) == 0


def test_data_sets_by_split_are_refused(retriever: Retriever) -> None:
    datasets = pytest.importorskip("datasets")
    with pytest.raises(InputError, match=r"a DatasetDict of 'train'; give one split: documents\['train'\]"):
        retriever.add(datasets.DatasetDict(train=data_set()))


def test_mappings_in_a_list_are_documents(retriever: Retriever) -> None:
    retriever.add([types.MappingProxyType({"id": "a", "text": "bees", "n": 1}), UserDict(id="b", text="ants")])
    assert stored(retriever) == {"a": ("bees", {"n": 1}), "b": ("ants", {})}


def test_items_of_a_dict_are_pairs(retriever: Retriever) -> None:
    retriever.add({"a": "bees", "b": "ants"}.items())
    assert stored(retriever) == {"a": ("bees", {}), "b": ("ants", {})}
