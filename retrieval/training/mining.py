"""Hard negatives: texts that a search ranks high for a query, and that are not its positive."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wordhive.index import InputError

from ..files.inputs import read_documents
from ..progress import progress_bar
from ..retriever import Model, Retriever
from ..texts.bm25 import Bm25
from .examples import Example, SourceConfig, read_examples, read_positives, read_rows, text_key, write_lines

_QUERIES_AT_ONCE = 512

# Up to k texts for each query, best first, with their scores.
Search = Callable[[list[str], int], list[list[tuple[str, float]]]]


@dataclass(frozen=True)
class Draw:
    """How negatives are drawn from what a search ranks.

    Attributes:
        negatives: For each query; fewer where fewer are left.
        skip, depth: They come from the ranks after `skip`, down to `depth`, positives counted.
        max_ratio: They score at most this share of the positive's score, so that what is nearly as good, maybe an
            unmarked answer, is no negative (NV-Retriever, Moreira et al. 2024); None: any score.

    Raises:
        InputError: What is out of range.
    """

    negatives: int = 4
    depth: int = 100
    skip: int = 2
    max_ratio: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.negatives < 1 or not 0 <= self.skip < self.depth:
            raise InputError(
                f"{self.negatives} negatives from ranks {self.skip} to {self.depth}; expected one or more, and a depth "
                "beyond the ranks that are skipped"
            )
        if self.max_ratio is not None and not 0 < self.max_ratio <= 1:
            raise InputError(f"max_ratio is {self.max_ratio}; expected a share of the positive's score, above 0, to 1")


@dataclass(frozen=True)
class Mined:
    """How many examples were written, and how many negatives they have in all."""

    examples: int
    negatives: int


def mine(
    examples: Iterable[Example], search: Search, positives: Mapping[str, Collection[str]], draw: Draw
) -> Iterator[Example]:
    """The examples with negatives drawn anew from what `search` finds; a teacher's scores are dropped.

    Args:
        positives: Keys of the positives of each query's key (`read_positives`): none of them is its negative, and
            no text that differs from one only in case and white space. With `max_ratio`, the best-ranked positive
            sets the limit; a query of which none is found down to `depth` gets no negatives, since all that is
            found scores more. The same examples, search and draw give the same negatives.
    """
    source = random.Random(draw.seed)
    rest = iter(examples)
    while part := list(islice(rest, _QUERIES_AT_ONCE)):
        for example, found in zip(part, search([one.query for one in part], draw.depth), strict=True):
            known = {text_key(example.positive), *positives.get(text_key(example.query), ())}
            yield Example(example.query, example.positive, _negatives(found, known, draw, source))


def mine_file(
    source: SourceConfig,
    to: Path,
    draw: Draw,
    *,
    corpus: Path | None = None,
    method: str = "bm25",
    show_progress: bool | None = None,
) -> Mined:
    """Mine negatives for a file of examples into a new file, written whole or not at all.

    Rows keep their other fields; `query`, `positive` and `negatives` have these names whatever they were.

    Args:
        corpus: Documents in any form that `wordhive index` reads, which negatives come from besides the file's
            positives.
        method: "bm25", or a wordhive model by name or folder, whose index is temporary; or the folder of an index,
            whose documents are then the corpus.

    Raises:
        InputError: Faulty rows and options that don't fit.
        WordhiveError: A model can't be loaded.
    """
    if source.path is None:
        raise InputError(f"the source {source.name} is no file; mine a JSON lines file of pairs")
    index = Path(method) if (Path(method) / "catalog.db").is_file() else None
    if index and corpus:
        raise InputError(f"{index} is an index, whose documents are the corpus; leave out the other one")
    positives = read_positives(source)
    n_examples, texts = _corpus(source, corpus)
    written = [0, 0]

    def lines() -> Iterator[dict[str, Any]]:
        rows = read_rows(source)
        mined = mine(read_examples(source), search, positives, draw)
        with progress_bar("Mining", n_examples, show=show_progress) as advance:
            for row, example in zip(rows, mined, strict=True):
                written[0] += 1
                written[1] += len(example.negatives)
                yield _line(row.fields, source, example)
                advance(1)

    with _searching(index or method, texts) as search:
        write_lines(to, lines())
    return Mined(*written)


def retriever_search(retriever: Retriever) -> Search:
    """A wordhive index as a search for `mine`.

    Raises:
        InputError: The index holds no texts.
    """

    def search(queries: list[str], k: int) -> list[list[tuple[str, float]]]:
        found = retriever.search(queries, k=k)
        if any(hit.text is None for hits in found for hit in hits):
            raise InputError(f"{retriever.index.path} holds documents without texts; index them with their texts")
        return [[(hit.text or "", hit.score) for hit in hits] for hits in found]

    return search


def _negatives(
    found: Sequence[tuple[str, float]], known: Collection[str], draw: Draw, source: random.Random
) -> tuple[str, ...]:
    ranked = list(found[draw.skip : draw.depth])
    if draw.max_ratio is not None:
        best = next((score for text, score in found if text_key(text) in known), None)
        if best is None:
            return ()
        # Of a positive with a negative score, less than its score is more than a share of it.
        limit = draw.max_ratio * best if best > 0 else best / draw.max_ratio
        ranked = [(text, score) for text, score in ranked if score <= limit]
    drawn: dict[str, str] = {}
    for text, _ in source.sample(ranked, len(ranked)):
        key = text_key(text)
        if key not in known:
            drawn[key] = text
            if len(drawn) == draw.negatives:
                break
    return tuple(drawn.values())


def _corpus(source: SourceConfig, corpus: Path | None) -> tuple[int, list[str]]:
    # Each text once. Positives are there in any case: their scores are what max_ratio compares with.
    n_examples = 0
    texts: dict[str, None] = {}
    for document in read_documents(corpus) if corpus else ():
        texts.setdefault(document.text)
    for example in read_examples(source):
        texts.setdefault(example.positive)
        n_examples += 1
    if not n_examples:
        raise InputError(f"{source.path} holds no examples; expected JSON lines with query and positive")
    return n_examples, [text for text in texts if text]


@contextmanager
def _searching(method: Path | str, texts: list[str]) -> Iterator[Search]:
    if method == "bm25":
        yield _bm25_search(texts)
    elif isinstance(method, Path):
        with Retriever.open(method) as retriever:
            yield retriever_search(retriever)
    else:
        with TemporaryDirectory(prefix="wordhive-") as folder, _filled(Path(folder), method, texts) as retriever:
            yield retriever_search(retriever)


def _bm25_search(texts: list[str]) -> Search:
    index = Bm25(texts)

    def search(queries: list[str], k: int) -> list[list[tuple[str, float]]]:
        return [[(texts[row], score) for row, score in found] for found in index.search(queries, k)]

    return search


def _filled(folder: Path, model: Model, texts: list[str]) -> Retriever:
    retriever = Retriever.create(folder / "mining.hive", model)
    retriever.add(texts)
    return retriever


def _line(fields: Mapping[str, Any], source: SourceConfig, example: Example) -> dict[str, Any]:
    old = {source.query, source.positive, source.negatives, source.scores}
    old |= {"negative", "documents", "positive_passages", "negative_passages"}
    rest = {name: value for name, value in fields.items() if name not in old}
    return {**rest, "query": example.query, "positive": example.positive, "negatives": list(example.negatives)}
