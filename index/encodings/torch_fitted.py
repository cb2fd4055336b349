"""Fitted encodings in torch, on any device that it knows; the compiled kernels on the CPU say what is right.

Parameters go to the device once, then the words of one batch after the other, and only encodings come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..torch_device import put, torch_device
from ..word_vectors import WordVectors
from .batches import text_numbers


def fitted_documents(
    words: NDArray[np.float32], solution: NDArray[np.float32], batches: Iterable[WordVectors], device: str
) -> Iterator[NDArray[np.float32]]:
    """The encodings of each batch of documents, float32 `[n_documents, dim]`.

    Args:
        words, solution: The parameters of the encoding; see `FittedEncoding`.
    """
    target = torch_device(device)
    sampled, weights = put(words, target), put(solution, target)
    for documents in batches:
        products = put(documents.vectors, target) @ sampled.T
        best = best_of_texts(products, put(text_numbers(documents), target), len(documents))
        yield (best @ weights.T).cpu().numpy()


def fitted_queries(
    centroids: NDArray[np.float32], threshold: float, batches: Iterable[WordVectors], device: str
) -> Iterator[NDArray[np.float32]]:
    """The encodings of each batch of queries, float32 `[n_queries, dim]`.

    Args:
        centroids, threshold: The parameters of the features; see `FittedEncoding`.
    """
    target = torch_device(device)
    centres = put(centroids, target)
    for queries in batches:
        words = put(queries.vectors, target)
        lengths = words.norm(dim=1, keepdim=True)
        near = (words @ centres.T - threshold * lengths).clamp(min=0)
        features = torch.cat([words, near, lengths], 1)
        texts = put(text_numbers(queries), target)
        sums = features.new_zeros(len(queries), features.shape[1]).index_add_(0, texts, features)
        yield sums.cpu().numpy()


def best_of_texts(products: Tensor, texts: Tensor, n_texts: int) -> Tensor:
    """The largest number of each text in every column, float32 `[n_texts, n_columns]`; 0 for a text without words.

    Args:
        products: float32 `[n_words, n_columns]`.
        texts: int64 `[n_words]`, each word's text.
    """
    best = products.new_zeros(n_texts, products.shape[1])
    return best.scatter_reduce_(0, texts[:, None].expand_as(products), products, "amax", include_self=False)
