"""`WordVectors`: the ragged batch that every stage passes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import given_rows, listed, shown, whole_number
from .arrays import floats, integers
from .errors import InputError
from .vectors.ragged import ragged_rows
from .vectors.window_words import WindowWords

_TYPES: dict[str, np.dtype[Any]] = {
    "vectors": np.dtype(np.float32),
    "offsets": np.dtype(np.int64),
    "word_ids": np.dtype(np.uint32),
    "summary": np.dtype(np.float32),
}
# The largest number of half precision. Vectors of models have a length of about 1; products and sums of these stay
# finite in single precision, in every codec and encoding.
LARGEST = 65_504.0


@dataclass(frozen=True)
class WordVectors:
    """The word vectors of several texts, one text after the other.

    Arrays of other types, lists and tensors are converted.

    Args:
        vectors: Float32 `[n_words, dim]`.
        offsets: Int64 `[n_texts + 1]`; text i owns the rows `offsets[i]:offsets[i + 1]`, which may be none.
        word_ids: Uint32 `[n_words]`, the identity of each whole word; 0 for a special or unknown word.
        summary: Float32 `[n_texts, summary_dim]`, a single vector of each text, or None.
        windows: Which words of long texts stand together, or None where every text is one window.

    Raises:
        InputError: An argument holds no real numbers, shapes disagree, or a number is not finite.
    """

    vectors: NDArray[np.float32]
    offsets: NDArray[np.int64]
    word_ids: NDArray[np.uint32]
    summary: NDArray[np.float32] | None = None
    windows: WindowWords | None = None

    def __post_init__(self) -> None:
        self._take_other_types()
        if self.vectors.ndim != 2:
            raise InputError(f"word vectors have shape {self.vectors.shape}; expected [n_words, dim]")
        offsets = self.offsets
        if offsets.ndim != 1 or not len(offsets) or offsets[0] != 0 or offsets[-1] != len(self.vectors):
            raise InputError(f"offsets must run from 0 to the number of word vectors, {len(self.vectors)}")
        if np.any(np.diff(offsets) < 0):
            raise InputError("offsets must not decrease")
        if self.word_ids.shape != (len(self.vectors),):
            raise InputError(f"{self.word_ids.shape} word ids for {len(self.vectors)} word vectors; expected one each")
        if self.summary is not None and (self.summary.ndim != 2 or len(self.summary) != len(self)):
            raise InputError(f"summary has shape {self.summary.shape}; expected [{len(self)}, summary_dim]")
        if self.windows is not None:
            self.windows.check(self.counts, self.summary_dim)
        self._check_finite()

    def _take_other_types(self) -> None:
        for name, kind in _TYPES.items():
            given = getattr(self, name)
            if (type(given) is np.ndarray and given.dtype == kind) or (given is None and name == "summary"):
                continue
            array = (
                floats(given, name, "an array of floats") if kind == np.float32 else integers(given, name, kind.type)
            )
            object.__setattr__(self, name, array)

    def _check_finite(self) -> None:
        # A sum is not finite as soon as one addend is not, and needs no boolean copy of all vectors.
        with np.errstate(invalid="ignore"):  # +inf and −inf make NaN, which says enough
            total = self.vectors.sum(dtype=np.float64)
        if not np.isfinite(total):
            bad = np.flatnonzero(~np.isfinite(self.vectors).all(axis=1))
            if len(bad):
                text = int(np.searchsorted(self.offsets, bad[0], side="right")) - 1
                raise InputError(
                    f"the word vectors of text {text} (counted from 0) hold NaN or infinity; "
                    "leave that document or query out, or encode it again in float32"
                )
        if self.summary is not None and not np.isfinite(self.summary).all():
            text = int(np.flatnonzero(~np.isfinite(self.summary).all(axis=1))[0])
            raise InputError(f"the summary vector of text {text} (counted from 0) holds NaN or infinity")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def check_size(self, name: Callable[[int], str]) -> None:
        """Raise InputError for numbers beyond ±65,504.

        Args:
            name: Names a text in the message, given its number.
        """
        for numbers in (self.vectors, self.summary):
            # Both ends of the range, and no copy of all numbers.
            if numbers is not None and max(numbers.max(initial=0), -numbers.min(initial=0)) > LARGEST:
                sizes = np.abs(numbers).max(axis=1)
                row = int(np.flatnonzero(sizes > LARGEST)[0])
                text = row if numbers is self.summary else int(np.searchsorted(self.offsets, row, side="right")) - 1
                raise InputError(
                    f"the vectors of {name(text)} hold a number of size {sizes[row]:.8g}, beyond {LARGEST:,.0f}; "
                    "expected vectors of about unit length: encode it again, or normalise all vectors"
                )

    @property
    def dim(self) -> int:
        return int(self.vectors.shape[1])

    @property
    def summary_dim(self) -> int:
        return 0 if self.summary is None else int(self.summary.shape[1])

    @property
    def counts(self) -> NDArray[np.int64]:
        """Words of each text, int64 `[n_texts]`."""
        return np.diff(self.offsets)

    def __getitem__(self, key: slice) -> WordVectors:
        """The texts `key.start:key.stop`, without a copy of their vectors."""
        if not isinstance(key, slice):
            raise InputError(f"WordVectors are sliced, not indexed: write vectors[{shown(key)}:{shown(key)} + 1]")
        try:
            start, stop, step = key.indices(len(self))
        except TypeError as error:
            raise InputError(f"WordVectors are sliced by whole numbers, not by {shown(key)}") from error
        if step != 1:
            raise InputError(f"WordVectors are sliced with step 1, not {step}; use take() for other orders")
        stop = max(start, stop)
        first, last = self.offsets[start], self.offsets[stop]
        return WordVectors(
            self.vectors[first:last],
            self.offsets[start : stop + 1] - first,
            self.word_ids[first:last],
            None if self.summary is None else self.summary[start:stop],
            None if self.windows is None else self.windows.take(np.arange(start, stop)),
        )

    def take(self, texts: NDArray[np.int64]) -> WordVectors:
        """The given texts in the given order.

        Raises:
            InputError: A number that no text has.
        """
        texts = given_rows(texts)
        if len(texts) and not 0 <= texts.min() <= texts.max() < len(self):
            raise InputError(f"the texts {shown(texts)} are not all among the {len(self)} that there are, from 0")
        rows, offsets = ragged_rows(self.offsets, texts)
        summary = None if self.summary is None else self.summary[texts]
        windows = None if self.windows is None else self.windows.take(texts)
        return WordVectors(self.vectors[rows], offsets, self.word_ids[rows], summary, windows)

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """All arrays by name, vectors in float16, as `from_tensors` reads them."""
        tensors: dict[str, NDArray[np.generic]] = {
            "vectors": self.vectors.astype(np.float16), "offsets": self.offsets, "word_ids": self.word_ids
        }  # fmt: skip
        if self.summary is not None:
            tensors["summary"] = self.summary.astype(np.float16)
        if self.windows is not None:
            tensors["window_counts"], tensors["window_offsets"] = self.windows.counts, self.windows.offsets
            tensors["window_words"] = self.windows.words
            if self.windows.summary is not None:
                tensors["window_summary"] = self.windows.summary.astype(np.float16)
        return tensors

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray[np.generic]]) -> WordVectors:
        """The texts whose `tensors()` these are.

        Raises:
            KeyError: One is missing.
        """
        summary = tensors.get("summary")
        return cls(
            tensors["vectors"].astype(np.float32),
            tensors["offsets"].astype(np.int64, copy=False),
            tensors["word_ids"].astype(np.uint32, copy=False),
            None if summary is None else summary.astype(np.float32),
            _windows_from(tensors),
        )

    @classmethod
    def empty(cls, dim: int, summary_dim: int = 0) -> WordVectors:
        """No text at all."""
        dim, summary_dim = whole_number(dim, "dim", least=0), whole_number(summary_dim, "summary_dim", least=0)
        summary = np.zeros((0, summary_dim), np.float32) if summary_dim else None
        return cls(np.zeros((0, dim), np.float32), np.zeros(1, np.int64), np.zeros(0, np.uint32), summary)

    @classmethod
    def concat(cls, parts: Sequence[WordVectors]) -> WordVectors:
        """All texts of `parts`, in order.

        Raises:
            InputError: Their dimensions differ.
        """
        if not isinstance(parts, (list, tuple)) or not all(isinstance(part, WordVectors) for part in parts):
            raise InputError(f"the parts are {shown(parts)}; expected a list of WordVectors")
        shapes = {(part.dim, part.summary_dim) for part in parts}
        if len(shapes) != 1:
            raise InputError(f"cannot join word vectors of different (dim, summary_dim): {sorted(shapes)}")
        counts = np.concatenate([part.counts for part in parts])
        summaries = [part.summary for part in parts if part.summary is not None]
        return cls(
            np.concatenate([part.vectors for part in parts]),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.concatenate([part.word_ids for part in parts]),
            np.concatenate(summaries) if summaries else None,
            WindowWords.concat([(part.windows, len(part)) for part in parts], parts[0].summary_dim),
        )

    @classmethod
    def from_list(cls, texts: Iterable[Any], *, dim: int | None = None) -> WordVectors:
        """Vectors made elsewhere, without word ids and summaries.

            WordVectors.from_list([np.ones((3, 128)), np.ones((5, 128))])  # two texts of 3 and 5 words

        Args:
            texts: One `[n_i, dim]` array or tensor for each text, of any float type.
            dim: Dims of a vector. None: those of the first text.

        Raises:
            InputError: An array has another shape, dims differ, or a number is not finite.
        """
        arrays = [_as_matrix(vectors, position) for position, vectors in enumerate(listed(texts, "vectors"))]
        dim = None if dim is None else whole_number(dim, "dim", otherwise=", or None")
        if not arrays and dim is None:
            raise InputError("no vectors were given; expected one [n_i, dim] array for each text")
        dim = dim if dim is not None else arrays[0].shape[1]
        for position, array in enumerate(arrays):
            if array.shape[1] != dim:
                raise InputError(f"the vectors of text {position} have {array.shape[1]} dims; expected {dim}")
        counts = np.array([0, *(len(array) for array in arrays)], np.int64)
        vectors = np.concatenate([np.zeros((0, dim), np.float32), *arrays])
        return cls(vectors, np.cumsum(counts), np.zeros(len(vectors), np.uint32))


def _windows_from(tensors: dict[str, NDArray[np.generic]]) -> WindowWords | None:
    if "window_counts" not in tensors:
        return None
    counts, offsets, words = (
        tensors[f"window_{name}"].astype(np.int64, copy=False) for name in ("counts", "offsets", "words")
    )
    summary = tensors.get("window_summary")
    return WindowWords(counts, offsets, words, None if summary is None else summary.astype(np.float32))


def ragged_blocks(counts: NDArray[np.int64], most: int) -> Iterator[slice]:
    """Blocks of texts in order, each of at most `most` words; a longer text is a block of its own.

    Args:
        counts: int64 `[n_texts]`, words of each text.
    """
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + most, side="right")))
        yield slice(start, stop)
        start = stop


def _as_matrix(vectors: Any, position: int) -> NDArray[np.float32]:
    array = floats(vectors, f"text {position}", "a [n, dim] array of floats")
    if array.ndim != 2 or not array.shape[1]:
        raise InputError(f"the vectors of text {position} have shape {array.shape}; expected [n, dim]")
    return array
