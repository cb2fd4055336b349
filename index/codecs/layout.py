"""`Layout`: where the bits of a code lie, and which numbers they select. With it, codes are scored without decoding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..small_products import row_products


@dataclass(frozen=True)
class Floats:
    """A code is the vector itself, in float32."""


@dataclass(frozen=True)
class ByteSteps:
    """A code is a byte for each dim: vector = start + step · bytes, both float32 `[dim]`."""

    start: NDArray[np.float32]
    step: NDArray[np.float32]


@dataclass(frozen=True)
class CodeParts:
    """A code is a row of fields; each field selects the next few numbers of a vector from a table.

        code   │ centroid (0–2 bytes) │ scale (0–1 byte) │ field 0 │ field 1 │ …
        vector = rotation · (centroid + scale · [rows[0, field 0], rows[1, field 1], …])

    Attributes:
        rows: Float32 `[n_parts, 2 ** bits, width]`, the numbers that each value of each field selects.
        bits: Bits of a field, 1 to 8; fewer than 8 only in codes of two bytes or more.
        rotation: Float32 `[dim, n_parts · width]`. None: the numbers are the vector.
        centroids: Float32 `[n, n_parts · width]`. None: codes have no header of centroid and scale.
        centroid_bytes: Bytes of a centroid's number: 0, 1 or 2.
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
        """Number of numbers that the fields select; those beyond the vector's dims are 0."""
        return int(self.rows.shape[0] * self.rows.shape[2])

    @cached_property
    def wide_rows(self) -> NDArray[np.float32]:
        """The rows, padded with zeros to a width of 1, 2, 4, 8 or a multiple of 16."""
        width = self.rows.shape[2]
        wide = next((enough for enough in (1, 2, 4, 8) if enough >= width), -(-width // 16) * 16)
        return _filled(self.rows, wide)

    @cached_property
    def wide_centroids(self) -> NDArray[np.float32]:
        """The centroids, or one of zeros, padded to a multiple of 16 numbers with room for a wide last row."""
        centroids = np.zeros((1, self.n_numbers), np.float32) if self.centroids is None else self.centroids
        needed = self.n_numbers + self.wide_rows.shape[2] - self.rows.shape[2]
        return _filled(centroids, -(-needed // 16) * 16)

    def rotate_queries(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rotate queries `[n, dim]` as the codes are: their inner products with the numbers are those with the vectors.

        Returns:
            Float32 `[n, n_numbers]`.
        """
        inner = queries if self.rotation is None else row_products(queries, self.rotation)
        rotated = np.zeros((len(queries), self.n_numbers), np.float32)
        rotated[:, : inner.shape[1]] = inner
        return rotated


# None: a codec whose codes must be decoded.
Layout: TypeAlias = Floats | ByteSteps | CodeParts | None


def _filled(rows: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    filled = np.zeros((*rows.shape[:-1], width), np.float32)
    filled[..., : rows.shape[-1]] = rows
    return filled
