"""What attributes can be stored: such as filters and readers of JSON can follow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.storage.batch import DEEPEST

Draw = Callable[..., WordVectors]


def nested(levels: int, kind: type) -> Any:
    """So many lists or dicts, each in the next."""
    value: Any = kind()
    for _ in range(levels - 1):
        value = [value] if kind is list else {"a": value}
    return value


@pytest.fixture
def index(draw: Draw, tmp_path: Path) -> Index:
    made = Index.create(tmp_path / "x", IndexConfig(encoding=None))
    made.add(["held"], draw(0, [2]), None, [{"n": 1}])
    return made


@pytest.fixture(params=[None, 20_000], ids=["usual recursion", "more recursion"])
def _recursion(request: pytest.FixtureRequest) -> Iterator[None]:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(request.param or usual)
    yield
    sys.setrecursionlimit(usual)


def add(index: Index, draw: Draw, attributes: Any) -> None:
    index.add(["new"], draw(1, [1]), None, [attributes])


@pytest.mark.usefixtures("_recursion")
@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize("levels", [DEEPEST, 500, 2000])
def test_attributes_of_too_many_levels_are_refused(index: Index, draw: Draw, levels: int, kind: type) -> None:
    with pytest.raises(InputError, match=f"attributes of document 'new' have more than {DEEPEST} levels"):
        add(index, draw, {"a": nested(levels, kind)})
    assert index.snapshot().matching({"n": 1}).tolist() == [0]


@pytest.mark.parametrize("kind", [list, dict])
def test_attributes_of_as_many_levels_as_may_be_are_kept(index: Index, draw: Draw, kind: type) -> None:
    given = {"a": nested(DEEPEST - 1, kind), "n": 2}
    add(index, draw, given)
    assert index.snapshot().documents([1])[1].attributes == given
    assert index.snapshot().matching({"n": 2}).tolist() == [1]


def test_a_list_that_holds_itself_is_refused(index: Index, draw: Draw) -> None:
    endless: list[Any] = []
    endless += [endless, endless]
    with pytest.raises(InputError, match="levels of lists and dicts"):
        add(index, draw, {"a": endless})


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({1: "a", "1": "b"}, "1"),
        ({"1": "a", 1: "b"}, "1"),
        ({1.5: "a", "1.5": "b"}, "1.5"),
        ({True: "a", "true": "b"}, "true"),
        ({None: "a", "null": "b"}, "null"),
        ({"x": {1: "a", "1": "b"}}, "1"),
        ({"x": [[{2: "a", "2": "b"}]]}, "2"),
    ],
)
def test_names_that_are_one_in_json_are_refused(index: Index, draw: Draw, attributes: Any, name: str) -> None:
    with pytest.raises(InputError, match=f"two names that JSON writes as '{name}'"):
        add(index, draw, attributes)


def test_names_that_are_numbers_are_kept_as_strings(index: Index, draw: Draw) -> None:
    add(index, draw, {1: "a", 2.5: "b", None: "c"})
    assert index.snapshot().documents([1])[1].attributes == {"1": "a", "2.5": "b", "null": "c"}


@pytest.mark.parametrize("attributes", [["a"], [], "ab", "", 0, 7, ("a", "b"), {"a"}, [("a", 1)]])
def test_attributes_that_are_no_dict_are_refused(index: Index, draw: Draw, attributes: Any) -> None:
    with pytest.raises(InputError, match=r"attributes of document 'new' are .*; expected a dict"):
        add(index, draw, attributes)
    assert len(index) == 1


def test_scalars_of_numpy_are_values(index: Index, draw: Draw) -> None:
    add(index, draw, {"a": np.int64(3), "b": np.float32(0.5), "c": [np.bool_(True)], "d": np.str_("e")})
    assert index.snapshot().documents([1])[1].attributes == {"a": 3, "b": 0.5, "c": [True], "d": "e"}


def test_dates_and_arrays_are_values(index: Index, draw: Draw) -> None:
    add(index, draw, {"a": np.datetime64("2020-01-01"), "b": np.arange(2)})
    assert index.snapshot().documents([1])[1].attributes == {"a": "2020-01-01", "b": [0, 1]}


OTHERS: dict[str, tuple[Any, str]] = {
    "set": ({1, 2}, "give a list"),
    "bytes": (b"a", "decode it to a string"),
    "complex": (1j, "expected a string, a number"),
    "complex of NumPy": (np.complex64(1), "expected a string, a number"),
    "NaN": (np.float32("nan"), "leave it out, or give None"),
    "number of many digits": (10**5000, "are no JSON"),
    "tuple as a name": ({(1,): 2}, "are no JSON"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_value_that_is_no_json_is_refused(index: Index, draw: Draw, kind: str) -> None:
    value, said = OTHERS[kind]
    with pytest.raises(InputError, match=said):
        add(index, draw, {"a": value})


# What every document of a batch has is a list: two characters are no two ids, texts or attributes.
COLUMNS: dict[str, Any] = {
    "a string": "ab",
    "bytes": b"ab",
    "a dict": {"a": {}, "b": {}},
    "a set": {"a", "b"},
    "a number": 2,
}


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("name", ["ids", "texts", "attributes", "vectors"])
@pytest.mark.parametrize("change", [Index.add, Index.upsert])
def test_what_is_no_list_is_refused(index: Index, change: Callable[..., Any], name: str, kind: str) -> None:
    arguments = {"ids": ["a", "b"], "vectors": [np.ones((1, 8))] * 2, "texts": None, "attributes": None}
    with pytest.raises(InputError, match=f"^{name} is .*; expected a list with one for each document$"):
        change(index, **{**arguments, name: COLUMNS[kind]})
    assert len(index) == 1


def test_arrays_and_generators_are_lists(index: Index) -> None:
    vectors = np.ones((2, 1, 8))
    index.add(np.array(["a", "b"]), vectors, (text for text in "xy"), iter([{"n": 2}, None]))  # type: ignore[arg-type]
    index.add((id for id in "cd"), (each for each in vectors))  # type: ignore[arg-type]
    index.add(iter(()), iter(()))  # type: ignore[arg-type]
    found = index.snapshot().documents(range(1, 5))
    assert [(each.id, each.text, each.attributes) for each in found.values()] == [
        ("a", "x", {"n": 2}), ("b", "y", {}), ("c", None, {}), ("d", None, {})
    ]  # fmt: skip
