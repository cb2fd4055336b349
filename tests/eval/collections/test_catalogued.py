"""Collections of ir_datasets from its local cache, without a network."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from wordhive.eval.collections import catalogued
from wordhive.eval.collections.conventions import measures_of

_SHOW = """
import json, sys
from wordhive.eval.collections.collection import count_documents
from wordhive.eval.collections.loading import load_collection
from wordhive.index import WordhiveError
try:
    found = load_collection(sys.argv[1])
    print(json.dumps([count_documents(found), found.queries, found.qrels, found.measures, found.warnings,
                      next(found.documents()).text]))
except WordhiveError as error:
    print(json.dumps(str(error)))
"""


def _load(name: str, home: Path) -> Any:
    # In a process of its own: ir_datasets looks for its folder once, when it is imported.
    home.mkdir(parents=True, exist_ok=True)
    dead = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    environment = {**os.environ, **dead, "IR_DATASETS_HOME": str(home), "IR_DATASETS_DL_TRIES": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _SHOW, name], env=environment, capture_output=True, text=True, check=True
    )
    assert "ownload failed" not in done.stderr
    return json.loads(done.stdout)


def _vaswani(path: Path) -> None:
    path.parent.mkdir(parents=True)
    parts = {
        "doc-text": "1\nradio waves\n   /\n2\nvalves\n   /\n",
        "query-text": "1\nwaves\n/\n2\nnobody knows\n/\n",
        "rlv-ass": "1\n 1 9\n   /\n",
    }
    with tarfile.open(path, "w:gz") as archive:
        for name, text in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))


def test_files_in_the_local_cache_are_read(tmp_path: Path) -> None:
    _vaswani(tmp_path / "vaswani" / "npl.tar.gz")
    n_documents, queries, qrels, measures, warnings, text = _load("vaswani", tmp_path)
    assert (n_documents, queries, qrels, text) == (2, {"1": "waves"}, {"1": {"1": 1, "9": 1}}, "radio waves")
    assert measures[0] == "ndcg@10"
    assert warnings == {
        "queries without judgements, left out": 1,
        "judgements of documents that are not there": 1,
    }


def test_a_beir_archive_in_the_local_cache_is_read(tmp_path: Path) -> None:
    path = tmp_path / "beir" / "nfcorpus" / "source.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        document = {"_id": "d1", "title": "Bees", "text": "dance", "metadata": {"url": "u"}}
        archive.writestr("nfcorpus/corpus.jsonl", json.dumps(document) + "\n")
        query = {"_id": "q1", "text": "who?", "metadata": {"url": "u"}}
        archive.writestr("nfcorpus/queries.jsonl", json.dumps(query) + "\n")
        archive.writestr("nfcorpus/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t2\n")
    n_documents, queries, qrels, measures, warnings, text = _load("beir/nfcorpus/test", tmp_path)
    assert (n_documents, queries, qrels, warnings) == (1, {"q1": "who?"}, {"q1": {"d1": 2}}, {})
    assert measures == ["ndcg@10", "mrr@10", "recall@100", "recall@1000", "map"]
    assert "Bees dance" in text


def test_what_is_missing_is_named_with_its_address_and_its_place(tmp_path: Path) -> None:
    said = _load("vaswani", tmp_path)
    assert said == (
        "cannot get http://ir.dcs.gla.ac.uk/resources/test_collections/npl/npl.tar.gz for the collection 'vaswani'; "
        f"connect and run again, or put that file at {tmp_path / 'vaswani' / 'npl.tar.gz'}"
    )


def test_a_broken_file_in_the_local_cache_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "vaswani" / "npl.tar.gz"
    _vaswani(path)
    path.write_bytes(path.read_bytes()[:40])
    said = _load("vaswani", tmp_path)
    assert said.startswith("cannot read the collection 'vaswani' (")
    assert said.endswith(f"remove its files from {tmp_path} and get them again")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("msmarco-passage/dev/small", ("mrr@10", "ndcg@10", "recall@100", "recall@1000", "map")),
        (
            "msmarco-passage/trec-dl-2019/judged",
            ("ndcg@10", "mrr@10-l2", "recall@100-l2", "recall@1000-l2", "map-l2"),
        ),
        (
            "msmarco-passage/trec-dl-2020/judged",
            ("ndcg@10", "mrr@10-l2", "recall@100-l2", "recall@1000-l2", "map-l2"),
        ),
        ("beir/scifact/test", ("ndcg@10", "mrr@10", "recall@100", "recall@1000", "map")),
        ("cranfield", ("ndcg@10", "mrr@10", "recall@100", "recall@1000", "map")),
    ],
)
def test_each_collection_is_measured_after_its_convention(name: str, expected: tuple[str, ...]) -> None:
    assert measures_of(catalogued.load(name).measures) == expected


def test_conventions_that_ranx_has_no_measure_for_are_passed_over() -> None:
    assert measures_of(["alpha_nDCG@20", "RR"])[0] == "mrr"
    assert measures_of(["ERR@20"])[0] == "ndcg@10"
    assert measures_of(["AP@100", "P(rel=2)@10"])[0] == "map@100"
    assert "recall@100-l2" in measures_of(["AP@100", "P(rel=2)@10"])
