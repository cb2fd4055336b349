"""What the tests of benches share: a tiny collection, and its documents encoded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wordhive.eval.collections import Collection
from wordhive.retrieval.documents import Document
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.shards import write_shards

WORDS = ["bee", "ant", "silk", "rain", "hive", "song", "river", "stone", "cloud", "wolf", "honey", "winter", "garden"]


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder.load()


@pytest.fixture(scope="session")
def collection() -> Collection:
    random = np.random.default_rng(0)
    documents = [Document(f"d{n}", " ".join(random.choice(WORDS, 6)), {"n": n}) for n in range(60)]
    queries = {"q1": "bee honey garden", "q2": "wolf in winter", "q3": "stone river"}
    qrels = {name: {f"d{n}": 1 for n in range(i, 60, 7)} for i, name in enumerate(queries)}
    return Collection("tiny", "test", lambda: iter(documents), queries, qrels)


@pytest.fixture(scope="session")
def shards(collection: Collection, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "shards"
    write_shards(collection.documents(), folder, encoder)
    return folder
