"""Batches of similar examples, whose other positives are hard negatives for free.

TAS-B (Hofstätter et al. 2021) fills a batch with queries of one cluster of a trained model's vectors. Here
it is hashed TF-IDF in its principal directions, and clusters are of just the size of a batch, by halving.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from wordhive.index import InputError

from .examples import Example, text_key
from .hashed_words import hashed_parts

_BUCKETS = 2**14
_DIMS = 64
_SAMPLE = 8192
_ITERATIONS = 4


def similar_batches(examples: Sequence[Example], batch_size: int, seed: int) -> NDArray[np.int64]:
    """The places of examples, int64 [n_batches, batch_size]: each row a batch of similar ones, rows in random order.

    Every example is in one batch at most, and no two of a batch have the same query or the same positive: they would be
    false negatives of each other. Those that repeat a text go to other batches, and what is left of them at the end, or
    of a last batch that is not full, is left out.

    Raises:
        InputError: There are not enough different examples for one batch.
    """
    if len(examples) < batch_size:
        raise _too_few(len(examples), batch_size)
    random = np.random.default_rng(seed)
    points = topic_vectors([f"{example.query} {example.positive}" for example in examples], random)
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
        raise _too_few(len(examples), batch_size)
    return np.stack(batches)[random.permutation(len(batches))]


def _too_few(n_examples: int, batch_size: int) -> InputError:
    return InputError(
        f"{n_examples} examples hold no batch of {batch_size} without a query or a positive twice; "
        "take smaller batches, or more examples"
    )


def topic_vectors(texts: Sequence[str], random: np.random.Generator) -> NDArray[np.float32]:
    """Texts in the principal directions of TF-IDF (latent semantic analysis); float32 [n_texts, 64], of length 1.

    Words are hashed into 2^14 buckets and count once a text; the directions are those of up to 8,192 texts drawn at
    random. A text without words is the null vector.
    """
    bags = _bags(texts)
    idf = np.log((1 + len(texts)) / (1 + np.bincount(bags.buckets, minlength=_BUCKETS))).astype(np.float32)
    drawn = np.sort(random.permutation(len(texts))[:_SAMPLE])
    table = torch.from_numpy(idf)[:, None] * _directions(bags.take(drawn), torch.from_numpy(idf), random)
    vectors = bags.sums(table)
    return np.asarray(vectors / vectors.norm(dim=1, keepdim=True).clamp(min=1e-12), np.float32)


@dataclass(frozen=True)
class _Bags:
    """The different buckets of each text: text i owns buckets[starts[i] : starts[i + 1]], all int32."""

    buckets: NDArray[np.int32]
    starts: NDArray[np.int32]

    def take(self, texts: NDArray[np.int64]) -> _Bags:
        lists = [self.buckets[self.starts[i] : self.starts[i + 1]] for i in texts]
        return _Bags(np.concatenate(lists), np.cumsum([0, *map(len, lists)], dtype=np.int32))

    def sums(self, table: torch.Tensor) -> torch.Tensor:
        """The sum of each text's rows of a table [2^14, d]; float32 [n_texts, d]."""
        buckets, starts = torch.from_numpy(self.buckets), torch.from_numpy(self.starts)
        return torch.nn.functional.embedding_bag(buckets, table, starts, mode="sum", include_last_offset=True)


def _bags(texts: Sequence[str]) -> _Bags:
    parts: list[NDArray[np.int32]] = []
    lengths: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
    for words in hashed_parts(texts):
        # Sorted by hand: numpy's unique is four times slower here.
        pairs = np.sort(words.texts * np.int32(_BUCKETS) + words.buckets(_BUCKETS))
        pairs = pairs[np.diff(pairs, prepend=-1) != 0]
        parts.append((pairs % _BUCKETS).astype(np.int32))
        lengths.append(np.bincount(pairs // _BUCKETS, minlength=words.n_texts))
    return _Bags(np.concatenate(parts), np.cumsum(np.concatenate(lengths)).astype(np.int32))


def _directions(bags: _Bags, idf: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """The first right singular vectors of the TF-IDF matrix, [2^14, 64], by subspace iteration."""
    lengths = bags.sums(idf[:, None] ** 2).sqrt().clamp(min=1e-12)
    buckets = torch.from_numpy(bags.buckets.astype(np.int64))
    owners = torch.from_numpy(np.repeat(np.arange(len(bags.starts) - 1), np.diff(bags.starts)))
    basis = torch.from_numpy(random.standard_normal((_BUCKETS, _DIMS), np.float32))
    for _ in range(_ITERATIONS):
        projected = bags.sums(idf[:, None] * basis) / lengths**2
        back = torch.zeros_like(basis).index_add_(0, buckets, projected[owners]) * idf[:, None]
        basis = torch.linalg.qr(back).Q
    return basis


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
