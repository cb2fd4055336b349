"""Warnings of attributes that a filter names and no document has."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from ..errors import warn
from ..filters.conditions import Where, attribute_key, attribute_keys
from ..storage.catalog.catalog import Catalog

_MOST_NAMES = 5


def warn_of_unknown(catalog: Catalog, where: Where) -> None:
    """Warn of each attribute of a filter that no document has, and suggest one that documents have.

    It reads all documents, as the filter did.
    """
    if not catalog.n_documents():
        return
    for key in attribute_keys(where):
        if not catalog.has_matches({key: {"$exists": True}}):
            warn(f"no document has the attribute {key!r}; {_suggestion(catalog, key)}")


def warn_of_misspelt(catalog: Catalog, where: Where, names: Sequence[str]) -> None:
    """Warn of each attribute of a filter that no document has, if one of a name like it is there.

    For a filter that lets documents through: `lnag <> 'en'` lets all of them through.

    Args:
        catalog: Of the index.
        where: The filter.
        names: `Catalog.attribute_names()`.
    """
    known = [attribute_key(name) for name in names]
    for key in attribute_keys(where):
        if key in known or any(key.startswith(f"{name}.") for name in known):
            continue
        near = get_close_matches(key, known, 1)
        if near and not catalog.has_matches({key: {"$exists": True}}):
            warn(f"no document has the attribute {key!r}; did you mean {near[0]!r}?")


def _suggestion(catalog: Catalog, key: str) -> str:
    names = [attribute_key(name) for name in catalog.attribute_names()]
    if not names:
        return "none of the first thousand has any"
    near = get_close_matches(key, names, 1)
    more = ", …" if len(names) > _MOST_NAMES else ""
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(map(repr, names[:_MOST_NAMES]))}{more}"
