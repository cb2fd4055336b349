"""Training examples, and the sources that they are read from.

Several jsonl layouts are known, told apart row by row:

    {"query", "positive", "negatives" or "negative", "scores"}           ours; all but the first two may be missing
    {"query", "positive_passages": [{"title", "text"}], "negative_passages"}    Tevatron's
    {"query", "documents", "scores"}                                     a teacher's, the positive first

A text may be a string or an object with `text` and maybe `title`, which goes before it. A row with several positives
gives an example of the first.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from wordhive.index import InputError
from wordhive.index.config_file import ConfigPart
from wordhive.index.quantity import quantity
from wordhive.index.storage.batch import check_unicode

from ..texts.lines import read_objects
from .docpairs import Docpair, Docpairs

# Known names of one thing, after the one that a source's configuration gives.
_POSITIVES = ("positive_passages",)
_NEGATIVES = ("negative", "negative_passages")

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^a-z])")
_SENTENCE_WORDS = 6


@dataclass(frozen=True)
class Example:
    """A query with a text that answers it and texts that don't.

    Attributes:
        scores: A teacher's, of the positive, then negatives.

    Raises:
        InputError: There is not one score for each text.
    """

    query: str
    positive: str
    negatives: tuple[str, ...] = ()
    scores: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        expected = 1 + len(self.negatives)
        if self.scores is not None and len(self.scores) != expected:
            raise InputError(
                f"{quantity(len(self.scores), 'score')} for {quantity(expected, 'text')}; expected one "
                f"of the positive, then one a negative"
            )


class HoldOut(ConfigPart):
    """Rows kept out of training: those whose `field` falls, by its hash, into one of `modulus` slices.

    Rows that agree in the field are all on one side, e.g. all questions of an article.
    """

    field: str
    modulus: int = Field(default=50, ge=2)

    def holds(self, value: str | int) -> bool:
        """Whether rows with this value are kept out."""
        digest = hashlib.sha256(str(value).encode()).digest()
        return int.from_bytes(digest[:8], "little") % self.modulus == 0


class ResampleConfig(ConfigPart):
    """The `keep` examples of a source that are most like a target corpus.

    Attributes:
        target: Its documents, in any form that `wordhive index` reads.
        keep: All examples, where the source has fewer.
    """

    target: Path
    keep: int = Field(ge=1)


class SourceConfig(ConfigPart):
    """Where examples come from.

    Attributes:
        path: A JSON lines file (.gz too).
        dataset: An ir_datasets id, instead of it.
        name: Of the source [default: the file's, without its endings, or the id].
        weight: Its share of a mixture.
        limit: Only the first so many examples of the side that is asked for.
        query, positive, negatives, scores: The names of these fields in the file.
        sentences: The queries are the sentences of each positive, of six words or more, instead of its own query:
            many examples of few texts, for losses with a teacher.
        hold_out: What is kept out of training; of a dataset, by the field query_id or doc_id.
        resample: Keep only what is most like a target corpus.
    """

    path: Path | None = None
    dataset: str | None = None
    name: str = ""
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    limit: int | None = Field(default=None, ge=1)
    query: str = "query"
    positive: str = "positive"
    negatives: str = "negatives"
    scores: str = "scores"
    sentences: bool = False
    hold_out: HoldOut | None = None
    resample: ResampleConfig | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("name"):
            return values
        path = values.get("path")
        name = Path(str(path)).name.removesuffix(".gz").removesuffix(".jsonl") if path else values.get("dataset")
        return {**values, "name": name or ""}

    @model_validator(mode="after")
    def _one_place(self) -> SourceConfig:
        if (self.path is None) == (self.dataset is None):
            raise ValueError("a source has either a path or a dataset")
        return self


@dataclass(frozen=True)
class Row:
    """One row of a source: where it stands (begins an error's message), its fields, and what makes its example."""

    place: str
    fields: dict[str, Any]
    example: Callable[[], Example]


def read_examples(
    source: SourceConfig, *, held_out: bool = False, places: Collection[int] | None = None
) -> Iterator[Example]:
    """The examples of a source: those for training, or with held_out=True those that its hold_out keeps out of it.

    Args:
        places: Only those that have these places in this sequence, counted from 0; of a dataset, only their texts
            are looked up.

    Raises:
        InputError: A row that is no example, with file and line.
        WordhiveError: A dataset can't be got.
    """
    return (
        row.example()
        for place, row in enumerate(read_rows(source, held_out=held_out))
        if places is None or place in places
    )


def read_rows(source: SourceConfig, *, held_out: bool = False) -> Iterator[Row]:
    """The rows behind `read_examples`, each checked or looked up when its example is made."""
    rows = _dataset_rows(source.dataset) if source.dataset is not None else _file_rows(source)
    rows = _one_side(rows, source, held_out)
    return islice(_by_sentence(rows) if source.sentences else rows, source.limit)


def count_examples(source: SourceConfig, *, held_out: bool = False) -> int:
    """How many examples a source has. Every row of a file is checked; of a dataset no text is looked up."""
    count = 0
    for row in read_rows(source, held_out=held_out):
        if source.path is not None:
            row.example()
        count += 1
    return count


def read_positives(source: SourceConfig) -> dict[str, set[str]]:
    """The key of each query → those of all its positives in the whole source; see `text_key`.

    Of rows with several positives, all count; so do held-out ones.
    """
    known: dict[str, set[str]] = {}
    if source.dataset is not None:
        for row in _dataset_rows(source.dataset):
            example = row.example()
            known.setdefault(text_key(example.query), set()).add(text_key(example.positive))
    else:
        for place, fields in _objects(source):
            query = text_key(_text(_first(fields, (source.query,), place), f"{place}the query"))
            known.setdefault(query, set()).update(map(text_key, _positives(fields, source, place)))
    return known


def text_key(text: str) -> str:
    """What texts that differ only in case and white space have in common."""
    return " ".join(text.casefold().split())


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write JSON lines (.gz too), which appear under their name once they are complete; the same rows, the same bytes.

    Raises OSError before the first row is drawn where nothing can be written.
    """
    temporary = path.with_name(f"writing-{path.name}")
    try:
        with temporary.open("wb") as raw:
            file = gzip.GzipFile("", "wb", 6, raw, mtime=0) if path.suffix == ".gz" else raw
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            if file is not raw:
                file.close()
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _one_side(rows: Iterator[Row], source: SourceConfig, held_out: bool) -> Iterator[Row]:
    rule = source.hold_out
    if rule is None:
        if held_out:
            raise InputError(f"source {source.name} holds nothing out; give it hold_out: {{field: …}}")
        yield from rows
        return
    for row in rows:
        value = row.fields.get(rule.field)
        if not isinstance(value, (str, int)):
            raise InputError(
                f"{row.place}the field {rule.field!r}, which hold_out names, is {value!r}; expected a string or a "
                f"number (fields: {', '.join(row.fields)})"
            )
        if rule.holds(value) == held_out:
            yield row


def _by_sentence(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        example = row.example()
        for sentence in _SENTENCE_END.split(example.positive):
            if len(sentence.split()) >= _SENTENCE_WORDS:
                yield Row(row.place, row.fields, partial(replace, example, query=sentence.strip()))


def _dataset_rows(name: str) -> Iterator[Row]:
    pairs = Docpairs(name)
    for number, pair in enumerate(pairs, 1):
        fields = {"query_id": pair.query_id, "doc_id": pair.positive_id}
        yield Row(f"{name}, pair {number}: ", fields, partial(_looked_up, pairs, pair))


def _looked_up(pairs: Docpairs, pair: Docpair) -> Example:
    query, positive, negatives = pairs.texts(pair)
    return Example(query, positive, negatives)


def _file_rows(source: SourceConfig) -> Iterator[Row]:
    return (Row(place, fields, partial(_parsed, fields, source, place)) for place, fields in _objects(source))


def _objects(source: SourceConfig) -> Iterator[tuple[str, dict[str, Any]]]:
    assert source.path is not None
    if str(source.path) == "-":
        raise InputError("training data is read more than once, which standard input can't be; give a file")
    yield from read_objects(source.path, "query and positive")


def _parsed(fields: dict[str, Any], source: SourceConfig, place: str) -> Example:
    query = _text(_first(fields, (source.query,), place), f"{place}the query")
    positives = _positives(fields, source, place)
    if source.positive not in fields and "documents" in fields:
        negatives = _texts(fields["documents"], f"{place}documents")[1:]
    else:
        found = _first(fields, (source.negatives, *_NEGATIVES), place, default=[])
        negatives = _texts(found, f"{place}a negative") if found else []
    try:
        return Example(query, positives[0], tuple(negatives), _scores(fields.get(source.scores), place))
    except InputError as error:
        raise InputError(f"{place}{error}") from error


def _positives(fields: dict[str, Any], source: SourceConfig, place: str) -> list[str]:
    if source.positive not in fields and "documents" in fields:
        return _texts(fields["documents"], f"{place}documents")[:1]
    return _texts(_first(fields, (source.positive, *_POSITIVES), place), f"{place}the positive")


def _first(fields: dict[str, Any], names: tuple[str, ...], place: str, default: Any = None) -> Any:
    for name in names:
        if fields.get(name) is not None:
            return fields[name]
    if default is None:
        raise InputError(f"{place}no field {' or '.join(map(repr, names))} (fields: {', '.join(fields) or 'none'})")
    return default


def _texts(value: Any, what: str) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise InputError(f"{what} is an empty list; expected a text, or a list of them")
    return [_text(one, what) for one in values]


def _text(value: Any, what: str) -> str:
    if isinstance(value, dict):
        title, value = value.get("title"), value.get("text")
        value = f"{title} {value}" if title and isinstance(value, str) else value
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{what} is {value!r}; expected a text, or an object with text and maybe title")
    check_unicode(value, what)
    return value.strip()


def _scores(value: Any, place: str) -> tuple[float, ...] | None:
    if value is None:
        return None
    numbers = value if isinstance(value, list) else [value]
    try:
        scores = tuple(float(one) for one in numbers if isinstance(one, (int, float)) and not isinstance(one, bool))
    except OverflowError:
        scores = ()
    if len(scores) < len(numbers) or not all(map(math.isfinite, scores)):
        raise InputError(f"{place}scores are {value!r:.80}; expected a list of numbers, the positive's first")
    return scores
