from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from wordhive.retrieval.bert.activations import ACTIVATIONS, erf

X = np.concatenate([np.linspace(-12, 12, 100_001), [0.0, -0.0, 1e-30, 1e4, -1e4]]).astype(np.float32)


def test_the_error_function_is_exact_to_single_precision() -> None:
    expected = torch.erf(torch.from_numpy(X).double()).numpy()
    np.testing.assert_allclose(erf(X), expected, atol=5e-7)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gelu", functional.gelu), ("relu", functional.relu), ("silu", functional.silu), ("tanh", torch.tanh),
        ("sigmoid", torch.sigmoid), ("gelu_new", lambda x: functional.gelu(x, approximate="tanh")),
    ],
)  # fmt: skip
def test_activations_are_torchs(name: str, expected: object) -> None:
    found = ACTIVATIONS[name](X)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected(torch.from_numpy(X)).numpy(), rtol=1e-5, atol=3e-6)  # type: ignore[operator]
