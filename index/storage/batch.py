"""The documents of one commit, checked before anything is written."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..arguments import listed, shown
from ..errors import InputError
from ..filters.plain_values import plain_value, value_fault
from ..quantity import quantity
from ..word_vectors import WordVectors
from .catalog.text_compression import MOST_TEXT

# Levels of lists and dicts in attributes: SQLite and Python read some hundreds, filters name ten.
DEEPEST = 100
# U+0000 as JSON writes it. An even number of backslashes before it are backslashes.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True)
class Batch:
    """Documents as they are stored: ids, vectors, texts or None, attributes as JSON or None."""

    ids: Sequence[str]
    vectors: WordVectors
    texts: Sequence[str | None]
    attributes: Sequence[str | None]

    @classmethod
    def check(
        cls,
        ids: Sequence[str],
        vectors: WordVectors,
        texts: Sequence[str | None] | None,
        attributes: Sequence[dict[str, Any] | None] | None,
    ) -> Batch:
        """A batch of what a caller gave.

        Raises:
            InputError: Counts that disagree, vectors with huge numbers, bad ids, texts or attributes.
        """
        n = len(vectors)
        columns = {"ids": ids, "texts": texts, "attributes": attributes}
        held: dict[str, list[Any]] = {
            name: [None] * n if given is None else listed(given, name) for name, given in columns.items()
        }
        for name, values in held.items():
            if len(values) != n:
                raise InputError(
                    f"{len(values)} {name} for the vectors of {quantity(n, 'document')}; expected one each"
                )
        check_ids(held["ids"])
        vectors.check_size(lambda place: f"document {held['ids'][place]!r}")
        for id, text in zip(held["ids"], held["texts"], strict=True):
            if text is not None:
                check_unicode(text, f"the text of document {id!r}")
                if len(text) > MOST_TEXT // 4 and len(text.encode()) > MOST_TEXT:
                    raise InputError(f"the text of document {id!r} has more than {MOST_TEXT:,} bytes; cut it in parts")
        details = [attributes_as_json(given, id) for id, given in zip(held["ids"], held["attributes"], strict=True)]
        return cls(held["ids"], vectors, held["texts"], details)


def check_ids(ids: Sequence[str]) -> None:
    """Raise InputError unless all ids are non-empty strings and different."""
    seen: set[str] = set()
    for id in ids:
        if not isinstance(id, str) or not id:
            raise InputError(f"document id {shown(id)} is not a string with characters; ids are strings of your own")
        if id in seen:
            raise InputError(f"document id {id!r} is given twice; every document needs an id of its own")
        check_unicode(id, f"document id {id!r}")
        seen.add(id)


def check_new_ids(ids: Sequence[str], known: Collection[str], path: Path) -> None:
    """Raise InputError if an index at `path` knows some of the ids."""
    if known:
        example = next(id for id in ids if id in known)
        more = f" and {len(known) - 1} more" if len(known) > 1 else ""
        raise InputError(f"document id {example!r}{more} is already in {path}; give new ids, or upsert to replace")


def check_unicode(text: str, what: str) -> None:
    """Raise InputError for what is no string, or has half of a character, which no file can hold; `what` names it."""
    if not isinstance(text, str):
        raise InputError(f"{what} is {type(text).__name__}; expected a string")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{what} holds half of a character (a lone surrogate); decode it as UTF-8 first") from error


def attributes_as_json(attributes: dict[str, Any] | None, id: str, place: str = "") -> str | None:
    """The attributes of document `id` as a JSON text; None for none.

    Args:
        place: Begins an error's message.

    Raises:
        InputError: What JSON, or a filter, can't hold.
    """
    if attributes is not None and not isinstance(attributes, dict):
        raise InputError(
            f"{place}the attributes of document {id!r} are {shown(attributes)}; expected a dict of names and values"
        )
    try:
        _check_shape(attributes, f"{place}the attributes of document {id!r}")
        written = json.dumps(attributes, ensure_ascii=False, allow_nan=False, default=_plain) if attributes else None
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"{place}{_fault(attributes, id) or _no_json(id, error)}") from error
    if written is not None:
        check_unicode(written, f"{place}an attribute of document {id!r}")
        if _NUL.search(written):
            # SQLite ends a JSON string there: a filter would take "a\0b" for "a".
            raise InputError(
                f"{place}an attribute of document {id!r} has the character U+0000, by which no filter can go; "
                "leave it out (ids and texts may have it)"
            )
    return written


def _check_shape(attributes: Any, what: str) -> None:
    """Raise InputError for too many levels, and for names that are one in JSON, such as 1 and "1"."""
    level = [attributes]
    for _ in range(DEEPEST):
        inner: dict[int, Any] = {}  # once each: a list may hold itself
        for outer in level:
            if isinstance(outer, dict):
                _check_names(outer, what)
            values = outer.values() if isinstance(outer, dict) else outer or ()
            inner.update({id(value): value for value in values if isinstance(value, (dict, list, tuple))})
        if not inner:
            return
        level = list(inner.values())
    raise InputError(f"{what} have more than {DEEPEST} levels of lists and dicts; flatten them")


def _check_names(names: dict[Any, Any], what: str) -> None:
    if all(isinstance(name, str) for name in names):
        return
    as_json = [name for pair in json.loads(json.dumps([{name: 0} for name in names])) for name in pair]
    twice = next((name for name in as_json if as_json.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{what} have two names that JSON writes as {twice!r}; use strings, each of them once")


def _plain(value: Any) -> Any:
    """A value that JSON does not know, as one that it knows.

    Raises:
        TypeError: There is none.
    """
    plain = plain_value(value)
    if isinstance(plain, (bool, int, float, str, list)):
        return plain
    raise TypeError(f"a value is {type(value).__name__}")


def _fault(attributes: Any, id: str) -> str | None:
    """The first value that JSON can't hold, by its name and with what to do; None: it is something else."""
    waiting: list[tuple[str, Any]] = [("", attributes)]
    for name, value in waiting:  # it grows: `_check_shape` has bounded the levels
        plain = plain_value(value)
        if isinstance(plain, dict):
            waiting.extend((f"{name}.{key}".lstrip("."), inner) for key, inner in plain.items())
        elif isinstance(plain, (list, tuple)):
            waiting.extend((name, inner) for inner in plain)
        elif (reason := value_fault(plain)) is not None:
            return f"the attribute {name!r:.80} of document {id!r} is {reason}"
    return None


def _no_json(id: str, error: Exception) -> str:
    return f"the attributes of document {id!r} are no JSON ({error}); use strings, numbers, lists, dicts"
