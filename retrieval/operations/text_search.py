"""`TextSearch`: what a retriever is asked with text: searches, explanations, texts in an order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, overload

from typing_extensions import Unpack

from wordhive.index import Index, InputError
from wordhive.index.arguments import shown, whole_number
from wordhive.index.storage.batch import check_ids

from ..encoder import Encoder
from ..explanation import Explanation
from ..hits import Hit, Hits, SearchedQuery
from ..progress import Shown, progress_bar
from ..search.search_options import SearchOptions
from ..search.text_scores import text_scores
from ..searcher import Searcher
from ..texts.documents import Document, id_from
from ..texts.intake import Intake, ids_of
from ..texts.text_fields import TextFields


class TextSearch:
    """Searches an index with texts."""

    index: Index
    encoder: Encoder
    searcher: Searcher

    @overload
    def search(self, queries: str, k: int = 10, **options: Unpack[SearchOptions]) -> Hits: ...
    @overload
    def search(self, queries: list[str], k: int = 10, **options: Unpack[SearchOptions]) -> list[Hits]: ...
    def search(self, queries: str | list[str], k: int = 10, **options: Unpack[SearchOptions]) -> Hits | list[Hits]:
        """The k best documents of one query, or of each of several. Ties go to the smaller id.

            retriever.search("how do bees communicate?", k=3, where="year >= 2000")

        Args:
            queries: One text, or a list of texts.
            k: How many documents.
            **options: `candidates`, `where`, `offset`, `score_threshold`, `carving`, `times`; see `SearchOptions`.
        """
        return self.searcher.search(queries, k, **options)

    @overload
    async def asearch(self, queries: str, k: int = 10, **options: Unpack[SearchOptions]) -> Hits: ...
    @overload
    async def asearch(self, queries: list[str], k: int = 10, **options: Unpack[SearchOptions]) -> list[Hits]: ...
    async def asearch(
        self, queries: str | list[str], k: int = 10, **options: Unpack[SearchOptions]
    ) -> Hits | list[Hits]:
        """As `search`, in a thread, so that the event loop goes on meanwhile.

            hits = await retriever.asearch("how do bees communicate?", k=3)

        A search that is cancelled goes on in its thread; its result is dropped.
        """
        import asyncio  # here: a plain search should not wait for it

        return await asyncio.to_thread(lambda: self.searcher.search(queries, k, **options))

    def more_like(self, id: str | int, k: int = 10, **options: Unpack[SearchOptions]) -> Hits:
        """The k documents that are most like one of the index, which is not among them.

            retriever.more_like("dance", k=3)

        The document's text is the query. Where the index keeps no texts, its stored vectors are: that is faster, and
        finds somewhat less.

        Args:
            id: The document's id.
            k: How many documents.
            **options: As for `search`.

        Raises:
            InputError: The index holds no such document.
        """
        return self.searcher.more_like(id_from(id), k, **options)

    def rerank(self, query: str, texts: Iterable[Any], k: int | None = None, *, show_progress: Shown = None) -> Hits:
        """Texts that are in no index, best first, by the exact score of their vectors as they are encoded.

            retriever.rerank("how do bees communicate?", ["Ants follow scent.", "Bees dance."], k=1)

        Args:
            query: The query.
            texts: As for `add`; the index stays as it is. A string has its place in the list as its id: "0", "1", ….
            k: How many of them. Default: all.
            show_progress: As for `add`.

        Raises:
            InputError: Something is no text, or an id is there twice.
        """
        if not isinstance(query, str):
            raise InputError(f"the query is {shown(query)}; expected a string")
        most = None if k is None else whole_number(k, "k", otherwise=", or None")
        intake = Intake(texts, None, TextFields(self.index.settings.text_fields))
        documents = [
            Document(str(place), item) if isinstance(item, str) else item for place, item in enumerate(intake.all())
        ]
        check_ids(ids_of(documents))
        asked = self.searcher.encode([query])
        with progress_bar("Encoding", len(documents), show=show_progress) as advance:
            vectors = self.encoder.encode_documents([document.text for document in documents], on_batch=advance)
        weight, exact_match = self.encoder.summary_weight, self.encoder.exact_match
        parts = text_scores(asked, vectors, weight, exact_match=exact_match)
        hits = Hits()
        for place, (document, words, summary) in enumerate(zip(documents, *parts, strict=True)):
            score = float(words + summary)
            hit = Hit(document.id, score, float(words), float(summary), document.text, document.attributes)
            hits.append(hit.found_by(SearchedQuery(self.index, self.encoder, query, asked, vectors[place : place + 1])))
        hits.sort(key=lambda hit: -hit.score)  # equal ones stay in the order in which they were given
        return Hits(hits[:most])

    def warm_up(self) -> None:
        """Search once, so that the first user's query is as fast as later ones; see `Searcher.warm_up`."""
        self.searcher.warm_up()

    def explain(self, query: str, id: str | int) -> Explanation:
        """Why the document with that id has its score for a query; see `Searcher.explain`.

        retriever.explain("how do bees communicate?", "dance").html()
        """
        return self.searcher.explain(query, id_from(id))
