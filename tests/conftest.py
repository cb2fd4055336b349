"""What all tests share: no network, and where the real collections are."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index.errors import WordhiveError

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if "WORDHIVE_CACHE" not in os.environ:  # xdist's workers take over their parent's
    os.environ["WORDHIVE_CACHE"] = tempfile.mkdtemp(prefix="wordhive-tests-")
    atexit.register(shutil.rmtree, os.environ["WORDHIVE_CACHE"], ignore_errors=True)


@pytest.fixture(scope="session")
def collections() -> Path:
    """The folder of real collections that WORDHIVE_DATA names; skips where there is none."""
    root = Path(os.environ.get("WORDHIVE_DATA", "../shared/data")) / "collections"
    if not root.is_dir():
        pytest.skip("no collections: WORDHIVE_DATA names no folder with collections/")
    return root


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


# Values of all kinds, of which a caller gives one by mistake; made anew each time, since a generator is used up.
VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "True of NumPy": lambda: np.True_,
    "0": lambda: 0,
    "-1": lambda: -1,
    "3": lambda: 3,
    "3 of NumPy": lambda: np.int64(3),
    "2**70": lambda: 2**70,
    "10**5000": lambda: 10**5000,
    "3.0": lambda: 3.0,
    "1.5": lambda: 1.5,
    "1.5 of NumPy": lambda: np.float32(1.5),
    "fraction": lambda: Fraction(1, 2),
    "NaN": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "complex": lambda: 1j,
    "string": lambda: "x",
    "empty string": lambda: "",
    "half a character": lambda: "\ud800",
    "U+0000": lambda: "\0",
    "bytes": lambda: b"x",
    "path": lambda: Path("no/such/path"),
    "empty list": list,
    "list of numbers": lambda: [3],
    "list of large numbers": lambda: [2**70],
    "list of booleans": lambda: [True],
    "list of NaN": lambda: [float("nan")],
    "list of None": lambda: [None],
    "list of strings": lambda: ["x"],
    "list of bytes": lambda: [b"x"],
    "list of tuples": lambda: [("a",)],
    "list of lists of lists": lambda: _nested(3000),
    "tuple": lambda: ("x",),
    "set": lambda: {"x"},
    "empty dict": dict,
    "dict": lambda: {"x": 1},
    "generator": lambda: (text for text in ["x"]),
    "generator of numbers": lambda: (number for number in [3]),
    "array": lambda: np.arange(3),
    "array of no dims": lambda: np.array(3),
    "array of strings": lambda: np.array(["x"]),
    "matrix": lambda: np.ones((2, 16), np.float32),
    "object": object,
    "function": lambda: lambda *given, **named: None,
}


@pytest.fixture(scope="session")
def taken() -> Callable[[Callable[[Any], Any]], set[str]]:
    """Call something with each of `VALUES`; the names of those that it takes.

    All others must be refused by an error of wordhive's, in one line that is not too long to read.
    """

    def call_with_each(call: Callable[[Any], Any]) -> set[str]:
        messages: dict[str, str] = {}
        for name, make in VALUES.items():
            try:
                call(make())
            except WordhiveError as error:
                messages[name] = str(error)
        for name, message in messages.items():
            assert "\n" not in message, name
            assert 0 < len(message) < 500, name
            assert "damaged" not in message, name
        return VALUES.keys() - messages.keys()

    return call_with_each
