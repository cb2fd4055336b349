"""Findings survive JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from wordhive.eval.contrasts import Contrast
from wordhive.eval.results import CollectionResults, ExperimentResults, HitResult, SideBySide, SystemResults
from wordhive.index import InputError


@pytest.fixture
def results() -> ExperimentResults:
    system = SystemResults(
        "default preset", "wordhive", "two stages", {"ndcg@10": 1 / 3}, {"ndcg@10": [1 / 3, 0.1 + 0.2]},
        {20: 0.9, 1000: 1.0}, {"words": 1964.5}, {"total": {"p50": 1.0, "p95": 2.0, "p99": 3.0}}, 12.5, None, 10**9,
        "runs/tiny/default-preset.trec",
    )  # fmt: skip
    hit = HitResult("d1", 2.5, None, "Bees – “dance”.", [("bees", "Bees", 61.5)])
    tiny = CollectionResults(
        "tiny", "test", 6, ["q1", "q2"], ["bees?", "ants?"], "ndcg@10", "bm25", [system],
        [Contrast("default preset", "bm25", 0.1, 0.04, 1, 1, 0)],
        [SideBySide("q1", "bees?", {"default preset": 1.0}, {"default preset": [hit]})],
        0.25, {"BM25": (0.665, "Thakur et al. 2021, table 2")}, {"judgements of documents that are not there": 12},
    )  # fmt: skip
    return ExperimentResults("A title", [tiny], "fisher", 0.05, {"seed": 0, "versions": {"numpy": "2"}, "git": None})


def test_findings_survive_json(results: ExperimentResults, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(results.to_json(), encoding="utf-8")
    assert ExperimentResults.read(path) == results


@pytest.mark.parametrize("text", ["", "[]", '{"title": "a"}'])
def test_other_json_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(InputError, match=r"mine\.json holds no results: .* expected report\.json") as refused:
        ExperimentResults.from_json(text, "mine.json")
    assert "\n" not in str(refused.value)
