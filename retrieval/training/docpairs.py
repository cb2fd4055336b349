"""Training pairs of an ir_datasets id: their ids one after the other, their texts when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from wordhive.index import InputError, WordhiveError

_T = TypeVar("_T")


@dataclass(frozen=True)
class Docpair:
    """A query and a relevant document by their ids, and documents that are less relevant."""

    query_id: str
    positive_id: str
    negative_ids: tuple[str, ...] = ()


class Docpairs:
    """The document pairs of an ir_datasets id ("msmarco-passage/train/triples-small"), or where it has none, one pair a
    judgement above 0 ("beir/scifact/train").

    Raises:
        InputError: An unknown id or one without pairs and judgements.
        WordhiveError: It can't be downloaded.
    """

    def __init__(self, name: str) -> None:
        import ir_datasets

        self.name = name
        try:
            self._dataset: Any = ir_datasets.load(name)
        except KeyError as error:
            raise InputError(f"no ir_datasets collection {name!r}; see ir-datasets.com for the ids") from error
        missing = [part for part in ("docs", "queries") if not self._has(part)]
        if not (self._has("docpairs") or self._has("qrels")):
            missing.append("docpairs or qrels")
        if missing:
            raise InputError(f"ir_datasets {name!r} has no {' and no '.join(missing)}; choose a part made for training")

    def __iter__(self) -> Iterator[Docpair]:
        rows = self._got(lambda: iter(self._dataset.docpairs_iter() if self._has("docpairs") else self._judged()))
        while (row := self._got(lambda: next(rows, None))) is not None:
            if self._has("docpairs"):
                yield Docpair(row.query_id, row.doc_id_a, (row.doc_id_b,))
            else:
                yield Docpair(row.query_id, row.doc_id)

    def texts(self, pair: Docpair) -> tuple[str, str, tuple[str, ...]]:
        """The query, the positive and the negatives of a pair."""
        if pair.query_id not in self._queries:
            raise InputError(f"ir_datasets {self.name!r} has a pair of the query {pair.query_id!r}, but no such query")
        positive, *negatives = (self._document(id) for id in (pair.positive_id, *pair.negative_ids))
        return self._queries[pair.query_id], positive, tuple(negatives)

    def _has(self, part: str) -> bool:
        return bool(getattr(self._dataset, f"has_{part}")())

    def _judged(self) -> Iterator[Any]:
        return (row for row in self._dataset.qrels_iter() if row.relevance > 0)

    @cached_property
    def _queries(self) -> dict[str, str]:
        return self._got(lambda: {row.query_id: _text_of(row) for row in self._dataset.queries_iter()})

    @cached_property
    def _documents(self) -> Any:
        return self._got(lambda: self._dataset.docs_store())

    def _document(self, id: str) -> str:
        try:
            return _text_of(self._got(lambda: self._documents.get(id)))
        except KeyError as error:
            raise InputError(f"ir_datasets {self.name!r} has a pair of the document {id!r}, but no such one") from error

    def _got(self, get: Callable[[], _T]) -> _T:
        try:
            return get()
        except (OSError, RuntimeError) as error:
            raise WordhiveError(
                f"cannot get the collection {self.name!r} ({type(error).__name__}); connect and run again, or put its "
                f"files where ir_datasets looks for them: see `ir_datasets export --help` and ~/.ir_datasets"
            ) from error


def _text_of(row: Any) -> str:
    return str(row.default_text()).strip()
