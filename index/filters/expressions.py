"""Filters as expressions, `year >= 2000 AND lang IN ('en', 'de')`: parsed by sqlglot, then converted to dicts."""

from __future__ import annotations

from typing import Any

from sqlglot import exp
from sqlglot.dialects import Dialect
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from ..arguments import instance
from ..errors import InputError
from .conditions import Where, attribute_key

_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "$eq",
    exp.NEQ: "$ne",
    exp.GT: "$gt",
    exp.GTE: "$gte",
    exp.LT: "$lt",
    exp.LTE: "$lte",
}
_MIRRORED = {"$gt": "$lt", "$gte": "$lte", "$lt": "$gt", "$lte": "$gte"}
_VALUES = (exp.Literal, exp.Neg, exp.Boolean, exp.Null)
_EXPECTED = (
    "expected comparisons (= <> < <= > >=, IN (…), BETWEEN, IS NULL, CONTAINS) of names with values, "
    "joined by AND, OR and NOT"
)


class _FilterParser(Parser):
    NO_PAREN_IF_COMMANDS = False  # or a text that begins with IF is read as some command, with a warning


def parse_where(text: str) -> Where:
    """An expression as a filter, for `where`; see docs/guides/filters.md.

        parse_where("year >= 2000 AND lang IN ('en', 'de')")

    Names are attributes, with dots between nested ones and in double quotes where they have other characters; `id`
    without quotes is the document's id. Strings are in single quotes.

    Raises:
        InputError: For anything else: functions, arithmetic, subqueries, comments, a second statement.
    """
    instance(text, "the filter expression", str, "a string such as \"year >= 2000 AND lang = 'en'\"")
    try:
        tokens = Dialect().tokenize(text)
        if any(token.comments for token in tokens):
            raise InputError("the filter expression has a comment; leave it out")
        parsed = _FilterParser().parse_into(exp.Condition, _with_contains(tokens), text)
        if len(parsed) != 1 or parsed[0] is None:
            raise InputError(f"the filter expression is {'two' if parsed[1:] else 'empty'}; {_EXPECTED}")
        return _where(parsed[0])
    except SqlglotError as error:
        raise InputError(f"the filter expression cannot be read{_place(error)}; {_EXPECTED}") from error
    except RecursionError as error:
        raise InputError("the filter expression has too many levels; join fewer conditions") from error


def _with_contains(tokens: list[Token]) -> list[Token]:
    # SQL has no CONTAINS: it is parsed as an operator that sqlglot knows.
    return [
        Token(TokenType.AT_GT, token.text, token.line, token.col, token.start, token.end)
        if token.token_type == TokenType.VAR and token.text.upper() == "CONTAINS"
        else token
        for token in tokens
    ]


def _where(node: exp.Expr) -> Where:
    node, kind = node.unnest(), type(node.unnest())
    if isinstance(node, (exp.And, exp.Or)):
        return {f"${node.key}": [_where(part) for part in node.flatten()]}
    if kind is exp.Not:
        return {"$not": _where(node.this)}
    if kind in _COMPARISONS:
        return _comparison(node, _COMPARISONS[kind])
    if kind is exp.Between and not node.args.get("symmetric"):
        return {_key(node.this): {"$gte": _value(node.args["low"]), "$lte": _value(node.args["high"])}}
    if kind is exp.In and not any(node.args.get(other) for other in ("query", "unnest", "field")):
        return {_key(node.this): {"$in": [_value(value) for value in node.expressions]}}
    if kind is exp.Is and isinstance(node.expression, exp.Null):
        return {_key(node.this): {"$eq": None}}
    if kind is exp.ArrayContainsAll:
        return {_key(node.this): {"$contains": _value(node.expression)}}
    if kind is exp.Column:
        raise InputError(f"the filter expression has {_shown(node)} alone; write {node.sql()} = TRUE")
    if kind in (exp.Like, exp.ILike):
        raise InputError(f"the filter expression has {_shown(node)}; texts are not matched by patterns: use = or IN")
    raise _unknown(node)


def _comparison(node: exp.Expr, operator: str) -> Where:
    name, value = node.this, node.expression
    if isinstance(name.unnest(), _VALUES):
        name, value, operator = value, name, _MIRRORED.get(operator, operator)
    operand = _value(value)
    if operand is None:
        raise InputError(f"the filter expression has {_shown(node)}; write IS NULL or IS NOT NULL")
    return {_key(name): {operator: operand}}


def _key(node: exp.Expr) -> str:
    node = node.unnest()
    names = node.parts if isinstance(node, (exp.Column, exp.Dot)) else []
    if not names or not all(isinstance(name, exp.Identifier) for name in names):
        raise InputError(f"the filter expression has {_shown(node)} where the name of an attribute is expected")
    if len(names) == 1 and names[0].name in ("id", "$id") and not names[0].args.get("quoted"):
        return "$id"
    return attribute_key(*(name.name for name in names))


def _value(node: exp.Expr) -> Any:
    node = node.unnest()
    if isinstance(node, exp.Literal):
        return node.this if node.is_string else _number(node.this)
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal) and not node.this.is_string:
        return -_number(node.this.this)
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Null):
        return None
    hint = "; strings are in single quotes" if isinstance(node, exp.Column) else ""
    raise InputError(f"the filter expression has {_shown(node)} where a value is expected{hint}")


def _number(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _unknown(node: exp.Expr) -> InputError:
    return InputError(f"the filter expression has {_shown(node)}; {_EXPECTED}")


def _place(error: SqlglotError) -> str:
    details = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    return f" at {details['highlight']!r}, character {details['col']}" if details.get("highlight") else ""


def _shown(node: exp.Expr) -> str:
    shown = node.sql()
    return shown if len(shown) <= 80 else f"{shown[:79]}…"
