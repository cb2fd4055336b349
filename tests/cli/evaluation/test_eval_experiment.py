"""`wordhive eval CONFIG.yaml`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wordhive.eval import runner
from wordhive.eval.results import ExperimentResults

from ..conftest import Run


@pytest.fixture
def config(beir: Path, tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    systems = [{"name": "BM25", "kind": "bm25"}, {"name": "exact", "kind": "wordhive", "config": "exact"}]
    path.write_text(json.dumps({"collections": [{"source": str(beir)}], "systems": systems}), encoding="utf-8")
    return path


def test_an_experiment_is_run_stopped_and_resumed(
    run: Run, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report"
    find = runner.find

    def stopped(spec: Any, job: Any) -> Any:
        if spec.name == "exact":
            raise KeyboardInterrupt
        return find(spec, job)

    with monkeypatch.context() as patch:
        patch.setattr(runner, "find", stopped)
        ended = run("eval", config, "--report", report)
    assert (ended.code, ended.out) == (130, "")
    assert f"safe in {report}; run the same command again to go on" in ended.err
    assert not (report / "report.json").exists()
    printed = run("eval", config, "--report", report)
    assert printed.code == 0
    assert "tiny: BM25 done" not in printed.err
    assert "tiny: exact done" in printed.err
    assert "tiny ndcg@10" in printed.out
    found = ExperimentResults.read(report / "report.json")
    assert [system.measures["ndcg@10"] for system in found.collections[0].systems] == [1.0, 1.0]
    assert found.setting["config"]["systems"][0]["name"] == "BM25"
    assert {"versions", "machine", "git", "date", "seed"} <= set(found.setting)
    assert found.setting["command"].startswith("wordhive eval ")
    assert found.setting["command"] in (report / "report.html").read_text(encoding="utf-8")
    assert "</html>" in (report / "report.html").read_text(encoding="utf-8")
    again = run("eval", config, "--report", report, "--json").json()
    assert again["collections"] == json.loads((report / "report.json").read_text(encoding="utf-8"))["collections"]


def test_encodings_are_shared_through_the_cache_and_queries_limited(run: Run, config: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for name in ("one", "two"):
        found = run("eval", config, "--report", tmp_path / name, "--cache", cache, "--queries", "1", "--json").json()
        assert found["collections"][0]["query_ids"] == ["q1"]
    [folder] = cache.iterdir()
    assert len(list(folder.glob("*.shards"))) == len(list(folder.glob("*.hive"))) == 1
    assert not (tmp_path / "one" / "cache").exists()


def test_what_does_not_belong_together_is_one_line(run: Run, config: Path, beir: Path, tmp_path: Path) -> None:
    for arguments, said in [
        ((), "give one thing to measure"),
        ((config, "--suite", "local"), "give one thing to measure"),
        (("--suite", "grand"), "no suite 'grand'; choose beir, local, long, msmarco"),
        ((config, "--model", "x"), "--model belongs to a single collection"),
        ((config, "--bm25"), "--bm25 belongs to a single collection"),
        ((config, "--qrels", tmp_path / "q"), "--qrels belongs to a single collection"),
        ((tmp_path / "none.yaml",), "no configuration file at"),
    ]:
        refused = run("eval", *arguments)
        assert (refused.code, refused.out) == (2, "")
        assert len(refused.err.strip().splitlines()) == 1
        assert said in refused.err
