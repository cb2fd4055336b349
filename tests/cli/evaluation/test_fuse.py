"""`wordhive fuse`, and collections of three files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..conftest import Run


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    one, two = tmp_path / "one.trec", tmp_path / "two.trec"
    one.write_text("q1 Q0 dance 1 9.0 t\nq1 Q0 hive 2 8.0 t\nq2 Q0 song 1 9.0 t\nq2 Q0 silk 2 8.0 t\n", "utf-8")
    two.write_text("q1 Q0 dance 1 3.0 t\nq2 Q0 silk 1 2.0 t\nq2 Q0 song 2 1.0 t\n", "utf-8")
    return one, two


@pytest.fixture
def files(tmp_path: Path, beir: Path) -> list[str | Path]:
    qrels = tmp_path / "own.qrels"
    qrels.write_text("q1 0 dance 2\nq2 0 silk 1\nq2 0 gone 1\n", "utf-8")
    return [beir / "corpus.jsonl", "--queries-file", beir / "queries.jsonl", "--qrels", qrels]


def _order(path: Path) -> list[str]:
    return [line.split()[2] for line in path.read_text("utf-8").splitlines()]


def test_runs_are_fused_and_written(run: Run, runs: tuple[Path, Path], tmp_path: Path) -> None:
    to = tmp_path / "fused.trec"
    shown = run("fuse", *runs, "--to", to)
    assert (shown.code, shown.out) == (0, f"{to}: 2 runs, 2 queries, rrf\n")
    assert _order(to) == ["dance", "hive", "silk", "song"]
    found = run("fuse", *runs, "--to", to, "--method", "wsum", "--weights", "0.9,0.1", "--json").json()
    assert (found["params"], found["norm"], found["queries"]) == ({"weights": [0.9, 0.1]}, "min-max", 2)
    assert _order(to) == ["dance", "hive", "song", "silk"]


def test_weights_are_tuned_on_a_collection(
    run: Run, runs: tuple[Path, Path], files: list[str | Path], beir: Path, tmp_path: Path
) -> None:
    to = tmp_path / "fused.trec"
    tuned = ("fuse", *runs, "--to", to, "--method", "wsum", "--tune-on")
    shown = run(*tuned, beir, "--split", "test")
    assert shown.code == 0
    assert "tuned on 2 queries of tiny test: weights [0.0, 1.0]" in shown.err
    assert "2 of the fused queries are among them" in shown.err
    assert _order(to)[2:] == ["silk", "song"]
    other = run(*tuned, *files, "--tuning-run", runs[1], "--tuning-run", runs[0], "--json")
    assert other.json()["params"]["weights"] == [0.5, 0.5]


def test_what_can_not_be_fused_is_one_line(run: Run, runs: tuple[Path, Path], beir: Path, tmp_path: Path) -> None:
    to, empty = tmp_path / "fused.trec", tmp_path / "empty.trec"
    empty.write_text("", "utf-8")
    for arguments, said in [
        (runs[:1], "takes two at least"),
        ((runs[0], empty), f"{empty} is empty"),
        ((*runs, "--weights", "1,2"), "--weights is of the method wsum"),
        ((*runs, "--method", "wsum", "--weights", "1;2"), "expected numbers with commas"),
        ((*runs, "--method", "wsum", "--k", "3"), "--k is of the method rrf"),
        ((*runs, "--k", "3", "--tune-on", beir, "--split", "test"), "which chooses them"),
        ((*runs, "--tune-on", beir), "no split 'dev'"),
        ((*runs, "--tune-on", beir, "--split", "test", "--tuning-run", runs[0]), "give one a run"),
        ((*runs, "--tuning-run", runs[0]), "go with --tune-on"),
    ]:
        refused = run("fuse", *arguments, "--to", to)
        assert refused.code == 2
        assert len(refused.err.strip().splitlines()) == 1
        assert said in refused.err
        assert not to.exists()


def test_runs_are_compared_on_files_of_ones_own(
    run: Run, runs: tuple[Path, Path], files: list[str | Path], beir: Path
) -> None:
    asked = ("compare", *runs, "bm25", "--collection", *files, "--per-query", "5")
    shown = run(*asked)
    assert shown.code == 0
    assert "corpus: 1 judgements of documents that are not there" in shown.err
    assert "spiders spin silk" in shown.out
    changes = run(*asked, "--json").json()["changes"]
    assert [change["id"] for change in changes[str(runs[1])]] == ["q2"]
    assert changes[str(runs[1])][0]["difference"] < 0
    assert json.loads(run("compare", *runs, "--collection", beir, "--json").out).keys().isdisjoint({"changes"})
    refused = run("compare", *runs, "--collection", *files[:3])
    assert (refused.code, "give --queries-file and --qrels together" in refused.err) == (2, True)
