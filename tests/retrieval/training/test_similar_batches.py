"""Batches of similar examples against random ones, and their words against a slow count."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import InputError
from wordhive.retrieval.training.examples import Example, text_key
from wordhive.retrieval.training.hashed_words import HashedWords
from wordhive.retrieval.training.similar_batches import similar_batches, topic_vectors


def _examples(n: int, topics: int = 8, seed: int = 0) -> list[Example]:
    """Texts of a topic share a tenth of their words; the others are anyone's."""
    draw = random.Random(seed)
    made = []
    for i in range(n):
        topic = i % topics
        words = [f"t{topic}w{draw.randrange(40)}" for _ in range(6)] + [f"w{draw.randrange(400)}" for _ in range(20)]
        draw.shuffle(words)
        made.append(Example(f"query {i} t{topic}w{draw.randrange(40)}", " ".join(words)))
    return made


def _similarity(batches: NDArray[np.int64], examples: list[Example]) -> float:
    """The mean share of words that two of a batch have in common."""
    words = [set(example.positive.split()) for example in examples]
    pairs = [
        len(words[a] & words[b]) / len(words[a] | words[b])
        for batch in batches.tolist()
        for i, a in enumerate(batch)
        for b in batch[:i]
    ]
    return sum(pairs) / len(pairs)


def test_batches_are_more_similar_than_random_ones() -> None:
    examples = _examples(640)
    batches = similar_batches(examples, 16, seed=0)
    at_random = np.random.default_rng(0).permutation(640).reshape(40, 16)
    assert _similarity(batches, examples) > 1.7 * _similarity(at_random, examples)
    # Topics have 80 examples, 5 batches each: most of a batch is of one topic.
    most = [Counter(place % 8 for place in batch).most_common(1)[0][1] for batch in batches.tolist()]
    assert np.mean(most) > 12


def test_batches_are_a_partition() -> None:
    batches = similar_batches(_examples(100), 8, seed=3)
    assert batches.shape == (12, 8)
    assert batches.dtype == np.int64
    assert len(np.unique(batches)) == 96


def test_no_batch_has_a_query_or_a_positive_twice() -> None:
    draw = random.Random(1)
    examples = [Example(f"Query {draw.randrange(60)}", f"text  {draw.randrange(60)} word") for _ in range(400)]
    examples += [Example("QUERY 1", "Text 1 word")] * 5
    batches = similar_batches(examples, 8, seed=0)
    for batch in batches:
        assert len({text_key(examples[i].query) for i in batch}) == 8
        assert len({text_key(examples[i].positive) for i in batch}) == 8
    assert len(np.unique(batches)) == batches.size
    # Few are left out: what repeats goes to other batches.
    assert batches.size > 340


def test_the_same_seed_gives_the_same_batches_in_random_order() -> None:
    examples = _examples(256)
    first = similar_batches(examples, 8, seed=1)
    assert np.array_equal(first, similar_batches(examples, 8, seed=1))
    assert not np.array_equal(first, similar_batches(examples, 8, seed=2))
    # Neighbours in the order are no neighbours in topic, or training would go through one topic after another.
    topics = [Counter(place % 8 for place in batch).most_common(1)[0][0] for batch in first.tolist()]
    assert sum(a == b for a, b in pairwise(topics)) < 16


def test_too_few_different_examples_are_refused() -> None:
    with pytest.raises(InputError, match="no batch of 8"):
        similar_batches([Example("q", f"p{i}") for i in range(50)], 8, seed=0)
    with pytest.raises(InputError, match="3 examples"):
        similar_batches(_examples(3), 8, seed=0)
    with pytest.raises(InputError, match="0 examples"):
        similar_batches([], 8, seed=0)


def test_topic_vectors_are_the_principal_directions_of_tfidf() -> None:
    # Fewer texts than dims: all of TF-IDF is in the directions, so that cosines are those of a slow TF-IDF.
    texts = [example.positive for example in _examples(30)] + ["", "of nothing else's"]
    bags = [set(HashedWords.of([text]).buckets(2**14).tolist()) for text in texts]
    found_in = Counter(bucket for bag in bags for bucket in bag)
    idf = {bucket: math.log((1 + len(texts)) / (1 + times)) for bucket, times in found_in.items()}
    lengths = [math.sqrt(sum(idf[bucket] ** 2 for bucket in bag)) or 1.0 for bag in bags]
    expected = [
        [
            sum(idf[bucket] ** 2 for bucket in one & two) / (length * other)
            for two, other in zip(bags, lengths, strict=True)
        ]
        for one, length in zip(bags, lengths, strict=True)
    ]
    vectors = topic_vectors(texts, np.random.default_rng(0))
    assert vectors.shape == (32, 64)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=1e-4)


def test_hashed_words_are_those_of_a_slow_loop() -> None:
    texts = ["The bees, the BEES!", "", "naïve 中文 x_1"]
    found = HashedWords.of(texts)
    slow = [
        (int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little"), i)
        for i, text in enumerate(texts)
        for word in re.findall(r"\w+|[^\w\s]+", text.lower())
    ]
    assert list(zip(found.hashes.tolist(), found.texts.tolist(), strict=True)) == slow
    assert found.n_texts == 3
    assert found.buckets(7).tolist() == [value % 7 for value, _ in slow]
    pairs = found.with_pairs()
    assert pairs.texts.tolist() == [i for _, i in slow] + [0] * 5 + [2] * 2
    a, b = slow[0][0], slow[1][0]
    assert int(pairs.hashes[len(slow)]) == (a * 0x9E3779B97F4A7C15 + b) % 2**64
