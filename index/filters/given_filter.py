"""A filter as a caller gives it: a dict, an expression, or JSON."""

from __future__ import annotations

import json
from typing import Any

from ..arguments import shown
from ..errors import InputError
from .conditions import Where, condition


def given_filter(where: Where | str) -> Where:
    """A filter as a dict.

        given_filter("year >= 2000 AND lang = 'en'")
        given_filter('{"year": {"$gte": 2000}, "lang": "en"}')

    Args:
        where: A dict; an expression, see `parse_where`; or a dict as JSON. A dict is returned as it is.

    Raises:
        InputError: A string that is neither an expression nor JSON, or is no filter.
    """
    if not isinstance(where, str):
        return where
    if where.lstrip().startswith("{"):
        return _from_json(where)
    from .expressions import parse_where  # its parser takes a tenth of a second to import

    return parse_where(where)


def _from_json(text: str) -> Where:
    try:
        where: Where = json.loads(text, object_pairs_hook=_unique)
    except RecursionError as error:
        raise InputError("the filter has too many levels; join fewer conditions") from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the filter {shown(text)} begins as JSON and is none ({error}); names and strings are in double quotes"
        ) from error
    condition(where)
    return where


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the filter has the key {twice!r} twice; join both conditions with $and")
    return found
