"""BERT's layers in float32 NumPy, over tokens of several texts one after the other: the definition of what faster ways
compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .activations import ACTIVATIONS

Floats = NDArray[np.float32]


class Transformer:
    """A BERT. Any number of threads may use it at once.

    Args:
        config: `num_hidden_layers`, `num_attention_heads`, `layer_norm_eps` and `hidden_act` of `config.json`.
        weights: float32 by name, as torch's `BertModel` has them; they may be a memory map.
    """

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Floats]) -> None:
        self.config = config
        self._weights = weights
        self._n_layers: int = config["num_hidden_layers"]
        self._n_heads: int = config["num_attention_heads"]
        self._eps = np.float32(config["layer_norm_eps"])
        self._activation = ACTIVATIONS[config["hidden_act"]]

    def hidden_states(
        self,
        token_ids: NDArray[np.int64],
        offsets: NDArray[np.int64],
        attended: NDArray[np.bool_] | None = None,
    ) -> Floats:
        """What the last layer gives for each token, float32 `[n_tokens, dim]`.

        Args:
            token_ids: int64 `[n_tokens]`, one text after the other.
            offsets: int64 `[n_texts + 1]`; text i owns the tokens `offsets[i]:offsets[i + 1]`.
            attended: Bool `[n_tokens]`, the tokens that those of their text attend to, one a text at least.
                None for all.
        """
        hidden = self.embedded(token_ids, offsets)
        for layer in range(self._n_layers):
            name = f"encoder.layer.{layer}"
            context = self._attention(hidden, offsets, attended, f"{name}.attention.self")
            joined = self._linear(context, f"{name}.attention.output.dense")
            hidden = self._normalized(joined + hidden, f"{name}.attention.output.LayerNorm")
            inner = self._activation(self._linear(hidden, f"{name}.intermediate.dense"))
            hidden = self._normalized(self._linear(inner, f"{name}.output.dense") + hidden, f"{name}.output.LayerNorm")
        return hidden

    def embedded(self, token_ids: NDArray[np.int64], offsets: NDArray[np.int64]) -> Floats:
        """What goes into the first layer, float32 `[n_tokens, dim]`."""
        place = np.arange(len(token_ids)) - np.repeat(offsets[:-1], np.diff(offsets))
        words = self._weights["embeddings.word_embeddings.weight"][token_ids]
        words = words + self._weights["embeddings.token_type_embeddings.weight"][0]
        words += self._weights["embeddings.position_embeddings.weight"][place]
        return self._normalized(words, "embeddings.LayerNorm")

    def _attention(
        self, hidden: Floats, offsets: NDArray[np.int64], attended: NDArray[np.bool_] | None, name: str
    ) -> Floats:
        query, key, value = (
            self._linear(hidden, f"{name}.{part}").reshape(len(hidden), self._n_heads, -1)
            for part in ("query", "key", "value")
        )
        query *= np.float32(query.shape[2] ** -0.5)
        context = np.empty_like(query)
        for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            keys, values = key[start:end], value[start:end]
            if attended is not None:
                keys, values = keys[attended[start:end]], values[attended[start:end]]
            scores = query[start:end].transpose(1, 0, 2) @ keys.transpose(1, 2, 0)
            scores -= scores.max(axis=2, keepdims=True, initial=-np.inf)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=2, keepdims=True)
            context[start:end] = (scores @ values.transpose(1, 0, 2)).transpose(1, 0, 2)
        return context.reshape(len(hidden), -1)

    def _linear(self, given: Floats, name: str) -> Floats:
        found: Floats = given @ self._weights[f"{name}.weight"].T
        found += self._weights[f"{name}.bias"]
        return found

    def _normalized(self, given: Floats, name: str) -> Floats:
        centred: Floats = given - given.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", centred, centred)[:, None] / np.float32(given.shape[1])
        centred /= np.sqrt(variance + self._eps)
        centred *= self._weights[f"{name}.weight"]
        centred += self._weights[f"{name}.bias"]
        return centred
