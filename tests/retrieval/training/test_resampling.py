"""Importance resampling against a slow oracle of dictionaries, and on two topics."""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import InputError
from wordhive.retrieval.training.examples import Example, SourceConfig
from wordhive.retrieval.training.resampling import log_weights, ngram_counts, resample, resampled_places

TOPICS = {
    "bees": ["bee", "hive", "honey", "queen", "swarm", "pollen", "dance", "nectar"],
    "ships": ["ship", "sail", "harbour", "captain", "anchor", "mast", "crew", "deck"],
}
COMMON = ["the", "of", "and", "in", "a", "is", "was", "it", "to", "with"]


def _texts(topic: str, n: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(TOPICS[topic], k=3) + draw.choices(COMMON, k=12)) for _ in range(n)]


def _grams(text: str) -> list[int]:
    words = re.findall(r"\w+|[^\w\s]+", text.lower())
    hashes = [int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little") for word in words]
    pairs = [(a * 0x9E3779B97F4A7C15 + b) % 2**64 for a, b in pairwise(hashes)]
    return [value % 10_000 for value in hashes + pairs]


def test_weights_are_those_of_a_slow_oracle() -> None:
    texts = [*_texts("bees", 20, 1), *_texts("ships", 20, 2), "", "bee", "Ship, ahoy!"]
    target = _texts("bees", 15, 3)
    of_source = Counter(gram for text in texts for gram in _grams(text))
    of_target = Counter(gram for text in target for gram in _grams(text))
    sums = of_source.total() + 10_000, of_target.total() + 10_000

    def gain(gram: int) -> float:
        return math.log((of_target[gram] + 1) / sums[1]) - math.log((of_source[gram] + 1) / sums[0])

    expected = [sum(gain(gram) for gram in _grams(text)) for text in texts]
    found = log_weights(texts, ngram_counts(texts), ngram_counts(target))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_weights_do_not_depend_on_how_many_texts_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, target = _texts("bees", 50, 1) + _texts("ships", 50, 2), _texts("bees", 10, 3)
    at_once = log_weights(texts, ngram_counts(texts), ngram_counts(target))
    monkeypatch.setattr("wordhive.retrieval.training.hashed_words._TEXTS_AT_ONCE", 7)
    np.testing.assert_array_equal(at_once, log_weights(iter(texts), ngram_counts(iter(texts)), ngram_counts(target)))


def _mixed(n: int) -> list[Example]:
    both = [Example("bees", text) for text in _texts("bees", n, 1)]
    both += [Example("ships", text) for text in _texts("ships", n, 2)]
    random.Random(5).shuffle(both)
    return both


def test_the_target_topic_rises_from_half_to_nearly_all() -> None:
    examples = _mixed(500)
    kept = resample(examples, _texts("bees", 100, 9), 400, seed=0)
    assert len(set(kept)) == len(kept) == 400
    assert sum(one.query == "bees" for one in kept) / 400 > 0.9
    other = resample(examples, _texts("ships", 100, 9), 400, seed=0)
    assert sum(one.query == "bees" for one in other) / 400 < 0.1


def test_the_draw_is_in_proportion_to_the_weights() -> None:
    # One of three is drawn with the probability exp(weight) / their sum.
    examples = [Example("q", text) for text in ("bee", "ship", "mast")]
    target = ["bee"] * 7
    texts = [one.positive for one in examples]
    odds = np.exp(log_weights(texts, ngram_counts(texts), ngram_counts(target)))
    drawn = Counter(resample(examples, target, 1, seed=seed)[0].positive for seed in range(2000))
    shares = [drawn[text] / 2000 for text in texts]
    np.testing.assert_allclose(shares, odds / odds.sum(), atol=0.025)


def test_the_order_stays_and_the_seed_decides() -> None:
    examples, target = _mixed(50), _texts("bees", 20, 9)
    kept = resample(examples, target, 30, seed=0)
    assert kept == [one for one in examples if one in set(kept)]
    assert kept == resample(examples, target, 30, seed=0)
    assert kept != resample(examples, target, 30, seed=1)
    assert resample(examples, target, 1000, seed=0) == examples


def test_a_source_is_resampled_as_its_examples_are(tmp_path: Path) -> None:
    examples, target = _mixed(60), _texts("bees", 20, 9)
    pairs, documents = tmp_path / "pairs.jsonl", tmp_path / "docs.jsonl"
    pairs.write_text("".join(json.dumps({"query": e.query, "positive": e.positive}) + "\n" for e in examples), "utf-8")
    documents.write_text("".join(json.dumps({"id": str(i), "text": t}) + "\n" for i, t in enumerate(target)), "utf-8")
    source = SourceConfig(path=pairs, resample={"target": documents, "keep": 40})  # type: ignore[arg-type]
    assert [examples[i] for i in resampled_places(source, 3)] == resample(examples, target, 40, 3)


def test_a_target_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no words"):
        resample(_mixed(5), ["", "  "], 3, seed=0)
    with pytest.raises(InputError, match="has no resample"):
        resampled_places(SourceConfig(path=tmp_path / "pairs.jsonl"), 0)
