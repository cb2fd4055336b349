"""`TextFields`: which fields of a document make its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wordhive.index import InputError
from wordhive.index.arguments import shown


@dataclass(frozen=True)
class TextFields:
    """The fields of a text, in their order. The last one is its body; those before it stay attributes too.

    So do a title and a text by default: hits have the title, and filters can name it.

    Args:
        names: None: an optional title before a text that must be there.
    """

    names: tuple[str, ...] | None = None

    def split(self, fields: Mapping[Any, Any], what: str) -> tuple[str, dict[Any, Any]]:
        """The text of a dict, and what is left as attributes.

        Args:
            fields: Without the id.
            what: Names the document in errors.

        Raises:
            InputError: It has no text, or a field that is no string.
        """
        if self.names is None:
            return _with_title(dict(fields), what)
        texts = [text for name in self.names if (text := _text(fields, name, what))]
        if not texts:
            names = " or ".join(self.names)
            raise InputError(f"{what} has no text; expected a field {names} with a string ({shown_names(fields)})")
        body = self.names[-1]
        is_unset = {name for name in self.names if fields.get(name) is None}
        rest = {name: value for name, value in fields.items() if name != body and name not in is_unset}
        return "\n".join(texts), rest


DEFAULT_FIELDS = TextFields()


def _text(fields: Mapping[Any, Any], name: str, what: str) -> str:
    value = fields.get(name)
    if not isinstance(value, (str, type(None))):
        raise InputError(f"{what} has {shown(value)} in its field {name}, of its text; expected a string, or None")
    return str(value or "").strip()


def _with_title(rest: dict[Any, Any], what: str) -> tuple[str, dict[Any, Any]]:
    text = rest.pop("text", None)
    if not isinstance(text, str):
        raise InputError(f"{what} has no text; expected a field text with a string ({shown_names(rest)})")
    text = str(text)
    title = rest.get("title")
    if isinstance(title, str) and title:
        text = f"{title} {text}"
    elif title is None or isinstance(title, str):
        rest.pop("title", None)
    return text.strip(), rest


def shown_names(fields: Mapping[Any, Any]) -> str:
    """The names of a dict's fields, for an error message."""
    return f"fields: {', '.join(name if isinstance(name, str) else shown(name) for name in fields) or 'none'}"
