"""`Hit`: a document that a search found. `Hits`: those of one query, and the forms in which they go out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

from wordhive.index import Index, InputError, WordhiveError, WordVectors
from wordhive.index.arguments import instance, shown, whole_number

from .encoder import Encoder
from .explaining.passages import Passage, passages
from .explaining.scored_document import ScoredDocument, scored_document
from .explanation import Explanation, explain, explain_document
from .pages import render
from .search.snippets import Match, best_part, matches, same_words, snippet
from .text_words import read

if TYPE_CHECKING:
    import pandas
    import pyarrow

# Characters of a text that a notebook shows, and hits whose matches it looks up: some milliseconds each.
_SHOWN, _EXPLAINED = 160, 20
_OWN_COLUMNS = ("id", "score", "words_score", "summary_score", "lexical_score", "text")


@dataclass(frozen=True)
class Hit:
    """A document that a search found. Its score is words_score + summary_score + lexical_score."""

    id: str
    score: float
    words_score: float
    summary_score: float
    text: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    lexical_score: float = 0.0

    # Not a field: it is no part of a hit's value, repr or JSON, and is not copied or pickled with it.
    _query: ClassVar[SearchedQuery | None] = None

    def explain(self) -> Explanation:
        """Which query word met which document word, and how much each pair adds to the score.

        The numbers are those of all query words, also where the search was done with `carving`.

        Raises:
            InputError: The hit was found by vectors, or was copied or pickled.
        """
        return self._searched("explain").explain(self)

    def passages(self, n: int = 3) -> list[Passage]:
        """The parts of the document that carry its score, the best first, with the words that met.

            hit.passages(1)[0].text

        Nothing is encoded, unless the index has no word ids.

        Args:
            n: How many, at most.

        Raises:
            InputError: The hit was found by vectors, or was copied or pickled; or the index keeps no texts.
        """
        return self._searched("passages").passages(self, n)

    def _searched(self, method: str) -> SearchedQuery:
        if self._query is None:
            raise InputError(
                f"the hit {self.id!r} has no query text (it was found by vectors, or copied); "
                f"search with text, or ask Searcher.{method}(query, id)"
            )
        return self._query

    def snippet(self, length: int = 200) -> str:
        """The part of the text that holds most of the words that met the query.

            retriever.search("how do bees communicate?", k=1)[0].snippet(80)

        It is the text's beginning where no words are known: of a hit that was found by vectors or copied, or whose
        document was changed since. It is empty where the index keeps no texts. A title is left out. Nothing is encoded.

        Args:
            length: The most characters, without the "…" at both ends.
        """
        return self._part(whole_number(length, "length"), "", "")

    def highlight(self, before: str = "**", after: str = "**", *, length: int | None = None) -> str:
        """The text with the words that met the query between marks; see `snippet`.

            hit.highlight(length=80)  # "Honey **bees** **dance** to tell others …"

        Where the marks are tags of HTML, the text's own characters are escaped.

        Args:
            before: Stands before each word.
            after: Stands behind it.
            length: Of a snippet. Default: the whole text.
        """
        instance(before, "before", str, "a string")
        instance(after, "after", str, "a string")
        return self._part(
            None if length is None else whole_number(length, "length", otherwise=", or None"), before, after
        )

    def _part(self, length: int | None, before: str, after: str) -> str:
        text, found = self.text or "", self.matches()
        if length is None:
            return snippet(text, found, 0, len(text)).marked(before, after)
        return best_part(text, found, length, title=self.attributes.get("title", "")).marked(before, after)

    def matches(self) -> list[Match]:
        """The words of the text that met the query, with their characters; none where they are not known."""
        if self._query is None or not self.text:
            return []
        try:
            found = self._query.explain(self, encode=False)
        except WordhiveError:  # the document was deleted since it was found
            return []
        if found.text != self.text:
            return []
        if found.note is None:
            return matches(found)
        # The index has no word ids to tell what met: words that are in both texts did.
        return same_words(read(self._query.encoder, self.text, "document").words, self._query.vectors.word_ids)

    def found_by(self, query: SearchedQuery) -> Hit:
        """This hit, which now knows the query that found it."""
        object.__setattr__(self, "_query", query)
        return self

    def __repr__(self) -> str:
        text = "" if self.text is None else f", text={shown(self.text)}"
        more = f", attributes={shown(self.attributes)}" if self.attributes else ""
        return f"Hit(id={self.id!r}, score={self.score:.4f}{text}{more})"

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True)
class SearchedQuery:
    """The query that found a hit, and where.

    Attributes:
        document: The vectors of a text that is in no index.
    """

    index: Index
    encoder: Encoder
    text: str
    vectors: WordVectors
    document: WordVectors | None = None

    def explain(self, hit: Hit, *, encode: bool = True) -> Explanation:
        """Why a hit has its score; see `explanation.explain`."""
        if self.document is None:
            return explain(self.index, self.encoder, self.text, self.vectors, hit.id, encode=encode)
        return explain_document(self.encoder, self.text, self.vectors, hit.id, self._unindexed(hit.text))

    def passages(self, hit: Hit, n: int) -> list[Passage]:
        """The parts of a hit's text that carry its score; see `passages.passages`."""
        if self.document is None:
            scored = scored_document(self.index, self.encoder, self.vectors, hit.id)
        else:
            scored = self._unindexed(hit.text)
        return passages(self.encoder, self.text, self.vectors, hit.id, scored, n)

    def _unindexed(self, text: str | None) -> ScoredDocument:
        assert self.document is not None
        weight, exact_match = self.encoder.summary_weight, self.encoder.exact_match
        return ScoredDocument.of(self.vectors, self.document, text, weight, exact_match)


class Hits(list[Hit]):
    """The hits of one query, best first: a list, and what makes tables and JSON of it.

    hits = retriever.search("how do bees communicate?")
    hits.to_pandas()
    """

    def to_list(self) -> list[dict[str, Any]]:
        """A dict for each hit, with its fields as keys."""
        return [asdict(hit) for hit in self]

    def to_jsonl(self) -> str:
        """JSON lines: an object for each hit, with its fields as keys."""
        return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in self.to_list())

    def to_pandas(self) -> pandas.DataFrame:
        """A data frame with a row for each hit. Its columns are the hits' fields, then their attributes.

        An attribute that is named like a field has "attributes." before its name.

        Raises:
            WordhiveError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise WordhiveError("a data frame needs pandas; install it with: pip install pandas") from error
        return pandas.DataFrame(self._columns())

    def to_arrow(self) -> pyarrow.Table:
        """An Arrow table of the same columns as `to_pandas`. Values of several types in one column become JSON.

        Raises:
            WordhiveError: pyarrow is not installed.
        """
        try:
            import pyarrow
        except ImportError as error:
            raise WordhiveError(
                "an Arrow table needs pyarrow; install it with: pip install 'wordhive[parquet]'"
            ) from error
        return pyarrow.table({name: _arrow_column(name, values) for name, values in self._columns().items()})

    def _columns(self) -> dict[str, list[Any]]:
        names = dict.fromkeys(name for hit in self for name in hit.attributes)
        own = {name: [getattr(hit, name) for hit in self] for name in _OWN_COLUMNS}
        return own | {
            f"attributes.{name}" if name in own else name: [hit.attributes.get(name) for hit in self] for name in names
        }

    def _repr_html_(self) -> str:
        parts = [hit.matches() if rank < _EXPLAINED else [] for rank, hit in enumerate(self)]
        return render(
            "hits.html",
            hits=[(hit, best_part(hit.text or "", found, _SHOWN)) for hit, found in zip(self, parts, strict=True)],
        )


def _arrow_column(name: str, values: list[Any]) -> pyarrow.Array:
    import pyarrow

    types = {"id": pyarrow.string(), "text": pyarrow.string()}
    kind = types.get(name) or (pyarrow.float64() if name in _OWN_COLUMNS else None)
    try:
        return pyarrow.array(values, kind)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError):
        texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
        return pyarrow.array(texts, pyarrow.string())
