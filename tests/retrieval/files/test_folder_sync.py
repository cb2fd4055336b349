"""An index that is made equal to a folder, compared with one that is made of that folder anew."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from wordhive.index import Index, InputError
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.files.folder_changes import FolderChanges, compare, known_files
from wordhive.retrieval.files.folder_sync import FolderSync
from wordhive.retrieval.files.folder_walk import ALL_FILES, walk
from wordhive.retrieval.files.left_out import LeftOut
from wordhive.retrieval.files.spool import read_files
from wordhive.retrieval.files.tables import USUAL_COLUMNS
from wordhive.retrieval.retriever import Retriever

WORDS = "bees ants wasps dance follow sting honey scent paper".split()  # noqa: SIM905


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    for number in range(6):
        write(folder / f"n{number}.txt", f"Note {number} of bees and ants")
    write(folder / "rows.csv", "id,text\na,bees\nb,ants\n")
    return folder


def made_of(folder: Path, to: Path, encoder: Encoder) -> Retriever:
    retriever = Retriever.create(to, encoder, config="exact")
    with read_files(walk(folder, ALL_FILES, print), USUAL_COLUMNS, print) as spool:
        retriever.add(spool, total=len(spool))
    return retriever


def held(index: Index) -> dict[str, tuple[str | None, object]]:
    snapshot = index.snapshot()
    return {one.id: (one.text, one.attributes) for one in snapshot.documents(list(snapshot.ids())).values()}


def synced(retriever: Retriever, folder: Path) -> tuple[FolderChanges, list[LeftOut]]:
    left_out: list[LeftOut] = []
    with FolderSync.find(retriever.index.inventory, folder, left_out.append) as found:
        if found:
            found.apply(retriever.index, retriever if len(found.spool) else None)
    return found.changes, left_out


def test_new_changed_moved_touched_and_removed_files(folder: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    retriever = made_of(folder, tmp_path / "my.hive", tiny_encoder)
    retriever.add([("other", "A document from elsewhere")])
    before = len(retriever.index.snapshot().segments)
    write(folder / "new.txt", "wasps sting")
    write(folder / "n0.txt", "another text")
    (folder / "n1.txt").rename(folder / "n2-.txt")
    (folder / "rows.csv").rename(folder / "table.csv")
    os.utime(folder / "n3.txt", ns=(0, 7))
    (folder / "n4.txt").unlink()
    n_commits = retriever.index._catalog.n_commits()
    changes, left_out = synced(retriever, folder)
    assert left_out == []
    assert [file.name for file in changes.new] == ["new.txt"]
    assert [file.name for file in changes.changed] == ["n0.txt"]
    assert [(name, file.name) for name, file, _ in changes.moved] == [("n1.txt", "n2-.txt"), ("rows.csv", "table.csv")]
    assert [file.name for file, _ in changes.touched] == ["n3.txt"]
    assert (changes.removed, changes.n_unchanged) == (["n4.txt"], 2)
    assert retriever.index._catalog.n_commits() == n_commits + 1
    assert len(retriever.index.snapshot().segments) == before + 1
    now = held(retriever.index)
    assert now.pop("other") == ("A document from elsewhere", {})
    anew = made_of(folder, tmp_path / "anew.hive", tiny_encoder)
    assert now == held(anew.index)
    retriever.delete(["other"])
    scores = [{hit.id: hit.score for hit in each.search("wasps and bees", k=99)} for each in (retriever, anew)]
    assert scores[0] == pytest.approx(scores[1], rel=0.05)  # their codecs were trained on other documents
    assert not synced(retriever, folder)[0]


def test_random_changes_come_to_what_a_new_index_holds(tmp_path: Path, tiny_encoder: Encoder) -> None:
    chance, folder = random.Random(3), tmp_path / "notes"
    write(folder / "first.txt", "bees")
    retriever = made_of(folder, tmp_path / "my.hive", tiny_encoder)
    for step in range(12):
        for _ in range(chance.randrange(1, 5)):
            names = sorted(path for path in folder.rglob("*") if path.is_file())
            chosen = chance.choice(names)
            match chance.randrange(5) if len(names) > 2 else 0:
                case 0:
                    write(
                        folder / chance.choice("xyz") / f"{chance.randrange(6)}.md",
                        " ".join(chance.choices(WORDS, k=4)),
                    )
                case 1:
                    write(chosen, chosen.read_text() + " more")
                case 2:
                    chosen.rename(folder / f"moved{step}{chance.randrange(99)}{chosen.suffix}")
                case 3:
                    chosen.unlink()
                case _:
                    shutil.copy(chosen, folder / f"copy{chance.randrange(9)}{chosen.suffix}")
        synced(retriever, folder)
        anew = made_of(folder, tmp_path / f"anew{step}.hive", tiny_encoder)
        assert held(retriever.index) == held(anew.index), step
        anew.index.close()


def test_files_that_exchange_their_names(folder: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    retriever = made_of(folder, tmp_path / "my.hive", tiny_encoder)
    (folder / "n0.txt").rename(folder / "swap")
    (folder / "n1.txt").rename(folder / "n0.txt")
    (folder / "swap").rename(folder / "n1.txt")
    synced(retriever, folder)
    assert held(retriever.index) == held(made_of(folder, tmp_path / "anew.hive", tiny_encoder).index)
    retriever.index.change(relabelled={"n0.txt": ("n1.txt", {}), "n1.txt": ("n0.txt", {"x": 1})})
    assert held(retriever.index)["n0.txt"] == ("Note 0 of bees and ants", {"x": 1})


def test_a_changed_file_that_can_not_be_read_is_gone(folder: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    retriever = made_of(folder, tmp_path / "my.hive", tiny_encoder)
    (folder / "n0.txt").write_bytes(bytes(range(256)))
    changes, left_out = synced(retriever, folder)
    assert [(one.path, one.is_fault) for one in left_out] == [("n0.txt", True)]
    assert changes.removed == ["n0.txt"]
    assert "n0.txt" not in held(retriever.index)
    assert [one.path for one in synced(retriever, folder)[1]] == ["n0.txt"]  # it is told again


def test_another_folder_or_an_empty_one_is_refused(folder: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    retriever = made_of(folder, tmp_path / "my.hive", tiny_encoder)
    before = held(retriever.index)
    write(tmp_path / "other" / "a.txt", "x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has none of the 7 files"):
        synced(retriever, tmp_path / "other")
    with pytest.raises(InputError, match="holds neither"):
        synced(retriever, tmp_path / "empty")
    assert held(retriever.index) == before
    (tmp_path / "above").mkdir()
    folder.rename(tmp_path / "above" / "notes")
    assert len(synced(retriever, tmp_path / "above")[0].moved) == 7  # the same files in a folder above


def test_a_sync_that_fails_changes_nothing(
    folder: Path, tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    retriever = made_of(folder, tmp_path / "my.hive", tiny_encoder)
    before = held(retriever.index)
    (folder / "n0.txt").unlink()
    (folder / "n1.txt").rename(folder / "z.txt")
    write(folder / "a.txt", "new")
    write(folder / "b.txt", "new too")
    calls = 0

    def stop(*given: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return encode(*given, **options)

    encode = tiny_encoder.encode_documents
    monkeypatch.setattr("wordhive.retrieval.retriever.DOCUMENTS_A_COMMIT", 1)
    monkeypatch.setattr(tiny_encoder, "encode_documents", stop)
    with pytest.raises(KeyboardInterrupt):
        synced(retriever, folder)
    assert held(retriever.index) == before
    synced(retriever, folder)  # two batches in one commit
    monkeypatch.undo()
    assert held(retriever.index) == held(made_of(folder, tmp_path / "anew.hive", tiny_encoder).index)
    names = {path.name for path in (tmp_path / "my.hive" / "segments").iterdir()}  # of the failed one nothing is left
    assert names == {segment.record.id for segment in retriever.index.snapshot().segments}
    write(folder / "c.txt", "and more")
    synced(retriever, folder)
    assert held(Index.open(tmp_path / "my.hive")).keys() >= {"a.txt", "b.txt", "c.txt", "z.txt"}


def test_a_document_that_was_deleted_or_written_anew_is_read_again(
    folder: Path, tmp_path: Path, tiny_encoder: Encoder
) -> None:
    retriever = made_of(folder, tmp_path / "my.hive", tiny_encoder)
    retriever.delete(["n0.txt"])
    assert [file.name for file in synced(retriever, folder)[0].new] == ["n0.txt"]
    retriever.upsert([("n1.txt", "mine")])
    retriever.add([("moved.txt", "mine too")])
    (folder / "n2.txt").rename(folder / "moved.txt")
    synced(retriever, folder)
    assert held(retriever.index) == held(made_of(folder, tmp_path / "anew.hive", tiny_encoder).index)


def test_an_attribute_of_ones_own_by_that_name_is_left_alone(
    folder: Path, tmp_path: Path, tiny_encoder: Encoder
) -> None:
    retriever = made_of(folder, tmp_path / "my.hive", tiny_encoder)
    own = [{"id": "a", "text": "x", "file": {"path": "n0.txt"}}, {"id": "b", "text": "x", "file": "n0.txt"}]
    retriever.add(own)
    assert len(known_files(retriever.index.inventory)) == 7
    write(folder / "n0.txt", "another text")
    synced(retriever, folder)
    assert held(retriever.index).keys() >= {"a", "b"}


def test_a_time_alone_is_no_change(folder: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    retriever = made_of(folder, tmp_path / "my.hive", tiny_encoder)
    known = known_files(retriever.index.inventory)
    found = list(walk(folder, ALL_FILES, print))
    assert compare(known, found) == FolderChanges(n_unchanged=7)
    for file in found:
        file.path.chmod(0o000)
    try:
        assert compare(known, found) == FolderChanges(n_unchanged=7)  # nothing was read
    finally:
        for file in found:
            file.path.chmod(0o644)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"removed": ["nobody"]}, "holds no document 'nobody'"),
        ({"relabelled": {"nobody": ("x", {})}}, "holds no document 'nobody'"),
        ({"relabelled": {"n0.txt": ("n1.txt", {})}}, "'n1.txt' is already in"),
        ({"relabelled": {"n0.txt": ("x", {}), "n1.txt": ("x", {})}}, "'x' is given twice"),
        ({"relabelled": {"n0.txt": ("x", {"v": float("nan")})}}, "which JSON does not have"),
        ({"relabelled": {"n0.txt": ("", {})}}, "not a string with characters"),
    ],
)
def test_changes_that_can_not_be_made_are_refused(
    folder: Path, tmp_path: Path, tiny_encoder: Encoder, given: dict[str, object], said: str
) -> None:
    retriever = made_of(folder, tmp_path / "my.hive", tiny_encoder)
    before = held(retriever.index)
    with pytest.raises(InputError, match=said):
        retriever.index.change(**given)  # type: ignore[arg-type]
    assert held(retriever.index) == before
