"""FAISS, imported when first needed, and its errors in words a user can act on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, WordhiveError, damaged

# Numbers that are decoded at once.
_DECODED_NUMBERS = 16_000_000
# Of k-means for codebooks of 16.
_ROUNDS_OF_FEW = 12
_CODEBOOKS = re.compile(r"(?:PQ[^x]+|IMI\d+|RQ\d+|LSQ\d+|P(?:RQ|LSQ)\d+x\d+)(?:x(?P<bits>\d+))?")
_DIVIDED = re.compile(r"\{dims(?:/(\d+))?\}")
# Of factory strings: FAISS parses longer ones badly, and makes what they name at once.
_MOST_LETTERS = 200
_MOST_OF_ANYTHING = 1 << 20
_PRODUCT = re.compile(r"(?<!O)PQ\d+(?:x(\d+))?")


@cache
def faiss() -> Any:
    """The faiss module. Raises WordhiveError when it is not installed."""
    try:
        import faiss as module
    except ImportError as error:
        raise WordhiveError(
            "FAISS is not installed; run: pip install 'wordhive[cpu]' (or 'wordhive[gpu]' on a CUDA machine)"
        ) from error
    if hasattr(os, "register_at_fork"):
        # A child of a fork has none of its parent's threads, and OpenMP would wait for them for ever.
        os.register_at_fork(after_in_child=lambda: module.omp_set_num_threads(1))
    return module


@contextmanager
def one_thread(wanted: bool = True) -> Iterator[None]:
    """FAISS in this thread alone.

    It splits work by query, so a single one gains nothing from more, and waking threads while another OpenMP runtime's
    are spinning costs a hundred times a small search. The setting is this thread's own.
    """
    library = faiss()
    threads = library.omp_get_max_threads()
    if wanted:
        library.omp_set_num_threads(1)
    try:
        yield
    finally:
        library.omp_set_num_threads(threads)


def from_factory(
    dim: int,
    factory: str,
    sample: NDArray[np.float32],
    purpose: str,
    few_rows: int,
    *,
    euclidean: bool = False,
    choices: str = "",
) -> Any:
    """A trained, empty FAISS index for inner products, or for Euclidean distances.

    factory: a FAISS factory string, e.g. "SQ8"; {dims} in it stands for `dim`, {dims/8} for the eighth part of it.
    purpose: names the setting in errors, choices what else it could be. few_rows: see `widened`.
    Raises InputError when the string means nothing for `dim`, or the sample is too small to train on.
    """
    index, factory = parsed(dim, factory, purpose, choices, euclidean=euclidean)
    if not index.is_trained:
        _prepare(index)
        try:
            # Hundreds of clusterings into 16, each of which would wake all threads.
            with one_thread(isinstance(index, faiss().IndexPQ) and index.pq.nbits <= 4):
                index.train(widened(sample, factory, few_rows))
        except RuntimeError as error:
            raise InputError(
                f"{purpose} {factory!r} cannot be trained on {len(sample)} vectors ({_reason(error)}); "
                "index more documents at once, or choose SQ8"
            ) from error
    return index


def filled(factory: str, dim: int) -> str:
    """A factory string with {dims}, {dims/8} and the like filled in."""
    return _DIVIDED.sub(lambda part: str(dim // max(1, int(part[1] or 1))), factory)


def parsed(dim: int, factory: str, purpose: str, choices: str, *, euclidean: bool = False) -> tuple[Any, str]:
    """An untrained index by its factory string, and that string with {dims/8} and the like filled in.

    Raises InputError when the string means nothing for `dim`.
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
            f"{purpose} {factory!r} is no FAISS factory string for {dim} dims ({_reason(error)})"
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
    """Into how many parts, each coded by itself, the product quantiser of a factory string cuts a vector; or 0."""
    index, _ = parsed(dim, factory, "candidates", "")
    return int(index.pq.M) if isinstance(index, faiss().IndexPQ) else 0


def _prepare(index: Any) -> None:
    """Spare a product quantiser's training what is of no use here.

    FAISS orders its centroids for a search of Hamming distances, which takes minutes and is not made, prints a
    warning for each of a thousand sub-quantisers that has fewer vectors than it likes, and takes twice as many rounds
    of k-means as 16 centroids gain from.
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
    """The sample, with two rows that stretch the range of a scalar quantiser where it has less than `few_rows`.

    A scalar quantiser clips to the range it was trained on. An index may start with three documents and grow to a
    million: their range then says little, so it becomes 1.5 times the largest coordinate seen, in every dimension
    (1 where there is none to see: words have unit length). Lists and product quantisers would learn from such rows.
    """
    if "SQ" not in factory or "IVF" in factory or "PQ" in factory or len(sample) >= few_rows:
        return sample
    largest = np.abs(sample).max(initial=0)
    reach = np.float32(1.5) * largest if largest > 0 else np.float32(1)
    edges = np.full((1, sample.shape[1]), reach, np.float32)
    return np.concatenate([sample, edges, -edges])


def is_half(index: Any) -> bool:
    """Whether codes are numbers of half precision, which reach to 65,504."""
    parts = (getattr(index, name, None) for name in ("index", "base_index", "refine_index", "storage"))
    quantizer = getattr(index, "sq", None)
    if quantizer is not None and quantizer.qtype == faiss().ScalarQuantizer.QT_fp16:
        return True
    return any(is_half(faiss().downcast_index(part)) for part in parts if part is not None)


def decodes(index: Any) -> bool:
    """Whether decoded vectors have the inner products by which an index searches, but for rounding.

    FAISS 1.15 decodes RaBitQ codes of several bits a dim by the first bit alone, and reads codes that are packed in
    lists from wrong places.
    """
    library, index = faiss(), faiss().downcast_index(index)
    if isinstance(index, library.IndexPreTransform):
        return decodes(index.index)
    if isinstance(index, library.IndexRefine):  # it decodes what it refines by
        return decodes(index.refine_index)
    if isinstance(index, library.IndexHNSW):
        return decodes(index.storage)
    if isinstance(index, library.IndexIVFFastScan):
        return False
    quantizer = getattr(index, "rabitq", None)
    return quantizer is None or quantizer.nb_bits == 1


def decoded(index: Any, kept: NDArray[np.int64] | None = None) -> Iterator[NDArray[np.float32]]:
    """All vectors of an index as its codes say, or those with the numbers `kept`, block by block."""
    at_once = max(1, _DECODED_NUMBERS // index.d)
    if kept is not None and isinstance(index, faiss().IndexIVF):
        index.make_direct_map()
    for first in range(0, index.ntotal if kept is None else len(kept), at_once):
        if kept is None:
            yield index.reconstruct_n(first, min(at_once, index.ntotal - first))
        else:
            yield index.reconstruct_batch(kept[first : first + at_once])


def write(index: Any, path: Path) -> None:
    """Write a FAISS index to a file. Raises OSError when the disk is full."""
    failed: list[OSError] = []
    with path.open("wb") as file:

        def put(part: bytes) -> None:
            try:
                file.write(part)
            except OSError as error:  # FAISS would only say that something went wrong
                failed.append(error)
                raise

        try:
            faiss().write_index(index, faiss().PyCallbackIOWriter(put, 1 << 20))
        except RuntimeError as error:
            if failed:
                raise failed[0] from error
            raise


def size(index: Any) -> int:
    """Bytes that `write` writes, counted without a copy of them."""
    library, parts = faiss(), [0]

    def count(part: bytes) -> None:
        parts[0] += len(part)

    library.write_index(index, library.PyCallbackIOWriter(count, 1 << 20))
    return parts[0]


def read(path: Path, *, mapped: bool = False) -> Any:
    """Read a FAISS index from a file, or map it, to be searched only. Raises WordhiveError when it holds none."""
    library = faiss()
    if not path.is_file():
        raise damaged(path, fault="is missing from the index")
    try:
        return library.read_index(str(path), library.IO_FLAG_MMAP_IFC if mapped else 0)
    except RuntimeError as error:
        raise damaged(path, _reason(error), "is damaged or no FAISS index") from error


def _reason(error: RuntimeError) -> str:
    # FAISS reports "Error in <function> at <file>:<line>: Error: <condition> failed: <reason>".
    return str(error).strip().splitlines()[-1].split(" failed: ")[-1].split("Error: ")[-1].strip()[:200] or "unknown"
