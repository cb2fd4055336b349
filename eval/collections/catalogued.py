"""Collections that ir_datasets knows, read from its local cache or downloaded by it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb
from typing import Any

from wordhive.index import InputError, WordhiveError
from wordhive.retrieval.texts.documents import Document, Query

from .judgements import Judgement


@dataclass(frozen=True)
class PublicCollection:
    """The parts of a collection.

    Attributes:
        measures: What its makers report, as ir_datasets writes it.
    """

    documents: Callable[[], Iterator[Document]]
    queries: Iterable[Query]
    judgements: Iterable[Judgement]
    measures: tuple[str, ...]


def load(name: str) -> PublicCollection:
    """A collection by its ir_datasets id; nothing is read or downloaded before its parts are.

    Raises InputError for an unknown id, and one without documents, queries or judgements. Reading the parts raises
    WordhiveError, which says which file to get from where, when one can't be had.
    """
    import ir_datasets

    try:
        dataset = ir_datasets.load(name)
    except KeyError as error:
        raise InputError(
            f"no folder and no ir_datasets collection {name!r}; see ir-datasets.com for the ids"
        ) from error
    missing = [part for part in ("docs", "queries", "qrels") if not getattr(dataset, f"has_{part}")()]
    if missing:
        raise InputError(
            f"ir_datasets {name!r} has no {' and no '.join(missing)}; choose a part with judgements, e.g. {name}/test"
        )
    # It tells each failed try of a download; the error says it once.
    logging.getLogger("ir_datasets").addFilter(_no_failed_try)
    documentation = dataset.documentation() or {}
    return PublicCollection(
        lambda: _read(name, lambda: (Document(row.doc_id, _text_of(row)) for row in dataset.docs_iter())),
        _read(name, lambda: (Query(row.query_id, _text_of(row)) for row in dataset.queries_iter())),
        _read(name, lambda: (Judgement(r.query_id, r.doc_id, int(r.relevance)) for r in dataset.qrels_iter())),
        tuple(documentation.get("official_measures") or ()),
    )


def _read(name: str, rows: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    try:
        yield from rows()
    except Exception as error:  # ir_datasets raises whatever its downloads, archives and formats do
        raise _unavailable(name, error) from error


def _text_of(row: Any) -> str:
    # ir_datasets knows which fields of a record are its text.
    return str(row.default_text()).strip()


def _unavailable(name: str, error: BaseException) -> WordhiveError:
    import ir_datasets

    # ir_datasets knows the file by its url and place, but does not say them with its error.
    owners = [frame.f_locals.get("self") for frame, _ in walk_tb(error.__traceback__)]
    download = next((owner for owner in owners if isinstance(owner, ir_datasets.util.Download)), None)
    if download is None:
        return WordhiveError(
            f"cannot read the collection {name!r} ({type(error).__name__}: {error}); "
            f"remove its files from {ir_datasets.util.home_path()} and get them again"
        )
    home = Path(ir_datasets.util.home_path())
    place = download._cache_path or home / "downloads" / str(download.expected_md5)
    url = next((mirror.url for mirror in download.mirrors if hasattr(mirror, "url")), None)
    if url is None:
        return WordhiveError(
            f"the collection {name!r} can't be downloaded without asking; get it and put it at {place}"
        )
    return WordhiveError(
        f"cannot get {url} for the collection {name!r}; connect and run again, or put that file at {place}"
    )


def _no_failed_try(record: logging.LogRecord) -> bool:
    return not record.getMessage().lower().startswith(("download error", "download failed"))
