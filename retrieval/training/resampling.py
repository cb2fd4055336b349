"""DSIR: the examples that are most like a target corpus, by importance resampling of hashed n-grams (Xie et al. 2023).

A bag-of-n-grams model is estimated of the source and of the target, each over 10,000 buckets into which unigrams and
bigrams are hashed. The log importance weight of a text is the difference of its log likelihoods under the two, and
Gumbel noise on the weights draws without replacement in proportion to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError

from ..files.inputs import read_documents
from .examples import Example, SourceConfig, read_examples
from .hashed_words import hashed_parts

BUCKETS = 10_000


def ngram_counts(texts: Iterable[str]) -> NDArray[np.int64]:
    """How often the unigrams and bigrams of texts fall into each bucket, int64 [10000]."""
    counts = np.zeros(BUCKETS, np.int64)
    for words in hashed_parts(texts):
        counts += np.bincount(words.with_pairs().buckets(BUCKETS), minlength=BUCKETS)
    return counts


def log_weights(texts: Iterable[str], source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.float64]:
    """The log importance weight of each text, float64 [n_texts].

    Args:
        source, target: `ngram_counts` of all source texts and of the target; each bucket counts one more, so that
            none is impossible. A weight is a sum over n-grams, as published: long texts have the larger ones, of
            either sign.
    """
    gain = _log_probabilities(target) - _log_probabilities(source)
    parts: list[NDArray[np.float64]] = [np.empty(0)]
    for words in hashed_parts(texts):
        grams = words.with_pairs()
        gains = gain[grams.buckets(BUCKETS)]
        parts.append(np.bincount(grams.texts, gains, minlength=grams.n_texts).astype(np.float64))
    return np.concatenate(parts)


def resample(examples: Sequence[Example], target_texts: Iterable[str], n: int, seed: int) -> list[Example]:
    """The n examples whose positives are most like the target's texts, in their own order; all, where there are fewer.

    Raises:
        InputError: A target without words.
    """
    positives = [example.positive for example in examples]
    weights = log_weights(positives, ngram_counts(positives), _target_counts(target_texts, "the target"))
    return [examples[place] for place in _drawn(weights, n, seed)]


def resampled_places(source: SourceConfig, seed: int, *, held_out: bool = False) -> list[int]:
    """The places of the examples that a source's own `resample` keeps, ascending; its texts are never held all at once.

    Raises:
        InputError: A source that has no `resample`, or a target without words.
    """
    if source.resample is None:
        raise InputError(f"source {source.name} has no resample; give it resample: {{target: …, keep: …}}")
    path = source.resample.target
    target = _target_counts((document.text for document in read_documents(path)), str(path))
    own = ngram_counts(example.positive for example in read_examples(source, held_out=held_out))
    weights = log_weights((example.positive for example in read_examples(source, held_out=held_out)), own, target)
    return _drawn(weights, source.resample.keep, seed)


def _target_counts(texts: Iterable[str], name: str) -> NDArray[np.int64]:
    counts = ngram_counts(texts)
    if not counts.any():
        raise InputError(f"{name} has no words to be like; give documents of the kind that will be searched")
    return counts


def _log_probabilities(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.log((counts + 1) / (counts.sum() + BUCKETS)), np.float64)


def _drawn(weights: NDArray[np.float64], n: int, seed: int) -> list[int]:
    noisy = weights + np.random.default_rng(seed).gumbel(size=len(weights))
    return sorted(np.argsort(-noisy, kind="stable")[:n].tolist())
