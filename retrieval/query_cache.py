"""`QueryCache`: the vectors of the last different queries, so that one that comes again costs no transformer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from wordhive.index import WordVectors
from wordhive.index.arguments import whole_number

from .encoder import Encoder


class QueryCache:
    """Encodes queries, and keeps the vectors of the last `size` different ones; safe to be asked by several threads.

    A query is its text, to the character. Raises InputError for a size below 0.
    """

    def __init__(self, encoder: Encoder, size: int) -> None:
        self._encoder = encoder
        self._size = whole_number(size, "remember", least=0, otherwise=", of queries")
        self._held: OrderedDict[str, WordVectors] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> WordVectors:
        """Word vectors of queries, in their order, as `Encoder.encode_queries` gives them.

        Those that were first encoded in a batch differ from those encoded alone by the rounding of batches.
        """
        if not self._size or not texts or not all(isinstance(text, str) for text in texts):
            return self._encoder.encode_queries(texts)
        found = self._remembered(texts)
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            encoded = self._encoder.encode_queries(new)
            # Copies, or one query would hold the vectors of its whole batch.
            found.update({text: WordVectors.concat([encoded[i : i + 1]]) for i, text in enumerate(new)})
        self._remember(texts, found)
        return WordVectors.concat([found[text] for text in texts])

    def _remembered(self, texts: Sequence[str]) -> dict[str, WordVectors]:
        with self._lock:
            return {text: self._held[text] for text in texts if text in self._held}

    def _remember(self, texts: Sequence[str], found: dict[str, WordVectors]) -> None:
        with self._lock:
            for text in texts:
                self._held[text] = found[text]
                self._held.move_to_end(text)
            while len(self._held) > self._size:
                self._held.popitem(last=False)
