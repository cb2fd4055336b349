"""`Intake`: the documents of one call, of whatever kinds, checked and cut into commits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from wordhive.index import InputError
from wordhive.index.arguments import whole_number
from wordhive.index.storage.batch import check_ids
from wordhive.index.writing.free_numbers import FreeNumbers

from ..runtimes.text_batches import batches
from .columns import Columns
from .documents import Document, check_document, check_text, document_from
from .table_rows import column_names, is_stream, rows_of
from .text_fields import DEFAULT_FIELDS, TextFields

# A string has no id before it is stored.
Item = Document | str


class Intake:
    """Documents as a caller gives them; see `Retriever.add`.

    A collection is read and checked at once, anything else a commit at a time. held: the documents of a collection, or
    None.

    Args:
        documents: Of any kind.
        total: How many there are, where that is known.
        fields: Those that make the text of a dict.
        columns: What names they have.

    Raises:
        InputError: What is no document, and for an id that comes twice.
    """

    def __init__(
        self, documents: Any, total: int | None, fields: TextFields = DEFAULT_FIELDS, columns: Columns | None = None
    ) -> None:
        self.total = None if total is None else whole_number(total, "total", least=0, otherwise=", or None")
        columns = columns or Columns()
        columns.check(column_names(documents))
        rows = rows_of(documents)
        items = (document_from(columns.row(value, n), n, fields) for n, value in enumerate(rows))
        is_table = rows is not documents and not is_stream(documents)
        self.held = list(items) if isinstance(documents, Collection) or is_table else None
        self._items: Iterable[Item] = items if self.held is None else self.held
        self._taken: set[str] = set()
        self._numbered: set[str] = set()
        if self.held is not None:
            self.total = len(self.held)
            self._check(self.held, 0)
            self._taken = set(ids_of(self.held))
        elif self.total is None and hasattr(documents, "__len__"):
            self.total = len(documents)

    def all(self) -> list[Item]:
        """All of them at once."""
        if self.held is not None:
            return self.held
        items = list(self._items)
        self._check(items, 0)
        return items

    def commits(self, size: int, most_characters: int) -> Iterator[list[Item]]:
        """The documents, `size` at a time; fewer where their texts have more characters than `most_characters`."""
        first = 0
        for batch in batches(self._items, size, most_characters, _length):
            self._check(batch, first)
            first += len(batch)
            yield batch

    def ids(self, batch: Sequence[Item]) -> Callable[[FreeNumbers], list[str]]:
        """What chooses the ids of a commit while it is written: strings get numbers that nobody has."""

        def choose(free: FreeNumbers) -> list[str]:
            places = [place for place, item in enumerate(batch) if isinstance(item, str)]
            numbers = free.take(places, self._taken.union(ids_of(batch)))
            self._numbered.update(numbers)
            chosen = dict(zip(places, numbers, strict=True))
            return [item.id if isinstance(item, Document) else chosen[place] for place, item in enumerate(batch)]

        return choose

    def _check(self, items: Sequence[Item], first: int) -> None:
        for number, item in enumerate(items, first):
            if isinstance(item, str):
                check_text(item, f"document {number} (counted from 0)")
                continue
            check_document(item)
            if item.id in self._numbered:
                raise InputError(
                    f"document id {item.id!r} was given to a string before it in the same run; give all of them ids"
                )
        check_ids(ids_of(items))


def ids_of(items: Iterable[Item]) -> list[str]:
    """The ids of those that have one."""
    return [item.id for item in items if isinstance(item, Document)]


def _length(item: Item) -> int:
    text = item if isinstance(item, str) else item.text
    return len(text) if isinstance(text, str) else 0  # what is no text is told when it is checked
