"""How many bytes a catalog and the texts in it take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_TEXT_PAGES = "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN ('text', 'dictionary') AND aggregate = TRUE"
# Without what is free in the pages of texts.
_TEXT_BODIES = (
    "SELECT coalesce(sum(length(body)), 0) + (SELECT coalesce(sum(length(content)), 0) FROM dictionary) FROM text"
)
_HAS_DBSTAT = "SELECT count(*) FROM pragma_module_list WHERE name = 'dbstat'"
_PLAIN_TEXTS = "SELECT coalesce(sum(text_size), 0) FROM document"

Read = Callable[[str], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class CatalogSize:
    """Bytes of a catalog.

    Attributes:
        file: Of the whole file, once SQLite's log is folded into it.
        texts: Of the compressed texts in it, with the dictionary that they are compressed by.
        plain_texts: Of all texts as they were given, in UTF-8, whether they are kept or not.
    """

    file: int
    texts: int
    plain_texts: int

    @classmethod
    def measure(cls, read: Read) -> CatalogSize:
        """Measure a catalog whose rows `read` returns for a query."""

        def number(query: str) -> int:
            return int(read(query)[0][0])

        file = number("PRAGMA page_count") * number("PRAGMA page_size")
        return cls(file, number(_TEXT_PAGES if number(_HAS_DBSTAT) else _TEXT_BODIES), number(_PLAIN_TEXTS))
