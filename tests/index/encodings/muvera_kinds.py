"""Kinds of MUVERA that properties are checked for, random words, and what an encoding estimates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wordhive.index import MuveraConfig, WordVectors
from wordhive.index.encodings import MuveraEncoding
from wordhive.index.scoring.maxsim import maxsim

Draw = Callable[..., WordVectors]
quick = settings(max_examples=10, deadline=None, derandomize=True, database=None)
seeds = st.integers(0, 10_000)
PLAIN: dict[str, Any] = {"projection_dim": None}
GOOGLE: dict[str, Any] = {"projection_dim": None, "google": True}
SKETCHED: dict[str, Any] = {"google": True, "projection": "count-sketch", "projection_dim": 4}
CENTRED: dict[str, Any] = {**PLAIN, "bits": 3, "fill": True, "centre": True}
KINDS: list[dict[str, Any]] = [
    PLAIN,
    {**PLAIN, "bits": 0},
    {**PLAIN, "bits": 4, "fill": True},
    {"projection_dim": 4, "fill": True},
    {"projection_dim": 3, "projection": "count-sketch"},
    {**PLAIN, "final_dim": 10},
    {**PLAIN, "final_dim": 10, "final_projection": "dense", "fill": True},
    {"projection_dim": 4, "final_dim": 7, "final_projection": "dense"},
    GOOGLE,
    {**GOOGLE, "bits": 4, "fill": True},
    {**SKETCHED, "fill": True},
    {**SKETCHED, "final_dim": 7},
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
both_layouts = pytest.mark.parametrize("layout", [PLAIN, GOOGLE], ids=["plain", "google"])
both_sides = pytest.mark.parametrize("side", ["encode_documents", "encode_queries"])


def fit(kind: dict[str, Any], dim: int = 8, sample: WordVectors | None = None, **settings: Any) -> MuveraEncoding:
    config = MuveraConfig(**{"repetitions": 3, "bits": 2, **kind, **settings})
    return MuveraEncoding.fit(config, WordVectors.empty(dim) if sample is None else sample)


def along_axes(bits: int, **settings: Any) -> MuveraEncoding:
    """One repetition whose hyperplanes are the axes: bit i of a word is whether its coordinate i is above 0."""
    config = MuveraConfig(repetitions=1, bits=bits, projection_dim=None, **settings)
    dim = max(bits, 1)
    return MuveraEncoding(config, np.eye(dim, dtype=np.float32)[None, :bits], None, np.zeros(dim, np.float32))


def encode(encoding: MuveraEncoding, side: str, *texts: Any) -> NDArray[np.float32]:
    encoded: NDArray[np.float32] = getattr(encoding, side)(WordVectors.from_list(texts))
    return encoded


def gaussian(seed: int, counts: list[int], dim: int = 8) -> WordVectors:
    """Words of any length, in any direction."""
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((sum(counts), dim)) * random.uniform(0.1, 10, (sum(counts), 1))
    offsets = np.cumsum([0, *counts], dtype=np.int64)
    return WordVectors(vectors.astype(np.float32), offsets, np.zeros(sum(counts), np.uint32))


def blocks(encoding: MuveraEncoding, encoded: NDArray[np.float32]) -> NDArray[np.float32]:
    return encoded.reshape(len(encoded), encoding.config.repetitions, 2**encoding.config.bits, -1)


def estimates(encoding: MuveraEncoding, queries: WordVectors, documents: WordVectors) -> NDArray[np.float64]:
    products = encoding.encode_queries(queries).astype(np.float64) @ encoding.encode_documents(documents).T
    mean: NDArray[np.float64] = products / encoding.config.repetitions
    return mean


def chamfer(queries: WordVectors, documents: WordVectors) -> NDArray[np.float32]:
    return maxsim(queries, documents.vectors, documents.offsets)


def target_bits(bucket: int, encoding: MuveraEncoding) -> str:
    """The signs that a bucket stands for, the first hyperplane's first."""
    bits = encoding.config.bits
    if encoding.config.google:
        return f"{bucket ^ bucket >> 1:0{bits}b}" if bits else ""
    return f"{bucket:0{bits}b}"[::-1] if bits else ""


def bits_of(word: NDArray[np.float32], planes: NDArray[np.float32]) -> str:
    return "".join("1" if float(plane @ word) > 0 else "0" for plane in planes)
