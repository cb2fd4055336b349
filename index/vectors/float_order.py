"""Floats in the order of integers: integers are sorted and compared by faster instructions."""

from __future__ import annotations

from typing import Any


def ordered(bits: Any, sign: Any, rest: Any) -> Any:
    """The bits of a float as an integer that is larger where the float is; applied again, the bits.

    A float's bits are a sign and a size: where the sign is set, a larger size is a smaller number, so the size's bits
    are flipped. The function is written for NumPy's arrays and for numba's kernels.

    Args:
        bits: A float's bits as a signed integer of the same width.
        sign: The number of the sign's bit, as an integer of that width: 31 for float32.
        rest: All bits but the sign, as an integer of that width.
    """
    return bits ^ (bits >> sign & rest)
