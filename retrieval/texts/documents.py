"""Documents and queries, and what makes one of what users have at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from wordhive.index import InputError
from wordhive.index.arguments import shown
from wordhive.index.storage.batch import attributes_as_json, check_unicode

from .text_fields import DEFAULT_FIELDS, TextFields, shown_names

# A text beyond this is many documents in one: a log, or a dump of a database.
MOST_CHARACTERS = 10_000_000


@dataclass(frozen=True)
class Document:
    """What is searched for: an id of the user's own, the text, and any JSON attributes, given back with hits."""

    id: str
    text: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    """What is searched with."""

    id: str
    text: str


def document_from(value: Any, number: int, fields: TextFields = DEFAULT_FIELDS) -> Document | str:
    """A document from what users have at hand: a `Document`, a dict or an (id, text) pair; a string stays one.

    Args:
        number: Names it in an error's message.
        fields: Those that make the text of a dict.

    Raises:
        InputError: Anything else.
    """
    if isinstance(value, Document):
        return value
    if isinstance(value, str):
        return str(value)  # NumPy has strings of its own
    if isinstance(value, Mapping):
        return document_from_fields(value, f"document {number} (counted from 0): ", fields)
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return document_from_fields({"id": value[0], "text": value[1]}, f"document {number} (counted from 0): ")
    raise InputError(
        f"document {number} is {type(value).__name__}; expected a string, a dict with id and text, "
        "an (id, text) pair, or a Document"
    )


def check_document(document: Document, place: str = "") -> None:
    """Raise InputError for a text that is too long or no valid Unicode, and for attributes that are no JSON."""
    check_unicode(document.id, f"{place}document id {shown(document.id)}")
    check_text(document.text, f"{place}document {document.id!r}")
    if not isinstance(document.attributes, dict):
        raise InputError(f"{place}the attributes of document {document.id!r} are no dict; expected names and values")
    attributes_as_json(document.attributes, document.id, place)


def check_text(text: str, what: str) -> None:
    """Raise InputError for a text that is too long or no valid Unicode; `what` names its document."""
    check_unicode(text, f"the text of {what}")
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"{what} has {len(text):,} characters, the most is {MOST_CHARACTERS:,}; split it into several")


def id_from(value: Any) -> Any:
    """An id as it is kept: a whole number, NumPy's too, as the string of it; anything else as it is."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral) and not isinstance(value, bool):
        try:
            return str(int(value))
        except ValueError as error:  # more digits than Python prints
            raise InputError(f"the id is {shown(value)}; expected a string, or a whole number") from error
    return value


def document_from_fields(value: Mapping[Any, Any], place: str, fields: TextFields = DEFAULT_FIELDS) -> Document:
    """The document of a dict with id and text; its title goes before the text, other keys become attributes.

    Args:
        place: Begins an error's message.

        fields: Those that make the text.

    Raises:
        InputError: No id, or no text.
    """
    rest = dict(value)
    id = rest.pop("_id", None)
    id = id_from(rest.pop("id", None) if id is None else id)
    if id is None or (isinstance(id, str) and not id):
        raise InputError(f"{place}no id; expected a field _id or id with a string ({shown_names(value)})")
    if not isinstance(id, str):
        raise InputError(f"{place}the id {shown(id)} is {type(id).__name__}; expected a string, or a whole number")
    return Document(id, *fields.split(rest, f"{place}{id!r}"))
