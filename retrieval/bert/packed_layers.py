"""The packed layers of a BERT in its compiled file, and which of them a query and a document run through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from numpy.typing import NDArray

from wordhive.index.simd.instructions import LANES

from ..encoding_model import Task
from .fast_transformer import (
    FastTransformer,
    Floats,
    Packed,
    Weights,
    fitting_sizes,
    largest_inputs,
    multiplies_bytes,
)
from .layer_tiles import READS_HALVES
from .transformer import Transformer

Kind = Literal["halves", "bytes"]

# Files are made for processors of this kind: with rows of so many numbers, reading float16 (h), multiplying bytes (b).
PROCESSOR = f"{LANES}{'h' if READS_HALVES else ''}{'b' if multiplies_bytes() else ''}"
_PARTS = ("weights", "starts", "floats")


def packed_arrays(config: Mapping[str, Any], weights: Weights) -> dict[str, NDArray[Any]]:
    """The arrays of a BERT's packed layers by name; none where the kernels can't run it."""
    sizes = fitting_sizes(config)
    if sizes is None:
        return {}
    found: dict[Kind, Packed] = {"halves": Packed.halves(weights, sizes)}
    if multiplies_bytes():
        found["bytes"] = Packed.bytes(weights, sizes, largest_inputs(config, weights))
    return {_name(kind, part): getattr(packed, part) for kind, packed in found.items() for part in _PARTS}


def transformers(
    config: Mapping[str, Any], plain: Transformer, arrays: Mapping[str, NDArray[Any]], *, exact: bool
) -> dict[Task, Transformer | FastTransformer]:
    """What runs queries, and what runs documents.

    Args:
        config: The BERT's.
        plain: The BERT in NumPy.
        arrays: The compiled file's.
        exact: Run both by NumPy.
    """
    sizes = fitting_sizes(config)
    if exact or sizes is None:
        return {"query": plain, "document": plain}

    def fast(kind: Kind) -> FastTransformer:
        weights, starts, floats = (arrays[_name(kind, part)] for part in _PARTS)
        return FastTransformer(plain, sizes, Packed(weights, starts, floats))

    query = fast("halves")
    return {"query": query, "document": fast("bytes") if multiplies_bytes() else query}


class BertWeights(Mapping[str, Floats]):
    """The weights of a BERT that are read only when they are asked for.

    Args:
        arrays: The compiled file's.
        inside: What stands before their names.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], inside: str) -> None:
        self._arrays, self._inside = arrays, inside
        self._names = [name.removeprefix(inside) for name in arrays if name.startswith(inside)]

    def __getitem__(self, name: str) -> Floats:
        found: Floats = self._arrays[self._inside + name]
        return found

    def __iter__(self) -> Any:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _name(kind: Kind, part: str) -> str:
    return f"layers.{kind}.{part}"
