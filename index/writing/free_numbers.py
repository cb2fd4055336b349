"""Ids for documents that come without one: numbers that no document has."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from ..storage.catalog.catalog import Catalog

# Numbers that are looked for in the catalog at a time.
_AT_ONCE = 500


@dataclass(frozen=True)
class FreeNumbers:
    """The numbers that no document of an index has as its id, while nobody else writes to it.

    Attributes:
        first_row: The row of the first document of the batch that needs ids.
    """

    catalog: Catalog
    first_row: int

    def take(self, positions: Sequence[int], taken: Container[str] = ()) -> list[str]:
        """Ids for documents without one: for each the number of its row, or the next free number.

        Args:
            positions: Where these documents are in the batch, ascending.
            taken: Ids that other documents of the batch have.
        """
        free = self._free(taken)
        return [str(next(number for number in free if number >= self.first_row + position)) for position in positions]

    def _free(self, taken: Container[str]) -> Iterator[int]:
        for first in count(self.first_row, _AT_ONCE):
            names = [str(number) for number in range(first, first + _AT_ONCE)]
            known = self.catalog.known_ids(names)
            yield from (int(name) for name in names if name not in known and name not in taken)


# The ids of a batch, or a function that chooses them while nobody else writes.
Ids = Sequence[str] | Callable[[FreeNumbers], Sequence[str]]
