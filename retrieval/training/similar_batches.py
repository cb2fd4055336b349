"""Batches of similar examples, whose other positives are hard negatives for free.

TAS-B (Hofstätter et al. 2021, section 3.1) fills a batch with queries of one cluster of a trained model's vectors. Here
it is texts as hashed TF-IDF, and clusters of just the size of a batch, by halving along principal directions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from wordhive.index import InputError

from .examples import Example, text_key
from .hashed_words import hashed_parts

_BUCKETS = 2**14
_DIMS = 64


def similar_batches(examples: Sequence[Example], batch_size: int, seed: int) -> NDArray[np.int64]:
    """The places of examples, int64 [n_batches, batch_size]: each row a batch of similar ones, rows in random order.

    Every example is in one batch at most, and no two of a batch have the same query or the same positive: they would
    be false negatives of each other. Those that repeat a text go to other batches, and what is left of them at the
    end, or of a last batch that is not full, is left out.
    Raises InputError where there are not enough different examples for one batch.
    """
    random = np.random.default_rng(seed)
    points = tfidf_vectors([f"{example.query} {example.positive}" for example in examples], random)
    texts = [(text_key(example.query), text_key(example.positive)) for example in examples]
    left = random.permutation(len(examples))
    batches: list[NDArray[np.int64]] = []
    while True:
        different = _different(left, texts)
        whole = np.flatnonzero(different)[: different.sum() // batch_size * batch_size]
        if not len(whole):
            break
        batches += _halved(points, left[whole], batch_size)
        left = np.delete(left, whole)
    if not batches:
        raise InputError(
            f"{len(examples)} examples hold no batch of {batch_size} without a query or a positive twice; "
            "take smaller batches, or more examples"
        )
    return np.stack(batches)[random.permutation(len(batches))]


def tfidf_vectors(texts: Sequence[str], random: np.random.Generator) -> NDArray[np.float32]:
    """TF-IDF of words hashed into 2^14 buckets, projected to 64 dims by random signs; float32 [n_texts, 64], length 1.

    A text without words is the null vector.
    """
    parts = [(words.buckets(_BUCKETS), words.texts, words.n_texts) for words in hashed_parts(texts)]
    found_in = np.zeros(_BUCKETS, np.int64)
    for buckets, owners, n in parts:
        found_in += np.bincount(np.unique(buckets.astype(np.int64) * n + owners) // n, minlength=_BUCKETS)
    idf = np.log((1 + len(texts)) / (1 + found_in))
    signs = (random.integers(0, 2, (_BUCKETS, _DIMS)) * 2 - 1) * idf[:, None]
    table = torch.from_numpy(signs.astype(np.float32))
    vectors = np.zeros((len(texts), _DIMS), np.float32)
    start = 0
    for buckets, owners, n in parts:
        offsets = torch.from_numpy(np.searchsorted(owners, np.arange(n)).astype(np.int32))
        summed = torch.nn.functional.embedding_bag(torch.from_numpy(buckets), table, offsets, mode="sum")
        vectors[start : start + n] = summed.numpy()
        start += n
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.where(lengths > 0, lengths, np.float32(1))
    return unit


def _different(left: NDArray[np.int64], texts: Sequence[tuple[str, str]]) -> NDArray[np.bool_]:
    """Which of the examples, taken in order, share neither query nor positive with one that was taken."""
    queries: set[str] = set()
    positives: set[str] = set()
    taken = np.zeros(len(left), np.bool_)
    for i, place in enumerate(left.tolist()):
        query, positive = texts[place]
        if query not in queries and positive not in positives:
            taken[i] = True
            queries.add(query)
            positives.add(positive)
    return taken


def _halved(points: NDArray[np.float32], places: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Places, a multiple of batch_size, halved along their first principal direction until one batch is left."""
    n_batches = len(places) // batch_size
    if n_batches == 1:
        return [places]
    own = points[places]
    centred = own - own.mean(axis=0)
    direction = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    order = np.argsort(centred @ direction, kind="stable")
    middle = n_batches // 2 * batch_size
    first, second = places[order[:middle]], places[order[middle:]]
    return _halved(points, first, batch_size) + _halved(points, second, batch_size)
