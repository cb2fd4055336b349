"""The documents of one commit, checked before anything is written."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import InputError
from .text_codec import MOST_TEXT
from .word_vectors import WordVectors

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
        """A batch of what a caller gave. Raises InputError for numbers that disagree, bad ids, texts or attributes."""
        for name, values in {"ids": ids, "texts": texts, "attributes": attributes}.items():
            if values is not None and len(values) != len(vectors):
                raise InputError(f"{len(values)} {name} for the vectors of {len(vectors)} documents; expected one each")
        check_ids(ids)
        for id, text in zip(ids, texts or (), strict=False):
            if text is not None:
                check_unicode(text, f"the text of document {id!r}")
                if len(text) > MOST_TEXT // 4 and len(text.encode()) > MOST_TEXT:
                    raise InputError(f"the text of document {id!r} has more than {MOST_TEXT:,} bytes; cut it in parts")
        details = [
            attributes_as_json(given, id) for id, given in zip(ids, attributes or [None] * len(ids), strict=True)
        ]
        return cls(ids, vectors, texts or [None] * len(ids), details)


def check_ids(ids: Sequence[str]) -> None:
    """Raise InputError unless all ids are non-empty strings and different."""
    seen: set[str] = set()
    for id in ids:
        if not isinstance(id, str) or not id:
            raise InputError(f"document id {id!r} is not a string with characters; ids are strings of your own")
        if id in seen:
            raise InputError(f"document id {id!r} is given twice; every document needs an id of its own")
        check_unicode(id, f"document id {id!r}")
        seen.add(id)


def check_unicode(text: str, what: str) -> None:
    """Raise InputError for what is no string, or has half of a character, which no file can hold; `what` names it."""
    if not isinstance(text, str):
        raise InputError(f"{what} is {type(text).__name__}; expected a string")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{what} holds half of a character (a lone surrogate); decode it as UTF-8 first") from error


def attributes_as_json(attributes: dict[str, Any] | None, id: str, place: str = "") -> str | None:
    """The attributes of document `id` as a JSON text; None for none. place: begins an error's message.

    Raises InputError for what JSON, or a filter, can't hold.
    """
    try:
        written = json.dumps(attributes, ensure_ascii=False, allow_nan=False) if attributes else None
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{place}the attributes of document {id!r} are no JSON ({error}); use strings, numbers, lists, dicts"
        ) from error
    if written is not None:
        check_unicode(written, f"{place}an attribute of document {id!r}")
        if _NUL.search(written):
            # SQLite ends a JSON string there: a filter would take "a\0b" for "a".
            raise InputError(
                f"{place}an attribute of document {id!r} has the character U+0000, by which no filter can go; "
                "leave it out (ids and texts may have it)"
            )
    return written
