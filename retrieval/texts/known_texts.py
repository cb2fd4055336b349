"""`KnownTexts`: which texts an index holds, to tell strings without ids that are new from those that are not."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import islice

from wordhive.index import Index, InputError

_DOCUMENTS_AT_ONCE = 2048


class KnownTexts:
    """The texts of an index as it is now, each as often as it is there.

    It reads all of them, and keeps some hundred bytes of each.

    Raises:
        InputError: An index that keeps no texts.
    """

    def __init__(self, index: Index) -> None:
        if not index.settings.store_texts:
            raise InputError(
                f"{index.path} keeps no texts, by which known strings could be told; give ids, or leave skip_known out"
            )
        index.reload()
        now = index.snapshot()
        rows = iter(now.ids())
        self._held: Counter[bytes] = Counter()
        while part := list(islice(rows, _DOCUMENTS_AT_ONCE)):
            texts = (document.text for document in now.documents(part).values())
            self._held.update(_digest(text) for text in texts if text is not None)

    def take(self, text: str) -> bool:
        """Whether the index holds the text once more than it was asked for."""
        digest = _digest(text)
        if not self._held[digest]:
            return False
        self._held[digest] -= 1
        return True


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
