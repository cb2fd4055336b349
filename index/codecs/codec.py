"""`Codec`: what every codec does."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .layout import Layout


class Codec(Protocol):
    """Float vectors ⇄ codes of a fixed size, so that codes may be copied, cut and joined as bytes.

    Attributes:
        dim: Dims of a vector.
        code_size: Bytes of a code.
    """

    dim: int
    code_size: int

    @property
    def layout(self) -> Layout:
        """Where the bits of a code lie; None where codes must be decoded."""

    def encode(self, vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Codes, uint8 `[n, code_size]`, of vectors `[n, dim]`."""

    def decode(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Vectors, float32 `[n, dim]`, of codes `[n, code_size]`."""

    def check_codes(self, codes: NDArray[np.uint8]) -> None:
        """Raise ValueError if one of the codes `[n, code_size]` can't be decoded."""

    def save(self, folder: Path, name: str) -> None:
        """Write the codec to a folder, as one file: `name` and the ending of its kind."""
