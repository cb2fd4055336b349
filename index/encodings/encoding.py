"""`Encoding`: what every family of encodings does, so that nothing else has to know which family it has."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from ..word_vectors import WordVectors


class Encoding(Protocol):
    """One vector of each text's words: the inner product of a query's and a document's approximates their score.

    Attributes:
        is_summary: Whether the vector is the text's summary, so that no summary is put beside it.
    """

    is_summary: ClassVar[bool]

    @classmethod
    def fit(cls, config: Any, sample: WordVectors, queries: WordVectors | None = None) -> Self:
        """Draw or fit the parameters.

        Args:
            config: The configuration of this family.
            sample: Documents.
            queries: Example queries, which only some families are fitted to.
        """
        ...

    def dims(self, word_dim: int, summary_dim: int) -> tuple[int, int]:
        """Length of a query's vector and of a document's.

        Raises:
            ValueError: Words of other dims.
        """
        ...

    def encode_documents(self, documents: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """Float32 `[n_documents, dim of a document]`; a document without words is all zeros.

        Args:
            documents: The documents.
            device: "cpu" for the compiled kernels, or a device of torch's: "cuda", "cuda:1", "mps", "cpu:0".
        """
        ...

    def encode_queries(self, queries: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """Float32 `[n_queries, dim of a query]`; see `encode_documents`."""
        ...

    def scale(self, sample: WordVectors) -> float:
        """What an inner product of 1 is worth in the words' score, measured on a sample of documents."""
        ...

    def folded(self, matrix: NDArray[np.float32]) -> Self | None:
        """This encoding with documents multiplied by `matrix` at no cost; None where the product must be computed."""
        ...

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """All parameters by name, as `from_tensors` reads them."""
        ...

    @classmethod
    def from_tensors(cls, config: Any, tensors: dict[str, NDArray[np.generic]]) -> Self:
        """The encoding whose `tensors()` these are.

        Raises:
            ValueError: A tensor that is missing or misshapen.
        """
        ...
