"""What an `Encoder` asks of a model, whatever runs it."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from wordhive.index import WordVectors

from .words import WordTable

Task = Literal["query", "document"]
Span = tuple[int, int]


class Tokens(Protocol):
    """The tokens of several texts, truncated to what the model reads at once, with its prompt."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The tokens of each text, without those that only fill it up."""

    @property
    def cut(self) -> NDArray[np.bool_]:
        """Whether only the beginning of a text is read."""

    @property
    def features(self) -> Any:
        """A mapping with `input_ids` and `attention_mask`, each `[n_texts, n_tokens]`."""

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Some of the texts."""

    def scored(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The tokens of each text, and which of them the model scores, `[n_texts, n_tokens]` each."""

    def offsets(self) -> NDArray[np.int64] | None:
        """The characters `[start, end)` of each token, `[n_texts, n_tokens, 2]`, the prompt counted.

        None where the tokenizer does not tell.
        """


class Pooling(Protocol):
    """How tokens become words."""

    @property
    def stem(self) -> str | None:
        """A Snowball algorithm."""

    @property
    def keep_special(self) -> bool:
        """Whether special tokens are vectors of their own."""


class EncodingModel(Protocol):
    """A model that gives a vector for each word, or token, of a text."""

    @property
    def backend(self) -> Literal["compiled", "torch", "openvino"]:
        """What runs it."""

    @property
    def dim(self) -> int | None:
        """Dims of a word; None where the model does not tell."""

    @property
    def summary_weight(self) -> float:
        """The summary's share of a score."""

    @property
    def exact_match(self) -> bool:
        """Whether only identical words match."""

    @property
    def has_stop_word_gate(self) -> bool:
        """Whether the model removes words from documents."""

    @property
    def has_query_weights(self) -> bool:
        """Whether the lengths of a query's words are shares that sum to 1."""

    @property
    def pooling(self) -> Pooling | None:
        """How tokens become words; None where there are only tokens."""

    @property
    def word_table(self) -> WordTable | None:
        """The words of the vocabulary; None where there are only tokens."""

    @property
    def fingerprint(self) -> str:
        """What the model computes, as 64 hexadecimal digits."""

    def prompt(self, task: Task) -> str:
        """What stands before a text."""

    def longest_input(self, task: Task) -> int | None:
        """The tokens that are read of a text at once, its special ones and its prompt among them; None: all."""

    def tokens(self, texts: list[str], task: Task) -> Any:
        """The `Tokens` of texts."""

    def token_counts(self, texts: list[str], *, special: bool = False) -> list[int]:
        """The tokens of each text, which is not truncated; special ones only where asked for."""

    def token_names(self, ids: list[int]) -> list[str]:
        """What the vocabulary calls tokens."""

    def word_vectors(self, tokens: Any, task: Task) -> WordVectors:
        """The word vectors of texts by their `tokens`."""

    def with_words(self) -> EncodingModel:
        """This model with its token vectors pooled to words."""

    def with_dim(self, dim: int) -> EncodingModel | None:
        """This model with the first dims of each word; None where it does not normalise words."""
