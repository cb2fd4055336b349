"""The bytes of a FAISS file, read number by number, and the checks that each reader makes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class FaissFileError(ValueError):
    """What is wrong in a file, for the message of who knows its name."""


class UnknownClassError(FaissFileError):
    """A class of FAISS's that is not looked through, and so is not opened."""


@dataclass(frozen=True)
class Stored:
    """What a file holds.

    Attributes:
        kind: FAISS's four letters of the class.
        dim, n: Of its vectors.
        trained: Whether they can be coded.
        facts: What neither training nor adding changes, that of the parts within it included.
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
        """So many numbers, as they lie there."""
        size = n * np.dtype(kind).itemsize
        need(0 <= size <= len(self.data) - self.at, f"an array of {n} numbers is longer than the file")
        self.at += size
        return self.data[self.at - size : self.at].view(kind)

    def array(self, kind: str) -> NDArray[Any]:
        """Numbers behind how many they are."""
        return self.numbers(kind, self.one("Q"))

    def sized(self, kind: str, n: int, what: str) -> NDArray[Any]:
        """The same, where it is known how many there must be."""
        found = self.array(kind)
        need(len(found) == n, f"{len(found)} numbers of {what}; expected {n}")
        return found

    def finite(self, n: int, what: str) -> None:
        """Floats, so many, of what vectors are coded by."""
        need(bool(np.isfinite(self.sized("<f4", n, what)).all()), f"{what} with NaN or infinity")

    def trained(self, kind: str, n: int, what: str, trained: bool) -> NDArray[Any]:
        """The same, where there may be none before training."""
        found = self.array(kind)
        need(len(found) == n or (not trained and not len(found)), f"{len(found)} numbers of {what}; expected {n}")
        need(bool(np.isfinite(found).all()), f"{what} with NaN or infinity")
        return found


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
        """trained: whether the parts within it are, too."""
        return Stored(kind, self.dim, self.n, self.trained and trained, (self.metric, *facts))
