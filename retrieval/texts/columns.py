"""`Columns`: which of a table's columns are id, text and attributes, where they have other names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wordhive.index import InputError
from wordhive.index.arguments import shown, strings


@dataclass(frozen=True)
class Columns:
    """How rows are read.

    Attributes:
        names: The column that stands for a name of ours, such as `{"id": "isbn", "text": "abstract"}`.
        attributes: The columns that become attributes, by their names after that; None: all others.
        text_fields: Names that make the text.
    """

    names: dict[str, str] = field(default_factory=dict)
    attributes: tuple[str, ...] | None = None
    text_fields: tuple[str, ...] = ("title", "text")

    @classmethod
    def of(cls, columns: Any, attributes: Any, text_fields: Sequence[str] | None) -> Columns:
        """What a caller gave.

        Raises:
            InputError: Something that is no dict of names, or no list of names.
        """
        columns = {} if columns is None else columns
        pairs = columns.items() if isinstance(columns, Mapping) else [(None,)]
        if not all(isinstance(name, str) for pair in pairs for name in pair):
            raise InputError(
                f"columns is {shown(columns)}; expected a dict from our names to yours, such as "
                "{'id': 'isbn', 'text': 'abstract'}"
            )
        kept = None if attributes is None else tuple(strings(attributes, "attributes"))
        return cls(dict(columns), kept, ("title", "text") if text_fields is None else tuple(text_fields))

    @property
    def are_given(self) -> bool:
        """Whether rows are changed at all."""
        return bool(self.names) or self.attributes is not None

    def check(self, known: Sequence[str] | None) -> None:
        """Raise InputError for a column that a table does not have.

        Args:
            known: The table's columns; None: it does not tell.
        """
        wanted = [*self.names.values(), *(self.names.get(name, name) for name in self.attributes or ())]
        missing = next((name for name in wanted if known is not None and name not in known), None)
        if missing is not None:
            raise InputError(f"the table has no column {missing!r}; choose from {', '.join(map(repr, known or ()))}")

    def row(self, given: Any, number: int) -> Any:
        """A row under our names.

        Raises:
            InputError: It has no names.
        """
        if not self.are_given:
            return given
        if not isinstance(given, Mapping):
            raise InputError(
                f"document {number} is {type(given).__name__}, which has no names; leave columns and attributes out"
            )
        taken = set(self.names.values())
        row = {name: value for name, value in given.items() if name not in taken and name not in self.names}
        row.update({name: given[theirs] for name, theirs in self.names.items() if theirs in given})
        if self.attributes is None:
            return row
        kept = {"id", "_id", *self.text_fields, *self.attributes}
        return {name: value for name, value in row.items() if name in kept}
