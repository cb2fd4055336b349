"""`Inventory`: what the catalog alone tells of an index, read without anything that a search needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ..arguments import given_ids, given_path
from ..errors import InputError
from ..filters.conditions import Where
from ..storage.catalog.catalog import Catalog
from ..storage.catalog.documents import StoredDocument
from ..storage.settings import IndexSettings

_DOCUMENTS_AT_ONCE = 500


class Inventory:
    """An index of which only the catalog is open: no kernels are imported, and no segments looked at.

    It tells what the last commit left, whoever made it.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.path = catalog.path.parent
        self._catalog = catalog

    @classmethod
    def open(cls, path: str | Path) -> Inventory:
        """That of an existing index.

        Raises:
            InputError: The path holds no index, or one of another format.
        """
        return cls(open_catalog(path))

    def __enter__(self) -> Inventory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._catalog.close()

    def __len__(self) -> int:
        return self._catalog.n_documents()

    @property
    def settings(self) -> IndexSettings:
        """What the index was made with."""
        return IndexSettings.of(self._catalog)

    def attribute_values(self, *keys: str | Sequence[str]) -> list[tuple[Any, ...]]:
        """As `Index.attribute_values`."""
        return self._catalog.attribute_values([[key] if isinstance(key, str) else key for key in keys])

    def known_ids(self, ids: Iterable[str]) -> set[str]:
        """Those of the given ids that the index holds."""
        return self._catalog.known_ids(given_ids(ids))

    def documents(self, where: Where) -> Iterator[StoredDocument]:
        """The stored documents that match a filter, in the order of their rows."""
        rows = self._catalog.matching(where)
        for start in range(0, len(rows), _DOCUMENTS_AT_ONCE):
            yield from self._catalog.documents(rows[start : start + _DOCUMENTS_AT_ONCE]).values()


def open_catalog(path: str | Path) -> Catalog:
    """The catalog of an existing index.

    Raises:
        InputError: The path holds no index, or one of another format.
    """
    given, path = path, given_path(path)
    if not path.exists():
        raise InputError(f"no index at {given}; make one with: wordhive index INPUT --to {given}")
    if not (path / "catalog.db").is_file():
        raise InputError(f"{path} is no wordhive index (it has no catalog.db); give the folder that was indexed to")
    return Catalog.open(path / "catalog.db")
