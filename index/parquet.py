"""An index as one Parquet file, and back: documents, attributes, vectors, for any program that reads Parquet.

Columns: id (string), text (large_string), attributes (string, JSON), vectors (a list of float32 vectors a document),
word_ids (list of uint32), summary (a float32 vector, where documents have one), windows (of a long document, the
positions of the words of each window) and window_summaries (a list of float32 vectors). What the index was made with is
JSON under "wordhive" in the schema's metadata. A file of another program needs ids and vectors only; its ids may be
whole numbers, and its strings categories (a dictionary).
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import flag, given_path, instance
from .config import IndexConfig
from .errors import InputError, WordhiveError
from .files import discard
from .index import Index
from .reading.snapshot import Snapshot
from .storage.segment import Segment
from .storage.settings import IndexSettings
from .vectors.window_words import WindowWords
from .word_vectors import WordVectors

_METADATA = b"wordhive"
# Documents that are read, and committed, at a time.
_AT_ONCE = 2048
_MOST_WORD_ID = 2**32 - 1

Advance = Callable[[int], None]


def export_index(index: Index, path: str | Path, *, vectors: bool = True, on_documents: Advance | None = None) -> int:
    """Write the documents of an index to a Parquet file, which appears once it is complete; their number.

    Args:
        index: The index.
        path: The file.
        vectors: Write word vectors (as their codes are decoded), word ids and summaries, which `import_index` needs.
        on_documents: Called with the number of documents that were written since the last call.

    Raises:
        WordhiveError: pyarrow is not installed.
        OSError: The file can't be written.
    """
    instance(index, "index", Index, "an Index: Index.open(path)")
    path, snapshot, parquet = given_path(path), index.snapshot(), _parquet()
    schema = _schema(snapshot, index.settings, vectors=flag(vectors, "vectors"))
    temporary, n = path.with_name(f"writing-{os.getpid()}-{path.name}"), 0
    try:
        with parquet.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True) as writer:
            for segment in snapshot.segments:
                for documents in segment.blocks(snapshot.tombstones.live(segment)):
                    writer.write_batch(_batch(snapshot, segment, documents, schema))
                    n += len(documents)
                    if on_documents:
                        on_documents(len(documents))
        temporary.replace(path)
    except BaseException:
        discard(temporary)
        raise
    return n


def import_index(
    path: str | Path, to: str | Path, *, on_documents: Advance | None = None, device: str = "cpu"
) -> Index:
    """A new index of a Parquet file by `export_index`; codecs and encoding are trained anew.

    It has the settings of the exported index, but not the queries that it was fitted to, which are not in the file.
    A file of another program makes an index of preset "default". The folder appears once it is complete.

    Args:
        path: The file.
        to: Folder of the new index.
        on_documents: Called with the number of documents that were added since the last call.
        device: "cpu" or "cuda"; see `Index.create`.

    Raises:
        InputError: The file is no Parquet, lacks columns, or has columns of other types.
    """
    path, to = given_path(path), given_path(to)
    with _opened(path) as file:
        origin = _origin(file.schema_arrow, path)
        _check_columns(file.schema_arrow, origin, path)
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise _taken(to)
        temporary = to.with_name(f"importing-{secrets.token_hex(4)}-{to.name}")  # another process may import it too
        try:
            index = Index.create(
                temporary,
                origin.settings.config,
                encoder=origin.settings.encoder,
                summary_weight=origin.settings.summary_weight,
                exact_match=origin.settings.exact_match,
                query_length=origin.settings.query_length,
                store_texts=origin.settings.store_texts,
                text_fields=origin.settings.text_fields,
                device=device,
            )
            try:
                for batch in _batches(file, path):
                    _add(index, batch, origin, path)
                    if on_documents:
                        on_documents(batch.num_rows)
            finally:
                index.close()
            _move(temporary, to)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return Index.open(to, device=device)


def _move(folder: Path, to: Path) -> None:
    """Move a folder to where none is, or an empty one."""
    try:
        if os.name == "nt" and to.exists():  # elsewhere an empty folder is replaced in one step
            to.rmdir()
        folder.rename(to)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise _taken(to) from error
        raise


def _taken(path: Path) -> InputError:
    return InputError(f"{path} is already there; choose another path")


def n_documents(path: str | Path) -> int:
    """Documents in a Parquet file.

    Raises:
        InputError: A file that is none.
    """
    with _opened(given_path(path)) as file:
        return int(file.metadata.num_rows)


def _schema(snapshot: Snapshot, settings: IndexSettings, *, vectors: bool) -> Any:
    import pyarrow as pa

    fields = [("id", pa.string()), ("text", pa.large_string()), ("attributes", pa.string())]
    if vectors:
        fields += [("vectors", pa.list_(_vector(snapshot.dim))), ("word_ids", pa.list_(pa.uint32()))]
        if snapshot.summary_dim:
            fields.append(("summary", _vector(snapshot.summary_dim)))
        if any(segment.windows is not None for segment in snapshot.segments):
            fields.append(("windows", pa.list_(pa.list_(pa.uint32()))))
            if snapshot.summary_dim:
                fields.append(("window_summaries", pa.list_(_vector(snapshot.summary_dim))))
    made_with = {"settings": settings.values(), "dim": snapshot.dim, "summary_dim": snapshot.summary_dim}
    return pa.schema(fields, metadata={_METADATA: json.dumps(made_with).encode()})


def _vector(dim: int) -> Any:
    import pyarrow as pa

    return pa.list_(pa.float32(), dim or -1)  # of an index without documents nobody knows


def _batch(snapshot: Snapshot, segment: Segment, numbers: NDArray[np.int64], schema: Any) -> Any:
    import pyarrow as pa

    rows = segment.rows[numbers].tolist()
    by_row = snapshot.documents(rows)
    documents = [by_row[row] for row in rows]
    attributes = [json.dumps(one.attributes, ensure_ascii=False) if one.attributes else None for one in documents]
    columns: list[Any] = [[one.id for one in documents], [one.text for one in documents], attributes]
    if "vectors" in schema.names:
        vectors = snapshot.decoded(segment, numbers)
        offsets = pa.array(vectors.offsets, pa.int32())
        columns += [pa.ListArray.from_arrays(offsets, _rows(each)) for each in (vectors.vectors, vectors.word_ids)]
        if "summary" in schema.names:
            columns.append(_rows(vectors.summary))
        if "windows" in schema.names:
            columns += _window_columns(vectors, has_summaries="window_summaries" in schema.names)
    arrays = [pa.array(c, field.type) if isinstance(c, list) else c for c, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _window_columns(vectors: WordVectors, *, has_summaries: bool) -> list[Any]:
    import pyarrow as pa

    windows = vectors.windows or WindowWords.none(len(vectors), vectors.summary_dim)
    starts = pa.array(windows.starts, pa.int32())
    positions = pa.array(windows.words.astype(np.uint32))
    columns = [
        pa.ListArray.from_arrays(starts, pa.ListArray.from_arrays(pa.array(windows.offsets, pa.int32()), positions))
    ]
    if has_summaries:
        columns.append(pa.ListArray.from_arrays(starts, _rows(windows.summary)))
    return columns


def _rows(array: Any) -> Any:
    """An array of numbers, or of rows of them, as Arrow has it."""
    import pyarrow as pa

    flat = pa.array(array.reshape(-1))
    return flat if array.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, array.shape[1])


def _opened(path: Path) -> Any:
    parquet = _parquet()
    if not path.is_file():
        raise InputError(f"no file at {path}; expected a Parquet file, as wordhive export writes it")
    import pyarrow as pa

    try:
        return parquet.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is no Parquet file ({error}); expected one as wordhive export writes it") from error


def _batches(file: Any, path: Path) -> Iterator[Any]:
    import pyarrow as pa

    names = [name for name in file.schema_arrow.names if name in _KINDS]
    try:
        yield from file.iter_batches(_AT_ONCE, columns=names)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is damaged ({error}); export it again") from error


@dataclass(frozen=True)
class _Origin:
    """What a file says of the exported index.

    Attributes:
        settings: Of the index.
        dim, summary_dim: Of its words and summaries; 0 where they are not known.
        is_export: Whether an export wrote the file, which has all columns then.
    """

    settings: IndexSettings
    dim: int
    summary_dim: int
    is_export: bool


def _origin(schema: Any, path: Path) -> _Origin:
    written = (schema.metadata or {}).get(_METADATA)
    if written is None:
        default = IndexSettings(IndexConfig.default(), None, 0.0, False, None, has_queries=False, store_texts=True)
        return _Origin(default, 0, 0, is_export=False)
    source = f"what {path} says of its index"
    try:
        values = json.loads(written)
        settings = IndexSettings.parse(values["settings"], source)
        return _Origin(settings, int(values["dim"]), int(values["summary_dim"]), is_export=True)
    except InputError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{source} can't be read ({error}); export it again with this version") from error


# Columns that are read, and what they hold.
_KINDS = {
    "id": "strings or whole numbers",
    "text": "strings",
    "attributes": "strings with JSON",
    "vectors": "lists of vectors",
    "word_ids": "lists of whole numbers",
    "summary": "vectors",
    "windows": "lists of lists of whole numbers",
    "window_summaries": "lists of vectors",
}


def _check_columns(schema: Any, origin: _Origin, path: Path) -> None:
    needed = {
        "id": True,
        "vectors": True,
        "text": origin.is_export,
        "attributes": origin.is_export,
        "word_ids": origin.is_export or origin.settings.exact_match,
        "summary": origin.summary_dim > 0,
    }
    for name in (name for name, is_needed in needed.items() if is_needed and name not in schema.names):
        raise InputError(
            f"{path} has no column {name!r}, only {', '.join(schema.names)}; export it with vectors, by wordhive export"
        )
    for name, kind in _KINDS.items():
        if name in schema.names and not _is(kind, schema.field(name).type):
            raise InputError(f"{path}: column {name!r} holds {schema.field(name).type}; expected {kind}")


def _is(kind: str, given: Any) -> bool:
    import pyarrow.types as types

    if kind.startswith("strings"):
        if types.is_dictionary(given):  # as pandas writes categories
            given = given.value_type
        if kind.endswith("whole numbers") and types.is_integer(given):
            return True
        is_string = (types.is_string, types.is_large_string, types.is_string_view, types.is_null)
        return any(test(given) for test in is_string)
    if not (types.is_list(given) or types.is_large_list(given) or types.is_fixed_size_list(given)):
        return False
    if kind.startswith(("lists of vectors", "lists of lists")):
        return _is(kind.removeprefix("lists of "), given.value_type)
    number = types.is_integer if kind.startswith("lists") else types.is_floating
    return bool(number(given.value_type))


def _add(index: Index, batch: Any, origin: _Origin, path: Path) -> None:
    columns = {name: batch.column(name) for name in batch.schema.names}
    vectors, offsets = _ragged(columns["vectors"], "vectors", path)
    words = _matrix(vectors, origin.dim or index.dim, "vectors", path)
    ids = np.zeros(len(words), np.uint32)
    if "word_ids" in columns:
        flat, id_offsets = _ragged(columns["word_ids"], "word_ids", path)
        if not np.array_equal(id_offsets, offsets):
            raise InputError(f"{path}: a document has another number of word_ids than of vectors; expected one each")
        ids = _word_ids(flat, path)
    summary = None
    if "summary" in columns:
        summary = _matrix(columns["summary"], index.summary_dim, "summary", path)
        if len(summary) != len(offsets) - 1:
            raise InputError(f"{path}: a document has no summary; expected one for each or no such column")
    dim = 0 if summary is None else summary.shape[1]
    windows = _windows(columns, dim, path) if "windows" in columns else None
    attributes = [_attributes(value, path) for value in _strings(columns, "attributes", path)]
    texts = _strings(columns, "text", path)
    names = [str(id) if isinstance(id, int) else id for id in _strings(columns, "id", path)]
    # An id that is null is refused there, as any other that is no string.
    index.add(names, WordVectors(words, offsets, ids, summary, windows), texts, attributes)  # type: ignore[arg-type]


def _windows(columns: dict[str, Any], summary_dim: int, path: Path) -> WindowWords:
    lists, starts = _ragged(columns["windows"], "windows", path)
    flat, offsets = _ragged(lists, "windows", path)
    summary = None
    if summary_dim:
        if "window_summaries" not in columns:
            raise InputError(f"{path}: windows without window_summaries; expected a summary of each window")
        rows, of_summaries = _ragged(columns["window_summaries"], "window_summaries", path)
        if not np.array_equal(of_summaries, starts):
            raise InputError(f"{path}: a document has another number of window_summaries than of windows")
        summary = _matrix(rows, summary_dim, "window_summaries", path)
    return WindowWords(np.diff(starts), offsets, _word_ids(flat, path).astype(np.int64), summary)


def _word_ids(column: Any, path: Path) -> NDArray[np.uint32]:
    numbers = np.zeros(0, np.int64) if column.null_count else np.asarray(column.to_numpy(zero_copy_only=False))
    if len(numbers) < len(column) or (len(numbers) and not 0 <= numbers.min() <= numbers.max() <= _MOST_WORD_ID):
        raise InputError(
            f"{path}: word_ids hold null, or a number that is none of 32 bits; expected 0 for an unknown word"
        )
    return numbers.astype(np.uint32)


def _strings(columns: dict[str, Any], name: str, path: Path) -> list[str | None]:
    if name not in columns:
        return [None] * len(columns["id"])
    try:
        return list(columns[name].to_pylist())
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: column {name!r} is not UTF-8 ({error.reason}); expected strings") from error


def _ragged(column: Any, name: str, path: Path) -> tuple[Any, NDArray[np.int64]]:
    """The items of all lists, and where each list begins and the last one ends."""
    import pyarrow.compute as pc

    if column.null_count:
        raise InputError(f"{path}: column {name!r} is null for a document; expected a list, which may be empty")
    lengths = np.asarray(pc.list_value_length(column).to_numpy(zero_copy_only=False), np.int64)
    return column.flatten(), np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def _matrix(vectors: Any, dim: int, name: str, path: Path) -> NDArray[np.float32]:
    """An Arrow array of vectors as float32 `[n, dim]`.

    Args:
        dim: Where there is no vector to tell.
    """
    flat, offsets = _ragged(vectors, name, path)
    dims = np.unique(np.diff(offsets))
    if len(dims) > 1:
        raise InputError(
            f"{path}: column {name!r} holds vectors of {dims[0]} and of {dims[-1]} dims; expected one size"
        )
    dim = int(dims[0]) if len(dims) else dim
    if not dim:
        raise InputError(f"{path}: the first documents have no word, so that nobody knows the dims; put others first")
    with np.errstate(over="ignore"):  # what float32 can't hold is infinite, which is refused
        numbers = np.asarray(flat.to_numpy(zero_copy_only=False)).astype(np.float32)
    return numbers.reshape(-1, dim)


def _attributes(value: str | None, path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(value) if value else None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: attributes {value!r:.80} are no JSON ({error}); expected an object or null"
        ) from error
    if found is not None and not isinstance(found, dict):
        raise InputError(f"{path}: attributes {value!r:.80} are no JSON object; expected one, or null")
    return found


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise WordhiveError("Parquet needs pyarrow; install it with: pip install 'wordhive[parquet]'") from error
    return pyarrow.parquet
