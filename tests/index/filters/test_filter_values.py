"""Values in filters that can't be printed, that are NumPy's, and attributes that no document has."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.errors import WordhiveWarning
from wordhive.index.filters.conditions import attribute_keys

Draw = Callable[..., WordVectors]

ATTRIBUTES = [{"year": 1967, "lang": "en", "author": {"name": "Ann"}}, {"year": 2001, "a.b": True}, None]


@pytest.fixture
def index(draw: Draw, tmp_path: Path) -> Index:
    made = Index.create(tmp_path / "x", IndexConfig(encoding=None))
    made.add(["a", "b", "c"], draw(0, [2, 1, 1]), None, ATTRIBUTES)
    return made


def nested(levels: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = wrap(1)
    for _ in range(levels):
        value = wrap(value)
    return value


LARGE = 10**5000
DEEP = nested(5_000, lambda value: [value])
UNPRINTABLE: dict[str, Any] = {
    "number": {"x": LARGE},
    "number in a list": {"x": {"$in": [LARGE]}},
    "number in an order": {"x": {"$gt": LARGE}},
    "negative number": {"x": {"$lt": -LARGE}},
    "number in a list of an operand": {"x": {"$gt": [LARGE]}},
    "number as a flag": {"x": {"$exists": LARGE}},
    "number as a name": {LARGE: 1},
    "number as an operator": {"x": {LARGE: 1}},
    "number as an id": {"$id": LARGE},
    "number among ids": {"$id": {"$in": ["a", LARGE]}},
    "number as filters": {"$and": LARGE},
    "number as a filter": LARGE,
    "lists": {"x": DEEP},
    "lists in a list": {"x": {"$in": [DEEP]}},
    "lists as a list": {"x": {"$nin": DEEP}},
    "lists in an order": {"x": {"$gte": DEEP}},
    "lists in an element": {"x": {"$contains": DEEP}},
    "lists as an id": {"$id": DEEP},
    "lists as filters": {"$or": DEEP},
    "lists as a filter": DEEP,
    "negations": nested(5_000, lambda value: {"$not": value}),
    "conjunctions": nested(5_000, lambda value: {"$and": [value]}),
    "dicts": nested(5_000, lambda value: {"x": value}),
}


@pytest.mark.parametrize("kind", UNPRINTABLE)
@pytest.mark.parametrize("change", ["matching", "delete"])
def test_what_python_can_not_print_is_refused_in_one_line(index: Index, kind: str, change: str) -> None:
    where = UNPRINTABLE[kind]
    with pytest.raises(InputError) as raised:
        _ = index.snapshot().matching(where) if change == "matching" else index.delete(where=where)
    message = str(raised.value)
    assert message.startswith(("the filter", "$and has"))
    assert "\n" not in message
    assert len(message) < 400
    assert len(index) == 3


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({"year": np.int64(1967)}, [0]),
        ({"year": {"$gt": np.float32(1967)}}, [1]),
        ({"year": {"$in": [np.int16(2001), 3]}}, [1]),
        ({"year": {"$in": range(1960, 1970)}}, [0]),
        ({"lang": np.str_("en")}, [0]),
        ({"lang": {"$exists": np.False_}}, [1, 2]),
        ({"a\\.b": np.True_}, [1]),
        ({"$id": np.str_("c")}, [2]),
    ],
)
def test_scalars_of_numpy_are_values(index: Index, where: Any, rows: list[int]) -> None:
    assert index.snapshot().matching(where).tolist() == rows


@pytest.mark.parametrize("value", [np.float64("nan"), np.float32("inf"), np.complex64(1), np.datetime64("NaT")])
def test_other_scalars_of_numpy_are_refused(index: Index, value: Any) -> None:
    with pytest.raises(InputError, match="the filter on 'year'"):
        index.snapshot().matching({"year": value})


@pytest.mark.parametrize(
    ("where", "messages"),
    [
        ({"yaer": 1967}, ["no document has the attribute 'yaer'; did you mean 'year'?"]),
        ({"zzz": 1}, ["no document has the attribute 'zzz'; there are 'a\\\\.b', 'author', 'lang', 'year'"]),
        ({"author.nmae": "Ann"}, ["no document has the attribute 'author.nmae'; did you mean 'author'?"]),
        ({"a.b": True}, ["no document has the attribute 'a.b'; did you mean 'a\\\\.b'?"]),
        (
            {"$and": [{"yaer": 1}, {"$not": {"lnag": {"$exists": False}}}], "year": 1967},
            [
                "no document has the attribute 'yaer'; did you mean 'year'?",
                "no document has the attribute 'lnag'; did you mean 'lang'?",
            ],
        ),
        ({"year": 1}, []),
        ({"author.name": "Bob"}, []),
        ({"a\\.b": False}, []),
        ({"$id": "none"}, []),
        ({"$or": [{"yaer": 1967}, {"year": 1967}]}, ["no document has the attribute 'yaer'; did you mean 'year'?"]),
        ({"yaer": {"$ne": 1}}, ["no document has the attribute 'yaer'; did you mean 'year'?"]),
        ({"zzz": {"$ne": 1}}, []),
        ({"author.name": {"$ne": "Bob"}}, []),
    ],
)
def test_an_attribute_of_no_document_is_named_where_nothing_is_found(
    index: Index, where: Any, messages: list[str]
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        index.snapshot().matching(where)
    assert [str(one.message) for one in caught] == messages
    assert all(one.category is WordhiveWarning for one in caught)


def test_a_deletion_by_an_attribute_of_no_document_is_told(index: Index) -> None:
    with pytest.warns(WordhiveWarning, match="no document has the attribute 'yaer'; did you mean 'year'"):
        assert index.delete(where={"yaer": 1967}) == 0
    assert len(index) == 3


def test_an_index_without_documents_or_attributes_has_other_words(tmp_path: Path, draw: Draw) -> None:
    index = Index.create(tmp_path / "y", IndexConfig(encoding=None))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert index.snapshot().matching({"x": 1}).tolist() == []
    index.add(["a"], draw(0, [1]))
    with pytest.warns(WordhiveWarning, match="no document has the attribute 'x'; none of the first thousand has any"):
        assert index.snapshot().matching({"x": 1}).tolist() == []


def test_keys_of_a_filter_are_its_attributes() -> None:
    where = {"a": 1, "$id": "x", "$or": [{"b.c": {"$gt": 1}}, {"$not": {"\\$d": None}}], "$and": [{"a": 2}]}
    assert attribute_keys(where) == ["a", "b.c", "\\$d"]
