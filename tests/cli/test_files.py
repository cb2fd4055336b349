"""Commands on files as people have them, from the first line of a file to what is printed."""

from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path

import pytest

from .conftest import Run

ROWS = b"wasp\tWasps make paper.\r\nmoth\tMoths fly at night.\r\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("X.TSV", ROWS),
        ("X.TSV.GZ", gzip.compress(ROWS, mtime=0)),
        ("x.tsv", gzip.compress(ROWS, mtime=0)),
        ("x.tsv", b"\xef\xbb\xbf\r\nID\tText\r\n" + ROWS),
        ("x.jsonl", gzip.compress(b'{"id": "wasp", "text": "Wasps."}\n{"id": "moth", "text": "Moths."}\n', mtime=0)),
    ],
)
def test_files_are_indexed_whatever_their_names(run: Run, tmp_path: Path, name: str, content: bytes) -> None:
    path, target = tmp_path / name, tmp_path / "my.hive"
    path.write_bytes(content)
    assert run("index", path, "--to", target, "--json").json()["documents"] == 2
    hits = run("search", target, "moths", "--json").json()["hits"]
    assert [hit["id"] for hit in hits] == ["moth", "wasp"]


def test_an_empty_text_file_is_not_found(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "empty.txt").write_text(" \n", encoding="utf-8")
    (folder / "bees.txt").write_text("Bees dance.", encoding="utf-8")
    assert run("index", folder, "--to", tmp_path / "my.hive", "--json").json()["documents"] == 1
    assert [hit["id"] for hit in run("search", tmp_path / "my.hive", "bees", "--json").json()["hits"]] == ["bees.txt"]


def test_runs_are_compared_by_bpref(run: Run, beir: Path, tmp_path: Path) -> None:
    good, poor = tmp_path / "good.trec", tmp_path / "poor.trec"
    good.write_text("q1 Q0 dance 1 1e40 t\nq2 Q0 silk 1 2.0 t\n", "utf-8")
    poor.write_text("query Q0 document rank score tag\nq1 Q0 song 1 2.0 t\nq2 Q0 song 1 2.0 t\n", "utf-8")
    asked = ("compare", good, poor, "--collection", beir, "--measure", "bpref")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = run(*asked, "--json").json()
        shown = run(*asked)
    assert (found["value"], found["others"][0]["value"], found["others"][0]["wins"]) == (1.0, 0.0, 2)
    assert 0 < found["others"][0]["p"] <= 1
    assert "nan" not in shown.out
    assert shown.err == ""


def test_fusing_refuses_norm_max_of_negative_scores(run: Run, tmp_path: Path) -> None:
    one, two, to = tmp_path / "one.trec", tmp_path / "two.trec", tmp_path / "fused.trec"
    one.write_text("q1 Q0 dance 1 9.0 t\n", "utf-8")
    two.write_text("q1 Q0 dance 1 -1.0 t\nq1 Q0 hive 1 -3.0 t\n", "utf-8")
    refused = run("fuse", one, two, "--to", to, "--method", "wsum", "--norm", "max")
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert "take min-max or zmuv" in refused.err
    assert not to.exists()


def test_mining_begins_with_a_query_of_stop_words(run: Run, tmp_path: Path) -> None:
    source, to = tmp_path / "pairs.jsonl", tmp_path / "mined.jsonl"
    rows = [{"query": "to be or not", "positive": "Bees sing."}, {"query": "bees", "positive": "Bees dance."}]
    source.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    mined = run("train", "mine", source, "--to", to, "--skip", "0", "--json")
    assert mined.code == 0
    assert [json.loads(line)["negatives"] for line in to.read_text("utf-8").splitlines()] == [[], ["Bees sing."]]
