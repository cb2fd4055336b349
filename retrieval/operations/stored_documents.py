"""`StoredDocuments`: the documents of a retriever, read by id, by a filter, or all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from wordhive.index import Index, InputError
from wordhive.index.arguments import id_list
from wordhive.index.filters.conditions import Where
from wordhive.index.reading.snapshot import Snapshot
from wordhive.index.storage.catalog.documents import StoredDocument

from ..texts.documents import Document, id_from

_READ_AT_ONCE = 1000


class StoredDocuments:
    """Reads documents from an index."""

    index: Index

    def __len__(self) -> int:
        return len(self.index)

    def __contains__(self, id: object) -> bool:
        """Whether a document has that id: `"ants" in retriever`."""
        known = id_from(id)
        return isinstance(known, str) and known in self.index.snapshot().rows([known])

    def __iter__(self) -> Iterator[Document]:
        """All documents in the order in which they were added, as they are when the iteration begins.

        Raises:
            InputError: The index keeps no texts.
        """
        now = self.index.snapshot()
        return self._read(now, iter(now.ids()))

    def count(self, where: Where | str | None = None) -> int:
        """How many documents a filter lets through.

            retriever.count("year >= 2000")

        Args:
            where: A dict, an expression, or JSON; see `SearchOptions`. Default: all documents.
        """
        now = self.index.snapshot()
        return len(now) if where is None else len(now.matching(where))

    def get(self, ids: Iterable[Any] | None = None, *, where: Where | str | None = None) -> list[Document]:
        """The stored documents of these ids, in the same order, or of those that a filter lets through.

            retriever.get(["ants", "bees"])[0].text
            retriever.get(where="year >= 2000")

        Args:
            ids: The documents' ids, as `add` takes them: strings, or whole numbers. One may be there twice.
            where: A filter in place of ids; see `SearchOptions`.

        Raises:
            InputError: An id is not in the index, or its text was not stored.
        """
        if (ids is None) == (where is None):
            raise InputError("get takes either ids or where; give one of them")
        now = self.index.snapshot()
        if where is not None:
            return list(self._read(now, iter(now.matching(where).tolist())))
        wanted = ids_from(ids)
        rows = now.rows(wanted)
        unknown = next((id for id in wanted if id not in rows), None)
        if unknown is not None:
            raise InputError(f"{self.index.path} holds no document {unknown!r}; give ids as a search returns them")
        stored = now.documents(list(rows.values()))
        return [self._document(stored[rows[id]]) for id in wanted]

    def _read(self, now: Snapshot, rows: Iterator[int]) -> Iterator[Document]:
        while part := list(islice(rows, _READ_AT_ONCE)):
            stored = now.documents(part)
            yield from (self._document(stored[row]) for row in part)

    def _document(self, stored: StoredDocument) -> Document:
        if stored.text is None:
            raise InputError(
                f"{self.index.path} keeps no text of document {stored.id!r}; read its attributes with "
                "index.snapshot().documents(rows)"
            )
        return Document(stored.id, stored.text, stored.attributes)


def ids_from(ids: Any) -> Sequence[Any]:
    """Ids as they are kept, of a list of them."""
    return [id_from(id) for id in id_list(ids)]
