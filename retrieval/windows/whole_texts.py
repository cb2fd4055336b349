"""`WholeTexts`: texts of any length → word vectors, window by window, one bag of words for each text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from wordhive.index import WordVectors
from wordhive.index.quantity import quantity

from ..encoding_model import EncodingModel, Span, Task, Tokens
from ..runtimes.token_batches import token_batches
from ..words import WordTable
from .bags import joined
from .windows import Windows

# A book of a million letters. What is longer is rather a log or a dump than a text.
MOST_TOKENS = 2**18
# The length of a text that counts as one in a batch.
_TOKENS_A_TEXT = 256
_WINDOWS_AT_ONCE = 1024
# Documents that a warning names.
_NAMED = 10
# No text has more characters a token for long, so a longer text needs no look at its tokens to be cut.
_CHARACTERS_A_TOKEN = 16


@dataclass(frozen=True)
class WindowBatch:
    """Windows for one forward pass.

    Attributes:
        texts: int64 `[n]`, the number of each window's text.
        order: int64 `[n]`, ascending over the windows of a text.
        tokens: As the model gives them.
        whole: Each window is a whole text.
    """

    texts: NDArray[np.int64]
    order: NDArray[np.int64]
    tokens: Tokens
    whole: bool


class WholeTexts:
    """Encodes texts by a model, however long they are.

    Args:
        model: The model.
        max_tokens: Tokens at most that are read of a text.
    """

    def __init__(self, model: EncodingModel, max_tokens: int) -> None:
        self._model = model
        self.max_tokens = max_tokens
        self._merge = model.pooling is not None
        self._query_shares = model.has_query_weights

    def spans(self, text: str, task: Task) -> tuple[list[Span], bool]:
        """The characters of each window that is read of a text, and whether the end of the text is left out."""
        if self._fits(text, task):
            return [(0, len(text))], False
        return self._spans(text, task)

    def encode(
        self,
        texts: list[str],
        task: Task,
        batch_size: int,
        on_batch: Callable[[int], None] = lambda n: None,
        on_capped: Callable[[int], None] = lambda text: None,
    ) -> WordVectors:
        """The word vectors of texts, in their order.

        Args:
            texts: So many that the vectors of all their windows fit in memory.
            task: "query" or "document".
            batch_size: Documents of 256 tokens in a forward pass, more if they are shorter; or queries of any length.
            on_batch: Called with the number of texts that were encoded.
            on_capped: Called with the number of each text that has more than `max_tokens`.
        """
        encoded, whole = _Encoded(), 0
        for batch in self.read(texts, task, batch_size, on_capped):
            encoded.add(batch, self._model.word_vectors(batch.tokens, task))
            if batch.whole:
                on_batch(len(batch.texts))
                whole += len(batch.texts)
        if whole < len(texts):
            on_batch(len(texts) - whole)
        is_query = task == "query"
        return encoded.joined(merge=self._merge, query=is_query, shares=is_query and self._query_shares)

    def count_words(self, texts: list[str], table: WordTable, *, keep_special: bool) -> NDArray[np.int64]:
        """Unique words of each document, int64 `[n_texts]`, before a gate removes some.

        Args:
            texts: The documents.
            table: The words of the model's vocabulary.
            keep_special: Count special tokens too.
        """
        encoded = _Encoded()
        for batch in self.read(texts, "document", _TOKENS_A_TEXT):
            words = table.words(*batch.tokens.scored(), keep_special=keep_special)
            ids = words.word_ids[np.arange(words.word_ids.shape[1]) < words.counts[:, None]]
            offsets = np.concatenate([[0], np.cumsum(words.counts)]).astype(np.int64)
            encoded.add(batch, WordVectors(np.zeros((len(ids), 0), np.float32), offsets, ids))
        return encoded.joined(merge=True).counts

    def read(
        self, texts: list[str], task: Task, batch_size: int, on_capped: Callable[[int], None] = lambda text: None
    ) -> Iterator[WindowBatch]:
        """The windows of texts, in batches for a forward pass each; see `encode`."""
        long: list[int] = []
        for rows, tokens in self._batches(texts, task, batch_size, long):
            yield WindowBatch(rows, rows, tokens, whole=True)
        windows, first = self._cut(texts, long, task, on_capped), len(texts)
        while some := list(islice(windows, _WINDOWS_AT_ONCE)):
            owners = np.array([owner for owner, _ in some])
            for rows, tokens in self._batches([text for _, text in some], task, batch_size):
                yield WindowBatch(owners[rows], first + rows, tokens, whole=False)
            first += len(some)

    def _batches(
        self, texts: list[str], task: Task, size: int, long: list[int] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], Tokens]]:
        """The numbers and the tokens of the texts of each forward pass.

        Args:
            long: Takes the numbers of texts that are longer than a window, which are left out then.
        """
        if task == "document":
            tokens = self._model.tokens([self._beginning(text, task) for text in texts], task)
            kept = self._short(texts, np.arange(len(texts)), tokens, task, long)
            for rows in token_batches(tokens.lengths[kept], size * _TOKENS_A_TEXT):
                yield kept[rows], tokens.take(kept[rows])
            return
        # Queries are few tokens, which some models pad to expand them: each batch has its own width.
        order = np.argsort([len(text) for text in texts], kind="stable")
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            tokens = self._model.tokens([self._beginning(texts[row], task) for row in rows], task)
            kept = self._short(texts, rows, tokens, task, long)
            if 0 < len(kept) < len(rows):
                tokens = self._model.tokens([texts[row] for row in kept], task)
            if len(kept):
                yield kept, tokens

    def _fits(self, text: str, task: Task) -> bool:
        longest = self._model.longest_input(task)
        if longest is not None and len(text) > longest * _CHARACTERS_A_TOKEN:
            return False
        long: list[int] = []
        tokens = self._model.tokens([text], task)
        return len(self._short([text], np.arange(1), tokens, task, long)) == 1

    def _spans(self, text: str, task: Task) -> tuple[list[Span], bool]:
        # A word that is in two windows is one word; a token would be stored twice.
        windows = Windows.of(self._model, task, None if self._merge else 0)
        longest = self._model.longest_input(task)
        if windows is None or longest is None:
            return [(0, len(text))], False
        most = max(1, self.max_tokens // longest)
        spans = list(islice(windows.spans(text), most + 1))
        return spans[:most], len(spans) > most

    def _short(
        self, texts: list[str], rows: NDArray[np.int64], tokens: Tokens, task: Task, long: list[int] | None
    ) -> NDArray[np.int64]:
        longest = self._model.longest_input(task)
        if long is None or longest is None:
            return rows
        most = longest * _CHARACTERS_A_TOKEN
        is_long = np.array([len(texts[row]) > most for row in rows], np.bool_) | tokens.cut
        long += rows[is_long].tolist()
        return rows[~is_long]

    def _beginning(self, text: str, task: Task) -> str:
        """Enough of a text to see whether it is longer than a window: the tokens of a book would fill the memory."""
        longest = self._model.longest_input(task)
        return text if longest is None else text[: longest * _CHARACTERS_A_TOKEN + 1]

    def _cut(
        self, texts: list[str], long: list[int], task: Task, on_capped: Callable[[int], None]
    ) -> Iterator[tuple[int, str]]:
        for number in sorted(long):
            spans, capped = self._spans(texts[number], task)
            if capped:
                on_capped(number)
            yield from ((number, texts[number][start:end]) for start, end in spans)


class _Encoded:
    """The vectors of windows, as they come from forward passes."""

    def __init__(self) -> None:
        self._vectors: list[WordVectors] = []
        # Of each window: its text, its number among all windows, its tokens.
        self._windows: list[NDArray[np.int64]] = []

    def add(self, batch: WindowBatch, vectors: WordVectors) -> None:
        self._vectors.append(vectors)
        self._windows.append(np.stack([batch.texts, batch.order, batch.tokens.lengths]))

    def joined(self, *, merge: bool, query: bool = False, shares: bool = False) -> WordVectors:
        texts, order, n_tokens = np.concatenate(self._windows, axis=1)
        if len(texts) == 1:
            return self._vectors[0]  # a single query, which should not wait
        by_text = np.lexsort([order, texts])
        windows = WordVectors.concat(self._vectors).take(by_text)
        return joined(windows, texts[by_text], n_tokens[by_text], merge=merge, query=query, shares=shares)


def capped_line(documents: list[str], max_tokens: int) -> str:
    """What to tell of documents that were not read to their ends."""
    names = ", ".join(documents[:_NAMED]) + (", …" if len(documents) > _NAMED else "")
    return (
        f"{quantity(len(documents), 'document')} longer than {max_tokens:,} tokens: only that much was read of "
        f"{names}; raise max_tokens, or split them"
    )
