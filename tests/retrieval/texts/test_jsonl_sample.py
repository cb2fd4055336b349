from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from wordhive.index import InputError
from wordhive.retrieval.texts.jsonl_sample import sample_field


@pytest.fixture
def triples(tmp_path: Path) -> Path:
    path = tmp_path / "triples.jsonl"
    rows = [json.dumps({"positive": f"text {i}", "negative": f"other {i}"}) for i in range(50)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_values_are_drawn_without_replacement_from_one_field(triples: Path) -> None:
    drawn = sample_field(triples, "positive", 20, seed=0)
    assert len(drawn) == 20
    assert set(drawn) < {f"text {i}" for i in range(50)}
    assert len(set(drawn)) == 20


def test_the_same_seed_draws_the_same_values(triples: Path) -> None:
    assert sample_field(triples, "negative", 9, seed=3) == sample_field(triples, "negative", 9, seed=3)


def test_another_seed_draws_other_values(triples: Path) -> None:
    assert sample_field(triples, "negative", 9, seed=3) != sample_field(triples, "negative", 9, seed=4)


def test_more_than_there_are_gives_all(triples: Path) -> None:
    assert sorted(sample_field(triples, "positive", 1000, seed=0)) == sorted(f"text {i}" for i in range(50))


def test_gzip_and_blank_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "one"}\n\n  \n{"text": "two"}\n'))
    assert sorted(sample_field(path, "text", 5, seed=0)) == ["one", "two"]


@pytest.mark.parametrize("line", ["not json", "[1, 2]", '"text"', "null", "7", '{"other": "x"}'])
def test_a_line_without_the_field_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "one"}\n\n' + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"texts\.jsonl:3: .*'text'.*--field"):
        sample_field(path, "text", 1, seed=0)


def test_a_value_that_is_no_string_is_named(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "one"}\n{"text": 2}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"texts\.jsonl:2: the field 'text' is int; expected a string"):
        sample_field(path, "text", 1, seed=0)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"texts\.jsonl is empty"):
        sample_field(path, "text", 1, seed=0)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file at"):
        sample_field(tmp_path / "nothing.jsonl", "text", 1, seed=0)
