"""Lines of files as they are found: packed or not whatever their names, with marks, blanks and other line ends."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from pathlib import Path

import pytest

from wordhive.index import InputError
from wordhive.retrieval.texts import lines
from wordhive.retrieval.texts.lines import is_header, read_lines, read_objects

TWO = b"one\ntwo\n"


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _problem(path: Path) -> str:
    with pytest.raises(InputError) as raised:
        list(read_lines(path))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def _feed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize("name", ["x", "x.jsonl", "x.gz", "X.GZ", "x.tsv.gz", "x.trec"])
@pytest.mark.parametrize("packed", [False, True])
def test_what_a_file_holds_decides_and_not_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, packed: bool
) -> None:
    content = gzip.compress(TWO) if packed else TWO
    assert list(read_lines(_write(tmp_path / name, content))) == [(1, "one"), (2, "two")]
    _feed(monkeypatch, content)
    assert list(read_lines(Path("-"))) == [(1, "one"), (2, "two")]
    assert not sys.stdin.buffer.closed


def test_a_file_of_several_gzip_members(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.gz", gzip.compress(b"one\n") + gzip.compress(b"two\n") + bytes(100))
    assert list(read_lines(path)) == [(1, "one"), (2, "two")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bz2.compress(TWO), "bunzip2"),
        (lzma.compress(TWO), "unxz"),
        (bytes.fromhex("28b52ffd04003900006f6e650a"), "zstd -d"),
        (bytes.fromhex("04224d186440a7"), "lz4 -d"),
        (b"PK\x03\x04rest", "unzip"),
        (b"PAR1rest", "Parquet"),
        ("one".encode("utf-16"), "iconv -f UTF-16 -t UTF-8"),
        (b"\xfe\xff\x00o", "iconv -f UTF-16 -t UTF-8"),
    ],
)
@pytest.mark.parametrize("name", ["x.jsonl", "x.gz"])
def test_other_kinds_of_files_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, said: str, name: str
) -> None:
    assert said in _problem(_write(tmp_path / name, content))
    _feed(monkeypatch, content)
    assert said in _problem(Path("-"))
    assert not sys.stdin.buffer.closed


@pytest.mark.parametrize(
    "content",
    [b"\n\r\n  \none\ntwo", b"\xef\xbb\xbf\n\n\none\r\ntwo\r\n", b"\n\t\n\n one\n\n two\n\n \n\n"],
)
def test_blank_lines_marks_and_line_ends_do_not_count(tmp_path: Path, content: bytes) -> None:
    found = [(number, line.strip()) for number, line in read_lines(_write(tmp_path / "x", content))]
    assert found[0] == (4, "one")
    assert [line for _, line in found] == ["one", "two"]


def test_lines_are_numbered_from_one_with_the_blank_ones(tmp_path: Path) -> None:
    assert list(read_lines(_write(tmp_path / "x", b"one \n\n \nfour\r\n"))) == [(1, "one "), (4, "four")]


def test_a_torn_gzip_file_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(TWO * 50)
    assert "is no complete gzip file" in _problem(_write(tmp_path / "x.gz", packed[: len(packed) // 2]))
    damaged = bytearray(packed)
    damaged[10] |= 0b110  # the first block gets a type that deflate does not have
    assert "is no complete gzip file" in _problem(_write(tmp_path / "y", bytes(damaged)))


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_without_end_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    monkeypatch.setattr(lines, "MOST_BYTES", 1000)
    longest = b"one\n" + b"x" * 999 + b"\n"
    path = _write(tmp_path / "x", gzip.compress(longest) if packed else longest)
    assert len(list(read_lines(path))) == 2
    _write(path, gzip.compress(b"x" + longest[4:]) if packed else b"one\nx" + longest[4:])
    assert "more than 1,000 bytes without a line's end" in _problem(path)


@pytest.mark.parametrize("line", ['{"a": 1, "b": 2, "a": 1}', '{"b": {"a": 1, "a": 2}}'])
def test_a_key_that_is_there_twice_is_refused(tmp_path: Path, line: str) -> None:
    path = _write(tmp_path / "x", b'{"a": 1}\n' + line.encode())
    with pytest.raises(InputError, match=r"x:2: not JSON that can be read \(the key 'a' is there twice"):
        list(read_objects(path, "a"))


@pytest.mark.parametrize(
    "cells",
    ["query-id iteration corpus-id score", "qid Q0 docid rank score tag", " Query , document id , relevance "],
)
def test_headers_are_words(cells: str) -> None:
    assert is_header(cells.split(",") if "," in cells else cells.split())


@pytest.mark.parametrize(
    "cells",
    [
        "q1 0 d1 1",
        "query 0 document 1",
        "q1 0 d1 high",
        "a b nan",
        "a b NaN",
        "a inf b",
        "a b None",
        "a b +",
        "a b -1",
        "",
    ],
)
def test_what_is_no_header(cells: str) -> None:
    assert not is_header(cells.split())
