from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def copy(hive: Path, tmp_path: Path) -> Path:
    shutil.copytree(hive, tmp_path / "copy.hive")
    return tmp_path / "copy.hive"


def found(run: Run, index: Path, *options: str) -> list[str]:
    return [
        hit["id"]
        for hit in run("search", index, "how do bees tell where flowers are", "--json", *options).json()["hits"]
    ]


def test_deleted_documents_are_gone(run: Run, copy: Path) -> None:
    done = run("delete", copy, "dance", "silk")
    assert (done.code, done.out) == (0, f"{copy}: 2 documents deleted, 4 left\n")
    assert sorted(found(run, copy)) == ["hive", "song", "swarm", "trail"]
    again = run("delete", copy, "dance", "hive")
    assert (again.code, again.err) == (2, f"error: {copy} holds no document 'dance'; nothing was changed\n")
    assert run("delete", copy, "dance", "hive", "--missing-ok", "--json").json() == {
        "index": str(copy), "documents": 3, "deleted": 1
    }  # fmt: skip


def test_ids_come_from_a_file_or_a_filter(
    run: Run, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone.txt").write_text("dance\n\nsilk\n", encoding="utf-8")
    assert "2 documents deleted" in run("delete", copy, "--ids-from", tmp_path / "gone.txt").out
    assert "1 document deleted" in run("delete", copy, "--where", "year >= 1980").out
    monkeypatch.setattr(sys, "stdin", io.StringIO("hive\n"))
    assert "1 document deleted, 2 left" in run("delete", copy, "--ids-from", "-").out
    for wrong in ([], ["hive", "--where", "year = 1"]):
        refused = run("delete", copy, *wrong)
        assert (refused.code, refused.err.startswith("error: give either ids")) == (2, True)
    refused = run("delete", copy, "--where", "year >")
    assert refused.code == 2


def test_a_search_takes_a_filter(run: Run, copy: Path) -> None:
    assert found(run, copy, "--where", "year < 1980") == ["dance"]
    assert sorted(found(run, copy, "--where", "id IN ('silk', 'song')")) == ["silk", "song"]
    assert "no document is let through" in run("search", copy, "bees", "--where", "year < 5").out


def test_documents_are_replaced(run: Run, copy: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.jsonl"
    rows = [{"_id": "silk", "text": "Bees tell each other where flowers are."}, {"_id": "new", "text": "Wolves howl."}]
    changed.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    refused = run("index", changed, "--to", copy, "--append")
    assert (refused.code, "--upsert" in refused.err) == (2, True)
    done = run("index", changed, "--to", copy, "--upsert")
    assert (done.code, done.out) == (0, f"{copy}: 2 documents written, 7 in all\n")
    assert found(run, copy)[0] == "silk"
    both = run("index", changed, "--to", copy, "--upsert", "--append")
    assert (both.code, "give one" in both.err) == (2, True)


def test_compaction_gives_room_back(run: Run, copy: Path) -> None:
    run("delete", copy, "dance")
    assert "1 deleted and not compacted" in run("info", copy).out
    done = run("compact", copy, "--json").json()
    assert done["bytes"] <= done["bytes_before"]
    assert "not compacted" not in run("info", copy).out
    assert "fitted anew to 5 documents" in run("refit", copy).out
    assert len(found(run, copy)) == 5


def test_check_names_what_is_damaged(run: Run, copy: Path) -> None:
    assert run("check", copy).out == f"{copy}: every file is as it was written\n"
    words = next(copy.rglob("words.npy"))
    data = bytearray(words.read_bytes())
    data[-1] ^= 1
    words.write_bytes(data)
    damaged = run("check", copy)
    assert (damaged.code, damaged.out) == (1, f"{words} is damaged; restore it from a copy\n")
    assert len(run("check", copy, "--json").json()["damages"]) == 1
    refused = run("search", copy, "bees")
    assert (refused.code, refused.err) == (1, f"error: {words} is damaged; restore it from a copy\n")
    assert run("check", copy.parent).code == 2
