"""What an index holds and takes on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..config import IndexConfig
from ..storage.catalog.catalog_records import FileRecord
from ..storage.catalog.catalog_size import CatalogSize
from ..storage.settings import EncoderStamp
from ..storage.window_lists import WINDOW_FILES
from ..storage.word_id_lists import ID_FILES

_PARTS = {
    "words.npy": "words",
    **{f"{name}.npy": "word ids" for name in ID_FILES},
    "offsets.npy": "offsets",
    "rows.npy": "rows",
    "summaries.npy": "summaries",
    **{f"{name}.npy": "windows" for name in WINDOW_FILES},
    "candidates.faiss": "candidates",
}


@dataclass(frozen=True)
class IndexInfo:
    """What an index holds.

    Attributes:
        n_deleted: Deleted documents whose codes are still there.
        bytes: Of each part of it on disk.
        text_bytes: Of all texts as they were given, in UTF-8, whether they are kept or not.
    """

    path: str
    n_documents: int
    n_deleted: int
    n_words: int
    n_segments: int
    dim: int
    summary_dim: int
    summary_weight: float
    exact_match: bool
    encoder: EncoderStamp | None
    config: IndexConfig
    bytes: dict[str, int]
    text_bytes: int

    @property
    def total_bytes(self) -> int:
        """Bytes of all parts."""
        return sum(self.bytes.values())

    @property
    def bytes_without_texts(self) -> int:
        """Bytes of all parts but the stored texts: what search itself needs."""
        return self.total_bytes - self.bytes["texts"]

    @property
    def bytes_of_documents(self) -> int:
        """Bytes that grow with the documents: those without texts and without parameters, which are stored once."""
        return self.bytes_without_texts - self.bytes["parameters"]

    def times_plain_text(self, size: float) -> float | None:
        """The ratio of a number of bytes to the bytes of the plain texts; None where there is no text."""
        return size / self.text_bytes if self.text_bytes else None


def bytes_by_part(files: Iterable[FileRecord], catalog: CatalogSize) -> dict[str, int]:
    """Bytes on disk of each part of an index: of the files that its catalog names, and of the catalog."""
    sizes = dict.fromkeys([*_PARTS.values(), "parameters", "catalog", "texts"], 0)
    for file in files:
        folder, _, name = file.path.partition("/")
        sizes["parameters" if folder == "params" else _PARTS[name.rpartition("/")[2]]] += file.size
    sizes["catalog"], sizes["texts"] = catalog.file - catalog.texts, catalog.texts
    return sizes
