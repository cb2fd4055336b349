"""`TextTokens`: the tokens of several texts, one text after the other, without padding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordhive.index.vectors.ragged import ragged_rows

from ..encoding_model import Task
from .model_folder import Lengths
from .tokenizer import TextTokenizer


@dataclass(frozen=True)
class TextTokens:
    """The tokens of several texts.

    Attributes:
        ids: int64 `[n_tokens]`.
        borders: int64 `[n_texts + 1]`; text i owns the tokens `borders[i]:borders[i + 1]`.
        expands: Bool `[n_tokens]`: a token that fills up a query; None where there is none.
        attended: Bool `[n_tokens]`: what other tokens attend to; None for all.
        is_scored: Bool `[n_tokens]`: what the model scores.
        cut: Bool `[n_texts]`: only the beginning of a text is read.
        read: Int64 `[n_texts]`: tokens that are read of a text, without special ones.
        pad: The token that pads texts to equal lengths.
        encodings: As `tokenizers` gives them, of each text without special tokens and prompt counted.
        first: Special tokens before a text.
    """

    ids: NDArray[np.int64]
    borders: NDArray[np.int64]
    expands: NDArray[np.bool_] | None
    attended: NDArray[np.bool_] | None
    is_scored: NDArray[np.bool_]
    cut: NDArray[np.bool_]
    read: NDArray[np.int64]
    pad: int
    encodings: list[Any]
    first: int

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The tokens of each text that others attend to."""
        if self.attended is None:
            return np.diff(self.borders)
        running = np.concatenate([[0], np.cumsum(self.attended)])
        return np.asarray(np.diff(running[self.borders]), np.int64)

    @property
    def features(self) -> dict[str, NDArray[Any]]:
        """The tokens, padded, as transformers names them."""
        attended = np.ones(len(self.ids), np.bool_) if self.attended is None else self.attended
        return {"input_ids": self._padded(self.ids, self.pad), "attention_mask": self._padded(attended, False)}

    def take(self, rows: NDArray[np.int64]) -> TextTokens:
        """Some of the texts."""
        chosen, borders = ragged_rows(self.borders, rows)
        return replace(
            self,
            ids=self.ids[chosen],
            borders=borders,
            expands=None if self.expands is None else self.expands[chosen],
            attended=None if self.attended is None else self.attended[chosen],
            is_scored=self.is_scored[chosen],
            cut=self.cut[rows],
            read=self.read[rows],
            encodings=[self.encodings[row] for row in rows.tolist()],
        )

    def scored(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The tokens of each text, padded, and which of them the model scores."""
        return self._padded(self.ids, self.pad), self._padded(self.is_scored, False)

    def offsets(self) -> NDArray[np.int64]:
        """The characters of each token, `[n_texts, n_tokens, 2]`, the prompt counted."""
        counts = np.diff(self.borders)
        spans = np.zeros((len(counts), int(counts.max(initial=0)), 2), np.int64)
        for row, (encoding, n) in enumerate(zip(self.encodings, self.read.tolist(), strict=True)):
            spans[row, self.first : self.first + n] = np.reshape(encoding.offsets[:n], (-1, 2))
        return spans

    def _padded(self, values: NDArray[Any], filler: Any) -> NDArray[Any]:
        counts = np.diff(self.borders)
        padded = np.full((len(counts), int(counts.max(initial=0))), filler, values.dtype)
        padded[np.arange(padded.shape[1]) < counts[:, None]] = values
        return padded


def text_tokens(
    tokenizer: TextTokenizer, texts: list[str], prompt: str, task: Task, lengths: Lengths, longest: int
) -> TextTokens:
    """The tokens of texts as a model reads them; `is_scored` is what is attended to.

    Args:
        tokenizer: The model's.
        texts: The texts.
        prompt: What stands before each.
        task: Whether queries are to be expanded.
        lengths: How.
        longest: Tokens that are read of a text, special ones and prompt among them.
    """
    before, after = tokenizer.before, tokenizer.after
    room = max(0, longest - len(before) - len(after))
    expansion = lengths.query_expansion if task == "query" else None
    width = expansion["length"] if expansion else 0
    encodings = tokenizer.encodings([prompt + text for text in texts])
    parts: list[Any] = []
    counts = np.zeros(len(texts), np.int64)
    fill = np.full(width, -1 if expansion is None else _expansion_token(tokenizer, expansion), np.int64)
    n_expanding = np.zeros(len(texts), np.int64)
    for number, encoding in enumerate(encodings):
        read = encoding.ids[:room]
        n = len(before) + len(read) + len(after)
        n_expanding[number] = max(0, width - n)
        counts[number] = n + n_expanding[number]
        parts += [before, read, after, fill[: n_expanding[number]]]
    ids = np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, np.int64)
    borders = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    expands = attended = None
    if expansion is not None:
        place = np.arange(len(ids)) - np.repeat(borders[1:] - n_expanding, counts)
        expands = place >= 0
        attended = None if expansion["attend"] else ~expands
    return TextTokens(
        ids,
        borders,
        expands,
        attended,
        np.ones(len(ids), np.bool_) if attended is None else attended,
        np.array([len(encoding) > room for encoding in encodings], np.bool_),
        np.array([min(len(encoding), room) for encoding in encodings], np.int64),
        tokenizer.pad_token_id,
        encodings,
        len(before),
    )


def _expansion_token(tokenizer: TextTokenizer, expansion: dict[str, Any]) -> int:
    if expansion["token"] is not None:
        found = tokenizer.token_id(expansion["token"])
    else:
        found = tokenizer.mask_token_id if tokenizer.mask_token_id is not None else tokenizer.eos_token_id
    return tokenizer.pad_token_id if found is None else found
