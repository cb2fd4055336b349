"""What tests of evaluations share: a tiny collection in BEIR's layout, and an experiment on it; another in memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.eval.collections.collection import Collection
from wordhive.eval.experiment import Experiment
from wordhive.eval.results import CollectionResults
from wordhive.eval.runner import Runner
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.shards import write_shards
from wordhive.retrieval.texts.documents import Document

TEXTS = {
    "bees": "Honey bees dance to tell where flowers are.",
    "ants": "Ants follow a trail of scent to their food.",
    "silk": "Spiders spin webs of silk.",
    "rain": "Rain falls when clouds cool down.",
    "wasp": "Wasps make paper from wood that they chew.",
    "moth": "Moths find each other by smell over great distances.",
    "owls": "Owls hunt at night and hear every mouse.",
    "none": "",
}
SPLITS = {
    "test": {
        "q1": ("what do spiders spin?", {"silk": 1}),
        "q2": ("why does it rain", {"rain": 2, "silk": 0}),
        "q3": ("who is led to food by scent", {"ants": 1, "moth": 1, "gone": 1}),
        "q4": ("insects that make paper", {"wasp": 1}),
    },
    "train": {
        "t1": ("dance of the honey bees", {"bees": 1}),
        "t2": ("what do owls hear", {"owls": 1}),
    },
}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight documents, four test queries, two train queries, and a judgement of a document that is not there."""
    folder: Path = tmp_path_factory.mktemp("collection") / "tiny"
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": id, "text": text} for id, text in TEXTS.items()]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    queries = [{"_id": id, "text": text} for split in SPLITS.values() for id, (text, _) in split.items()]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries), encoding="utf-8")
    for split, judged in SPLITS.items():
        lines = [f"{id}\t{document}\t{g}" for id, (_, grades) in judged.items() for document, g in grades.items()]
        text = "query-id\tcorpus-id\tscore\n" + "\n".join(lines) + "\n"
        (folder / "qrels" / f"{split}.tsv").write_text(text, encoding="utf-8")
    return folder


SYSTEMS: list[dict[str, Any]] = [
    {"name": "BM25", "kind": "bm25", "stemmer": "english"},
    {"name": "single vector", "kind": "dense", "model": "all-MiniLM-L6-v2"},
    {"name": "exact words", "kind": "wordhive", "config": "exact", "part": "words"},
    {"name": "summary", "kind": "wordhive", "config": "exact", "part": "summary"},
    {"name": "all", "kind": "multi-vector", "model": "wordhive-minilm-32"},
    {"name": "MUVERA", "kind": "wordhive", "config": "muvera-1280", "candidates": 3},
    {"name": "hybrid", "kind": "fusion", "of": ["BM25", "MUVERA"]},
    {"name": "tuned", "kind": "fusion", "of": ["BM25", "all"], "method": "wsum", "tune_on": "train"},
    {"name": "theirs", "kind": "run", "file": ""},
]
# Queries of which q2 is not answered, and one that is not judged.
THEIRS = "q1 Q0 silk 1 3.0 x\nq1 Q0 rain 2 2.0 x\nq3 Q0 moth 1 1.0 x\nq4 Q0 rain 1 1.0 x\nzz Q0 rain 1 1.0 x\n"


@pytest.fixture(scope="session")
def experiment(tiny: Path) -> Experiment:
    (tiny.parent / "tiny-test.trec").write_text(THEIRS, encoding="utf-8")
    systems = [{**s, "file": str(tiny.parent / "{collection}-{split}.trec")} if "file" in s else s for s in SYSTEMS]
    return Experiment.model_validate(
        {"collections": [{"source": str(tiny)}], "systems": systems, "depth": 10, "queries_timed": 2}
    )


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="session")
def found(experiment: Experiment, cache: Path, report: Path) -> CollectionResults:
    return Runner(experiment, report, cache).run().collections[0]


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
