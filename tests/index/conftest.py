"""What the tests of the index share: random word vectors, new indexes, and scores and filters by their definitions."""

from __future__ import annotations

import dataclasses
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, MuveraConfig, WordVectors
from wordhive.index.encodings import max_products
from wordhive.index.faiss import faiss_library
from wordhive.index.storage import folders
from wordhive.index.storage.catalog.catalog import Catalog
from wordhive.index.storage.parameters import Parameters
from wordhive.index.storage.word_id_lists import ID_FILES, WordIdLists
from wordhive.index.vectors.window_words import WindowWords

Draw = Callable[..., WordVectors]
SlowScores = Callable[..., NDArray[np.float64]]
Make = Callable[..., Index]

COUNTS = [3, 1, 0, 5, 2, 4]
EXACT = IndexConfig(encoding=None)
FLAT = {"codec": "Flat", "summary_codec": "Flat", "candidates": "Flat"}


# FAISS's threads cost seconds on inputs as small as these.
@pytest.fixture(scope="module")
def in_float32() -> Iterator[None]:
    """Encodings as on a processor that does not multiply in bfloat16, to be held against their definition."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(max_products, "multiplies_bfloat16", lambda: False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_faiss_thread() -> Iterator[None]:
    library = faiss_library.faiss()
    usual = library.omp_get_max_threads()
    library.omp_set_num_threads(1)
    yield
    library.omp_set_num_threads(usual)


@pytest.fixture(scope="session")
def draw() -> Callable[..., WordVectors]:
    return _draw


@pytest.fixture(scope="session")
def slow_scores() -> Callable[..., NDArray[np.float64]]:
    return _slow_scores


@pytest.fixture(scope="session")
def matches() -> Callable[..., bool]:
    return _matches


@pytest.fixture(scope="session")
def small_config() -> IndexConfig:
    encoding = MuveraConfig(repetitions=4, bits=2, projection_dim=4)
    return IndexConfig(codec="SQ8", encoding=encoding, candidates="Flat")


# Its tests cut no power; test_segment.py checks what is synced.
@pytest.fixture
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "sync", lambda path: None)


@pytest.fixture
def make(tmp_path: Path, small_config: IndexConfig, _no_waiting_for_the_disk: None) -> Iterator[Make]:
    """New indexes of `small_config` with changes, or of a configuration."""
    made = []

    def make(config: IndexConfig | dict[str, Any] | None = None, name: str = "my.hive", **options: Any) -> Index:
        if not isinstance(config, IndexConfig):
            config = small_config.model_copy(update=config or {})
        made.append(Index.create(tmp_path / name, config, **options))
        return made[-1]

    yield make
    for index in made:
        index.close()


@pytest.fixture
def documents(draw: Draw) -> WordVectors:
    return draw(1, [3, 0, 5, 4, 2, 1] * 5, summary_dim=4)


@pytest.fixture
def queries(draw: Draw) -> WordVectors:
    return draw(2, [3, 2], summary_dim=4)


def with_windows(texts: WordVectors, counts: list[int], seed: int = 3) -> WordVectors:
    """The texts with windows of words drawn at random."""
    random, words, sizes = np.random.default_rng(seed), [], []
    for n, n_words in zip(counts, texts.counts, strict=True):
        for number in range(n):
            chosen = np.flatnonzero(random.random(n_words) < (1.0 if number == 1 else 0.0 if number == 3 else 0.5))
            words.append(chosen)
            sizes.append(len(chosen))
    summary = None
    if texts.summary is not None:
        summary = random.standard_normal((sum(counts), texts.summary_dim)).astype(np.float32)
        summary /= np.linalg.norm(summary, axis=1, keepdims=True)
    offsets = np.cumsum([0, *sizes]).astype(np.int64)
    windows = WindowWords(np.array(counts), offsets, np.concatenate([np.zeros(0, np.int64), *words]), summary)
    return dataclasses.replace(texts, windows=windows)


def names(n: int, first: int = 0) -> list[str]:
    return [f"doc {number}" for number in range(first, first + n)]


def all_scores(index: Index, queries: WordVectors) -> NDArray[np.float32]:
    blocks = list(index.snapshot().score_all(queries))
    return np.stack([np.concatenate([block[query].total for block in blocks]) for query in range(len(queries))])


def stored(path: Path) -> WordVectors:
    catalog = Catalog.open(path / "catalog.db")
    parts, trained = [], catalog.generations()[0]
    catalog.close()
    for folder in sorted((path / "segments").iterdir()):
        parameters, summary = Parameters.load(path / "params" / "1", trained.dim, trained.summary_dim), None
        words = parameters.words.decode(np.load(folder / "words.npy"))
        if parameters.summaries is not None:
            summary = parameters.summaries.decode(np.load(folder / "summaries.npy"))
        lists = WordIdLists(*(np.load(folder / f"{name}.npy") for name in ID_FILES))
        offsets = np.load(folder / "offsets.npy")
        parts.append(WordVectors(words, offsets, lists.decode(np.arange(len(offsets) - 1), offsets), summary))
    return WordVectors.concat(parts)


def contents(path: Path) -> list[str]:
    folders = [*(path / "segments").iterdir(), *(path / "params").iterdir()]
    return sorted(folder.relative_to(path).as_posix() for folder in folders)


def add_in_parts(index: Index, documents: WordVectors, cuts: list[int]) -> None:
    for first, last in zip([0, *cuts], [*cuts, len(documents)], strict=True):
        index.add(names(last - first, first), documents[first:last])


def _draw(seed: int, counts: Sequence[int], dim: int = 8, summary_dim: int = 0) -> WordVectors:
    random = np.random.default_rng(seed)
    vectors = _unit(random.standard_normal((sum(counts), dim)))
    word_ids = random.integers(1, 2**32, sum(counts), dtype=np.uint32)
    summary = _unit(random.standard_normal((len(counts), summary_dim))) if summary_dim else None
    return WordVectors(vectors, np.cumsum([0, *counts], dtype=np.int64), word_ids, summary)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _slow_scores(queries: WordVectors, documents: WordVectors, weight: float = 0.0) -> NDArray[np.float64]:
    scores = np.zeros((len(queries), len(documents)))
    for i in range(len(queries)):
        for j in range(len(documents)):
            scores[i, j] = (1 - weight) * _slow_maxsim(_words(queries, i), _words(documents, j))
            if weight and queries.summary is not None and documents.summary is not None:
                scores[i, j] += weight * _dot(queries.summary[i].tolist(), documents.summary[j].tolist())
    return scores


def _slow_maxsim(query: list[list[float]], document: list[list[float]]) -> float:
    if not document:
        return 0.0
    return sum(max(_dot(word, other) for other in document) for word in query)


def _words(texts: WordVectors, text: int) -> list[list[float]]:
    words: list[list[float]] = texts.vectors[texts.offsets[text] : texts.offsets[text + 1]].tolist()
    return words


def _dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


_MISSING = object()
_ORDERS = {"$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le}


def _matches(where: dict[str, Any], attributes: dict[str, Any] | None, id: str = "") -> bool:
    """What a filter means, for one document: the definition in docs/guides/filters.md, line by line."""
    return all(_entry_matches(key, given, attributes or {}, id) for key, given in where.items())


def _entry_matches(key: str, given: Any, attributes: dict[str, Any], id: str) -> bool:
    if key == "$and":
        return all(_matches(where, attributes, id) for where in given)
    if key == "$or":
        return any(_matches(where, attributes, id) for where in given)
    if key == "$not":
        return not _matches(given, attributes, id)
    value = id if key == "$id" else _looked_up(key, attributes)
    operators = given if isinstance(given, dict) else {"$eq": given}
    return all(_test(value, name, operand) for name, operand in operators.items())


def _looked_up(key: str, attributes: dict[str, Any]) -> Any:
    value: Any = attributes
    for part in re.sub(r"\\(.)", lambda escaped: f"<{ord(escaped[1])}>", key).split("."):
        name = re.sub(r"<(\d+)>", lambda number: chr(int(number[1])), part)
        value = value.get(name, _MISSING) if isinstance(value, dict) else _MISSING
    return value


def _test(value: Any, name: str, operand: Any) -> bool:
    if name in ("$ne", "$nin", "$not_contains"):
        return not _test(value, {"$ne": "$eq", "$nin": "$in", "$not_contains": "$contains"}[name], operand)
    missing = value is _MISSING or value is None
    if name == "$exists":
        return operand is not missing
    if name == "$contains":
        return isinstance(value, list) and any(_equal(element, operand) for element in value)
    values = value if isinstance(value, list) else [value]
    if name in _ORDERS:
        return any(_kind(one) == _kind(operand) and _ORDERS[name](_double(one), _double(operand)) for one in values)
    operands = operand if name == "$in" else [operand]
    return any(missing if one is None else any(_equal(element, one) for element in values) for one in operands)


def _equal(left: Any, right: Any) -> bool:
    scalar = isinstance(left, (str, int, float))
    return scalar and _kind(left) == _kind(right) and bool(_double(left) == _double(right))


def _kind(value: Any) -> type:
    return int if isinstance(value, float) else type(value)


def _double(value: Any) -> Any:
    """The value, but for integers of more than 64 bits the nearest double."""
    return value if not isinstance(value, int) or -(2**63) <= value < 2**63 else float(value)
