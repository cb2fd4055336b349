"""`FaissIndex`: a FAISS index and its kind, which is asked of FAISS once, when the index is made or opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import faiss_library

# Numbers that are decoded at once.
_DECODED_NUMBERS = 16_000_000


class Kind(Enum):
    """What a FAISS index is, as far as it is treated differently here."""

    FLAT = auto()  # vectors as they are
    SCALAR = auto()  # codes of a scalar quantiser
    PRODUCT = auto()  # codes of a product quantiser
    SIGNS = auto()  # RaBitQ codes
    CODES = auto()  # any other codes that lie one after the other
    LISTS = auto()  # inverted lists (IVF)
    GPU_LISTS = auto()
    GRAPH = auto()  # HNSW
    TRANSFORMED = auto()  # another index behind transforms of the vectors
    REFINED = auto()  # finds of one index, scored again by another
    OTHER = auto()


_CODES = {Kind.FLAT, Kind.SCALAR, Kind.PRODUCT, Kind.SIGNS, Kind.CODES}
# Subclasses before their base classes.
_KINDS = {
    "IndexFlat": Kind.FLAT, "IndexScalarQuantizer": Kind.SCALAR, "IndexPQ": Kind.PRODUCT, "IndexRaBitQ": Kind.SIGNS,
    "IndexFlatCodes": Kind.CODES, "IndexIVF": Kind.LISTS, "GpuIndexIVF": Kind.GPU_LISTS, "IndexHNSW": Kind.GRAPH,
    "IndexPreTransform": Kind.TRANSFORMED, "IndexRefine": Kind.REFINED,
}  # fmt: skip
# Where FAISS keeps the index within an index of a kind.
_INNER = {Kind.GRAPH: "storage", Kind.TRANSFORMED: "index", Kind.REFINED: "base_index"}


@dataclass(frozen=True, eq=False)
class FaissIndex:
    """A FAISS index, and what of its kind decides how it is searched, joined and decoded.

    Attributes:
        index: FAISS's object.
        kind: What it is.
        inner: The vectors of a graph, the index behind transforms, the index whose finds are refined; or None.
        decodes: Whether decoded vectors have the inner products by which the index searches, but for rounding.
        is_half: Whether codes are numbers of half precision, which reach to 65,504.
    """

    index: Any
    kind: Kind
    inner: FaissIndex | None
    decodes: bool
    is_half: bool

    @classmethod
    def of(cls, index: Any) -> FaissIndex:
        """Describe an index."""
        library = faiss_library.faiss()
        kind = next(
            (kind for name, kind in _KINDS.items() if isinstance(index, getattr(library, name, ()))), Kind.OTHER
        )
        inner = cls.of(library.downcast_index(getattr(index, _INNER[kind]))) if kind in _INNER else None
        decoding = inner  # what decodes the vectors of an index that has others within it
        parts = [inner] if inner is not None else []
        if kind is Kind.REFINED:
            decoding = cls.of(library.downcast_index(index.refine_index))
            parts.append(decoding)
        quantizer = getattr(index, "sq", None)
        half = quantizer is not None and quantizer.qtype == library.ScalarQuantizer.QT_fp16
        return cls(
            index,
            kind,
            inner,
            decoding.decodes if decoding is not None else _decodes(index),
            half or any(part.is_half for part in parts),
        )

    @property
    def is_codes(self) -> bool:
        """Whether codes lie one after the other, in the order of the documents."""
        return self.kind in _CODES

    @property
    def takes_selector(self) -> bool:
        """Whether a scan can leave documents out."""
        return self.kind in (Kind.FLAT, Kind.SCALAR, Kind.SIGNS)

    @property
    def has_fast_scan(self) -> bool:
        """Whether it has product codes of 4 bits, which FAISS scans in registers."""
        return self.kind is Kind.PRODUCT and self.index.pq.nbits == 4

    @property
    def n(self) -> int:
        """Number of vectors."""
        return int(self.index.ntotal)

    @property
    def dim(self) -> int:
        """Dims of its vectors."""
        return int(self.index.d)

    def decoded(self, kept: NDArray[np.int64] | None = None) -> Iterator[NDArray[np.float32]]:
        """All vectors as their codes say, or those with the numbers `kept`, block by block."""
        at_once = max(1, _DECODED_NUMBERS // self.dim)
        if kept is not None and self.kind is Kind.LISTS:
            self.index.make_direct_map()
        for first in range(0, self.n if kept is None else len(kept), at_once):
            if kept is None:
                yield self.index.reconstruct_n(first, min(at_once, self.n - first))
            else:
                yield self.index.reconstruct_batch(kept[first : first + at_once])


def _decodes(index: Any) -> bool:
    # FAISS 1.15 reads codes that are packed in lists from wrong places, and decodes RaBitQ codes of several bits a dim
    # by the first bit alone.
    if isinstance(index, faiss_library.faiss().IndexIVFFastScan):
        return False
    quantizer = getattr(index, "rabitq", None)
    return quantizer is None or quantizer.nb_bits == 1
