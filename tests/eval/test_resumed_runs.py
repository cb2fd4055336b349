"""An experiment that is stopped and resumed gives the same as one that was not, and does nothing twice."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from wordhive.eval import runner
from wordhive.eval.experiment import Experiment
from wordhive.eval.results import CollectionResults, ExperimentResults
from wordhive.eval.runner import Runner
from wordhive.eval.systems import dense
from wordhive.index import InputError

from .conftest import SYSTEMS, THEIRS


def without_timings(results: ExperimentResults) -> dict[str, Any]:
    values = json.loads(json.dumps(asdict(results)))
    del values["setting"]["date"]
    for collection in values["collections"]:
        for each in collection["systems"]:
            for timing in ("latency", "queries_per_second", "seconds_indexing", "peak_memory"):
                del each[timing]
    return dict(values)


class Stop(BaseException):
    """Stands for Ctrl-C."""


def test_twice_stopped_and_resumed_is_the_same_as_never_stopped(
    experiment: Experiment, found: CollectionResults, cache: Path, report: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    kept = Runner(experiment, report, cache).run()
    done: list[str] = []
    find = runner.find

    def stopping(spec: Any, job: Any) -> Any:
        result = find(spec, job)
        done.append(spec.name)
        if len(done) in (3, 9):
            raise Stop
        return result

    monkeypatch.setattr(runner, "find", stopping)
    own_cache = tmp_path / "cache"
    for _ in range(2):
        with pytest.raises(Stop):
            Runner(experiment, tmp_path, own_cache).run()
    resumed = Runner(experiment, tmp_path, own_cache).run()
    assert without_timings(resumed) == without_timings(kept)
    # The steps that were stopped, and only they, were done twice.
    assert len(done) == len(SYSTEMS) + 2 + 2
    assert {name for name in done if done.count(name) > 1 and name not in ("BM25", "all")} <= {done[2], done[8]}


def test_nothing_is_done_twice(
    experiment: Experiment, found: CollectionResults, cache: Path, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(spec: Any, job: Any) -> Any:
        raise AssertionError(spec.name)

    monkeypatch.setattr(runner, "find", never)
    again = Runner(experiment, report, cache).run().collections[0]
    assert again == found


def test_a_step_is_done_anew_where_its_system_or_its_run_has_changed(
    experiment: Experiment, found: CollectionResults, cache: Path, report: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    own = tmp_path / "report"
    shutil.copytree(report, own)
    values = experiment.model_dump()
    values["systems"][0]["b"] = 0.5
    (own / "runs" / "tiny" / "single-vector.trec").write_text("q1 Q0 rain 1 9.0 x\n", encoding="utf-8")
    done: list[str] = []
    Runner(Experiment.model_validate(values), own, cache, lambda collection, name: done.append(name)).run()
    assert sorted(done) == ["BM25", "BM25", "hybrid", "single vector", "tuned"]


def test_other_documents_are_searched_anew_and_other_judgements_only_judged(tiny: Path, tmp_path: Path) -> None:
    source, done = tmp_path / "mine", list[str]()
    shutil.copytree(tiny, source)
    (tmp_path / "theirs.trec").write_text(THEIRS, encoding="utf-8")
    systems = [
        {"name": "BM25", "kind": "bm25"},
        {"name": "theirs", "kind": "run", "file": str(tmp_path / "theirs.trec")},
    ]
    experiment = Experiment.model_validate({"collections": [{"source": str(source)}], "systems": systems, "depth": 10})

    def run() -> CollectionResults:
        done.clear()
        return Runner(experiment, tmp_path / "report", None, lambda _, name: done.append(name)).run().collections[0]

    def grade(found: CollectionResults, query: str, id: str) -> int | None:
        [shown] = [each for each in found.side_by_side if each.query_id == query]
        return next(hit.grade for hits in shown.hits.values() for hit in hits if hit.id == id)

    first = run()
    assert done == ["BM25", "theirs"]
    assert grade(first, "q4", "rain") is None
    corpus, qrels = source / "corpus.jsonl", source / "qrels" / "test.tsv"
    # It changes no measure, and is shown all the same.
    qrels.write_text(qrels.read_text(encoding="utf-8") + "q4\train\t0\n", encoding="utf-8")
    judged = run()
    assert done == []
    assert grade(judged, "q4", "rain") == 0
    qrels.write_text(qrels.read_text(encoding="utf-8").replace("q4\train\t0", "q4\train\t1"), encoding="utf-8")
    assert run().systems[1].measures["ndcg@10"] > judged.systems[1].measures["ndcg@10"]
    assert done == []
    corpus.write_text(corpus.read_text(encoding="utf-8").replace("Ants follow", "Bees follow"), encoding="utf-8")
    run()
    assert done == ["BM25", "theirs"]


def test_a_dense_encoding_goes_on_behind_its_last_whole_block(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense, "_DOCUMENTS_A_BLOCK", 3)
    experiment = Experiment.model_validate(
        {"collections": [{"source": str(tiny)}], "systems": [SYSTEMS[1]], "depth": 10, "queries_timed": 0}
    )
    encode, blocks = dense._vectors, [0]

    def stopping(model: Any, texts: list[str], *, query: bool) -> Any:
        blocks[0] += not query
        if blocks[0] == 2:
            raise Stop
        return encode(model, texts, query=query)

    monkeypatch.setattr(dense, "_vectors", stopping)
    with pytest.raises(Stop):
        Runner(experiment, tmp_path).run()
    found = Runner(experiment, tmp_path).run().collections[0].systems[0]
    assert blocks[0] == 4
    assert found.seconds_indexing is None
    assert found.measures["recall@100"] > 0.7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measures": ["beauty"]}, "does not know one of"),
        ({"collections": [{"source": "/no/such/folder"}]}, "no folder at /no/such/folder"),
        ({"systems": [{"name": "a", "kind": "wordhive", "config": "grand"}]}, "no index preset 'grand'"),
        ({"systems": [{"name": "a", "kind": "bm25", "stemmer": "elvish"}]}, "no stemmer 'elvish'; choose one of"),
        (
            {"systems": [{"name": "a", "kind": "run", "file": "/no/{collection}.trec"}]},
            "no run of 'a' at /no/tiny.trec",
        ),
        ({"systems": [{"name": "a", "kind": "run", "file": "{system}"}]}, r"only \{collection\} and \{split\}"),
        (
            {
                "systems": [
                    SYSTEMS[0],
                    {"name": "other", "kind": "bm25"},
                    {"name": "a", "kind": "fusion", "of": ["BM25", "other"], "method": "magic"},
                ]
            },
            "can't fuse by 'magic'",
        ),
        ({"systems": [{"name": "a", "kind": "dense", "model": "./nowhere"}]}, "no model folder at"),
    ],
)
def test_what_is_not_there_is_told_in_a_line(tiny: Path, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    values = {"collections": [{"source": str(tiny)}], "systems": [SYSTEMS[0]], **change}
    with pytest.raises(InputError, match=message):
        Runner(Experiment.model_validate(values), tmp_path).run()
