"""One immutable segment on disk: what `add` wrote, memory-mapped when read."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .candidates import CandidateIndex
from .catalog import FileRecord, SegmentRecord
from .config import IndexConfig
from .disk import checksum, link_error, sync
from .errors import WordhiveError
from .word_id_lists import WordIdLists

_TEMPORARY = "writing-"
# Bytes from which files are read at once, by so many threads.
_READ_TOGETHER = 1 << 24
_READERS = 4
# The parts of `WordIdLists`, in its order.
ID_FILES = ("word_ids", "word_id_sizes", "vocabulary")


class Segment:
    """The files of one segment.

    words: uint8 `[n_words, code_size]`, those of a document in the order of their ids. offsets: int64
    `[n_documents + 1]`. word_ids: as they are coded; see `word_ids_of`. rows: int64 `[n_documents]`, ascending.
    summaries: uint8 `[n_documents, summary code size]`. candidates: the first stage. Both only where the index has
    them. Each raises WordhiveError for a file that is missing or damaged.
    """

    def __init__(self, folder: Path, record: SegmentRecord, config: IndexConfig) -> None:
        self.folder = folder
        self.record = record
        self._config = config
        self.is_open = False  # until all files are mapped, and found to be as they were written

    def open(self, *, has_summaries: bool, has_candidates: bool) -> None:
        """Map all files, so that they stay readable when a merge removes them."""
        _ = self.words, self.offsets, self.word_ids, self.rows
        if has_summaries:
            _ = self.summaries
        if has_candidates:
            _ = self.candidates

    @cached_property
    def words(self) -> NDArray[np.uint8]:
        words: NDArray[np.uint8] = _map(self.folder / "words.npy")
        return words

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        return np.asarray(_map(self.folder / "offsets.npy"))

    @cached_property
    def word_ids(self) -> WordIdLists:
        return WordIdLists(*(_map(self.folder / f"{name}.npy") for name in ID_FILES))

    def word_ids_of(self, documents: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The word ids of documents by their numbers within the segment, uint32 `[offsets[-1]]`.

        offsets: int64 `[len(documents) + 1]`, of their words.
        """
        return self.word_ids.decode(documents, offsets)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        first, n = self.record.first_row, self.record.n_documents
        if n == self.record.n_rows:
            return np.arange(first, first + n)
        rows: NDArray[np.int64] = np.asarray(_map(self.folder / "rows.npy"))
        return rows

    @cached_property
    def summaries(self) -> NDArray[np.uint8]:
        summaries: NDArray[np.uint8] = _map(self.folder / "summaries.npy")
        return summaries

    @cached_property
    def candidates(self) -> CandidateIndex:
        return CandidateIndex.load(self.folder / "candidates.faiss", self._config, mapped=True)


def save_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write an array as .npy; never pickles. Raises OSError when the disk is full."""
    with ArrayFile(path, array.dtype, len(array), *array.shape[1:]) as file:
        file.write(array)


def save_word_ids(folder: Path, lists: WordIdLists) -> None:
    """Write the word ids of a segment. Raises OSError when the disk is full."""
    for name, part in zip(ID_FILES, (lists.codes, lists.sizes, lists.vocabulary), strict=True):
        save_array(folder / f"{name}.npy", part)


class ArrayFile:
    """An .npy file of `n` rows that is written a block of rows at a time: an index may be larger than the memory."""

    def __init__(self, path: Path, kind: Any, n: int, *row: int) -> None:
        self._row, self._kind, self._left = row, np.dtype(kind), n
        if self._kind.hasobject:
            raise ValueError(f"{path} can hold numbers only, no objects: they would be pickled")
        self._file = path.open("xb")  # never through a link, or into a file of somebody else's
        header = {"descr": np.lib.format.dtype_to_descr(self._kind), "fortran_order": False, "shape": (n, *row)}
        np.lib.format.write_array_header_1_0(self._file, header)

    def write(self, rows: NDArray[Any]) -> None:
        """Append rows of the file's own kind and shape."""
        if rows.dtype != self._kind or rows.shape[1:] != self._row:
            raise WordhiveError(
                f"{self._file.name} holds rows of {self._kind} {self._row}, not of {rows.dtype} {rows.shape[1:]}"
            )
        self._left -= len(rows)
        # numpy's own writing loses what it has buffered when the disk is full, and says nothing.
        self._file.write(np.ascontiguousarray(rows).data)

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the file; it has all rows, or it is no array: unless something else went wrong before, which is told."""
        with suppress(*([] if kind is None else [OSError])):
            self._file.close()
        if self._left and kind is None:
            raise WordhiveError(f"{self._file.name} got {-self._left:+} rows more than its header says")


@contextmanager
def new_folder(parent: Path, name: str) -> Iterator[Path]:
    """A folder that appears under its name complete and on disk, or not at all.

    The block writes into the temporary folder that it is given.
    """
    temporary = parent / f"{_TEMPORARY}{name}"
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for path in sorted(temporary.iterdir()):
            sync(path)
        sync(temporary)
        temporary.rename(parent / name)
        sync(parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def remove_strangers(parent: Path, known: set[str], form: re.Pattern[str]) -> None:
    """Remove the folders below `parent` that the catalog does not name: what a crash left.

    form: of the names that such folders have; others are somebody else's. Nothing is removed through a link.
    """
    for folder in parent.iterdir() if parent.is_dir() and not parent.is_symlink() else ():
        is_ours = form.fullmatch(folder.name.removeprefix(_TEMPORARY)) is not None
        if is_ours and folder.name not in known and folder.is_dir() and not folder.is_symlink():
            # Some disks keep what another process has open: a later writer removes it.
            shutil.rmtree(folder, ignore_errors=True)


def file_records(root: Path, folder: Path) -> list[FileRecord]:
    """Size and checksum of every file in a folder of the index at `root`."""
    return [
        FileRecord(path.relative_to(root).as_posix(), path.stat().st_size, checksum(path))
        for path in sorted(folder.iterdir())
    ]


def verify(root: Path, files: Sequence[FileRecord]) -> None:
    """Raise WordhiveError for a file of the index at `root` that is not as the catalog knows it."""
    if sum(file.size for file in files) < _READ_TOGETHER:
        for file in files:
            _verify(root, file)
        return
    with ThreadPoolExecutor(_READERS) as readers:  # a disk reads several files in half the time
        for job in [readers.submit(_verify, root, file) for file in files]:
            job.result()


def _verify(root: Path, file: FileRecord) -> None:
    path = root / file.path
    try:
        if path.is_symlink() or path.parent.is_symlink():
            raise link_error(path)
        whole = path.stat().st_size == file.size and checksum(path) == file.checksum
    except FileNotFoundError as error:  # maybe since a moment ago, by another process's merge
        raise WordhiveError(f"{path} is missing from the index; restore it from a copy") from error
    except OSError as error:
        raise WordhiveError(f"{path} cannot be read ({error.strerror}); restore it from a copy") from error
    if not whole:
        raise WordhiveError(f"{path} is damaged; restore it from a copy")


def _map(path: Path) -> Any:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise WordhiveError(f"{path} is missing from the index; restore it from a copy") from error
    except (ValueError, EOFError):
        # An empty array can't be mapped; anything else is damage.
        try:
            array = np.load(path, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise WordhiveError(f"{path} is damaged ({error}); restore it from a copy") from error
    return array
