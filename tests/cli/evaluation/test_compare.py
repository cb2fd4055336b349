"""`wordhive compare`: what it prints, what it writes, what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..conftest import Run


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return _write(tmp_path / "good.trec", "q1 Q0 dance 1 9.0 t", "q1 Q0 hive 2 8.0 t", "q2 Q0 silk 1 9.0 t")


@pytest.fixture
def poor(tmp_path: Path) -> Path:
    return _write(tmp_path / "poor.trec", "q1 Q0 hive 1 9.0 t", "q1 Q0 dance 2 8.0 t", "q7 Q0 silk 1 9.0 t")


def _write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_runs_and_bm25_are_compared_for_programs(run: Run, beir: Path, good: Path, poor: Path) -> None:
    found = run("compare", good, poor, "bm25", "--collection", beir, "--measure", "mrr@10", "--json").json()
    assert (found["measure"], found["test"], found["n_queries"]) == ("mrr@10", "fisher", 2)
    assert (found["first"], found["value"]) == (str(good), 1.0)
    other, bm25 = found["others"]
    assert (other["name"], other["value"], other["difference"]) == (str(poor), 0.25, 0.75)
    assert (other["wins"], other["ties"], other["losses"]) == (2, 0, 0)
    assert (bm25["name"], bm25["value"], bm25["p"], bm25["ties"]) == ("bm25", 1.0, 1.0, 2)
    assert found["missing"][str(poor)] == found["unknown"][str(poor)] == 1
    assert found["missing"]["bm25"] == found["unknown"]["bm25"] == 0


def test_runs_are_compared_for_people(
    run: Run, beir: Path, good: Path, poor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # names that fit into the table, wherever the folder is
    good, poor, latex = Path(good.name), Path(poor.name), Path("table.tex")
    shown = run("compare", good, poor, "--collection", beir, "--test", "student", "--latex", latex)
    assert shown.code == 0
    assert "2 / 0 / 0" in shown.out
    assert shown.out.splitlines()[-1] == "Student's paired t-test, two-sided, Holm-corrected; 2 queries"
    assert f"{poor} has no answer to 1 of 2 judged queries: 0 there" in shown.err
    assert f"{poor} has 1 query without judgements in tiny: left out" in shown.err
    assert r"\begin{tabular}{lrrrr}" in latex.read_text(encoding="utf-8")


def test_runs_of_eval_keep_their_measures(run: Run, beir: Path, tmp_path: Path) -> None:
    report = tmp_path / "report"
    systems = run("eval", beir, "--report", report, "--bm25", "--json").json()["collections"][0]["systems"]
    paths = [report / "runs/tiny" / name for name in ("exact-summary-alone.trec", "bm25.trec")]
    found = run("compare", *paths, "--collection", beir, "--measure", "map", "--json").json()
    measures = {system["name"]: system["measures"]["map"] for system in systems}
    assert found["value"] == pytest.approx(measures["exact, summary alone"])
    assert found["others"][0]["value"] == pytest.approx(measures["bm25"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("q1 Q0 hive 1 9.0", ":2: 'q1 Q0 hive 1 9.0'; expected query, Q0, document, rank, score and tag"),
        ("q1 Q0 hive 1 nine t", ":2: "),
        ("q1 Q0 hive 1 nan t", ":2: document 'hive'"),
        ("q1 Q0 dance 2 1.0 t", ":2: document 'dance' of 'q1' is there twice"),
    ],
)
def test_a_faulty_line_is_named(run: Run, beir: Path, good: Path, tmp_path: Path, line: str, said: str) -> None:
    faulty = _write(tmp_path / "faulty.trec", "q1 Q0 dance 1 9.0 t", line)
    refused = run("compare", good, faulty, "--collection", beir)
    assert (refused.code, refused.out) == (2, "")
    assert len(refused.err.splitlines()) == 1
    assert f"{faulty}{said}" in refused.err


def test_what_can_not_be_compared_is_one_line(run: Run, beir: Path, good: Path, poor: Path, tmp_path: Path) -> None:
    empty, strange = _write(tmp_path / "empty.trec"), _write(tmp_path / "strange.trec", "q7 Q0 silk 1 9.0 t")
    for arguments, said in [
        ((good, empty), f"{empty} is empty"),
        ((good, strange), "answers none of the 2 judged queries"),
        ((good, tmp_path / "gone.trec"), "no file at"),
        ((good,), "two different runs"),
        ((good, good), "two different runs"),
        ((good, poor, "--test", "sign"), "choose fisher or student"),
        ((good, poor, "--measure", "beauty"), "try ndcg@10"),
        ((good, poor, "--split", "dev"), "no split 'dev'"),
    ]:
        refused = run("compare", *arguments, "--collection", beir)
        assert refused.code == 2
        assert len(refused.err.strip().splitlines()) == 1
        assert said in refused.err
