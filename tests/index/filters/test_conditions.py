"""Filters: what they mean, the SQL that they become against a slow oracle, and what is refused."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordhive.index import InputError
from wordhive.index.filters.conditions import attribute_key, condition

Matches = Callable[..., bool]
Documents = Sequence[tuple[str, dict[str, Any] | None]]


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE document (row INTEGER PRIMARY KEY, id TEXT UNIQUE, text TEXT, attributes TEXT)")
    yield connection
    connection.close()


def _found(database: sqlite3.Connection, where: dict[str, Any], documents: Documents) -> list[int]:
    database.execute("DELETE FROM document")
    rows = [
        (row, id, None, json.dumps(attributes, ensure_ascii=False) if attributes else None)
        for row, (id, attributes) in enumerate(documents)
    ]
    database.executemany("INSERT INTO document VALUES (?, ?, ?, ?)", rows)
    sql, values = condition(where)
    results = database.execute(f"SELECT row, {sql} FROM document ORDER BY row", values).fetchall()
    assert {result for _, result in results} <= {0, 1}
    chosen = database.execute(f"SELECT row FROM document WHERE {sql} ORDER BY row", values).fetchall()
    assert [row for row, result in results if result] == [row for (row,) in chosen]
    return [row for (row,) in chosen]


BIG = 2**53
BEES = {"lang": "en", "year": 2000, "tags": ["x", "y", 3], "author": {"name": "Ann", "age": None}, "ok": True}


@pytest.mark.parametrize(
    ("where", "attributes", "expected"),
    [
        ({}, BEES, True),
        ({}, None, True),
        ({"lang": "en"}, BEES, True),
        ({"lang": "EN"}, BEES, False),
        ({"LANG": "en"}, BEES, False),
        ({"lan_": {"$exists": True}}, BEES, False),
        ({"lang": "en", "year": {"$gte": 2000, "$lt": 2001}}, BEES, True),
        ({"lang": "en", "year": {"$gt": 2000}}, BEES, False),
        ({"year": 2000.0}, BEES, True),
        ({"year": "2000"}, BEES, False),
        ({"year": {"$lt": "2001"}}, BEES, False),
        ({"year": {"$ne": 2000}}, BEES, False),
        ({"year": {"$ne": "2000"}}, BEES, True),
        ({"lang": {"$in": ["de", "en"]}}, BEES, True),
        ({"lang": {"$in": []}}, BEES, False),
        ({"lang": {"$nin": []}}, BEES, True),
        ({"lang": {"$nin": ["de", "en"]}}, BEES, False),
        # missing, and null, which is the same
        ({"none": {"$ne": 1}}, BEES, True),
        ({"none": {"$nin": [1]}}, BEES, True),
        ({"none": {"$lt": 1}}, BEES, False),
        ({"none": {"$not_contains": 1}}, BEES, True),
        ({"none": None}, BEES, True),
        ({"none": {"$exists": False}}, BEES, True),
        ({"none": None}, None, True),
        ({"lang": None}, BEES, False),
        ({"lang": {"$ne": None}}, BEES, True),
        ({"lang": {"$exists": True}}, BEES, True),
        ({"author.age": None}, BEES, True),
        ({"author.age": {"$exists": True}}, BEES, False),
        ({"author.age": {"$in": [None, 3]}}, BEES, True),
        ({"author.age": {"$nin": [None, 3]}}, BEES, False),
        # lists
        ({"tags": "x"}, BEES, True),
        ({"tags": 3}, BEES, True),
        ({"tags": "z"}, BEES, False),
        ({"tags": {"$ne": "x"}}, BEES, False),
        ({"tags": {"$ne": "z"}}, BEES, True),
        ({"tags": {"$gt": 2}}, BEES, True),
        ({"tags": {"$in": ["z", "y"]}}, BEES, True),
        ({"tags": {"$contains": "x"}}, BEES, True),
        ({"tags": {"$contains": "z"}}, BEES, False),
        ({"tags": {"$not_contains": "z"}}, BEES, True),
        ({"tags": {"$exists": True}}, {"tags": []}, True),
        ({"tags": {"$contains": "x"}}, {"tags": "x"}, False),
        ({"tags": {"$contains": "x"}}, {"tags": "[1]"}, False),
        ({"tags": {"$contains": "x"}}, {"tags": {"x": "x"}}, False),
        ({"tags": "x"}, {"tags": [["x"]]}, False),
        ({"tags": None}, {"tags": [None]}, False),
        # objects, and the names in them
        ({"author.name": "Ann"}, BEES, True),
        ({"author": "Ann"}, BEES, False),
        ({"author": {"$exists": True}}, BEES, True),
        ({"tags.name": {"$exists": True}}, {"tags": [{"name": 1}]}, False),
        ({"tags.0": {"$exists": True}}, BEES, False),
        ({"lang.x": {"$exists": True}}, BEES, False),
        ({"author.name": 1}, {"author.name": 1}, False),
        ({"author\\.name": 1}, {"author.name": 1}, True),
        ({"a\\\\": 1}, {"a\\": 1}, True),
        ({"": 1}, {"": 1}, True),
        ({".": 1}, {"": {"": 1}}, True),
        ({'"': 1}, {'"': 1}, True),
        ({"\\$['x']": 1}, {"$['x']": 1}, True),
        ({"ключ.é": "ß"}, {"ключ": {"é": "ß"}}, True),
        ({"é": 1}, {"e\u0301": 1}, False),
        # booleans are no numbers
        ({"ok": True}, BEES, True),
        ({"ok": 1}, BEES, False),
        ({"ok": {"$gte": 0}}, BEES, False),
        ({"ok": {"$ne": False}}, BEES, True),
        ({"year": True}, {"year": 1}, False),
        ({"ok": {"$in": [False, 1, "true"]}}, BEES, False),
        # numbers
        ({"n": BIG + 1}, {"n": BIG + 1}, True),
        ({"n": BIG + 1}, {"n": BIG}, False),
        ({"n": {"$gt": float(BIG)}}, {"n": BIG + 1}, True),
        ({"n": 2**63 - 1}, {"n": 2**63 - 2}, False),
        ({"n": 2**64}, {"n": 2**64}, True),
        ({"n": {"$gt": 2**63 - 1}}, {"n": 2**70}, True),
        ({"n": 0}, {"n": -0.0}, True),
        ({"n": -0.0}, {"n": 0}, True),
        ({"n": {"$lt": 0}}, {"n": -0.0}, False),
        ({"n": 0.1 + 0.2}, {"n": 0.1 + 0.2}, True),
        ({"n": 0.3}, {"n": 0.1 + 0.2}, False),
        # strings are ordered by code points
        ({"s": {"$gt": "Z"}}, {"s": "a"}, True),
        ({"s": {"$gt": "\uffff"}}, {"s": "\U0001f600"}, True),
        ({"s": {"$lt": "b"}}, {"s": ""}, True),
        ({"s": "it's ?"}, {"s": "it's ?"}, True),
        # joined
        ({"$and": []}, BEES, True),
        ({"$or": []}, BEES, False),
        ({"$or": [{}, {"lang": "de"}]}, BEES, True),
        ({"$not": {}}, BEES, False),
        ({"$not": {"$or": []}}, BEES, True),
        ({"$or": [{"lang": "de"}, {"year": 2000}]}, BEES, True),
        ({"$and": [{"lang": "de"}, {"year": 2000}]}, BEES, False),
        ({"$not": {"lang": "de", "year": 2000}}, BEES, True),
        ({"lang": "en", "$not": {"year": 2000}}, BEES, False),
        # ids
        ({"$id": "d0"}, BEES, True),
        ({"$id": {"$in": ["d1", "d0"]}}, None, True),
        ({"$id": {"$nin": ["d1", "d0"]}}, None, False),
        ({"$id": {"$ne": "d1"}}, None, True),
        ({"$id": {"$gt": "d", "$lte": "d0"}}, None, True),
        ({"$id": {"$lt": "d0"}}, None, False),
        ({"$id": "d0"}, {"$id": "x", "id": "x"}, True),
        ({"\\$id": "x"}, {"$id": "x"}, True),
        ({"id": "x"}, {"id": "x"}, True),
    ],
    ids=str,
)
def test_a_filter_means_what_the_documentation_says(
    database: sqlite3.Connection,
    matches: Matches,
    where: dict[str, Any],
    attributes: dict[str, Any] | None,
    expected: bool,
) -> None:
    assert matches(where, attributes, "d0") is expected
    assert _found(database, where, [("d0", attributes)]) == ([0] if expected else [])


NAMES = st.sampled_from(["a", "b", "", "a.b", '"', "é", "\\", "$id", "\\.", "0", "😀", "'; --", "?"])
STRINGS = st.one_of(st.sampled_from(["x", "y", "0", "true", "null", ""]), st.text("axé😀\"'\\[", max_size=3))
EDGES = [
    BIG,
    BIG + 1,
    2**63 - 1,
    2**63,
    2**64 + 1,
    -(2**63) - 1,
    10**30,
    -0.0,
    0.1 + 0.2,
    0.3,
    1e308,
    5e-324,
    float(BIG),
]
NUMBERS = st.one_of(
    st.integers(-2, 2), st.floats(width=16, allow_nan=False, allow_infinity=False), st.sampled_from(EDGES)
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, STRINGS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
ATTRIBUTES = st.one_of(st.none(), st.dictionaries(NAMES, VALUES, max_size=4))
ORDERED = st.one_of(NUMBERS, STRINGS)
OPERATORS = st.one_of(
    st.tuples(st.sampled_from(["$eq", "$ne"]), SCALARS),
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), ORDERED),
    st.tuples(st.sampled_from(["$in", "$nin"]), st.lists(SCALARS, max_size=4)),
    st.tuples(st.sampled_from(["$contains", "$not_contains"]), SCALARS.filter(lambda value: value is not None)),
    st.tuples(st.just("$exists"), st.booleans()),
)
LEAVES = st.one_of(
    st.dictionaries(
        st.lists(NAMES, min_size=1, max_size=3).map(lambda names: attribute_key(*names)),
        st.one_of(SCALARS, st.lists(OPERATORS, min_size=1, max_size=2).map(dict)),
        max_size=2,
    ),
    st.fixed_dictionaries({"$id": st.one_of(st.text("d0123", max_size=2), st.just({"$in": ["d1", "d3"]}))}),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"$and": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"$or": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"$not": inner}),
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(where=FILTERS, attributes=st.lists(ATTRIBUTES, min_size=1, max_size=6))
def test_sqlite_finds_what_the_oracle_matches(
    database: sqlite3.Connection, matches: Matches, where: dict[str, Any], attributes: list[dict[str, Any] | None]
) -> None:
    documents = [(f"d{row}", given) for row, given in enumerate(attributes)]
    expected = [row for row, (id, given) in enumerate(documents) if matches(where, given, id)]
    assert _found(database, where, documents) == expected


@settings(max_examples=300, deadline=None)
@given(operator=OPERATORS, value=VALUES)
def test_every_operator_is_that_of_the_oracle(
    database: sqlite3.Connection, matches: Matches, operator: tuple[str, Any], value: Any
) -> None:
    where, attributes = {"a": dict([operator])}, {"b": 1, "a": value}
    assert _found(database, where, [("d", attributes)]) == ([0] if matches(where, attributes) else [])


@settings(max_examples=200, deadline=None)
@given(
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=4)
)
def test_every_name_has_a_key(database: sqlite3.Connection, names: list[str]) -> None:
    value: Any = 1
    for name in reversed(names):
        value = {name: value}
    assert _found(database, {attribute_key(*names): 1}, [("d", value)]) == [0]


def test_what_is_given_is_bound_and_never_part_of_the_sql() -> None:
    evil = "x' OR 1=1; DROP TABLE document; --{v}{0}"
    where = {evil: {"$in": [evil, 7], "$gt": evil}, "$or": [{"$id": evil}, {"$id": {"$lt": evil}}, {"a": 12345}]}
    sql, values = condition(where)
    assert not any(part in sql for part in ("DROP", "12345", "{", "}"))
    assert sql.count("?") == len(values)


def test_a_list_may_have_any_length(database: sqlite3.Connection) -> None:
    documents = [(f"d{n}", {"n": n}) for n in range(3)]
    assert _found(database, {"n": {"$in": list(range(1, 100_000))}}, documents) == [1, 2]
    assert _found(database, {"$id": {"$in": [f"d{n}" for n in range(1, 100_000)]}}, documents) == [1, 2]


def test_lists_may_be_tuples_or_sets(database: sqlite3.Connection) -> None:
    documents = [(f"d{n}", {"n": n}) for n in range(3)]
    assert _found(database, {"$and": ({"n": {"$in": (0, 1)}}, {"n": {"$in": {1, 2}}})}, documents) == [1]


@pytest.mark.parametrize("word", ["$and", "$or"])
def test_the_largest_filters_run(database: sqlite3.Connection, word: str) -> None:
    wide: dict[str, Any] = {word: [{"n": {"$exists": True}}] * 780}
    for level in range(8):
        wide = {"$not": {"a": level}, word: [wide]} if level % 2 else {"$not": wide}
    condition(wide)
    _found(database, wide, [("d", {"n": 1})])
    deepest = ".".join("a" * 10)
    _found(database, {"$not": {"$not": {deepest: {"$nin": [None, 1, True, "x"]}}}}, [("d", {"a": 1})])


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ([], r"the filter is \[\]; expected a dict such as \{'year': \{'\$gte': 2000\}\}"),
        ("year > 3", "the filter is 'year > 3'; expected a dict"),
        (None, "the filter is None; expected a dict"),
        ({"year": {"$gtt": 1}}, r"on 'year' has '\$gtt'; expected \$eq, \$ne, \$gt,.*\$not_contains$"),
        ({"author": {"name": "x"}}, r"on 'author' has 'name'; .* within another is named 'outer.inner'"),
        ({"author": {}}, "on 'author' has no operator; expected"),
        ({"year": {1: 2}}, "on 'year' has 1; expected"),
        ({"$gt": 3}, r"has the key '\$gt'; expected an attribute's name, \$and, \$or, \$not or \$id"),
        ({3: 3}, "has the key 3; expected an attribute's name"),
        ({"$and": {"a": 1}}, r"\$and has \{'a': 1\}; expected a list of filters"),
        ({"$or": [1]}, "the filter is 1; expected a dict"),
        ({"$not": [{"a": 1}]}, r"the filter is \[\{'a': 1\}\]; expected a dict"),
        ({"a": [1, 2]}, r"on 'a' has \$eq \[1, 2\]; expected a string, .*; for any of several values use \$in"),
        ({"a": {"$ne": {"b": 1}}}, r"on 'a' has \$eq \{'b': 1\}; expected a string, a number, true, false or null$"),
        ({"a": {"$in": 3}}, r"on 'a' has \$in 3; expected a list"),
        ({"a": {"$in": "abc"}}, r"on 'a' has \$in 'abc'; expected a list"),
        ({"a": {"$in": [[1]]}}, r"on 'a' has \$in \[1\]; expected a string"),
        ({"a": {"$gt": True}}, r"on 'a' has \$gt True; expected a number or a string"),
        ({"a": {"$gt": None}}, r"on 'a' has \$gt None; expected a number or a string"),
        ({"a": {"$lt": [1]}}, r"on 'a' has \$lt \[1\]; expected a number or a string"),
        ({"a": {"$exists": 1}}, r"on 'a' has \$exists 1; expected true or false"),
        ({"a": {"$contains": None}}, r"on 'a' has \$contains null"),
        ({"a": {"$contains": ["x"]}}, r"on 'a' has \$contains \['x'\]; expected a string"),
        ({"a": float("nan")}, "on 'a' has a number that is not finite"),
        ({"a": {"$in": [1, float("inf")]}}, "on 'a' has a number that is not finite"),
        ({"a": {"$lt": 10**4000}}, "on 'a' has a number that is not finite, or larger than 1.8e308"),
        ({"a": b"x"}, r"on 'a' has \$eq b'x'; expected a string"),
        ({"$id": 5}, r"compares \$id with 5; ids are strings"),
        ({"$id": None}, r"compares \$id with None; ids are strings"),
        ({"$id": {"$in": ["a", 5]}}, r"compares \$id with 5; ids are strings"),
        ({"$id": {"$exists": True}}, r"on '\$id' has '\$exists'; expected \$eq, .*\$nin"),
        ({"$id": {"$in": "abc"}}, r"on '\$id' has \$in 'abc'; expected a list"),
        ({"a": "x\0"}, r"on 'a' is 'x\\x00'; U\+0000 and lone surrogates"),
        ({"a": "\ud800"}, r"on 'a' is '\\ud800'; U\+0000 and lone surrogates"),
        ({"a\0": 1}, r"a name in the filter is 'a\\x00'"),
        ({"$id": "\ud800"}, "an id in the filter is"),
        ({".".join("a" * 11): 1}, "has 11 names; 10 is the most"),
        ({"a": {"$eq": 1, "$in": ["x" * 999, object()]}}, "on 'a' has .in <object object"),
        ({"$or": [{"a": 1}] * 300}, r"too many conditions, some 300 are the most; .* into one \$in"),
    ],
    ids=lambda given: str(given)[:60],
)
def test_what_is_no_filter_is_refused(where: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        condition(where)


def test_a_filter_that_is_too_deep_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["$not"] = endless
    with pytest.raises(InputError, match="more than 10 levels"):
        condition(endless)
