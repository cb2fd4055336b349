"""Judgements as people's files have them: headers, blank lines, tabs at the end, packed or not."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from wordhive.eval.collections.judgements import Judgement, read_judgements
from wordhive.index import InputError

EXPECTED = [Judgement("q1", "d1", 2), Judgement("q2", "d2", -1)]
TREC = "q1 0 d1 2\nq2 0 d2 -1\n"
BEIR = "q1\td1\t2\nq2\td2\t-1\n"


def _read(tmp_path: Path, content: str | bytes, name: str = "my.qrels") -> list[Judgement]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_judgements(path))


@pytest.mark.parametrize("before", ["", "\n", "\ufeff", "\ufeff\r\n\r\n", " \n\t\n"])
@pytest.mark.parametrize(
    "content",
    [
        TREC,
        BEIR,
        "query-id\tcorpus-id\tscore\n" + BEIR,
        "query-id iteration document-id relevance\n" + TREC,
        "qid\tQ0\tdocid\trel\n" + TREC.replace(" ", "\t"),
        "query id\titer\tdocument id\tgrade\n" + TREC.replace(" ", "\t"),
        "Query\tDocument\tGrade\t\n" + BEIR.replace("\n", "\t\n"),
        BEIR.replace("\n", "\t\t\n"),
        TREC.replace("\n", "\t\r\n") + "\n \n",
    ],
)
def test_headers_blank_lines_and_tabs_at_the_end_do_not_count(tmp_path: Path, before: str, content: str) -> None:
    assert _read(tmp_path, before + content) == EXPECTED


@pytest.mark.parametrize("name", ["my.qrels", "MY.TSV", "my.tsv.gz"])
def test_judgements_may_be_packed_whatever_their_name(tmp_path: Path, name: str) -> None:
    assert _read(tmp_path, gzip.compress(TREC.encode()), name) == EXPECTED
    assert _read(tmp_path, TREC, name) == EXPECTED


def test_ids_between_tabs_may_hold_blanks(tmp_path: Path) -> None:
    expected = [Judgement("my query", "my document", 1)]
    assert _read(tmp_path, "my query\tmy document\t1\n") == expected
    assert _read(tmp_path, "my query\t0\tmy document\t1\n") == expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("q1\td1\t1.5\nq2\td2\t1\n", "my.qrels:1: "),
        ("q1\td1\t1.0\n", "my.qrels:1: "),
        ("q1\td1\tnan\n", "my.qrels:1: "),
        ("q1 0 d1 nan\n", "my.qrels:1: "),
        ("q1\td1\t\n", "my.qrels:1: "),
        ("\td1\t1\n", "my.qrels:1: "),
        ("q1\t\t1\n", "my.qrels:1: "),
        ("q1 0 d1 1\nquery iteration document grade\n", "my.qrels:2: "),
        ("query\tdocument\tgrade\nquery\tdocument\tgrade\n", "my.qrels:2: "),
        ("query iteration document grade\nq1\td1\t1\n", "my.qrels:2: "),
        ("q1 0 d1 " + "9" * 5000 + "\n", "my.qrels:1: "),
        ("q1 0 d1 99999999999\n", "my.qrels:1: "),
        ("q1,d1,1\n", "my.qrels:1: "),
        ("query-id,corpus-id,score\n", "my.qrels:1: "),
        ("query iteration document grade\n", "holds no judgements"),
    ],
)
def test_what_is_no_judgement_is_named_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InputError) as raised:
        _read(tmp_path, content)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 400
