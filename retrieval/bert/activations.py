"""Activation functions, float32, by the names that configurations give them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# The error function as a quotient of polynomials in x², exact to 4e-7: as good as float32 sums of layers are.
_ERF_RANGE = np.float32(3.7439211627767994)
_ERF_ABOVE = (0.00022905065861350646, 0.0034082910107109506, 0.05095569506238086, 0.18520832239976145,
              1.128379143519084)  # fmt: skip
_ERF_BELOW = (-1.1791602954361697e-07, 2.3547966471313185e-05, 0.0010179625278914885, 0.014070470171167667,
              0.11098505178285362, 0.49746925110067538, 1.0)  # fmt: skip


def erf(x: Floats) -> Floats:
    """The error function."""
    inside = np.clip(x, -_ERF_RANGE, _ERF_RANGE)
    square = inside * inside
    value = inside * _polynomial(square, _ERF_ABOVE) / _polynomial(square, _ERF_BELOW)
    return np.where(inside == x, value, np.copysign(np.float32(1), x))


def _polynomial(x: Floats, coefficients: tuple[float, ...]) -> Floats:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value *= x
        value += np.float32(coefficient)
    return value


def gelu(x: Floats) -> Floats:
    """x · Φ(x), Φ being the standard normal distribution."""
    return np.asarray(np.float32(0.5) * x * (np.float32(1) + erf(x * np.float32(math.sqrt(0.5)))), np.float32)


def gelu_tanh(x: Floats) -> Floats:
    """`gelu`, approximated by a hyperbolic tangent as some models were trained."""
    inner = np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.asarray(np.float32(0.5) * x * (np.float32(1) + np.tanh(inner)), np.float32)


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(−x))."""
    return np.asarray(np.float32(0.5) * (np.float32(1) + np.tanh(np.float32(0.5) * x)), np.float32)


ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "identity": lambda x: x,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, np.float32(0)),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "gelu": gelu,
    "gelu_new": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
}
