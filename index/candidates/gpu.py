"""Where a GPU is chosen: the devices that an index may be on, and the first stage on a GPU, by FAISS.

`Index.open(device=…)` asks `check_device` first. The same name then goes to `torch_device`, by which torch encodes
documents and computes the second stage on the same device.
"""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments import shown
from ..errors import InputError, WordhiveError
from ..faiss import faiss_library
from ..faiss.faiss_index import FaissIndex, Kind
from .graph_metric import set_metric
from .product_scan import Candidates
from .search_width import SearchWidth

# FAISS's GPU searches find no more, and can't run at the same time.
_MOST_FOUND = 2048
_LOCK = threading.Lock()
# A float16 reaches to 65,504. Codes are a hundred times as coarse as one, and lose nothing by it.
_HALF_REACH = 1_000
# Documents that tell how large numbers are.
_SAMPLE = 1_000


def check_device(device: str) -> None:
    """Raise InputError for a device that FAISS does not know, WordhiveError for a GPU that it can't find."""
    if not isinstance(device, str) or not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise InputError(f"device is {shown(device)}; choose cpu or cuda (cuda:1 for the second GPU)")
    if device == "cpu":
        return
    library = faiss_library.faiss()
    n_gpus = library.get_num_gpus() if hasattr(library, "StandardGpuResources") else 0
    if not n_gpus:
        raise WordhiveError(
            f"device {device!r} was asked for, but this FAISS finds no GPU; on a CUDA machine install "
            "faiss-gpu-cuvs in place of faiss-cpu, or search on the cpu"
        )
    if _gpu_number(device) >= n_gpus:
        raise WordhiveError(f"device {device!r} was asked for, but the last GPU here is cuda:{n_gpus - 1}")


def copied(index: FaissIndex, device: str, factory: str) -> FaissIndex:
    """A copy of an index on a GPU.

    Args:
        factory: Names the index in errors.

    Raises:
        WordhiveError: The GPU has no room, or FAISS has no such index on a GPU.
    """
    try:
        if not index.decodes:
            raise RuntimeError("its codes say more than the vectors that they are decoded to")
        return FaissIndex.of(_copy(index, _gpu_number(device)))
    except RuntimeError as error:
        if "out of memory" in str(error):
            raise WordhiveError(
                f"{device} has no room for {index.n:,} first-stage vectors of {index.dim} dims, two bytes a dim or "
                "more; search on the cpu, or index with a reduction to fewer dims"
            ) from error
        raise WordhiveError(
            f"candidates {factory!r} cannot be on a GPU; search on the cpu, or index with Flat, SQ8, PQ{{dims}}x4 or "
            "IVF…"
        ) from error


def search(index: FaissIndex, queries: NDArray[np.float32], n: int, width: SearchWidth) -> Candidates:
    """The best n documents of each query; number −1 where the visited lists hold fewer.

    Args:
        n: At most 2048.
    """
    if n > _MOST_FOUND:
        raise InputError(f"{n} candidates were asked for; a GPU finds at most {_MOST_FOUND}, search on the cpu")
    with _LOCK:
        return width.search(index, queries, n)


def _copy(index: FaissIndex, number: int) -> Any:
    library, resources = faiss_library.faiss(), _resources()
    if index.kind is Kind.GRAPH and index.inner is not None:  # links have no use there: all vectors are scanned
        set_metric(index, library.METRIC_INNER_PRODUCT)
        index = index.inner
    if not index.is_codes or index.kind is Kind.FLAT:
        options = library.GpuClonerOptions()
        options.use_cuvs = False  # cuVS has no lists of scalar quantisers
        return library.index_cpu_to_gpu(resources, number, index.index, options)
    # FAISS has no codes without lists on a GPU: the decoded numbers take their place, in two bytes each.
    some = index.index.reconstruct_n(0, min(index.n, _SAMPLE))
    config = library.GpuIndexFlatConfig()
    config.device, config.use_cuvs = number, False
    config.useFloat16 = bool(np.abs(some).max(initial=0) < _HALF_REACH)
    flat = library.GpuIndexFlat(resources, index.dim, library.METRIC_INNER_PRODUCT, config)
    for vectors in index.decoded():
        flat.add(vectors)
    return flat


# Its scratch memory is 1.5 GB on a large GPU: one for all segments.
@cache
def _resources() -> Any:
    return faiss_library.faiss().StandardGpuResources()


def _gpu_number(device: str) -> int:
    return int(device.partition(":")[2] or 0)
