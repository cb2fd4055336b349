"""Folders of files: which are read, as what documents, and why others are not."""

from __future__ import annotations

import errno
import os
from functools import partial
from pathlib import Path

import pytest

from wordhive.index import InputError
from wordhive.retrieval.files import file_reader
from wordhive.retrieval.files.folder_walk import ALL_FILES, Choice, walk
from wordhive.retrieval.files.inputs import read_documents
from wordhive.retrieval.files.kinds import kind_of
from wordhive.retrieval.files.left_out import LeftOut
from wordhive.retrieval.files.spool import read_files
from wordhive.retrieval.files.tables import USUAL_COLUMNS
from wordhive.retrieval.formats.office import read_docx
from wordhive.retrieval.texts.documents import Document

from ..formats.made_files import docx, epub, pdf, pptx


def write(path: Path, content: bytes | str = "Bees dance.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def walked(folder: Path, choice: Choice = ALL_FILES) -> tuple[list[str], dict[str, str]]:
    left_out: list[LeftOut] = []
    names = [file.name for file in walk(folder, choice, left_out.append)]
    return names, {one.path: one.reason for one in left_out}


def read(folder: Path) -> tuple[list[Document], list[LeftOut]]:
    left_out: list[LeftOut] = []
    with read_files(walk(folder, ALL_FILES, left_out.append), USUAL_COLUMNS, left_out.append) as spool:
        return list(spool), left_out


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.MD", "markdown"), ("a.tar.gz", None), ("a.jsonl.gz", "jsonl"), ("a.TSV.GZ", "tsv"), ("a.csv.gz", None),
        ("README", "text"), ("Makefile", "code"), ("a.png", None), ("a", None), ("a.htm", "html"), ("a.json", None),
    ],
)  # fmt: skip
def test_kinds_go_by_names(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_which_files_are_read(tmp_path: Path) -> None:
    for name in ("b.txt", "a.md", "deep/er/c.txt", ".git/d.txt", ".e.txt", "picture.png", "ignored.txt", "deep/f.log"):
        write(tmp_path / name)
    for name in (
        "deep/kept.log",
        "out/g.txt",
        "deep/out/h.txt",
        "drafts/i.txt",
        "old.hive/catalog.db",
        "old.hive/j.txt",
    ):
        write(tmp_path / name)
    write(tmp_path / ".gitignore", "ignored.txt\n/out/\n*.log\n# comment\n")
    write(tmp_path / "deep" / ".gitignore", "!kept.log\n")
    names, left_out = walked(tmp_path, Choice(excludes=["drafts/"]))
    assert names == ["a.md", "b.txt", "deep/er/c.txt", "deep/kept.log", "deep/out/h.txt"]
    assert left_out == {
        ".e.txt": "hidden", ".git/": "hidden", ".gitignore": "hidden", "deep/.gitignore": "hidden",
        "picture.png": "of a kind that is not read (.png)", "drafts/": "excluded",
        "ignored.txt": "ignored by .gitignore", "out/": "ignored by .gitignore", "deep/f.log": "ignored by .gitignore",
        "old.hive/": "an index or shards of wordhive",
    }  # fmt: skip
    assert "ignored.txt" in walked(tmp_path, Choice(gitignore=False))[0]
    assert walked(tmp_path, Choice(globs=["*.md", "deep/*/h.txt"]))[0] == ["a.md", "deep/out/h.txt"]


def test_a_pattern_that_is_none_is_told(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    with pytest.raises(InputError, match="--glob: no pattern"):
        walked(tmp_path, Choice(globs=["!"]))


def test_links_lead_nowhere_twice(tmp_path: Path) -> None:
    write(tmp_path / "home" / "a.txt")
    write(tmp_path / "elsewhere.txt")
    (tmp_path / "home" / "loop").symlink_to("..")
    (tmp_path / "home" / "link.txt").symlink_to("../elsewhere.txt")
    (tmp_path / "home" / "one.txt").symlink_to("two.txt")
    (tmp_path / "home" / "two.txt").symlink_to("one.txt")
    (tmp_path / "home" / "gone.txt").symlink_to("nowhere")
    names, left_out = walked(tmp_path / "home")
    assert names == ["a.txt", "link.txt"]
    assert left_out == {
        "loop": "a link to a folder; index that folder itself",
        "one.txt": os.strerror(errno.ELOOP).lower(),
        "two.txt": os.strerror(errno.ELOOP).lower(),
        "gone.txt": os.strerror(errno.ENOENT).lower(),
    }


@pytest.mark.skipif(os.name == "nt", reason="names there are Unicode")
def test_what_is_no_file_of_text_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")))
    assert walked(tmp_path) == ([], {"pipe.txt": "no regular file", "\ufffd.txt": "its name is not UTF-8; rename it"})


def test_documents_tell_of_their_files(tmp_path: Path) -> None:
    path = write(tmp_path / "deep" / "notes.md", "# Bees\n\nThey dance.\n")
    write(tmp_path / "latin.txt", "Été à la ruche".encode("latin-1"))
    write(tmp_path / "rows.csv", "id,text\na,x\n")
    os.utime(path, ns=(0, 1_700_000_000_123_456_789))
    notes, latin, row = read(tmp_path)[0]
    assert notes == Document(
        "deep/notes.md",
        "# Bees\n\nThey dance.",
        {
            "title": "Bees",
            "headings": ["Bees"],
            "heading_starts": [0],
            "file": {
                "path": "deep/notes.md",
                "type": "markdown",
                "modified": "2023-11-14T22:13:20.123456789Z",
                "size": 20,
                "digest": notes.attributes["file"]["digest"],
            },
        },
    )
    assert (latin.text, latin.attributes["file"]["encoding"]) == ("Été à la ruche", "cp1252")
    assert (row.id, row.attributes["file"]["path"]) == ("rows.csv#a", "rows.csv")


MADE = {
    "a.md": b"# Bees", "b.txt": b"x", "c.py": b"x = 1", "d.ipynb": b'{"cells": [{"cell_type": "code", "source": "x"}]}',
    "e.html": b"<p>x</p>", "f.pdf": pdf(["x"]), "g.docx": docx([("", "x")]), "h.pptx": pptx([("x", "y")]),
    "i.epub": epub(["<p>x</p>"]), "j.jsonl": b'{"id": "a", "text": "x"}', "k.csv": b"text\nx\n", "l.tsv": b"a\tx\n",
}  # fmt: skip
BROKEN = {
    "bomb.docx": "zip bomb", "torn.docx": "torn", "torn.pptx": "torn", "torn.epub": "torn", "torn.pdf": "torn",
    "secret.pdf": "password", "scan.pdf": "a scan", "binary.txt": "binary", "binary.html": "binary",
    "huge.log": "100,000", "torn.ipynb": "Jupyter", "torn.jsonl": "line 2: not JSON", "torn.csv": "line 2: no CSV",
    "none.csv": "no column text", "torn.parquet": "torn", "taken.csv": "a column 'file'",
    "twice.tsv": "line 2: document id",
}  # fmt: skip


def broken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of `BROKEN`, at limits that small files reach."""
    monkeypatch.setattr(file_reader, "MOST_TEXT_BYTES", 100_000)
    monkeypatch.setitem(file_reader._OF_BYTES, "docx", partial(read_docx, most=50_000))
    contents = {
        "torn.docx": MADE["g.docx"][:200], "torn.pptx": MADE["h.pptx"][:200], "torn.epub": MADE["i.epub"][:200],
        "torn.pdf": MADE["f.pdf"][:60], "secret.pdf": pdf(["x"], encrypted=True), "scan.pdf": pdf([""]),
        "binary.txt": bytes(range(256)), "binary.html": bytes(range(256)), "huge.log": b"x\n" * 60_000,
        "torn.ipynb": b'{"cells', "torn.jsonl": b'{"id": "a", "text": "x"}\n{"id"', "torn.csv": b'text\n"x\n',
        "none.csv": b"name\nx\n", "torn.parquet": b"PAR1xxxx", "taken.csv": b"text,file\nx,y\n",
        "twice.tsv": b"a\tx\na\ty\n", "bomb.docx": docx([("", "x" * 60_000)]),
    }  # fmt: skip
    for name, content in contents.items():
        write(folder / name, content)


def test_one_of_each_and_a_broken_one_of_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in MADE.items():
        write(tmp_path / name, content)
    broken(tmp_path / "broken", monkeypatch)
    write(tmp_path / "empty.txt", " \n")
    write(tmp_path / "header.csv", "id,text\n")
    documents, left_out = read(tmp_path)
    assert [one.id.partition("#")[0] for one in documents] == sorted(MADE)
    assert {one.path for one in left_out if not one.is_fault and one.reason == "empty"} == {"empty.txt", "header.csv"}
    faults = {one.path.removeprefix("broken/"): one.reason for one in left_out if one.is_fault}
    assert faults.keys() == BROKEN.keys()
    for name, said in BROKEN.items():
        assert said in faults[name], name
        assert "\n" not in faults[name]
        assert str(tmp_path) not in faults[name]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_by_itself_ends_the_reading(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(tmp_path, monkeypatch)
    if name not in ("taken.csv",):
        with pytest.raises(InputError) as raised:
            list(read_documents(tmp_path / name))
        assert str(raised.value).startswith(f"{tmp_path / name}:") or str(raised.value).startswith(
            f"{tmp_path / name} "
        )


def test_a_folder_is_read_whole_or_not_at_all_where_nobody_asks_what_was_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    write(tmp_path / "b.txt", bytes(range(256)))
    with pytest.raises(InputError, match=r"b\.txt: it is binary"):
        list(read_documents(tmp_path))


def test_whatever_a_library_raises_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(content: bytes) -> None:
        raise RuntimeError("never\nforeseen")

    def missing(content: bytes) -> None:
        raise ModuleNotFoundError("No module named 'pypdfium2'", name="pypdfium2")

    for name in ("a.pdf", "b.docx", "c.txt"):
        write(tmp_path / name)
    monkeypatch.setitem(file_reader._OF_BYTES, "docx", fail)
    monkeypatch.setitem(file_reader._OF_BYTES, "pdf", missing)
    documents, left_out = read(tmp_path)
    assert [one.id for one in documents] == ["c.txt"]
    assert [str(one) for one in left_out] == [
        "a.pdf: it needs pypdfium2, which is not installed: pip install 'wordhive[files]'",
        "b.docx: it could not be read (RuntimeError: never foreseen)",
    ]


def test_a_full_disk_is_no_fault_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no room")

    write(tmp_path / "a.txt")
    monkeypatch.setattr("wordhive.retrieval.files.spool.Spool.take", full)
    with pytest.raises(OSError, match="no room"):
        read(tmp_path)


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    write(tmp_path / "b.csv", "text\nx\n")
    found = list(walk(tmp_path, ALL_FILES, print))
    for file in found:
        os.utime(file.path, ns=(0, 5))
    left_out: list[LeftOut] = []
    with read_files(found, USUAL_COLUMNS, left_out.append) as spool:
        assert len(spool) == 0
    assert ["it changed while it was read" in one.reason for one in left_out] == [True, True]


def test_a_single_file_of_text_is_a_document_and_one_of_tsv_is_many(tmp_path: Path) -> None:
    assert [one.text for one in read_documents(write(tmp_path / "a.txt", "Bees\ndance."))] == ["Bees\ndance."]
    assert [one.id for one in read_documents(write(tmp_path / "b.txt", "a\tx\nb\ty\n"))] == ["a", "b"]
    assert [one.id for one in read_documents(write(tmp_path / "c.pdf", MADE["f.pdf"]))] == ["c.pdf"]


def test_only_so_many_documents_are_read(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "text\nx\ny\nz\n")
    write(tmp_path / "b.txt")
    with read_files(walk(tmp_path, ALL_FILES, print), USUAL_COLUMNS, print, limit=2) as spool:
        assert [one.id for one in spool] == ["a.csv#1", "a.csv#2"]
        assert [one.id for one in spool] == ["a.csv#1", "a.csv#2"]  # a second time
