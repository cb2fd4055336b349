"""The bytes of a FAISS file, read number by number, and the checks that each reader makes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class FaissFileError(ValueError):
    """A fault in a file; the message leaves the file's name to the caller."""


class UnknownClassError(FaissFileError):
    """A class of FAISS's that can't be checked here, and so is not opened."""


@dataclass(frozen=True)
class Stored:
    """The content of a file.

    Attributes:
        kind: FAISS's four letters for the class.
        dim: Dims of its vectors.
        n: Number of its vectors.
        trained: Whether vectors can be coded.
        facts: Everything that neither training nor adding changes, of the indexes within it too.
    """

    kind: str
    dim: int
    n: int
    trained: bool
    facts: tuple[Any, ...]


class Source:
    """Bytes, read from the beginning on."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[Any, ...]:
        """Numbers by their `struct` letters."""
        values = struct.unpack_from(f"<{form}", self.data.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return values

    def one(self, form: str) -> Any:
        return self.take(form)[0]

    def letters(self) -> str:
        return bytes(self.one("4s")).decode("latin-1")

    def numbers(self, kind: str, n: int) -> NDArray[Any]:
        """The next n numbers, without a copy."""
        size = n * np.dtype(kind).itemsize
        need(0 <= size <= len(self.data) - self.at, f"an array of {n} numbers is longer than the file")
        self.at += size
        return self.data[self.at - size : self.at].view(kind)

    def array(self, kind: str) -> NDArray[Any]:
        """Numbers that follow their count."""
        return self.numbers(kind, self.one("Q"))

    def sized(self, kind: str, n: int, what: str) -> NDArray[Any]:
        """As `array`, where the count is known."""
        array = self.array(kind)
        need(len(array) == n, f"{len(array)} numbers of {what}; expected {n}")
        return array

    def finite(self, n: int, what: str) -> None:
        """Check that n finite floats follow."""
        need(bool(np.isfinite(self.sized("<f4", n, what)).all()), f"{what} with NaN or infinity")

    def trained(self, kind: str, n: int, what: str, trained: bool) -> NDArray[Any]:
        """As `sized`, for finite numbers that may be missing before training."""
        array = self.array(kind)
        need(len(array) == n or (not trained and not len(array)), f"{len(array)} numbers of {what}; expected {n}")
        need(bool(np.isfinite(array).all()), f"{what} with NaN or infinity")
        return array


def know(is_known: bool, what: str) -> None:
    if not is_known:
        raise UnknownClassError(f"{what} of FAISS's is none that wordhive opens")


def need(fine: bool, fault: str) -> None:
    if not fine:
        raise FaissFileError(fault)


@dataclass(frozen=True)
class Header:
    dim: int
    n: int
    trained: bool
    metric: int

    def stored(self, kind: str, *facts: Any, trained: bool = True) -> Stored:
        """The content of a file with this header.

        Args:
            trained: Whether the indexes within it are trained.
        """
        return Stored(kind, self.dim, self.n, self.trained and trained, (self.metric, *facts))
