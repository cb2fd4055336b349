"""Filter expressions: what they become, and that nothing else gets through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wordhive.index import InputError
from wordhive.index.filters.conditions import attribute_key, condition
from wordhive.index.filters.expressions import parse_where


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("year >= 2000", {"year": {"$gte": 2000}}),
        ("year=2000", {"year": {"$eq": 2000}}),
        ("year == 2000", {"year": {"$eq": 2000}}),
        ("year <> 2000", {"year": {"$ne": 2000}}),
        ("year != 2000", {"year": {"$ne": 2000}}),
        ("2000 <= year", {"year": {"$gte": 2000}}),
        ("2000 = year", {"year": {"$eq": 2000}}),
        ("year > -2.5e3", {"year": {"$gt": -2500.0}}),
        ("lang in ('en', 'de')", {"lang": {"$in": ["en", "de"]}}),
        ("lang IN ('en')", {"lang": {"$in": ["en"]}}),
        ("lang IN ()", {"lang": {"$in": []}}),
        ("lang NOT IN ('en', NULL)", {"$not": {"lang": {"$in": ["en", None]}}}),
        ("year BETWEEN 1 AND 2", {"year": {"$gte": 1, "$lte": 2}}),
        ("year NOT BETWEEN 1 AND 2", {"$not": {"year": {"$gte": 1, "$lte": 2}}}),
        ("x IS NULL", {"x": {"$eq": None}}),
        ("x IS NOT NULL", {"$not": {"x": {"$eq": None}}}),
        ("tags CONTAINS 'x'", {"tags": {"$contains": "x"}}),
        ("tags contains 3", {"tags": {"$contains": 3}}),
        ("tags NOT CONTAINS 'x'", {"$not": {"tags": {"$contains": "x"}}}),
        ("NOT tags CONTAINS 'x'", {"$not": {"tags": {"$contains": "x"}}}),
        ("ok = TRUE", {"ok": {"$eq": True}}),
        ("ok = false", {"ok": {"$eq": False}}),
        ("s = 'it''s; -- /* no comment */'", {"s": {"$eq": "it's; -- /* no comment */"}}),
        (r"s = 'a\'", {"s": {"$eq": "a\\"}}),
        ("s = 'TRUE'", {"s": {"$eq": "TRUE"}}),
        ("s = ''", {"s": {"$eq": ""}}),
        ("author.name = 'Ann'", {"author.name": {"$eq": "Ann"}}),
        ("a.b.c.d.e.f = 1", {"a.b.c.d.e.f": {"$eq": 1}}),
        ('"odd name"."a.b" = 1', {"odd name.a\\.b": {"$eq": 1}}),
        ('"say ""so""" = 1', {'say "so"': {"$eq": 1}}),
        ('"contains" CONTAINS 1', {"contains": {"$contains": 1}}),
        ('"AND" = 1', {"AND": {"$eq": 1}}),
        ("Größe = 1", {"Größe": {"$eq": 1}}),
        ("id = 'd1'", {"$id": {"$eq": "d1"}}),
        ("$id IN ('d1')", {"$id": {"$in": ["d1"]}}),
        ("\"id\" = 'd1'", {"id": {"$eq": "d1"}}),
        ("\"$id\" = 'd1'", {"\\$id": {"$eq": "d1"}}),
        ("a.id = 'd1'", {"a.id": {"$eq": "d1"}}),
        (
            "order = 1 and date = 2 and end = 3",
            {"$and": [{"order": {"$eq": 1}}, {"date": {"$eq": 2}}, {"end": {"$eq": 3}}]},
        ),
        ("a=1 OR b=2 AND c=3", {"$or": [{"a": {"$eq": 1}}, {"$and": [{"b": {"$eq": 2}}, {"c": {"$eq": 3}}]}]}),
        ("(a=1 OR b=2) AND (c=3)", {"$and": [{"$or": [{"a": {"$eq": 1}}, {"b": {"$eq": 2}}]}, {"c": {"$eq": 3}}]}),
        ("NOT (a=1 AND b=(2))", {"$not": {"$and": [{"a": {"$eq": 1}}, {"b": {"$eq": 2}}]}}),
        ("NOT a=1 AND b=2", {"$and": [{"$not": {"a": {"$eq": 1}}}, {"b": {"$eq": 2}}]}),
        (
            "year >= 2000 AND lang IN ('en','de') AND NOT tags CONTAINS 'x'",
            {
                "$and": [
                    {"year": {"$gte": 2000}},
                    {"lang": {"$in": ["en", "de"]}},
                    {"$not": {"tags": {"$contains": "x"}}},
                ]
            },
        ),
    ],
)
def test_an_expression_becomes_a_filter(text: str, where: dict[str, Any]) -> None:
    assert parse_where(text) == where
    condition(where)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the filter expression is empty; expected comparisons"),
        ("  \n", "is empty"),
        (";", "is empty|is two"),
        ("a = 1; DROP TABLE document", "cannot be read at 'DROP', character 11"),
        ("a = 1; b = 2", "cannot be read|is two"),
        ("a = 1 -- x", "has a comment"),
        ("-- x\na = 1", "has a comment"),
        ("a = 1 /* x */ OR 1 = 1", "has a comment"),
        ("a = 1 OR 1 = 1", "has 1 where the name of an attribute is expected"),
        ("'a' = 'a'", "has 'a' where the name of an attribute"),
        ("a = b", "has b where a value is expected; strings are in single quotes"),
        ('a = "en"', 'has "en" where a value is expected; strings are in single quotes'),
        ("a = lower('X')", r"has LOWER\('X'\) where a value is expected$"),
        ("lower(a) = 'x'", r"has LOWER\(a\) where the name"),
        ("load_extension('x')", r"has LOAD_EXTENSION\('x'\); expected comparisons"),
        ("a + 1 = 2", r"has a \+ 1 where the name"),
        ("a = 1 + 1", r"has 1 \+ 1 where a value"),
        ("a = (SELECT 1)", "where a value is expected"),
        ("a IN (SELECT id FROM document)", "has a IN .SELECT id FROM document"),
        ("EXISTS (SELECT 1)", r"has EXISTS\(SELECT 1\)"),
        ("SELECT 1", "cannot be read|expected comparisons"),
        ("a = 1 UNION SELECT 1", "cannot be read at 'UNION'"),
        ("a IN 'x'", "has a IN 'x'; expected comparisons"),
        ("a IN b", "has a IN b"),
        ("if = 1", "cannot be read at '1', character 6"),
        ("a LIKE 'x%'", "has a LIKE 'x%'; texts are not matched by patterns: use = or IN"),
        ("a NOT ILIKE 'x%'", "has .*ILIKE 'x%'; texts are not matched"),
        ("a GLOB 'x*'", r"has a GLOB 'x\*'; expected"),
        ("a = NULL", "has a = NULL; write IS NULL or IS NOT NULL"),
        ("NULL <> a", "write IS NULL"),
        ("a IS TRUE", "has a IS TRUE; expected"),
        ("published", "has published alone; write published = TRUE"),
        ("NOT published AND a = 1", "has published alone"),
        ("a BETWEEN SYMMETRIC 1 AND 2", "has .a BETWEEN 1 AND 2 OR .*; expected comparisons"),
        ("a BETWEEN b AND 2", "has b where a value"),
        ("a = ?", r"has \? where a value"),
        ("a = :x", "has :x where a value"),
        ("a = @x", "where a value"),
        ("a = X'1F'", "cannot be read|where a value"),
        ("a = 0x1F", "cannot be read|where a value"),
        ("a = 'x' 'y'", "where a value"),
        ("a = 'x' || 'y'", "where a value"),
        ("a::int = 1", r"has CAST\(a AS INT\) where the name"),
        ("a[0] = 1", "where the name"),
        ("a.* = 1", "where the name"),
        ("* = 1", "where the name|cannot be read"),
        ("(a, b) = (1, 2)", "expected$|where"),
        ("CASE WHEN a = 1 THEN b = 2 END", "has CASE WHEN"),
        ("a = 1 AS x", "cannot be read at 'AS'"),
        ("a = 'x", "cannot be read"),
        ("(a = 1", "cannot be read"),
        ("a = 1)", r"cannot be read at '\)', character 6"),
        ("a =", "cannot be read"),
        ("AND", "cannot be read|alone"),
        ("a = = 1", "cannot be read"),
        ("CURRENT_DATE = 1", r"has CURRENT_DATE(\(\))? where the name"),
        ("a IS DISTINCT FROM 1", "expected comparisons"),
        ("(" * 3000 + "a = 1" + ")" * 3000, "too many levels"),
        ("NOT " * 5000 + "a = 1", "too many levels"),
    ],
    ids=lambda given: str(given)[:40],
)
def test_anything_else_is_refused(text: str, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=message) as refused:
        parse_where(text)
    assert len(str(refused.value)) < 300
    assert capfd.readouterr() == ("", "")


@settings(max_examples=300, deadline=None)
@given(text=st.text("ab10'\"();-/*. \n=<>,$?@[]\\NOT", max_size=30))
@example(text="a='\x00'")
@example(text="\ud800 = 1")
@example(text="{{ a }} = 1")
@example(text="{% a %}")
@example(text="#")
def test_any_text_is_a_filter_or_is_refused_in_one_line(text: str) -> None:
    try:
        sql, values = condition(parse_where(text))
    except InputError:
        return
    assert sql.count("?") == len(values)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=5)
STRINGS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
SCALARS = st.one_of(st.booleans(), NUMBERS, STRINGS)
LEAVES = st.tuples(
    st.lists(NAMES, min_size=1, max_size=6),
    st.one_of(
        st.tuples(st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$contains"]), SCALARS),
        st.tuples(st.just("$in"), st.lists(st.one_of(st.none(), SCALARS), min_size=1, max_size=4)),
        st.tuples(st.just("$eq"), st.none()),
    ),
)
TREES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["$and", "$or"]), st.lists(inner, min_size=2, max_size=3)),
        st.tuples(st.just("$not"), inner),
    ),
    max_leaves=8,
)
SYMBOLS = {"$eq": "=", "$ne": "<>", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<=", "$contains": "CONTAINS"}


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "NULL" if value is None else str(value).upper()
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def _as_text(tree: Any, write: Callable[[Any], str] = _written) -> str:
    head, rest = tree
    if head == "$not":
        return f"NOT ({_as_text(rest)})"
    if head in ("$and", "$or"):
        return f" {head[1:].upper()} ".join(f"({_as_text(part)})" for part in rest)
    name = ".".join('"' + part.replace('"', '""') + '"' for part in head)
    operator, operand = rest
    if operator == "$in":
        return f"{name} IN ({', '.join(map(write, operand))})"
    return f"{name} IS NULL" if operand is None else f"{name} {SYMBOLS[operator]} {write(operand)}"


def _as_where(tree: Any) -> dict[str, Any]:
    head, rest = tree
    if head == "$not":
        return {"$not": _as_where(rest)}
    if head in ("$and", "$or"):
        return {head: [_as_where(part) for part in rest]}
    return {attribute_key(*head): {rest[0]: rest[1]}}


@settings(max_examples=300, deadline=None)
@given(tree=TREES)
def test_what_is_written_is_what_is_read(tree: Any) -> None:
    assert repr(parse_where(_as_text(tree))) == repr(_as_where(tree))
