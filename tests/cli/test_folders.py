"""Commands on folders of files: what is indexed, what is left out, and what a sync does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "deep").mkdir(parents=True)
    for name, text in {
        "bees.md": "# Bees\n\nThey dance.",
        "deep/ants.txt": "Ants follow.",
        "rows.csv": "text\nx\n",
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_folder_with_a_broken_file(run: Run, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "my.hive"
    (folder / "broken.txt").write_bytes(bytes(range(256)))
    (folder / "picture.png").touch()
    strict = run("index", folder, "--to", target, "--strict")
    assert (strict.code, target.exists()) == (2, False)
    assert strict.err.count("\n") == 1
    assert f"{folder}/broken.txt: it is binary" in strict.err
    done = run("index", folder, "--to", target)
    assert done.code == 3
    assert "3 documents added, 3 in all" in done.out
    assert "\n  broken.txt: it is binary" in done.err
    assert "\n  1 of a kind that is not read (.png): picture.png" in done.err
    assert done.err.endswith("left out: 1 file that could not be read, named above\n")
    (folder / "broken.txt").unlink()
    synced = run("index", folder, "--to", target, "--sync", "--json")
    assert (synced.code, synced.json()["left_out"][0]["path"]) == (0, "picture.png")
    hits = run("search", target, "bees", "--where", "file.type = 'markdown'", "--json").json()["hits"]
    assert [hit["id"] for hit in hits] == ["bees.md"]
    shown = run("search", target, "bees").out
    assert "digest" not in shown
    assert "heading_starts" not in shown


def test_a_sync_tells_what_it_did(run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "my.hive"
    made = run("index", folder, "--to", target, "--sync")
    assert (made.code, "3 documents added" in made.out) == (0, True)
    (folder / "bees.md").rename(folder / "moved.md")
    (folder / "new.txt").write_text("Wasps sting.", encoding="utf-8")
    (folder / "deep" / "ants.txt").unlink()
    synced = run("index", folder, "--to", target, "--sync")
    assert synced.out == f"{target}: 1 new, 1 moved, 1 removed; 1 unchanged file; 3 documents in all\n"
    assert synced.code == 0

    def loaded(*_: object, **__: object) -> None:
        raise AssertionError("the model is loaded")

    monkeypatch.setattr("wordhive.retrieval.retriever.Retriever.open", loaded)
    (folder / "new.txt").unlink()
    synced = run("index", folder, "--to", target, "--sync")
    assert synced.out == f"{target}: 1 removed; 2 unchanged files; 2 documents in all\n"
    again = run("index", folder, "--to", target, "--sync", "--json").json()
    assert (again["unchanged"], again["removed"], again["documents"]) == (2, 0, 2)


def test_a_sync_without_changes_imports_little(run: Run, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "my.hive"
    (folder / "empty.txt").touch()
    run("index", folder, "--to", target)
    code = """
import sys
from wordhive.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted({"faiss", "numba", "scipy", "sqlglot", "torch", "transformers"} & sys.modules.keys()))
"""
    command = [sys.executable, "-c", code, "index", folder, "--to", target, "--sync"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout == f"{target}: nothing changed; 3 unchanged files; 3 documents in all\n\n"
    (folder / "bees.md").unlink()
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"{target}: 1 removed; 2 unchanged files; 2 documents in all\n" in found.stdout
    assert "numba" in found.stdout
    assert "torch" not in found.stdout


def test_a_sync_takes_a_folder_of_files(run: Run, folder: Path, beir: Path, tmp_path: Path) -> None:
    target = tmp_path / "my.hive"
    for source in (folder / "rows.csv", beir, tmp_path / "nowhere"):
        refused = run("index", source, "--to", target, "--sync")
        assert refused.code == 2
        assert "is no folder of files, which --sync takes" in refused.err
    assert "leave out --limit" in run("index", folder, "--to", target, "--sync", "--limit", 3).err
    assert "give one" in run("index", folder, "--to", target, "--sync", "--upsert").err
    assert not target.exists()


def test_a_folder_of_broken_files_only_makes_no_index(run: Run, tmp_path: Path) -> None:
    folder, target = tmp_path / "notes", tmp_path / "my.hive"
    folder.mkdir()
    (folder / "broken.txt").write_bytes(bytes(range(256)))
    refused = run("index", folder, "--to", target)
    assert (refused.code, target.exists()) == (2, False)
    assert "broken.txt: it is binary" in refused.err
    assert refused.err.endswith(f"none of the 1 files in {folder} gave a document; see the reasons above\n")


def test_columns_and_files_are_chosen(run: Run, folder: Path, tmp_path: Path) -> None:
    shards, target = tmp_path / "my.shards", tmp_path / "my.hive"
    (folder / "more.csv").write_text("key,body\nk,Moths fly.\n", encoding="utf-8")
    chosen = ("--glob", "*.csv", "--exclude", "rows.*", "--id-column", "key", "--text-fields", "body")
    assert run("encode", folder, "--to", shards, *chosen, "--json").json()["encoded"] == 1
    assert run("index", shards, "--to", target, "--json").json()["documents"] == 1
    hits = run("search", target, "moths", "--json").json()["hits"]
    assert [(hit["id"], hit["text"]) for hit in hits] == [("more.csv#k", "Moths fly.")]
    refused = run("index", folder / "more.csv", "--to", tmp_path / "other.hive", "--text-fields", "text")
    assert "more.csv: no column 'text'; it has key, body" in refused.err
