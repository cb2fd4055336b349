"""Filters: conditions on the attributes and ids of documents, as a dict, compiled to one condition of SQLite's."""

from __future__ import annotations

import json
import re
from typing import Any

from ..arguments import shown, strings
from ..errors import InputError
from .plain_values import plain_value

Where = dict[str, Any]
Condition = tuple[str, list[str]]

_EVERYTHING: Condition = ("1", [])
_NOTHING: Condition = ("0", [])
_EXAMPLE = "{'year': {'$gte': 2000}}"
_ORDERS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_LISTS = ("$in", "$nin")
_ID_OPERATORS = ("$eq", "$ne", *_ORDERS, *_LISTS)
_OPERATORS = (*_ID_OPERATORS, "$exists", "$contains", "$not_contains")
_NEGATED = {"$ne": "$eq", "$nin": "$in", "$not_contains": "$contains"}
# SQLite joins 64 tables, nests expressions 1000 deep, and its older versions' parsers keep 100 symbols, 999 values.
_DEEPEST = 10
_MOST_VALUES = 800


def condition(where: Where) -> Condition:
    """A filter as an SQL condition on the table `document`, with the values to bind to its question marks.

    The condition is on the columns `document.attributes` (a JSON object or NULL) and `document.id`; it is 1 or 0, never
    NULL. docs/guides/filters.md says what filters mean; an empty one matches every document.

    Raises:
        InputError: The filter is no dict, has an unknown operator or an operand that its operator can't take, or has
            more than some 300 conditions or 10 levels.
    """
    sql, values = _group(where, _DEEPEST)
    if len(values) > _MOST_VALUES:
        raise InputError(
            "the filter has too many conditions, some 300 are the most; put the values of one attribute into one $in"
        )
    return sql, values


def attribute_key(*names: str) -> str:
    """The key of an attribute in a filter, from its names, outermost first; they may have any characters."""
    names = tuple(strings(names, "the name of an attribute"))
    key = ".".join(re.sub(r"([\\.])", r"\\\1", name) for name in names)
    return rf"\{key}" if key.startswith("$") else key


def attribute_keys(where: Where) -> list[str]:
    """The attributes' keys in a valid filter, each once."""
    found: dict[str, None] = {}
    for key, given in where.items():
        inner = given if key in ("$and", "$or") else [given] if key == "$not" else []
        found.update(dict.fromkeys(name for part in inner for name in attribute_keys(part)))
        if not key.startswith("$"):
            found[key] = None
    return list(found)


def _group(where: Any, levels: int) -> Condition:
    if not isinstance(where, dict):
        raise InputError(f"the filter is {shown(where)}; expected a dict such as {_EXAMPLE}")
    if not levels:
        raise InputError(f"the filter has more than {_DEEPEST} levels of $and, $or and $not; join fewer of them")
    return _joined("AND", [_entry(key, given, levels - 1) for key, given in where.items()])


def _entry(key: Any, given: Any, levels: int) -> Condition:
    if key in ("$and", "$or"):
        if not isinstance(given, (list, tuple)):
            raise InputError(f"{key} has {shown(given)}; expected a list of filters")
        return _joined(key[1:].upper(), [_group(where, levels) for where in given])
    if key == "$not":
        return _negated(_group(given, levels))
    if key == "$id":
        return _joined("AND", [_id_condition(*each) for each in _operands(key, given, _ID_OPERATORS)])
    if not isinstance(key, str) or key.startswith("$"):
        raise InputError(
            f"the filter has the key {shown(key)}; expected an attribute's name, $and, $or, $not or $id "
            "(a name that begins with $ has a backslash before it)"
        )
    names = _names(key)
    return _joined("AND", [_attribute_condition(key, names, *each) for each in _operands(key, given, _OPERATORS)])


def _names(key: str) -> list[str]:
    """The names that dots separate; a backslash takes the character behind it as it is."""
    _check_text(key, "a name in the filter")
    names, escaped = [""], False
    for character in key:
        if escaped or character not in "\\.":
            names[-1] += character
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            names.append("")
    if len(names) > _DEEPEST:
        raise InputError(f"the filter's key {shown(key)} has {len(names)} names; {_DEEPEST} is the most")
    return names


def _operands(key: str, given: Any, known: tuple[str, ...]) -> list[tuple[str, Any]]:
    if not isinstance(given, dict):
        return [("$eq", plain_value(given))]
    for operator in given or [None]:
        if operator not in known:
            is_name = not (isinstance(operator, str) and operator.startswith("$"))
            hint = "; an attribute within another is named 'outer.inner'" if is_name else ""
            raise InputError(
                f"the filter on {key!r} has {shown(operator) if given else 'no operator'}; "
                f"expected {', '.join(known)}{hint}"
            )
    return [(operator, plain_value(operand)) for operator, operand in given.items()]


def _id_condition(operator: str, operand: Any) -> Condition:
    if operator in _NEGATED:
        return _negated(_id_condition(_NEGATED[operator], operand))
    ids = _list("$id", operator, operand) if operator in _LISTS else [operand]
    for id in ids:
        if not isinstance(id, str):
            raise InputError(f"the filter compares $id with {shown(id)}; ids are strings")
        _check_text(id, "an id in the filter")
    if operator in _ORDERS:
        return f"document.id {_ORDERS[operator]} ?", ids
    return "document.id IN (SELECT value FROM json_each(?))", [_json(ids)]


def _attribute_condition(key: str, names: list[str], operator: str, operand: Any) -> Condition:
    if operator in _NEGATED:
        return _negated(_attribute_condition(key, names, _NEGATED[operator], operand))
    exists = _attribute(names, ("{v}.type <> 'null'", []))
    if operator == "$exists":
        if not isinstance(operand, bool):
            raise InputError(f"the filter on {key!r} has $exists {shown(operand)}; expected true or false")
        return exists if operand else _negated(exists)
    if operator in _ORDERS:
        return _attribute(names, _of_any(_order(key, operator, operand)))
    values = _list(key, operator, operand) if operator in _LISTS else [operand]
    for value in values:
        _check_scalar(key, operator, value)
    if operator == "$contains":
        if operand is None:
            raise InputError(f"the filter on {key!r} has $contains null; expected a string, a number, true or false")
        return _attribute(names, _of_elements(_equal(values)))
    found = _attribute(names, _of_any(_equal(values)))
    return _joined("OR", [_negated(exists), found]) if None in values else found


# The tests below are SQL on one value; {v} is filled with the name of its row of json_each.


def _equal(values: list[Any]) -> Condition:
    """Whether the value is one of these; null is none of them."""
    types = {
        "'integer', 'real'": [value for value in values if _is_number(value)],
        "'text'": [value for value in values if isinstance(value, str)],
        "'true', 'false'": [value for value in values if isinstance(value, bool)],
    }
    # SQLite reads our numbers as it reads the documents': equal texts are equal, beyond 64 bits too.
    parts = [
        (f"({{v}}.type IN ({names}) AND {{v}}.value IN (SELECT value FROM json_each(?)))", [_json(alike)])
        for names, alike in types.items()
        if alike
    ]
    return _joined("OR", parts)


def _order(key: str, operator: str, operand: Any) -> Condition:
    if not isinstance(operand, str) and not _is_number(operand):
        raise InputError(f"the filter on {key!r} has {operator} {shown(operand)}; expected a number or a string")
    _check_scalar(key, operator, operand)
    types = "'text'" if isinstance(operand, str) else "'integer', 'real'"
    return f"{{v}}.type IN ({types}) AND {{v}}.value {_ORDERS[operator]} json_extract(?, '$')", [_json(operand)]


def _of_any(test: Condition) -> Condition:
    """The test of a value, or of any element where it is a list."""
    elements, of_elements = _of_elements(test)
    return f"CASE {{v}}.type WHEN 'array' THEN {elements} ELSE {test[0]} END", of_elements + test[1]


def _of_elements(test: Condition) -> Condition:
    elements = test[0].format(v="element")
    listed = "json_each(CASE {v}.type WHEN 'array' THEN {v}.value END) AS element"
    return f"EXISTS (SELECT 1 FROM {listed} WHERE {elements})", test[1]


def _attribute(names: list[str], test: Condition) -> Condition:
    """Whether there is an attribute of these names, from the outside in, that passes the test."""
    # By key, not by path: SQLite's paths have had no way to say every name in every version.
    tables = ["json_each(document.attributes) AS v0"]
    for outer in range(len(names) - 1):
        tables.append(f"json_each(CASE v{outer}.type WHEN 'object' THEN v{outer}.value END) AS v{outer + 1}")
    keys = " AND ".join(f"v{i}.key = ?" for i in range(len(names)))
    tested = test[0].format(v=f"v{len(names) - 1}")
    return f"EXISTS (SELECT 1 FROM {', '.join(tables)} WHERE {keys} AND {tested})", names + test[1]


def _joined(word: str, parts: list[Condition]) -> Condition:
    neutral, decisive = (_EVERYTHING, _NOTHING) if word == "AND" else (_NOTHING, _EVERYTHING)
    parts = [part for part in parts if part != neutral]
    if decisive in parts:
        return decisive
    if len(parts) < 2:
        return parts[0] if parts else neutral
    sql = f" {word} ".join(sql for sql, _ in parts)
    return f"({sql})", [value for _, values in parts for value in values]


def _negated(part: Condition) -> Condition:
    if part in (_EVERYTHING, _NOTHING):
        return _NOTHING if part == _EVERYTHING else _EVERYTHING
    return f"NOT ({part[0]})", part[1]


def _list(key: str, operator: str, operand: Any) -> list[Any]:
    if not isinstance(operand, (list, tuple, set, frozenset, range)):
        raise InputError(f"the filter on {key!r} has {operator} {shown(operand)}; expected a list")
    return [plain_value(value) for value in operand]


def _check_scalar(key: str, operator: str, value: Any) -> None:
    if isinstance(value, str):
        _check_text(value, f"the filter on {key!r}")
    elif _is_number(value):
        _check_finite(key, value)
    elif not (value is None or isinstance(value, bool)):
        hint = "; for any of several values use $in" if isinstance(value, (list, tuple, set)) else ""
        raise InputError(
            f"the filter on {key!r} has {operator} {shown(value)}; "
            f"expected a string, a number, true, false or null{hint}"
        )


def _check_finite(key: str, value: float) -> None:
    try:
        finite = abs(float(value)) < float("inf")
    except OverflowError:
        finite = False
    if not finite:
        raise InputError(f"the filter on {key!r} has a number that is not finite, or larger than 1.8e308")


def _check_text(text: str, what: str) -> None:
    if re.search("[\0\ud800-\udfff]", text):
        raise InputError(f"{what} is {shown(text)}; U+0000 and lone surrogates can't be searched for")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
