"""The modules behind a transformer in NumPy, on tokens of several texts one after the other, without padding.

Each does what the module of its name does in torch: those of sentence-transformers, and those of
`retrieval/modules.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordhive.index import WordVectors

from ..bert.activations import ACTIVATIONS
from ..encoding_model import Task
from ..words import WordTable
from .text_tokens import TextTokens

Floats = NDArray[np.float32]
_SMALLEST = 1e-12  # torch's F.normalize


@dataclass(frozen=True)
class Features:
    """What modules pass on.

    Attributes:
        tokens: What was read; borders and ids are those of tokens even where `vectors` are words.
        task: "query" or "document".
        vectors: float32 `[n, dim]`, of tokens, later of words.
        borders: int64 `[n_texts + 1]`, of vectors.
        mask: Bool `[n]`, the vectors that count.
        word_ids: uint32 `[n]`; None before words were made.
        scale: float32 `[n]`, gates or a query's weights; None where there are none.
        summary: float32 `[n_texts, dim]`; None where there is none.
    """

    tokens: TextTokens
    task: Task
    vectors: Floats
    borders: NDArray[np.int64]
    mask: NDArray[np.bool_]
    word_ids: NDArray[np.uint32] | None = None
    scale: Floats | None = None
    summary: Floats | None = None

    def word_vectors(self) -> WordVectors:
        """The vectors that count."""
        mask, ids = self.mask, self.word_ids
        running = np.concatenate([[0], np.cumsum(mask)]).astype(np.int64)
        kept = np.zeros(int(running[-1]), np.uint32) if ids is None else ids[mask]
        return WordVectors(self.vectors[mask], running[self.borders], kept, self.summary)

    def input(self, name: str) -> Floats | None:
        """What `module_input_name` means."""
        return self.vectors if name == "token_embeddings" else self.summary

    def output(self, name: str, values: Floats) -> Features:
        """These with other vectors, or another summary."""
        return replace(self, vectors=values) if name == "token_embeddings" else replace(self, summary=values)


Head = Callable[[Features], Features]


def head(
    kind: str, settings: Mapping[str, Any], weights: Mapping[str, Floats], table: WordTable | None, skipped: list[int]
) -> Head:
    """What a module does.

    Args:
        kind: Its class.
        settings: Its `config.json`.
        weights: By name within the module.
        table: The words of the vocabulary, for `WholeWordPooling`.
        skipped: The tokens of `skiplist_words`, for `MultiVectorMask`.
    """
    linear = weights.get("linear.weight")
    bias = weights.get("linear.bias")

    def projected(features: Features) -> Features:
        given = features.input(settings["module_input_name"])
        assert given is not None
        assert linear is not None
        activation = ACTIVATIONS[settings["activation_function"].rpartition(".")[2].lower()]
        values = given @ linear.T
        return features.output(settings["module_output_name"], activation(values if bias is None else values + bias))

    def normalized(features: Features) -> Features:
        given = features.input(settings["module_input_name"])
        return features if given is None else features.output(settings["module_output_name"], _unit(given))

    def gated(features: Features) -> Features:
        if features.task == "query":
            return features
        gates = np.maximum(features.vectors @ linear[0] + bias, 0)  # type: ignore[index]
        return replace(features, scale=gates * (gates >= np.float32(settings["floor"])) * features.mask)

    def weighted(features: Features) -> Features:
        if features.task != "query":
            return features
        raw = features.vectors @ linear[0] + bias  # type: ignore[index]
        shares = np.logaddexp(raw, np.float32(0)) * features.mask
        sums = np.maximum(segment_sums(shares[:, None], features.borders)[:, 0], np.finfo(np.float32).tiny)
        return replace(features, scale=shares / np.repeat(sums, np.diff(features.borders)))

    def block(features: Features) -> Features:
        words = features.vectors
        inner = ACTIVATIONS["silu"](words @ weights["gate.weight"].T) * (words @ weights["up.weight"].T)
        return replace(features, vectors=words @ linear.T + inner @ weights["down.weight"].T)  # type: ignore[union-attr]

    def pooled(features: Features) -> Features:
        assert table is not None
        return _whole_words(features, table, keep_special=settings["keep_special"])

    def masked(features: Features) -> Features:
        return _masked(features, settings, skipped)

    def truncated(features: Features) -> Features:
        return replace(features, vectors=features.vectors[:, : settings["dim"]])

    heads: dict[str, Head] = {
        "Pooling": lambda features: replace(features, summary=_pooled(features, settings["pooling_mode"])),
        "Dense": projected,
        "Normalize": normalized,
        "MultiVectorMask": masked,
        "WholeWordPooling": pooled,
        "StopWordGate": gated,
        "QueryWeights": weighted,
        "GatedProjection": block,
        "Truncate": truncated,
        "ScaleWords": _scaled,
        "ScoreMix": lambda features: features,
    }
    return heads[kind]


def segment_sums(values: Floats, borders: NDArray[np.int64]) -> Floats:
    """The sum of the rows between borders, float32 `[n_segments, dim]`; 0 for an empty segment."""
    sums = np.zeros((len(borders) - 1, values.shape[1]), np.float32)
    filled = np.diff(borders) > 0
    if filled.any():
        sums[filled] = np.add.reduceat(values, borders[:-1][filled], axis=0)
    return sums


def _unit(vectors: Floats) -> Floats:
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    unit: Floats = vectors / np.maximum(norms, np.float32(_SMALLEST))[:, None]
    return unit


def _pooled(features: Features, mode: str) -> Floats:
    borders, mask = features.borders, features.mask
    counted = np.concatenate([[0], np.cumsum(mask)]).astype(np.int64)[borders]
    if mode in ("cls", "lasttoken"):
        rows = np.flatnonzero(mask)
        chosen = rows[np.minimum(counted[:-1], len(rows) - 1)] if mode == "cls" else rows[counted[1:] - 1]
        return features.vectors[chosen]
    vectors = features.vectors if mask.all() else features.vectors[mask]
    if mode == "max":
        return np.asarray(np.maximum.reduceat(vectors, counted[:-1], axis=0), np.float32)
    n: Floats = np.maximum(np.diff(counted), 1).astype(np.float32)[:, None]
    return np.asarray(
        segment_sums(vectors, counted) / (np.sqrt(n) if mode == "mean_sqrt_len_tokens" else n), np.float32
    )


def _masked(features: Features, settings: Mapping[str, Any], skipped: list[int]) -> Features:
    tokens, mask = features.tokens, features.mask
    if features.task == "query" and tokens.expands is not None:
        mask = mask | tokens.expands
    if features.task in settings["skiplist_tasks"] and skipped:
        mask = mask & ~np.isin(tokens.ids, skipped)
    if features.task != "query" and settings["keep_only_token_ids"]:
        mask = mask & np.isin(tokens.ids, settings["keep_only_token_ids"])
    return replace(features, mask=mask)


def _whole_words(features: Features, table: WordTable, *, keep_special: bool) -> Features:
    tokens = replace(features.tokens, is_scored=features.mask)
    ids, mask = tokens.scored()
    words = table.words(ids, mask, keep_special=keep_special)
    borders = np.concatenate([[0], np.cumsum(words.counts)]).astype(np.int64)
    in_text = np.arange(ids.shape[1]) < np.diff(tokens.borders)[:, None]
    slots = words.slots[in_text]
    rows = np.flatnonzero(slots >= 0)
    word = slots[rows] + np.repeat(borders[:-1], np.diff(tokens.borders))[rows]
    order = np.argsort(word, kind="stable")
    pieces = np.bincount(word, minlength=int(borders[-1]))
    ends = np.concatenate([[0], np.cumsum(pieces)]).astype(np.int64)
    means = segment_sums(features.vectors[rows[order]], ends) / np.maximum(pieces, 1).astype(np.float32)[:, None]
    word_ids = words.word_ids[np.arange(words.word_ids.shape[1]) < words.counts[:, None]]
    return replace(features, vectors=means, borders=borders, mask=np.ones(len(means), np.bool_), word_ids=word_ids)


def _scaled(features: Features) -> Features:
    if features.scale is None:
        return features
    return replace(
        features, vectors=features.vectors * features.scale[:, None], mask=features.mask & (features.scale > 0)
    )
