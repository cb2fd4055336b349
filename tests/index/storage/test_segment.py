from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash

from wordhive.index import IndexConfig, WordhiveError
from wordhive.index.files import checksum
from wordhive.index.storage import folders
from wordhive.index.storage.array_files import save_array
from wordhive.index.storage.catalog.catalog_records import FileRecord, SegmentRecord
from wordhive.index.storage.folders import file_records, new_folder, remove_orphans, verify
from wordhive.index.storage.segment import Segment

NUMBERS = re.compile(r"\d+")


def segment(folder: Path) -> Segment:
    return Segment(folder, SegmentRecord("s", 1, 0, 2, 3, 2), IndexConfig())


def write_then(parent: Path, error: type[BaseException] | None) -> None:
    with new_folder(parent, "new") as folder:
        (folder / "file").write_bytes(b"content")
        if error:
            raise error


def names(parent: Path) -> list[str]:
    return sorted(path.name for path in parent.iterdir())


def test_a_new_folder_appears_under_its_name(tmp_path: Path) -> None:
    write_then(tmp_path, None)
    assert (tmp_path / "new" / "file").read_bytes() == b"content"


def test_a_new_folder_leaves_no_temporary_one(tmp_path: Path) -> None:
    write_then(tmp_path, None)
    assert names(tmp_path) == ["new"]


def test_a_new_folder_is_not_seen_before_it_is_complete(tmp_path: Path) -> None:
    with new_folder(tmp_path, "new"):
        seen = (tmp_path / "new").exists()
    assert not seen


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, ValueError])
def test_a_new_folder_that_fails_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error):
        write_then(tmp_path, error)
    assert names(tmp_path) == []


def test_a_new_folder_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[str, bool]] = []
    monkeypatch.setattr(folders, "sync", lambda path: synced.append((path.name, (tmp_path / "new").exists())))
    write_then(tmp_path, None)
    assert synced == [("file", False), ("writing-new", False), (tmp_path.name, True)]


def test_strangers_are_removed(tmp_path: Path) -> None:
    for name in ("7", "12", "writing-13", "mine", "writing-mine", "12.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    remove_orphans(tmp_path, {"7"}, NUMBERS)
    assert names(tmp_path) == ["12.old", "7", "mine", "writing-mine"]


def test_what_is_known_keeps_its_files(tmp_path: Path) -> None:
    write_then(tmp_path, None)
    remove_orphans(tmp_path, {"new"}, re.compile(".*"))
    assert names(tmp_path / "new") == ["file"]


def test_files_beside_the_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README").touch()
    remove_orphans(tmp_path, set(), re.compile(".*"))
    assert names(tmp_path) == ["README"]


def test_no_folder_holds_no_strangers(tmp_path: Path) -> None:
    remove_orphans(tmp_path / "gone", set(), NUMBERS)
    assert names(tmp_path) == []


def test_file_records_hold_path_size_and_checksum(tmp_path: Path) -> None:
    write_then(tmp_path / "segments", None)
    expected = FileRecord("segments/new/file", 7, xxhash.xxh3_128(b"content").hexdigest())
    assert file_records(tmp_path, tmp_path / "segments" / "new") == [expected]


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_checksums_cover_the_whole_file(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "file").write_bytes(data[:size])
    assert checksum(tmp_path / "file") == xxhash.xxh3_128(data[:size]).hexdigest()


@pytest.mark.parametrize(
    ("name", "kind", "shape"),
    [
        ("words", np.uint8, (3, 4)),
        ("words", np.uint8, (0, 4)),
        ("offsets", np.int64, (3,)),
        ("summaries", np.uint8, (3, 4)),
    ],
)
def test_arrays_are_given_back(tmp_path: Path, name: str, kind: type, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=kind).reshape(shape)
    save_array(tmp_path / f"{name}.npy", array)
    np.testing.assert_array_equal(getattr(segment(tmp_path), name), array)


def test_arrays_are_mapped_rather_than_read(tmp_path: Path) -> None:
    save_array(tmp_path / "words.npy", np.zeros((3, 4), np.uint8))
    assert isinstance(segment(tmp_path).words, np.memmap)


def test_a_mapped_array_can_not_be_written_to(tmp_path: Path) -> None:
    save_array(tmp_path / "words.npy", np.zeros((3, 4), np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        segment(tmp_path).words[:] = 1


def test_objects_are_never_pickled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pickled"):
        save_array(tmp_path / "words.npy", np.array([{}, []], dtype=object))


def test_pickled_arrays_are_never_read(tmp_path: Path) -> None:
    array: Any = np.array([{}, []], dtype=object)
    np.save(tmp_path / "words.npy", array, allow_pickle=True)
    with pytest.raises(WordhiveError, match=r"words\.npy is damaged"):
        _ = segment(tmp_path).words


@pytest.mark.parametrize("name", ["words", "offsets", "word_ids", "summaries"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(WordhiveError, match=rf"{name}\.npy is missing"):
        getattr(segment(tmp_path), name)


@pytest.mark.parametrize("name", ["words", "offsets", "word_ids", "summaries"])
@pytest.mark.parametrize("kept", [0, 3, 60, 130])
def test_a_truncated_file_is_named(tmp_path: Path, name: str, kept: int) -> None:
    path = tmp_path / f"{name}.npy"
    save_array(path, np.arange(30))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WordhiveError, match=rf"{name}\.npy is damaged"):
        getattr(segment(tmp_path), name)


@pytest.mark.parametrize("name", ["words", "offsets", "word_ids", "summaries"])
def test_a_file_of_garbage_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.npy").write_bytes(b"garbage" * 50)
    with pytest.raises(WordhiveError, match=rf"{name}\.npy is damaged"):
        getattr(segment(tmp_path), name)


_SAVE_ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from wordhive.index.storage.array_files import save_array
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY))
for n in (50, 500, 5_000, 100_000):
    try:
        save_array(Path(sys.argv[1]), np.zeros(n, np.uint8))
        sys.stdout.write(f"{n} ")
    except OSError:
        pass
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on the size of a file")
def test_an_array_that_the_disk_has_no_room_for_is_not_saved(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _SAVE_ON_A_FULL_DISK, str(tmp_path / "x.npy")]
    assert subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split() == ["50"]


@pytest.mark.parametrize("at_once", [0, 1 << 40])
def test_files_are_compared_with_their_checksums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(folders, "_READ_TOGETHER", at_once)
    folder = tmp_path / "segments" / "a"
    folder.mkdir(parents=True)
    for name in "abcdef":
        (folder / name).write_bytes(name.encode() * 1000)
    files = file_records(tmp_path, folder)
    verify(tmp_path, files)
    (folder / "e").write_bytes(b"e" * 999 + b"f")
    with pytest.raises(WordhiveError, match=r"segments/a/e is damaged; restore it from a copy"):
        verify(tmp_path, files)
    (folder / "c").unlink()
    with pytest.raises(WordhiveError, match=r"segments/a/c is missing from the index; restore it from a copy"):
        verify(tmp_path, files)
