"""Compression of texts, one by one: zstd, with a dictionary of what the texts of an index have in common."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import zstandard

# Beyond it, writing costs more than a text's few per cent are worth.
_LEVEL = 9
# A dictionary is trained once on so many texts: the beginnings of them, so that long ones cost no more.
ENOUGH_TEXTS = 1_000
_MOST_TEXTS = 4_000
_BEGINNING = 4_000
# A dictionary is stored too: at most so many bytes of it, and never more than a small part of what it was trained on.
_MOST_BYTES = 112_640
_SHARE = 1 / 20
# UTF-8 bytes of a text: a few thousand bytes may stand for as many.
MOST_TEXT = 1 << 26


class TextCodec:
    """Texts ⇄ zstd frames; safe to use from several threads.

    Args:
        id: Of the dictionary, 0 for none.
        dictionary: Its content, as `train_dictionary` made it.

    Raises:
        ValueError: What is none.
    """

    def __init__(self, id: int = 0, dictionary: bytes = b"") -> None:
        self.id = id
        self.dictionary = dictionary
        if not isinstance(dictionary, bytes) or len(dictionary) > _MOST_BYTES:
            raise ValueError(f"dictionary {id} is none, or has more than {_MOST_BYTES:,} bytes")
        try:
            known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
            # The dictionary's id is known from elsewhere, and so is whether a text is as it was.
            self._writer = zstandard.ZstdCompressor(
                level=_LEVEL, dict_data=known, write_dict_id=False, write_checksum=False, write_content_size=True
            )
            self._reader = zstandard.ZstdDecompressor(dict_data=known)
        except zstandard.ZstdError as error:
            raise ValueError(f"dictionary {id} is none ({error})") from error
        self._lock = threading.Lock()

    def encode(self, text: bytes) -> bytes:
        """A text, UTF-8, as one frame."""
        with self._lock:
            return self._writer.compress(text)

    def decode(self, frame: bytes, size: int) -> bytes:
        """The text of a frame, which has `size` bytes.

        Raises:
            ValueError: A frame that is damaged.
        """
        # Looked at before anything of that size is allocated.
        if not isinstance(size, int) or not 0 <= size <= MOST_TEXT:
            raise ValueError(f"a text of {size!r:.30} bytes; expected at most {MOST_TEXT:,}")
        try:
            if zstandard.frame_content_size(frame) != size:
                raise ValueError("another size than was written")
            with self._lock:
                return self._reader.decompress(frame)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error


def train_dictionary(texts: Sequence[bytes]) -> bytes:
    """What such texts have in common, for a `TextCodec`; empty where it is not worth its bytes."""
    sample: list[bytes | bytearray | memoryview] = [text[:_BEGINNING] for text in texts[:_MOST_TEXTS]]
    size = min(_MOST_BYTES, int(sum(map(len, sample)) * _SHARE))
    try:
        return zstandard.train_dictionary(size, sample).as_bytes()
    except zstandard.ZstdError:  # too little to learn from
        return b""
