"""A transformer of compiled kernels against NumPy: its products exactly, its hidden states nearly."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from wordhive.index.simd.instructions import LANES
from wordhive.retrieval.bert.fast_transformer import (
    FastTransformer,
    Packed,
    fitting_sizes,
    groups,
    largest_inputs,
    multiplies_bytes,
    packed_bytes,
    packed_halves,
)
from wordhive.retrieval.bert.layer_kernels import _multiply, _multiply_halves
from wordhive.retrieval.bert.layer_tiles import PANEL, exponentials, gelu, largest, to_bytes
from wordhive.retrieval.bert.transformer import Transformer

in_bytes = pytest.mark.skipif(not multiplies_bytes(), reason="the processor has no AVX-512 VNNI")
CONFIG: dict[str, Any] = {
    "hidden_size": 128, "intermediate_size": 256, "num_attention_heads": 4, "num_hidden_layers": 2,
    "layer_norm_eps": 1e-12, "hidden_act": "gelu", "max_position_embeddings": 512,
}  # fmt: skip
LENGTHS = [1, 5, 6, 7, 64, 65, 130, 2, 300]


def _weights() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(4)
    hidden, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    shapes = {
        "embeddings.word_embeddings": (1000, hidden),
        "embeddings.position_embeddings": (512, hidden),
        "embeddings.token_type_embeddings": (2, hidden),
    }
    weights = {f"{name}.weight": random.standard_normal(shape) for name, shape in shapes.items()}
    norms = ["embeddings.LayerNorm"]
    for layer in range(CONFIG["num_hidden_layers"]):
        place = f"encoder.layer.{layer}"
        norms += [f"{place}.attention.output.LayerNorm", f"{place}.output.LayerNorm"]
        products = {f"{place}.attention.self.{part}": (hidden, hidden) for part in ("query", "key", "value")}
        products |= {
            f"{place}.attention.output.dense": (hidden, hidden),
            f"{place}.intermediate.dense": (inner, hidden),
            f"{place}.output.dense": (hidden, inner),
        }
        for name, shape in products.items():
            weights[f"{name}.weight"] = random.standard_normal(shape) / math.sqrt(shape[1])
            weights[f"{name}.bias"] = 0.1 * random.standard_normal(shape[0])
    for norm in norms:
        weights[f"{norm}.weight"] = 1 + 0.1 * random.standard_normal(hidden)
        weights[f"{norm}.bias"] = 0.1 * random.standard_normal(hidden)
    weights["encoder.layer.0.attention.output.LayerNorm.weight"][7] = 20  # a dim far larger than the others
    return {name: weight.astype(np.float32) for name, weight in weights.items()}


def _models(kind: str) -> tuple[Transformer, FastTransformer]:
    weights, sizes = _weights(), fitting_sizes(CONFIG)
    assert sizes is not None
    exact = Transformer(CONFIG, weights)
    if kind == "halves":
        return exact, FastTransformer(exact, sizes, Packed.halves(weights, sizes))
    return exact, FastTransformer(exact, sizes, Packed.bytes(weights, sizes, largest_inputs(CONFIG, weights)))


def _texts() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    offsets = np.concatenate([[0], np.cumsum(LENGTHS)])
    return np.random.default_rng(1).integers(0, 1000, offsets[-1]), offsets


def test_halves_give_the_hidden_states_of_float32() -> None:
    exact, fast = _models("halves")
    np.testing.assert_allclose(fast.hidden_states(*_texts()), exact.hidden_states(*_texts()), atol=0.01)


@in_bytes
def test_bytes_give_nearly_the_hidden_states_of_float32() -> None:
    exact, fast = _models("bytes")
    expected = exact.hidden_states(*_texts())
    error = np.linalg.norm(expected - fast.hidden_states(*_texts()), axis=1) / np.linalg.norm(expected, axis=1)
    assert np.median(error) < 0.02
    assert error.max() < 0.3


@pytest.mark.parametrize("kind", ["halves", pytest.param("bytes", marks=in_bytes)])
def test_a_text_has_the_same_states_whatever_is_encoded_with_it(kind: str) -> None:
    _, fast = _models(kind)
    tokens, offsets = _texts()
    together = fast.hidden_states(tokens, offsets)
    for start, stop in itertools.pairwise(offsets):
        alone = fast.hidden_states(tokens[start:stop], np.array([0, stop - start]))
        np.testing.assert_array_equal(alone, together[start:stop])


@pytest.mark.parametrize("kind", ["halves", pytest.param("bytes", marks=in_bytes)])
def test_texts_without_tokens_have_no_states(kind: str) -> None:
    _, fast = _models(kind)
    tokens, _ = _texts()
    assert fast.hidden_states(tokens[:0], np.array([0, 0, 0])).shape == (0, CONFIG["hidden_size"])
    assert fast.hidden_states(tokens[:0], np.array([0])).shape == (0, CONFIG["hidden_size"])
    some = fast.hidden_states(tokens[:3], np.array([0, 0, 3, 3]))
    np.testing.assert_array_equal(some, fast.hidden_states(tokens[:3], np.array([0, 3])))


def test_tokens_that_are_not_attended_to_are_left_to_numpy() -> None:
    exact, fast = _models("halves")
    tokens, offsets = _texts()
    attended = np.arange(len(tokens)) % 3 < 2
    attended[offsets[:-1]] = True
    np.testing.assert_array_equal(
        fast.hidden_states(tokens, offsets, attended), exact.hidden_states(tokens, offsets, attended)
    )


@in_bytes
@pytest.mark.parametrize("rows", [1, 5, 6, 13])
@pytest.mark.parametrize("n_inputs", [4, 128])
def test_products_of_bytes_are_exact(rows: int, n_inputs: int) -> None:
    random = np.random.default_rng(rows)
    n_columns = 2 * PANEL
    weight = random.standard_normal((n_columns, n_inputs)).astype(np.float32)
    given = random.integers(0, 256, (rows, n_inputs)).astype(np.uint8)
    data, sums, scales = packed_bytes(weight)
    whole = np.rint(weight / scales[:, None]).astype(np.int64)
    np.testing.assert_array_equal(sums, whole.sum(axis=1))
    bias, row_scales = random.random(n_columns).astype(np.float32), random.random(rows).astype(np.float32)
    start, floats = (-128 * sums).astype(np.int32), np.concatenate([scales, bias])
    out = np.zeros((rows + 1, n_columns), np.float32)
    _multiply(given, row_scales, rows, n_inputs, data.ctypes.data, start.ctypes.data, floats.ctypes.data, out)
    product = (given.astype(np.int64) - 128) @ whole.T
    np.testing.assert_allclose(out[:rows], product * row_scales[:, None] * scales + bias, rtol=1e-5, atol=1e-5)
    assert not out[rows:].any()


@pytest.mark.parametrize("rows", [1, 5, 6, 13])
def test_products_of_halves(rows: int) -> None:
    random = np.random.default_rng(rows)
    weight = random.standard_normal((2 * PANEL, 20)).astype(np.float32)
    given, bias = random.standard_normal((rows, 20)).astype(np.float32), random.random(2 * PANEL).astype(np.float32)
    out, data = np.zeros((rows + 1, 2 * PANEL), np.float32), packed_halves(weight)
    _multiply_halves(given, data.ctypes.data, bias.ctypes.data, out[:rows])
    expected = given @ weight.astype(np.float16).astype(np.float32).T + bias
    np.testing.assert_allclose(out[:rows], expected, rtol=1e-5, atol=1e-5)
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
    assert list(groups(offsets, 0, 6)) == [(0, 1), (1, 3), (3, 4), (4, 6)]


def test_sizes_that_do_not_fit_the_tiles() -> None:
    assert fitting_sizes(CONFIG)
    assert not fitting_sizes({**CONFIG, "hidden_size": 312, "num_attention_heads": 12})
    assert not fitting_sizes({**CONFIG, "num_attention_heads": 16})  # 8 dims a head
    assert not fitting_sizes({**CONFIG, "hidden_act": "relu"})
