"""`Collection`: documents, queries and judgements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from wordhive.retrieval.texts.documents import Document

from ..runs import MEASURES, Qrels


@dataclass(frozen=True)
class Collection:
    """A test collection.

    Attributes:
        documents: Gives all of them, one after the other, anew at each call.
        queries: Id → text, those with a relevant document only.
        qrels: Query id → document id → grade; 0 and less is judged irrelevant.
        measures: Those to report, the main one first.
        warnings: What was passed over → how often; what there is to say of documents is there once
            `count_documents` or anyone else has read them to the end.
        without_itself: The document with a query's id does not count among the query's results.
    """

    name: str
    split: str
    documents: Callable[[], Iterator[Document]]
    queries: dict[str, str]
    qrels: Qrels
    measures: tuple[str, ...] = MEASURES
    warnings: dict[str, int] = field(default_factory=dict)
    without_itself: bool = False

    @property
    def main_measure(self) -> str:
        """The measure that the collection's makers compare systems by."""
        return self.measures[0]


def count_documents(collection: Collection) -> int:
    """The number of documents; reads them to the end, which completes the collection's warnings."""
    return sum(1 for _ in collection.documents())
