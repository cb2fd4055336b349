"""A transformer in bytes against slow code: its products exactly, its hidden states nearly."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from wordhive.index.simd.instructions import LANES
from wordhive.retrieval.compiled.layer_kernels import Sizes, _multiply
from wordhive.retrieval.compiled.layer_tiles import MULTIPLIES_BYTES, PANEL, exponentials, gelu, largest, to_bytes
from wordhive.retrieval.compiled.fast_transformer import Int8Layers, Packed, _groups, can_run, packed

pytestmark = pytest.mark.skipif(not MULTIPLIES_BYTES, reason="the processor has no AVX-512 VNNI")

SIZES = Sizes(hidden=128, inner=256, heads=4, layers=2, epsilon=np.float32(1e-12))
Layer = dict[str, NDArray[np.float32]]


def _layer(random: np.random.Generator) -> Layer:
    hidden, inner = SIZES.hidden, SIZES.inner
    shapes = {f"attention.self.{part}": (hidden, hidden) for part in ("query", "key", "value")}
    shapes |= {
        "attention.output.dense": (hidden, hidden),
        "intermediate.dense": (inner, hidden),
        "output.dense": (hidden, inner),
    }
    layer = {}
    for name, shape in shapes.items():
        layer[f"{name}.weight"] = (random.standard_normal(shape) / math.sqrt(shape[1])).astype(np.float32)
        layer[f"{name}.bias"] = (0.1 * random.standard_normal(shape[0])).astype(np.float32)
    for norm in ("attention.output.LayerNorm", "output.LayerNorm"):
        layer[f"{norm}.weight"] = (1 + 0.1 * random.standard_normal(hidden)).astype(np.float32)
        layer[f"{norm}.bias"] = (0.1 * random.standard_normal(hidden)).astype(np.float32)
    layer["attention.output.LayerNorm.weight"][7] = 20  # a dim that is far larger than the others
    return layer


def _norm(x: Any, layer: Layer, name: str) -> Any:
    x = x - x.mean(axis=1, keepdims=True)
    return x / np.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-12) * layer[f"{name}.weight"] + layer[f"{name}.bias"]


def _slow(x: Any, layers: list[Layer]) -> tuple[Any, list[Layer]]:
    """Hidden states of one text, and the largest size of each dim that goes into the products."""
    largest_seen = []
    for layer in layers:

        def product(x: Any, name: str, layer: Layer = layer) -> Any:
            return x @ layer[f"{name}.weight"].T + layer[f"{name}.bias"]

        seen = {"attention": np.abs(x).max(axis=0)}
        query, key, value = (
            product(x, f"attention.self.{part}").reshape(len(x), SIZES.heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        weights = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[2])
        weights = np.exp(weights - weights.max(axis=2, keepdims=True))
        mixed = (weights / weights.sum(axis=2, keepdims=True) @ value).transpose(1, 0, 2).reshape(x.shape)
        seen["output"] = np.abs(mixed).max(axis=0)
        x = _norm(x + product(mixed, "attention.output.dense"), layer, "attention.output.LayerNorm")
        seen["inner"] = np.abs(x).max(axis=0)
        inner = product(x, "intermediate.dense")
        inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = _norm(x + product(inner, "output.dense"), layer, "output.LayerNorm")
        largest_seen.append(seen)
    return x, largest_seen


def _model() -> tuple[list[Layer], Int8Layers, NDArray[np.float32], NDArray[np.int64]]:
    random = np.random.default_rng(4)
    layers = [_layer(random) for _ in range(SIZES.layers)]
    lengths = [1, 5, 6, 7, 64, 65, 130, 2, 300]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    x = random.standard_normal((offsets[-1], SIZES.hidden)).astype(np.float32)
    _, seen = _slow(random.standard_normal((200, SIZES.hidden)), layers)
    return layers, Int8Layers(Packed.of(layers, SIZES.heads, seen), SIZES), x, offsets


def test_hidden_states_are_those_of_float64() -> None:
    layers, run, x, offsets = _model()
    found = x.copy()
    run(found, offsets)
    for start, stop in itertools.pairwise(offsets):
        expected, _ = _slow(x[start:stop].astype(np.float64), layers)
        error = np.linalg.norm(expected - found[start:stop], axis=1) / np.linalg.norm(expected, axis=1)
        assert np.median(error) < 0.01
        assert error.max() < 0.3


def test_a_text_has_the_same_states_whatever_is_encoded_with_it() -> None:
    _, run, x, offsets = _model()
    together = x.copy()
    run(together, offsets)
    for start, stop in itertools.pairwise(offsets):
        alone = x[start:stop].copy()
        run(alone, np.array([0, stop - start]))
        np.testing.assert_array_equal(alone, together[start:stop])


@pytest.mark.parametrize("rows", [1, 5, 6, 13])
@pytest.mark.parametrize("n_inputs", [4, 128])
def test_products_of_bytes_are_exact(rows: int, n_inputs: int) -> None:
    random = np.random.default_rng(rows)
    n_columns = 2 * PANEL
    weight = random.standard_normal((n_columns, n_inputs)).astype(np.float32)
    given = random.integers(0, 256, (rows, n_inputs)).astype(np.uint8)
    data, sums, scales = packed(weight)
    whole = np.rint(weight / scales[:, None]).astype(np.int64)
    np.testing.assert_array_equal(sums, whole.sum(axis=1))
    bias, row_scales = random.random(n_columns).astype(np.float32), random.random(rows).astype(np.float32)
    start, floats, out = (
        (-128 * sums).astype(np.int32),
        np.concatenate([scales, bias]),
        np.zeros((rows + 1, n_columns), np.float32),
    )
    _multiply(given.ctypes.data, n_inputs, n_columns, data.ctypes.data, start.ctypes.data, row_scales.ctypes.data,
              floats.ctypes.data, out.ctypes.data, 0, rows)  # fmt: skip
    product = (given.astype(np.int64) - 128) @ whole.T
    np.testing.assert_allclose(out[:rows], product * row_scales[:, None] * scales + bias, rtol=1e-5, atol=1e-5)
    assert not out[rows:].any()


@njit  # type: ignore[untyped-decorator]
def _call(numbers, coded, factor, shift):  # type: ignore[no-untyped-def]
    rows, at = len(numbers) // LANES, numbers.ctypes.data
    to_bytes(at, coded.ctypes.data, rows, factor, shift)
    top = largest(at, rows)
    return top, exponentials(at, rows, top)


@njit  # type: ignore[untyped-decorator]
def _call_gelu(numbers):  # type: ignore[no-untyped-def]
    return gelu(numbers.ctypes.data, len(numbers) // LANES)


def test_exponentials_and_bytes() -> None:
    numbers = np.concatenate([np.linspace(-100, 3, 20 * LANES - 2), [0, 2.5]]).astype(np.float32)
    coded, found = np.zeros(len(numbers), np.uint8), numbers.copy()
    top, total = _call(found, coded, np.float32(2), np.float32(200.5))
    assert top == 3
    expected = np.exp(numbers.astype(np.float64) - 3)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-37)
    assert total == pytest.approx(expected.sum(), rel=1e-6)
    np.testing.assert_array_equal(coded, np.floor(numbers * np.float32(2) + np.float32(200.5)).astype(np.uint8))


def test_gelu() -> None:
    numbers = np.linspace(-12, 12, 64 * LANES).astype(np.float32)
    found = numbers.copy()
    top = _call_gelu(found)
    expected = [x * 0.5 * math.erfc(-x / math.sqrt(2)) for x in numbers.astype(np.float64)]
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-6)
    assert top == found.max()
    assert found.min() > -0.17


def test_groups_hold_so_many_tokens() -> None:
    offsets = np.concatenate([[0], np.cumsum([100, 500, 12, 700, 0, 3])])
    assert list(_groups(offsets, 0, 6)) == [(0, 1), (1, 3), (3, 4), (4, 6)]


def test_sizes_that_do_not_fit_the_tiles() -> None:
    assert can_run(SIZES)
    assert not can_run(SIZES._replace(hidden=312, heads=12))
    assert not can_run(SIZES._replace(heads=8))  # 16 dims a head
