"""A BERT in bytes: its weights packed once, its layers run by all threads.

Weights have a scale for each column, activations for each token. Where some dims of the activations are far larger
than the others, both are rescaled by dim beforehand, which changes no product (SmoothQuant: Xiao et al. 2023, section
4, with α = ½). How large they are is seen from sequences of random tokens, so that no texts are needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wordhive.index.simd.instructions import LANES
from wordhive.index.threads import run_in_blocks

from .int8_layers import GELU_LEAST, Sizes, run_layers
from .int8_tiles import MULTIPLIES_BYTES, NARROW, PANEL, VECTORS

Floats = NDArray[np.float32]

# Tokens that a thread computes at once, so that their activations stay near.
_GROUP = 512
# What a token costs, in the unit of `run_in_blocks`.
_WORK_A_TOKEN = 500
_LEAST_SIZE = 1e-3


@dataclass(frozen=True)
class Packed:
    """The layers' numbers as the kernels read them, one layer behind the other.

    Attributes:
        weights: Uint8, four products a layer: queries, keys and values; what attention gives; into the feed-forward
            layer; out of it.
        starts: Int32, what the sums of every column begin with.
        floats: Float32: scale and bias of the columns of each product; factors of the inputs of the first three; gain
            and shift of the two norms.
    """

    weights: NDArray[np.uint8]
    starts: NDArray[np.int32]
    floats: Floats

    @classmethod
    def of(cls, layers: list[Mapping[str, Floats]], heads: int, largest: list[Mapping[str, Floats]]) -> Packed:
        """Pack layers.

        Args:
            layers: The weights of each layer by BERT's names, such as "attention.self.query.weight".
            heads: Attention heads.
            largest: The largest size of each dim that goes into a layer's products: "attention", "output", "inner".
        """
        weights, starts = [], []
        floats: list[Floats] = []
        for layer, sizes in zip(layers, largest, strict=True):
            smooth: list[Floats] = []
            for name, weight, bias in _products(layer, heads):
                factor: Floats = (
                    _smoothing(sizes[name], weight) if name in sizes else np.ones(weight.shape[1], np.float32)
                )
                data, sums, scales = packed(weight * factor)
                if name in sizes:
                    smooth.append((1 / factor).astype(np.float32))
                    starts.append(-128 * sums)
                else:
                    starts.append(np.zeros_like(sums))
                    bias = bias + np.float32(GELU_LEAST) * sums * scales
                weights.append(data)
                floats += [scales, bias]
            norms = [
                layer[f"{place}.LayerNorm.{part}"]
                for place in ("attention.output", "output")
                for part in ("weight", "bias")
            ]
            floats += smooth + norms
        return cls(
            np.concatenate(weights), np.concatenate(starts).astype(np.int32), np.concatenate(floats).astype(np.float32)
        )


class Int8Layers:
    """Runs the layers of a BERT in bytes.

    Args:
        packed: Their numbers.
        sizes: Their sizes.
    """

    def __init__(self, packed: Packed, sizes: Sizes) -> None:
        self._packed, self._sizes = packed, sizes
        self._floats = np.ascontiguousarray(packed.floats)
        # The kernels are compiled for arrays that can't be written, as those of a file are.
        self._floats.flags.writeable = False

    def __call__(self, x: Floats, offsets: NDArray[np.int64]) -> None:
        """Turn embeddings, float32 `[n_tokens, hidden]`, into hidden states; `offsets` are the texts'."""
        weights, starts = self._packed.weights.ctypes.data, self._packed.starts.ctypes.data

        def run(first: int, last: int) -> None:
            for start, stop in _groups(offsets, first, last):
                tokens = offsets[start : stop + 1]
                run_layers(x[tokens[0] : tokens[-1]], tokens - tokens[0], self._sizes, weights, starts, self._floats)

        run_in_blocks(run, offsets * _WORK_A_TOKEN)


def can_run(sizes: Sizes) -> bool:
    """Whether the processor multiplies bytes, and the kernels' tiles fit a BERT of these sizes."""
    fits = sizes.hidden % PANEL == 0 and sizes.inner % PANEL == 0 and sizes.hidden % sizes.heads == 0
    return MULTIPLIES_BYTES and fits and (sizes.hidden // sizes.heads) % NARROW == 0


def packed(weight: Floats) -> tuple[NDArray[np.uint8], NDArray[np.int64], Floats]:
    """A matrix `[n_columns, n_inputs]` as bytes, the sum of each column's bytes, and the columns' scales.

    The bytes go by panels of columns, groups of four inputs, columns, inputs.
    """
    n_columns, n_inputs = weight.shape
    scales: Floats = np.maximum(np.abs(weight).max(axis=1) / 127, np.finfo(np.float32).tiny).astype(np.float32)
    whole = np.rint(weight / scales[:, None]).astype(np.int8)
    by_tile = whole.reshape(n_columns // PANEL, VECTORS, LANES, n_inputs // 4, 4).transpose(0, 3, 1, 2, 4)
    return by_tile.ravel().view(np.uint8), whole.sum(axis=1, dtype=np.int64), scales


def _products(layer: Mapping[str, Floats], heads: int) -> Iterator[tuple[str, Floats, Floats]]:
    """The name of what goes in, the weight `[n_outputs, n_inputs]` and the bias of a layer's four products."""
    query, key, value = (f"attention.self.{part}" for part in ("query", "key", "value"))
    scale = np.float32((len(layer[f"{query}.bias"]) // heads) ** -0.5)
    weight, bias = (
        np.concatenate([layer[f"{query}.{part}"] * scale, layer[f"{key}.{part}"], layer[f"{value}.{part}"]])
        for part in ("weight", "bias")
    )
    yield "attention", weight, bias
    for name, place in (("output", "attention.output"), ("inner", "intermediate"), ("gelu", "output")):
        yield name, layer[f"{place}.dense.weight"], layer[f"{place}.dense.bias"]


def _smoothing(largest: Floats, weight: Floats) -> Floats:
    """What each input of a product is divided by, and its weights are multiplied with."""
    sizes = np.maximum(largest, _LEAST_SIZE) / np.maximum(np.abs(weight).max(axis=0), _LEAST_SIZE)
    factor = np.sqrt(sizes)
    smooth: Floats = (factor / np.exp(np.log(factor).mean())).astype(np.float32)
    return smooth


def _groups(offsets: NDArray[np.int64], first: int, last: int) -> Iterator[tuple[int, int]]:
    """The texts in groups of at most `_GROUP` tokens, or of one text."""
    start = first
    while start < last:
        stop = int(np.searchsorted(offsets, offsets[start] + _GROUP, side="right")) - 1
        stop = min(last, max(start + 1, stop))
        yield start, stop
        start = stop
