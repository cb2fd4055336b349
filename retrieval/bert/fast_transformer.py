"""A BERT by compiled kernels: its weights packed once, its layers run by all threads.

Documents run in bytes: four times the products in the same time, and vectors nearly the same (cosine .999). Queries run
with weights in float16: exact, and half as many bytes to read as in float32, which is what takes their time.

In bytes, weights have a scale for each column, activations for each token. Where some dims of the activations are far
larger than the others, both are rescaled by dim beforehand, which changes no product (SmoothQuant: Xiao et al. 2023,
section 4, with α = ½). How large they are is seen from sequences of random tokens, so that no texts are needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordhive.index.simd.instructions import LANES
from wordhive.index.threads import run_in_blocks

from .layer_kernels import GELU_LEAST, Sizes, run_layers
from .layer_tiles import MULTIPLIES_BYTES, NARROW, PANEL, READS_HALVES, VECTORS
from .transformer import Transformer

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]

# Tokens that a thread computes at once, so that their activations stay near.
_GROUP = 512
# What a token costs, in the unit of `run_in_blocks`.
_WORK_A_TOKEN = 500
_LEAST_SIZE = 1e-3
_SMOOTHED = ("attention.self", "attention.output.dense", "intermediate.dense")
_NORMS = ("attention.output.LayerNorm", "output.LayerNorm")
# Random tokens that show how large activations are.
_SAMPLE_TEXTS, _SAMPLE_TOKENS = 4, 128


@dataclass(frozen=True)
class Packed:
    """The layers' numbers as the kernels read them, one layer behind the other.

    Attributes:
        weights: Uint8, four products a layer: queries, keys and values; what attention gives; into the feed-forward
            layer; out of it. Bytes, or float16 seen as bytes.
        starts: Int32, what the sums of every column begin with; empty for float16.
        floats: Float32: scale and bias of the columns of each product; factors of the inputs of the first three; gain
            and shift of the two norms.
    """

    weights: NDArray[np.uint8]
    starts: NDArray[np.int32]
    floats: Floats

    @classmethod
    def halves(cls, weights: Weights, sizes: Sizes) -> Packed:
        """Pack layers in float16.

        Args:
            weights: As torch's `BertModel` names them.
            sizes: The model's.
        """
        data: list[NDArray[np.uint8]] = []
        floats: list[Floats] = []
        for layer in range(sizes.layers):
            for _, weight, bias in _products(weights, layer, sizes.heads):
                data.append(packed_halves(weight))
                floats += [np.ones_like(bias), bias]
            floats += [np.ones(sizes.hidden, np.float32)] * len(_SMOOTHED) + _norms(weights, layer)
        return cls(np.concatenate(data), np.zeros(0, np.int32), np.concatenate(floats).astype(np.float32))

    @classmethod
    def bytes(cls, weights: Weights, sizes: Sizes, largest: Weights) -> Packed:
        """Pack layers in bytes.

        Args:
            weights: As torch's `BertModel` names them.
            sizes: The model's.
            largest: By the names of weights, the largest size of each dim that is multiplied with them.
        """
        data: list[NDArray[np.uint8]] = []
        starts: list[NDArray[np.int64]] = []
        floats: list[Floats] = []
        for layer in range(sizes.layers):
            smooth: list[Floats] = []
            for name, weight, bias in _products(weights, layer, sizes.heads):
                factor = np.ones(weight.shape[1], np.float32)
                if name.split(".", 3)[-1] in _SMOOTHED:
                    factor = _smoothing(largest[name], weight)
                    smooth.append((1 / factor).astype(np.float32))
                whole, sums, scales = packed_bytes(weight * factor)
                if name.endswith("output.dense") and "attention" not in name:  # behind GELU, whose bytes begin lower
                    starts.append(np.zeros_like(sums))
                    bias = (bias + np.float32(GELU_LEAST) * sums * scales).astype(np.float32)
                else:
                    starts.append(-128 * sums)
                data.append(whole)
                floats += [scales, bias]
            floats += smooth + _norms(weights, layer)
        return cls(
            np.concatenate(data), np.concatenate(starts).astype(np.int32), np.concatenate(floats).astype(np.float32)
        )


class FastTransformer:
    """A BERT whose layers are packed. Any number of threads may use it at once.

    Args:
        exact: The same BERT in NumPy: it embeds tokens, and runs what the kernels do not.
        sizes: The model's.
        layers: Its layers.
    """

    def __init__(self, exact: Transformer, sizes: Sizes, layers: Packed) -> None:
        self._exact, self._sizes, self.config = exact, sizes, exact.config
        # The kernels are compiled for arrays that can't be written, as those of a file are.
        self._floats = np.ascontiguousarray(layers.floats).view()
        self._floats.flags.writeable = False
        self._layers = layers

    def hidden_states(
        self, token_ids: NDArray[np.int64], offsets: NDArray[np.int64], attended: NDArray[np.bool_] | None = None
    ) -> Floats:
        """What the last layer gives for each token; see `Transformer.hidden_states`."""
        if attended is not None and not attended.all():
            return self._exact.hidden_states(token_ids, offsets, attended)
        x = np.ascontiguousarray(self._exact.embedded(token_ids, offsets), np.float32)
        run(x, offsets, self._sizes, self._layers, self._floats)
        return x


def run(x: Floats, offsets: NDArray[np.int64], sizes: Sizes, layers: Packed, floats: Floats) -> None:
    """Turn embeddings, float32 `[n_tokens, hidden]`, into hidden states, all threads at once.

    Args:
        x: The embeddings; become the hidden states.
        offsets: Int64 `[n_texts + 1]`, of the texts' tokens.
        sizes: The model's.
        layers: The layers.
        floats: Those of the layers, as an array that can't be written.
    """
    weights = layers.weights.ctypes.data
    starts = layers.starts.ctypes.data if len(layers.starts) else 0

    def block(first: int, last: int) -> None:
        for start, stop in groups(offsets, first, last):
            tokens = offsets[start : stop + 1]
            run_layers(x[tokens[0] : tokens[-1]], tokens - tokens[0], sizes, weights, starts, floats)

    run_in_blocks(block, offsets * _WORK_A_TOKEN)


def fitting_sizes(config: Mapping[str, Any]) -> Sizes | None:
    """The sizes of a BERT that `config.json` describes; None where the kernels can't run it on this processor."""
    if not READS_HALVES:
        return None
    sizes = Sizes(
        config["hidden_size"], config["intermediate_size"], config["num_attention_heads"], config["num_hidden_layers"],
        np.float32(config["layer_norm_eps"]),
    )  # fmt: skip
    fits = sizes.hidden % PANEL == 0 and sizes.inner % PANEL == 0 and sizes.hidden % sizes.heads == 0
    return sizes if fits and (sizes.hidden // sizes.heads) % NARROW == 0 and config["hidden_act"] == "gelu" else None


def multiplies_bytes() -> bool:
    """Whether the processor multiplies bytes by one instruction."""
    return MULTIPLIES_BYTES


def largest_inputs(config: Mapping[str, Any], weights: Weights) -> Weights:
    """The largest size of each dim that a BERT multiplies with each of its weights, seen on random tokens."""
    random = np.random.default_rng(0)
    n = min(_SAMPLE_TOKENS, config["max_position_embeddings"])
    tokens = random.integers(0, len(weights["embeddings.word_embeddings.weight"]), _SAMPLE_TEXTS * n)
    seen = _Watched(config, weights)
    seen.hidden_states(tokens, n * np.arange(_SAMPLE_TEXTS + 1))
    return seen.largest


def packed_bytes(weight: Floats) -> tuple[NDArray[np.uint8], NDArray[np.int64], Floats]:
    """A matrix `[n_columns, n_inputs]` as bytes, the sum of each column's bytes, and the columns' scales.

    The bytes go by panels of columns, groups of four inputs, columns, inputs.
    """
    n_columns, n_inputs = weight.shape
    scales: Floats = np.maximum(np.abs(weight).max(axis=1) / 127, np.finfo(np.float32).tiny).astype(np.float32)
    whole = np.rint(weight / scales[:, None]).astype(np.int8)
    by_tile = whole.reshape(n_columns // PANEL, VECTORS, LANES, n_inputs // 4, 4).transpose(0, 3, 1, 2, 4)
    return by_tile.ravel().view(np.uint8), whole.sum(axis=1, dtype=np.int64), scales


def packed_halves(weight: Floats) -> NDArray[np.uint8]:
    """A matrix `[n_columns, n_inputs]` in float16, by panels of columns, inputs, columns; seen as bytes."""
    n_columns, n_inputs = weight.shape
    by_tile = weight.astype(np.float16).reshape(n_columns // PANEL, PANEL, n_inputs).transpose(0, 2, 1)
    seen: NDArray[np.uint8] = by_tile.ravel().view(np.uint8)
    return seen


def groups(offsets: NDArray[np.int64], first: int, last: int) -> Iterator[tuple[int, int]]:
    """The texts from `first` to `last`, in groups of at most 512 tokens, or of one text."""
    start = first
    while start < last:
        stop = int(np.searchsorted(offsets, offsets[start] + _GROUP, side="right")) - 1
        stop = min(last, max(start + 1, stop))
        yield start, stop
        start = stop


class _Watched(Transformer):
    """A BERT that notes how large its activations are."""

    def __init__(self, config: Mapping[str, Any], weights: Weights) -> None:
        super().__init__(config, weights)
        self.largest: dict[str, Floats] = {}

    def _linear(self, given: Floats, name: str) -> Floats:
        name_of_product = name.removesuffix(".query")
        found = np.abs(given).max(axis=0)
        self.largest[name_of_product] = np.maximum(self.largest.get(name_of_product, found), found)
        return super()._linear(given, name)


def _products(weights: Weights, layer: int, heads: int) -> Iterator[tuple[str, Floats, Floats]]:
    """The name, the weight `[n_outputs, n_inputs]` and the bias of a layer's four products."""
    place = f"encoder.layer.{layer}"
    name = f"{place}.attention.self"
    scale = np.float32((len(weights[f"{name}.query.bias"]) // heads) ** -0.5)
    weight, bias = (
        np.concatenate(
            [weights[f"{name}.query.{part}"] * scale, weights[f"{name}.key.{part}"], weights[f"{name}.value.{part}"]]
        )
        for part in ("weight", "bias")
    )
    yield name, weight, bias
    for product in ("attention.output.dense", "intermediate.dense", "output.dense"):
        name = f"{place}.{product}"
        yield name, weights[f"{name}.weight"], weights[f"{name}.bias"]


def _norms(weights: Weights, layer: int) -> list[Floats]:
    return [weights[f"encoder.layer.{layer}.{norm}.{part}"] for norm in _NORMS for part in ("weight", "bias")]


def _smoothing(largest: Floats, weight: Floats) -> Floats:
    """What each input of a product is divided by, and its weights are multiplied with."""
    sizes = np.maximum(largest, _LEAST_SIZE) / np.maximum(np.abs(weight).max(axis=0), _LEAST_SIZE)
    factor = np.sqrt(sizes)
    smooth: Floats = (factor / np.exp(np.log(factor).mean())).astype(np.float32)
    return smooth
