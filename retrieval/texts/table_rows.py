"""The rows of tables: data frames, Arrow tables and streams, which Python iterates by columns or not at all."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from wordhive.index import InputError
from wordhive.index.arguments import is_iterable

_ROWS_AT_ONCE = 2048


def rows_of(documents: Any) -> Iterable[Any]:
    """What to iterate for the documents of a collection: itself, or the rows of a table, as dicts.

    Tables are known by their methods: pandas, Polars and Arrow need not be there. What a table has no value for is left
    out of its row.

    Raises:
        InputError: What gives keys or characters, not documents, and for what is no iterable.
    """
    if isinstance(documents, Mapping):
        if hasattr(documents, "column_names"):
            raise InputError(
                f"the documents are a {type(documents).__name__} of {', '.join(map(repr, documents))}; give one split: "
                f"documents[{next(iter(documents), 'train')!r}]"
            )
        raise InputError(
            f"the documents are one {type(documents).__name__}, which gives its keys; expected a list of them: wrap a "
            "single one, [document]; of a dict from ids to texts give its items()"
        )
    if hasattr(documents, "to_pylist"):  # Arrow: a table, a record batch, or a column
        return _arrow_rows(documents)
    if hasattr(documents, "itertuples") and hasattr(documents, "iloc"):  # pandas
        return _pandas_rows(documents)
    if hasattr(documents, "iter_rows"):  # Polars
        return (_filled(row) for row in documents.iter_rows(named=True))
    if _is_data_set(documents):
        return (_filled(row) for row in documents)
    if is_stream(documents):
        return _stream_rows(documents)
    if hasattr(documents, "iloc") and hasattr(documents, "index"):
        _check_labels(documents)
    if isinstance(documents, (str, bytes, bytearray)) or not is_iterable(documents):
        raise InputError(
            f"the documents are {type(documents).__name__}; expected a list of them: wrap a single one, [document]"
        )
    rows: Iterable[Any] = documents
    return rows


def is_stream(documents: Any) -> bool:
    """Whether documents are read a part at a time: an Arrow stream, or a data set of Hugging Face's."""
    if _is_data_set(documents):
        return True
    is_table = any(hasattr(documents, method) for method in ("to_pylist", "itertuples", "iter_rows"))
    return hasattr(documents, "__arrow_c_stream__") and not is_table and not isinstance(documents, Collection)


def _is_data_set(documents: Any) -> bool:
    return hasattr(documents, "column_names") and hasattr(documents, "features")


def column_names(documents: Any) -> list[str] | None:
    """The names of a table's columns; None where it does not tell."""
    names = getattr(getattr(documents, "schema", None), "names", None)  # Arrow
    for attribute in ("column_names", "columns"):  # Hugging Face; pandas, Polars, DuckDB
        names = getattr(documents, attribute, None) if names is None or callable(names) else names
    return None if names is None or callable(names) or isinstance(names, Mapping) else [str(name) for name in names]


def _stream_rows(documents: Any) -> Iterator[Any]:
    try:
        import pyarrow
    except ImportError as error:
        raise InputError(
            f"the documents are a {type(documents).__name__}, an Arrow stream, and pyarrow, which reads it, is not "
            "installed; pip install wordhive[parquet]"
        ) from error
    for batch in pyarrow.RecordBatchReader.from_stream(documents):
        yield from _arrow_rows(batch)


def _arrow_rows(table: Any) -> Iterator[Any]:
    for start in range(0, len(table), _ROWS_AT_ONCE):
        for row in table.slice(start, _ROWS_AT_ONCE).to_pylist():
            yield _filled(row) if isinstance(row, dict) else row


def _pandas_rows(frame: Any) -> Iterator[dict[Any, Any]]:
    for start in range(0, len(frame), _ROWS_AT_ONCE):
        part = frame.iloc[start : start + _ROWS_AT_ONCE]
        for row, has in zip(part.to_dict("records"), part.notna().to_dict("records"), strict=True):
            yield {name: value for name, value in row.items() if has[name]}


def _filled(row: Mapping[Any, Any]) -> dict[Any, Any]:
    return {
        name: value
        for name, value in row.items()
        if value is not None and not (isinstance(value, float) and math.isnan(value))
    }


def _check_labels(series: Any) -> None:
    label = next(iter(series.index), None)
    if isinstance(label, str):
        raise InputError(
            f"the documents are a {type(series).__name__} with labels such as {label!r:.40}; give its items() for "
            "(id, text) pairs, its tolist() for texts, or [series.to_dict()] where it is one document"
        )
