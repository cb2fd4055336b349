"""What holds numbers is taken as float32, whatever it is; what does not is refused, and nothing is left out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.arrays import integers

Given = Callable[[], Any]


def tensor(change: Callable[[Any, Any], Any]) -> Given:
    def make() -> Any:
        torch = pytest.importorskip("torch")
        return change(torch, torch.ones(1, 2))

    return make


# One text with a word of ones, in all the ways that callers have it.
TAKEN: dict[str, Given] = {
    "half": lambda: np.ones((1, 2), np.float16),
    "double": lambda: np.ones((1, 2)),
    "long double": lambda: np.ones((1, 2), np.longdouble),
    "bytes as numbers": lambda: np.ones((1, 2), np.int8),
    "unsigned": lambda: np.ones((1, 2), np.uint64),
    "big endian": lambda: np.ones((1, 2), ">f4"),
    "columns first": lambda: np.ones((2, 1), np.float32).T,
    "every second": lambda: np.ones((2, 4), np.float32)[::2, ::2],
    "nothing masked": lambda: np.ma.masked_array(np.ones((1, 2)), mask=False),
    "objects": lambda: np.array([[1, 1.0]], object),
    "lists": lambda: [[1, 1.0]],
    "tuples": lambda: ((1, 1),),
    "fractions": lambda: [[Fraction(1), Fraction(2, 2)]],
    "list of arrays": lambda: [np.ones(2)],
    "tensor": tensor(lambda torch, ones: ones),
    "bfloat16": tensor(lambda torch, ones: ones.to(torch.bfloat16)),
    "float8": tensor(lambda torch, ones: ones.to(torch.float8_e4m3fn)),
    "tensor of integers": tensor(lambda torch, ones: ones.to(torch.int64)),
    "tensor that wants a gradient": tensor(lambda torch, ones: ones.requires_grad_()),
    "list of tensors": tensor(lambda torch, ones: [ones[0]]),
}

REFUSED: dict[str, Given] = {
    "complex": lambda: np.ones((1, 2), np.complex64),
    "complex in lists": lambda: [[1j, 1]],
    "booleans": lambda: np.ones((1, 2), np.bool_),
    "booleans in lists": lambda: [[True, False]],
    "objects that are booleans": lambda: np.array([[True, 1]], object),
    "strings": lambda: np.array([["1", "1"]]),
    "strings in lists": lambda: [["1", "1"]],
    "bytes": lambda: np.array([[b"1", b"1"]]),
    "masked": lambda: np.ma.masked_array(np.ones((1, 2)), mask=[[False, True]]),
    "masked rows in a list": lambda: [np.ma.masked_array(np.ones(2), mask=[False, True])],
    "objects that are strings": lambda: np.array([["1", 1]], object),
    "objects that are none": lambda: [[None, 1.0]],
    "decimals": lambda: [[Decimal(1), Decimal(1)]],
    "integers beyond all floats": lambda: [[10**400, 1]],
    "objects beyond all floats": lambda: np.array([[-(10**400), 1]], object),
    "doubles beyond float32": lambda: np.array([[1e300, 1]]),
    "dates": lambda: np.array([["2020-01-01"]], "M8[D]"),
    "durations": lambda: np.array([[1, 1]], "m8[s]"),
    "records": lambda: np.zeros((1, 2), [("a", "f4")]),
    "ragged lists": lambda: [[1, 1], [1]],
    "a generator": lambda: (row for row in [[1, 1]]),
    "meta tensor": tensor(lambda torch, ones: ones.to("meta")),
    "sparse tensor": tensor(lambda torch, ones: ones.to_sparse()),
    "complex tensor": tensor(lambda torch, ones: ones.to(torch.complex64)),
    "list of meta tensors": tensor(lambda torch, ones: [ones[0].to("meta")]),
    "list of tensors that want a gradient": tensor(lambda torch, ones: [ones[0].requires_grad_()]),
}


@pytest.fixture(autouse=True)
def _no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("kind", TAKEN)
def test_numbers_of_any_kind_become_float32(kind: str) -> None:
    made = WordVectors.from_list([TAKEN[kind]()]).vectors
    assert made.dtype == np.float32
    assert made.tolist() == [[1, 1]]


@pytest.mark.parametrize("kind", REFUSED)
def test_what_holds_no_numbers_is_refused_in_one_line(kind: str) -> None:
    with pytest.raises(InputError) as raised:
        WordVectors.from_list([np.ones((1, 2)), REFUSED[kind]()])
    message = str(raised.value)
    assert "text 1" in message
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize("kind", REFUSED)
def test_an_index_refuses_them_whole(tmp_path: Any, kind: str) -> None:
    index = Index.create(tmp_path / "x", IndexConfig(encoding=None))
    with pytest.raises(InputError):
        index.add(["a", "b"], [np.ones((1, 2)), REFUSED[kind]()])
    assert len(index) == 0
    index.close()


def test_parts_of_word_vectors_may_be_lists_and_of_other_types() -> None:
    made = WordVectors([[1, 2], [3, 4]], [0, 2], np.array([7, 2**32 - 1]), [[0.5]])  # type: ignore[arg-type]
    assert [array.dtype for array in (made.vectors, made.offsets, made.word_ids)] == [np.float32, np.int64, np.uint32]
    assert made.word_ids.tolist() == [7, 2**32 - 1]
    assert made.summary is not None
    assert made.summary.dtype == np.float32


def test_parts_that_are_what_they_should_be_are_not_copied() -> None:
    vectors, summary = np.ones((2, 3), np.float32), np.ones((1, 2), np.float32)
    made = WordVectors(vectors, np.array([0, 2]), np.zeros(2, np.uint32), summary)
    assert made.vectors is vectors
    assert made.summary is summary


@pytest.mark.parametrize(
    "change",
    [
        {"word_ids": np.array([1, -1])},
        {"word_ids": np.array([1, 2**32])},
        {"word_ids": np.array([1.0, 2.0])},
        {"word_ids": ["a", "b"]},
        {"offsets": np.array([0.0, 2.0])},
        {"offsets": np.array([0, 2**63], np.uint64)},
        {"offsets": None},
        {"vectors": np.ones((2, 3), np.complex128)},
        {"vectors": [["1", "2"], ["3", "4"]]},
        {"summary": np.array([["1"]])},
        {"summary": np.ma.masked_array(np.ones((1, 2)), mask=True)},
    ],
)
def test_parts_that_would_be_changed_are_refused(change: dict[str, Any]) -> None:
    parts = {"vectors": np.ones((2, 3)), "offsets": [0, 2], "word_ids": [1, 2], **change}
    with pytest.raises(InputError, match=f"^{next(iter(change))} (is|has)"):
        WordVectors(**parts)


def test_integers_keep_their_values() -> None:
    assert integers(range(3), "it", np.int64).tolist() == [0, 1, 2]
    assert integers([], "it", np.int64).dtype == np.int64
    with pytest.raises(InputError, match=r"it is \[300\]; expected whole numbers that int8 holds"):
        integers([300], "it", np.int8)
