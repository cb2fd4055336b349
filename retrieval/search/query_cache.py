"""`QueryCache`: the vectors of the last different queries, so that one that comes again costs no transformer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from wordhive.index import WordVectors

from ..encoder import Encoder


class QueryCache:
    """Encodes queries, and keeps the vectors of the last `size` different ones. Threads may share it.

    Two queries are the same if their texts are, to the character.
    """

    def __init__(self, encoder: Encoder, size: int) -> None:
        self._encoder = encoder
        self._size = size
        self._kept: OrderedDict[str, WordVectors] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> WordVectors:
        """Word vectors of queries, in their order, as `Encoder.encode_queries` gives them.

        A query that was first encoded in a batch keeps the rounding of that batch.
        """
        if not self._size or not texts or not all(isinstance(text, str) for text in texts):
            return self._encoder.encode_queries(texts)
        vectors = self._look_up(texts)
        new = [text for text in dict.fromkeys(texts) if text not in vectors]
        if new:
            encoded = self._encoder.encode_queries(new)
            # Copies, or one query would hold the vectors of its whole batch.
            vectors.update({text: WordVectors.concat([encoded[i : i + 1]]) for i, text in enumerate(new)})
        self._keep(texts, vectors)
        return WordVectors.concat([vectors[text] for text in texts])

    def _look_up(self, texts: Sequence[str]) -> dict[str, WordVectors]:
        with self._lock:
            return {text: self._kept[text] for text in texts if text in self._kept}

    def _keep(self, texts: Sequence[str], vectors: dict[str, WordVectors]) -> None:
        with self._lock:
            for text in texts:
                self._kept[text] = vectors[text]
                self._kept.move_to_end(text)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
