"""How the codes of a codec stand for vectors, where they are simple enough to be scored without making the vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..small_products import row_products


@dataclass(frozen=True)
class Floats:
    """A code is the vector, in float32."""


@dataclass(frozen=True)
class ByteSteps:
    """A byte for each dim: vector = start + step · bytes. Both float32 `[dim]`."""

    start: NDArray[np.float32]
    step: NDArray[np.float32]


@dataclass(frozen=True)
class CodeParts:
    """Fields of some bits, each of which selects the next few numbers of a vector.

    rows: float32 `[n_parts, 2 ** bits, width]`, what each value of each field selects. bits: of a field, 1 to 8;
    fewer than 8 only in codes of two bytes and more.
    rotation: float32 `[dim, n_parts · width]`; the vector is the rotation times all these numbers; None: it is them.
    centroids: float32 `[n, n_parts · width]`, where a code begins with a centroid's number, of `centroid_bytes` (1 or
    2), and a byte of a scale: the numbers are the centroid + scale · those of the fields. None: without this header.
    """

    rows: NDArray[np.float32]
    bits: int
    rotation: NDArray[np.float32] | None = None
    centroids: NDArray[np.float32] | None = None
    centroid_bytes: int = 0

    @property
    def header(self) -> int:
        """Bytes before the fields."""
        return self.centroid_bytes + 1 if self.centroids is not None else 0

    @property
    def n_numbers(self) -> int:
        """Numbers that the fields select, of which those beyond the vector's dims are 0."""
        return int(self.rows.shape[0] * self.rows.shape[2])

    @cached_property
    def wide_rows(self) -> NDArray[np.float32]:
        """The rows, filled up with zeros to a width of 1, 2, 4, 8 or a multiple of 16."""
        width = self.rows.shape[2]
        wide = next((enough for enough in (1, 2, 4, 8) if enough >= width), -(-width // 16) * 16)
        return _filled(self.rows, wide)

    @cached_property
    def wide_centroids(self) -> NDArray[np.float32]:
        """The centroids, or one of zeros, filled up to a multiple of 16 that has room for a wide row at the end."""
        held = np.zeros((1, self.n_numbers), np.float32) if self.centroids is None else self.centroids
        needed = self.n_numbers + self.wide_rows.shape[2] - self.rows.shape[2]
        return _filled(held, -(-needed // 16) * 16)

    def turned(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Queries `[n, dim]` whose inner products with the numbers are theirs with the vector: `[n, n_numbers]`."""
        inner = queries if self.rotation is None else row_products(queries, self.rotation)
        turned = np.zeros((len(queries), self.n_numbers), np.float32)
        turned[:, : inner.shape[1]] = inner
        return turned


# None: a codec whose vectors have to be decoded.
Layout: TypeAlias = Floats | ByteSteps | CodeParts | None


def _filled(rows: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    filled = np.zeros((*rows.shape[:-1], width), np.float32)
    filled[..., : rows.shape[-1]] = rows
    return filled
