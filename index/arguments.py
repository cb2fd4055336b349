"""Checks of arguments: numbers, flags, ids and rows. Each raises InputError with one line."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

_LONGEST_SHOWN = 80
# FAISS, NumPy and SQLite count in 64 bits.
_LARGEST = 2**63 - 1


def shown(value: Any) -> str:
    """A value for an error message: one line, cut; only the type of a value that Python can't print."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # an integer of more digits than Python prints, or lists too deep
        text = f"<{type(value).__name__} too large to print>"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def whole_number(given: Any, name: str, *, least: int = 1, otherwise: str = "") -> int:
    """A whole number, Python's or NumPy's. Raises InputError for anything else, booleans included.

    Args:
        given: The argument.
        name: Its name, for the error message.
        least: The least number; the largest has 64 bits.
        otherwise: End of the error message: what else is accepted.
    """
    number = _whole(given)
    if number is None or not least <= number <= _LARGEST:
        most = "" if number is None or number < least else " and below 2^63"
        raise InputError(f"{name} is {shown(given)}; expected a whole number from {least}{most}{otherwise}")
    return number


def _whole(given: Any) -> int | None:
    if isinstance(given, (bool, np.bool_)):
        return None
    try:
        return operator.index(given)
    except TypeError:
        return None


def real_number(given: Any, name: str, expected: str, *, least: float = -math.inf, most: float = math.inf) -> float:
    """A finite number, NumPy's too, but no boolean.

    Raises:
        InputError: Anything else; `expected` says what was.
    """
    try:
        number = math.nan if isinstance(given, bool) or not isinstance(given, Real) else float(given)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or not least <= number <= most:
        raise InputError(f"{name} is {shown(given)}; expected {expected}")
    return number


def flag(given: Any, name: str) -> bool:
    """True or False, NumPy's too.

    Raises:
        InputError: Anything else: "no" would count as true.
    """
    if not isinstance(given, (bool, np.bool_)):
        raise InputError(f"{name} is {shown(given)}; expected True or False")
    return bool(given)


def one_of(given: Any, name: str, choices: Sequence[str]) -> str:
    """One of some names.

    Raises:
        InputError: Anything else.
    """
    if not isinstance(given, str) or given not in choices:
        raise InputError(f"{name} is {shown(given)}; choose {', '.join(choices[:-1])} or {choices[-1]}")
    return given


def instance(given: Any, name: str, kind: type[Any] | tuple[type[Any], ...], expected: str) -> None:
    """Raise InputError for an object of another class.

    Args:
        expected: Says how to get one of this class.
    """
    if not isinstance(given, kind):
        raise InputError(f"{name} is {type(given).__name__}; expected {expected}")


def given_path(path: Any, name: str = "the path") -> Path:
    """A string or a path as an absolute path, with `~` expanded.

    Raises:
        InputError: Anything else, for an impossible file name, and for a home folder that does not exist.
    """
    try:
        return Path(given_name(path, name)).expanduser().absolute()
    except RuntimeError as error:
        raise InputError(f"{name} is {shown(path)}, and there is no such home folder; write it out") from error


def given_name(path: Any, name: str) -> str:
    """A string or a path as it was written.

    Raises:
        InputError: Anything else, and for an impossible file name.
    """
    try:
        written = os.fspath(path)
        if isinstance(written, str) and written and "\0" not in written:
            os.fsencode(written)
            return written
    except (TypeError, UnicodeEncodeError):
        pass  # as refused as the others
    raise InputError(f"{name} is {shown(path)}; expected the name of a folder or file, as a string or a Path")


def is_iterable(given: Any) -> bool:
    """Whether `iter` takes it. An array without dimensions has the method, and fails."""
    try:
        iter(given)
    except TypeError:
        return False
    return True


def strings(given: Any, name: str) -> list[str]:
    """A list, a set, an array or a generator of strings, as a list.

    Raises:
        InputError: Anything else.
    """
    if isinstance(given, (str, bytes, Mapping)) or not is_iterable(given):
        raise InputError(f"{name} is {shown(given)}; expected a list of strings")
    texts = list(given)
    for text in texts:
        if not isinstance(text, str):
            raise InputError(f"{name} holds {shown(text)}, which is {type(text).__name__}; expected strings")
    return texts


def listed(given: Any, name: str) -> list[Any]:
    """A list, an array or a generator, with one item for each document, as a list.

    Raises:
        InputError: A string, a set or a mapping.
    """
    if isinstance(given, (str, bytes, Mapping, Set)) or not is_iterable(given):
        raise InputError(f"{name} is {shown(given)}; expected a list with one for each document")
    return list(given)


def id_list(ids: Any) -> list[Any]:
    """A list, a set, an array or a generator of ids, as a list.

    Raises:
        InputError: A string or a mapping.
    """
    if isinstance(ids, (str, bytes, Mapping)) or not is_iterable(ids):
        raise InputError(f"ids is {shown(ids)}; expected a list of ids")
    return list(ids)


def given_ids(ids: Iterable[Any]) -> list[str]:
    """As `id_list`.

    Raises:
        InputError: An id that is no string too.
    """
    listed = id_list(ids)
    for id in listed:
        if not isinstance(id, str):
            raise InputError(f"the id {shown(id)} is {type(id).__name__}; ids are strings: give a list of them")
    return listed


def given_rows(rows: Any) -> NDArray[np.int64]:
    """Row numbers as int64 `[n]`.

    Raises:
        InputError: Anything but a list or an array of whole numbers.
    """
    if isinstance(rows, np.ndarray) and rows.dtype == np.int64 and rows.ndim == 1:
        return rows
    refused = InputError(f"rows is {shown(rows)}; expected a list of row numbers")
    if isinstance(rows, (str, bytes, Mapping)) or not is_iterable(rows):
        raise refused
    numbers = rows if isinstance(rows, np.ndarray) else list(rows)
    try:
        array = np.asarray(numbers) if len(numbers) else np.zeros(0, np.int64)
    except (ValueError, TypeError, RecursionError) as error:  # lists within lists, of several lengths
        raise refused from error
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array.dtype == np.uint64 and int(array.max()) > _LARGEST):
        raise refused
    return array.astype(np.int64)
