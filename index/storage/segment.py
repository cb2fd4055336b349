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

from ..candidates.candidate_index import CandidateIndex
from ..codecs import Codec
from ..config import IndexConfig
from ..errors import WordhiveError
from ..files import checksum, link_error, sync
from .catalog.catalog_records import FileRecord, SegmentRecord
from .mapped_arrays import map_array
from .parameters import Parameters
from .word_id_lists import WordIdLists

_TEMPORARY = "writing-"
# Bytes from which files are read at once, by so many threads.
_READ_TOGETHER = 1 << 24
_READERS = 4
# The parts of `WordIdLists`, in its order.
ID_FILES = ("word_ids", "word_id_sizes", "vocabulary")
# Of word ids, which stay as they were given.
_INTEGERS = ("<u4", "<i4", "<u8", "<i8", "<u2", "<i2", "|u1", "|i1")


class Segment:
    """The files of one segment.

    words: uint8 `[n_words, code_size]`, those of a document in the order of their ids. offsets: int64
    `[n_documents + 1]`. word_ids: as they are coded; see `word_ids_of`. rows: int64 `[n_documents]`, ascending.
    summaries: uint8 `[n_documents, summary code size]`. candidates: the first stage, once it is open. Both only where
    the index has them. Each raises WordhiveError for a file that is missing or damaged.
    """

    candidates: CandidateIndex

    def __init__(self, folder: Path, record: SegmentRecord, config: IndexConfig) -> None:
        self.folder = folder
        self.record = record
        self._config = config
        self.is_open = False  # until all files are mapped, and found to be as they were written

    def open(self, parameters: Parameters) -> None:
        """Map all files, so that they stay readable when a merge removes them, and look whether they fit each other.

        Raises WordhiveError where one is damaged, or holds other numbers than the catalog and the parameters say.
        """
        n, n_words = self.record.n_documents, self.record.n_words
        self._expect("words", self.words.shape == (n_words, parameters.words.code_size))
        self._check_codes("words", parameters.words, self.words)
        offsets = self.offsets
        self._expect("offsets", offsets.shape == (n + 1,) and offsets[0] == 0 and offsets[-1] == n_words)
        self._expect("offsets", bool((offsets[1:] >= offsets[:-1]).all()))
        self._expect("word_id_sizes", len(self.word_ids.sizes) == n and self.word_ids.is_whole())
        rows, first = self.rows, self.record.first_row
        self._expect(
            "rows", rows.shape == (n,) and (not n or (rows[0] >= first and rows[-1] < first + self.record.n_rows))
        )
        self._expect("rows", bool((rows[1:] > rows[:-1]).all()))
        if parameters.summaries is not None:
            self._expect("summaries", self.summaries.shape == (n, parameters.summaries.code_size))
            self._check_codes("summaries", parameters.summaries, self.summaries)
        if parameters.encoding is not None:
            path = self.folder / "candidates.faiss"
            self.candidates = CandidateIndex.load(path, self._config, parameters.dim, n, mapped=True)

    def _expect(self, name: str, fits: bool) -> None:
        if not fits:
            raise WordhiveError(
                f"{self.folder / name}.npy is damaged (it does not fit the catalog or the other files); "
                "restore it from a copy"
            )

    def _check_codes(self, name: str, codec: Codec, codes: NDArray[np.uint8]) -> None:
        try:
            codec.check_codes(codes)
        except ValueError as error:
            raise WordhiveError(f"{self.folder / name}.npy is damaged ({error}); restore it from a copy") from error

    @cached_property
    def words(self) -> NDArray[np.uint8]:
        words: NDArray[np.uint8] = map_array(self.folder / "words.npy", "|u1", dims=2)
        return words

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        return np.asarray(map_array(self.folder / "offsets.npy", "<i8"))

    @cached_property
    def word_ids(self) -> WordIdLists:
        kinds = (("|u1",), ("<u2", "<u4"), _INTEGERS)
        parts = zip(ID_FILES, kinds, strict=True)
        return WordIdLists(*(map_array(self.folder / f"{name}.npy", *kind) for name, kind in parts))

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
        rows: NDArray[np.int64] = np.asarray(map_array(self.folder / "rows.npy", "<i8"))
        return rows

    @cached_property
    def summaries(self) -> NDArray[np.uint8]:
        summaries: NDArray[np.uint8] = map_array(self.folder / "summaries.npy", "|u1", dims=2)
        return summaries


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


def remove_orphans(parent: Path, known: set[str], form: re.Pattern[str]) -> None:
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
