"""FAISS indexes by factory string: parsed, checked, trained."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .faiss_index import FaissIndex, Kind
from .faiss_library import faiss, one_thread, reason_of

# Rounds of k-means for codebooks of 16 centroids.
_ROUNDS_OF_FEW = 12
_CODEBOOKS = re.compile(r"(?:PQ[^x]+|IMI\d+|RQ\d+|LSQ\d+|P(?:RQ|LSQ)\d+x\d+)(?:x(?P<bits>\d+))?")
_DIVIDED = re.compile(r"\{dims(?:/(\d+))?\}")
# FAISS parses longer factory strings badly, and at once allocates what a string names.
_MOST_LETTERS = 200
_MOST_OF_ANYTHING = 1 << 20
_PRODUCT = re.compile(r"(?<!O)PQ\d+(?:x(\d+))?")


def from_factory(
    dim: int,
    factory: str,
    sample: NDArray[np.float32],
    purpose: str,
    few_rows: int,
    *,
    euclidean: bool = False,
    choices: str = "",
) -> FaissIndex:
    """A trained, empty FAISS index.

    Args:
        dim: Dims of the vectors.
        factory: A FAISS factory string, e.g. "SQ8"; {dims} in it becomes `dim`, {dims/8} an eighth of it.
        sample: The vectors to train on.
        purpose: Name of the setting, for error messages.
        few_rows: See `widened`.
        euclidean: Search by Euclidean distance instead of inner product.
        choices: Other values of the setting, for error messages.

    Raises:
        InputError: The string means nothing for `dim`, or the sample is too small to train on.
    """
    index, factory = parsed(dim, factory, purpose, choices, euclidean=euclidean)
    made = FaissIndex.of(index)
    if not index.is_trained:
        _prepare(index)
        try:
            # Hundreds of clusterings into 16, each of which would wake all threads.
            with one_thread(made.kind is Kind.PRODUCT and index.pq.nbits <= 4):
                index.train(widened(sample, factory, few_rows))
        except RuntimeError as error:
            raise InputError(
                f"{purpose} {factory!r} cannot be trained on {len(sample)} vectors ({reason_of(error)}); "
                "index more documents at once, or choose SQ8"
            ) from error
    return made


def filled(factory: str, dim: int) -> str:
    """A factory string with {dims}, {dims/8} and the like filled in."""
    return _DIVIDED.sub(lambda part: str(dim // max(1, int(part[1] or 1))), factory)


def parsed(dim: int, factory: str, purpose: str, choices: str, *, euclidean: bool = False) -> tuple[Any, str]:
    """An untrained index by its factory string, and that string with {dims/8} and the like filled in.

    Raises:
        InputError: The string means nothing for `dim`.
    """
    library = faiss()
    if len(factory) > _MOST_LETTERS or any(len(number) > 7 for number in re.findall(r"\d+", factory)):
        raise InputError(f"{purpose} {factory[:50]!r}… is no FAISS factory string (it, or a number in it, is too long)")
    factory = filled(factory, dim)
    if any(not 0 < int(number) <= _MOST_OF_ANYTHING for number in re.findall(r"\d+", factory)):
        raise InputError(
            f"{purpose} {factory!r} is no FAISS factory string for {dim} dims (a number in it is not from 1 to "
            f"{_MOST_OF_ANYTHING:,}){choices and f'; choose {choices}'}"
        )
    try:
        metric = library.METRIC_L2 if euclidean else library.METRIC_INNER_PRODUCT
        return library.index_factory(dim, factory, metric), factory
    except RuntimeError as error:
        raise InputError(
            f"{purpose} {factory!r} is no FAISS factory string for {dim} dims ({reason_of(error)})"
            f"{choices and f'; choose {choices}'}"
        ) from error


def least_to_train(factory: str) -> int:
    """How many vectors FAISS wants at least for training what a factory string names; 1 where any number will do."""
    return max(_least_of(part) for part in re.split(r"[,_+()]", factory))


def _least_of(part: str) -> int:
    if lists := re.fullmatch(r"IVF(\d+)([kM]?)", part):
        return int(lists[1]) * {"": 1, "k": 1 << 10, "M": 1 << 20}[lists[2]]
    if dims := re.fullmatch(r"(?:PCAW?R?|ITQ)(\d+)", part):
        return int(dims[1])
    if part.startswith("OPQ"):
        return 256
    # Of k-means for each part: as many centroids as numbers of so many bits; of what is left, twice as many.
    if codebooks := _CODEBOOKS.match(part):
        return 1 << min(int(codebooks["bits"] or 8) + part.startswith("RQ"), 30)
    return 1


def codebook_bytes(dim: int, factory: str) -> int:
    """Bytes of the product codebooks that FAISS makes for a factory string, before any training."""
    factory = _DIVIDED.sub("1", factory)
    return sum(4 * dim << min(int(found[1] or 8), 64) for found in _PRODUCT.finditer(factory))


def sub_quantisers(dim: int, factory: str) -> int:
    """The number of parts of a factory string's product quantiser; 0 where it names another kind of index."""
    index, _ = parsed(dim, factory, "candidates", "")
    return int(index.pq.M) if FaissIndex.of(index).kind is Kind.PRODUCT else 0


def _prepare(index: Any) -> None:
    """Switch off what a product quantiser's training does in vain.

    FAISS orders centroids for searches by Hamming distance, which takes minutes and is never used here. It prints a
    warning for each sub-quantiser with few vectors, of which there may be a thousand. And it runs twice as many rounds
    of k-means as 16 centroids need.
    """
    for name in ("storage", "base_index", "index"):
        part = getattr(index, name, None)
        if part is not None:
            _prepare(faiss().downcast_index(part))
    if hasattr(index, "do_polysemous_training"):
        index.do_polysemous_training = False
    for clustering in (getattr(index, "cp", None), getattr(getattr(index, "pq", None), "cp", None)):
        if clustering is not None:
            clustering.min_points_per_centroid = 1
    quantiser = getattr(index, "pq", None)
    if quantiser is not None and quantiser.nbits <= 4:
        quantiser.cp.niter = _ROUNDS_OF_FEW


def widened(sample: NDArray[np.float32], factory: str, few_rows: int) -> NDArray[np.float32]:
    """The sample, with two rows that widen the range of a scalar quantiser if it has fewer than `few_rows` rows.

    A scalar quantiser clips to the range it was trained on. An index may start with three documents and grow to a
    million, so the range of few rows says little: it becomes 1.5 times the largest coordinate, in every dim (1 for a
    sample of zeros: words have unit length). Lists and product quantisers get no such rows: they would learn them.
    """
    if "SQ" not in factory or "IVF" in factory or "PQ" in factory or len(sample) >= few_rows:
        return sample
    largest = np.abs(sample).max(initial=0)
    reach = np.float32(1.5) * largest if largest > 0 else np.float32(1)
    edges = np.full((1, sample.shape[1]), reach, np.float32)
    return np.concatenate([sample, edges, -edges])
