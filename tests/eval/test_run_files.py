"""Run files as people's programs write them: headers, tabs, packed or not, scores beyond float32."""

from __future__ import annotations

import gzip
import math
import warnings
from pathlib import Path

import pytest

from wordhive.eval.runs import Run, read_run, trec_lines
from wordhive.index import InputError

TREC = "q1 Q0 d1 1 2.5 tag\nq1 Q0 d2 2 1.5 tag\n"
EXPECTED: Run = {"q1": {"d1": 2.5, "d2": 1.5}}


def _read(tmp_path: Path, content: str | bytes, name: str = "my.trec") -> Run:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_run(path)


@pytest.mark.parametrize("before", ["", "\n", "\ufeff", "\ufeff\r\n\r\n", " \n\t\n"])
@pytest.mark.parametrize(
    "content",
    [
        TREC,
        TREC.replace(" ", "\t"),
        TREC.replace("\n", "\r\n") + "\n\n",
        "query Q0 document rank score tag\n" + TREC,
        "query id\titer\tdocument id\trank\tscore\trun\n" + TREC.replace(" ", "\t"),
        TREC.replace(" ", "\t").replace("tag", "my best run"),
        TREC.replace(" ", " \t"),
    ],
)
def test_headers_blank_lines_and_tabs_do_not_count(tmp_path: Path, before: str, content: str) -> None:
    assert _read(tmp_path, before + content) == EXPECTED


@pytest.mark.parametrize("name", ["my.trec", "MY.RUN", "my.trec.gz"])
def test_runs_may_be_packed_whatever_their_name(tmp_path: Path, name: str) -> None:
    assert _read(tmp_path, gzip.compress(TREC.encode()), name) == EXPECTED
    assert _read(tmp_path, TREC, name) == EXPECTED


@pytest.mark.parametrize("score", [1e40, 1e300, math.inf])
def test_scores_beyond_float32_are_read_and_written_without_a_warning(tmp_path: Path, score: float) -> None:
    run = _read(tmp_path, f"q Q0 a 1 1 t\nq Q0 low 2 {-score} t\nq Q0 high 3 {score} t\nq Q0 high2 3 {score} t\n")
    assert list(run["q"]) == ["high2", "high", "a", "low"]  # equal as float32: the larger id first
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        written = "".join(trec_lines(run, "t"))
    assert "inf" not in written
    assert list(_read(tmp_path, written)["q"]) == list(run["q"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("q Q0 d 1 nan t\n", ":1: .*has no score"),
        ("q Q0 d 1 high t\nq Q0 e 2 1 t\n", ":1: "),
        ("query Q0 document one score1 tag\n", ":1: "),
        (TREC + "query Q0 document rank score tag\n", ":3: "),
        ("q\tQ0\t\t1\t2.0\tt\n", ":1: "),
        ("q d 1\n", ":1: "),
        ("q Q0 d 1 2.0 my run\n", ":1: "),
        ("query Q0 document rank score tag\n", "is empty"),
    ],
)
def test_what_is_no_row_of_a_run_is_named_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        _read(tmp_path, content)
