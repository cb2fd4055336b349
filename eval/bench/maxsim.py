"""MaxSim on random vectors: ours, what NumPy makes of it, another package's, and what the machine can do at most.

Each number of threads has a process of its own, as matrix libraries and thread pools ask for it once. In it all
variants take turns, so that what else the machine does slows all of them.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wordhive.index import IndexConfig, InputError, WordhiveError, WordVectors
from wordhive.index.codecs import Codec, Floats, Layout, check_codec, train_codec
from wordhive.index.scoring.code_scores import code_scores
from wordhive.index.scoring.code_spans import CodeSpans
from wordhive.index.storage.training import codec_sample
from wordhive.index.threads import threads as most_threads
from wordhive.index.vectors.ragged import ragged_rows
from wordhive.retrieval.progress import progress_bar

from ..measuring.latency import timed
from ..measuring.machine_peak import sgemm_peak
from ..measuring.own_process import in_own_process

# What NumPy's OpenBLAS or MKL, FAISS's OpenMP, maxsim-cpu's Rayon and we ourselves take for the number of threads.
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS", "WORDHIVE_THREADS")
_QUIET = {"LIBXSMM_VERBOSE": "0"}
_ROUNDS = 7
# Seconds after which the threads of what was measured before no longer spin: OpenBLAS's do for a tenth.
_REST = 0.15
_TOLERANCE = 1e-4
# Documents that codecs are trained on: as many as an index's first commit has.
_FITTED_TO = 2048
# What the presets' codecs need at least.
_LEAST_WORDS = 256
_DIMS_A_PART = 4
# maxsim-cpu 0.1.0 crashes with more query words than these, and with twice as many dims.
_THEIR_WORDS = 32
_THEIR_DIMS = 128

Score: TypeAlias = Callable[[], NDArray[np.float32]]


@dataclass(frozen=True)
class Shape:
    """How many documents, of how many words each, of how many dims; unit vectors at random, the same each time."""

    documents: int
    words: int
    dims: int

    def held(self) -> WordVectors:
        """The documents."""
        return _random(0, self.documents, self.words, self.dims)

    def query(self, words: int) -> WordVectors:
        """A query of so many words."""
        return _random(1, 1, words, self.dims)

    def operations(self, query_words: int) -> int:
        """Floating-point operations of the inner products with a query's words."""
        return 2 * self.documents * self.words * self.dims * query_words


@dataclass(frozen=True)
class FloatTimes:
    """Median milliseconds of one query's scores of all documents, whose words are float32.

    Attributes:
        numpy: Gather, product, maximum.
        maxsim_cpu: None where it is not installed, or not right.
        sgemm: The product alone.
        operations: Of that product.
        peak: Operations a second of sgemm at its best, on as many threads.
    """

    threads: int
    query_words: int
    ours: float
    numpy: float
    maxsim_cpu: float | None
    sgemm: float
    operations: int
    peak: float

    def rate(self, milliseconds: float) -> float:
        """Operations a second, where they take so long."""
        return 1000 * self.operations / milliseconds


@dataclass(frozen=True)
class CodecTimes:
    """The same from codes of so many bytes a word.

    Attributes:
        decoded: Gathered, decoded, then scored by NumPy.
    """

    threads: int
    query_words: int
    codec: str
    bytes: int
    ours: float
    decoded: float


@dataclass(frozen=True)
class MaxsimBench:
    """What scoring all documents of a shape takes.

    Attributes:
        maxsim_cpu: The version that was measured; None: not installed.
    """

    shape: Shape
    maxsim_cpu: str | None
    floats: list[FloatTimes]
    codecs: list[CodecTimes]


def bench(shape: Shape, query_words: Sequence[int], threads: Sequence[int] | None = None) -> MaxsimBench:
    """Measure with each number of query words and of threads; None: one thread, and all.

    Raises:
        InputError: More threads than there are, or dims that a codec can't have.
        WordhiveError: Our scores are not NumPy's.
    """
    most = most_threads()
    if too_many := [n for n in threads or () if n > most]:
        raise InputError(f"--threads {too_many[0]}: this process may use {most}; give fewer")
    if shape.dims % _DIMS_A_PART or shape.documents * shape.words < _LEAST_WORDS:
        raise InputError(
            f"{shape.documents * shape.words} words of {shape.dims} dims were asked for; expected {_LEAST_WORDS} words "
            f"or more, to train codecs on, and dims that {_DIMS_A_PART} divides"
        )
    for codec in _codecs():
        check_codec(codec, shape.dims)
    floats, codecs = [], []
    for n in dict.fromkeys(threads or (1, most)):
        environment = {**_QUIET, **dict.fromkeys(_THREADS, str(n))}
        times = in_own_process(measure, shape, list(dict.fromkeys(query_words)), n, environment=environment)
        floats += times[0]
        codecs += times[1]
    return MaxsimBench(shape, _their_version(), floats, codecs)


def measure(shape: Shape, query_words: Sequence[int], threads: int) -> tuple[list[FloatTimes], list[CodecTimes]]:
    """The same in this process, with the threads that it was begun with."""
    held, peak, names = shape.held(), sgemm_peak(), _codecs()
    floats, codecs = [], []
    with progress_bar(f"Threads: {threads}", len(query_words) * (1 + len(names))) as advance:
        for n in query_words:
            floats.append(_floats(shape, held, n, threads, peak))
            advance(1)
        for name in names:
            codec = train_codec(name, codec_sample(name, held[:_FITTED_TO]))
            codes = codec.encode(held.vectors)
            for n in query_words:
                codecs.append(_codes(name, codec, codes, held, shape.query(n), threads))
                advance(1)
    return floats, codecs


def _floats(shape: Shape, held: WordVectors, query_words: int, threads: int, peak: float) -> FloatTimes:
    query = shape.query(query_words)
    words, product = held.vectors.T, np.empty((query_words, len(held.vectors)), np.float32)
    variants: dict[str, Score] = {
        "numpy": lambda: numpy_scores(query, held.offsets, lambda places: held.vectors[places]),
        "ours": lambda: our_scores(query, Floats(), held.vectors, held.offsets),
        "sgemm": lambda: np.matmul(query.vectors, words, out=product),
    }
    if theirs := _their_scores(shape, held, query):
        variants["maxsim-cpu"] = theirs
    expected = variants["numpy"]()
    check("Flat", variants["ours"](), expected)
    if theirs and not _same(theirs(), expected):
        del variants["maxsim-cpu"]
    taken = in_turns(variants)
    return FloatTimes(
        threads, query_words, taken["ours"], taken["numpy"], taken.get("maxsim-cpu"), taken["sgemm"],
        shape.operations(query_words), peak,
    )  # fmt: skip


def _codes(
    name: str, codec: Codec, codes: NDArray[np.uint8], held: WordVectors, query: WordVectors, threads: int
) -> CodecTimes:
    variants: dict[str, Score] = {
        "decoded": lambda: numpy_scores(query, held.offsets, lambda places: codec.decode(codes[places])),
        "ours": lambda: our_scores(query, codec.layout, codes, held.offsets),
    }
    check(name, variants["ours"](), variants["decoded"]())
    taken = in_turns(variants)
    return CodecTimes(threads, len(query.vectors), name, codec.code_size, taken["ours"], taken["decoded"])


def our_scores(
    query: WordVectors, layout: Layout, codes: NDArray[Any], offsets: NDArray[np.int64]
) -> NDArray[np.float32]:
    """As an index scores documents, float32 `[n_documents]`, from codes with a layout.

    Args:
        offsets: Of their words.
    """
    assert layout is not None
    scores: NDArray[np.float32] = code_scores(query, layout, CodeSpans.of([(codes, offsets[:-1], offsets[1:])]))[0]
    return scores


def numpy_scores(
    query: WordVectors, offsets: NDArray[np.int64], gathered: Callable[[NDArray[np.int64]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """The definition, float32 `[n_documents]`, of documents that all have words.

    Args:
        gathered: Vectors of those places.
    """
    places, own = ragged_rows(offsets, np.arange(len(offsets) - 1))
    best = np.maximum.reduceat(query.vectors @ gathered(places).T, own[:-1], axis=1)
    scores: NDArray[np.float32] = best.sum(axis=0)
    return scores


def check(codec: str, ours: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    """Raise WordhiveError where scores are not those expected."""
    if not _same(ours, expected):
        worst = float(np.abs(ours - expected).max())
        raise WordhiveError(
            f"scores of {codec} are off by {worst:.2g}, expected {_TOLERANCE} at most; their times would mean nothing: "
            "report it, with your processor's name"
        )


def in_turns(variants: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Median milliseconds of each, all of them called once before the first is called again.

    What is timed comes after a rest, and after a first call, in which its threads wake up on cores of their own.
    """
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(_ROUNDS):
        for name, work in variants.items():
            time.sleep(_REST)
            work()
            taken[name].append(1000 * timed(work)[1])
    return {name: round(float(np.median(values)), 3) for name, values in taken.items()}


def _same(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return bool(np.allclose(one, other, rtol=0, atol=_TOLERANCE))


def _codecs() -> list[str]:
    """The words' codecs of the presets, and one of a byte a dim."""
    return [IndexConfig.load("default").codec, IndexConfig.load("small").codec, "SQ8"]


def _their_scores(shape: Shape, held: WordVectors, query: WordVectors) -> Score | None:
    """Those of maxsim-cpu, added up over parts of the query that it can take; None where it is not there."""
    if _their_version() is None or shape.dims > _THEIR_DIMS:
        return None
    package: Any = importlib.import_module("maxsim_cpu")
    documents = held.vectors.reshape(shape.documents, shape.words, shape.dims)
    parts = [query.vectors[i : i + _THEIR_WORDS] for i in range(0, len(query.vectors), _THEIR_WORDS)]

    def scores() -> NDArray[np.float32]:
        added: NDArray[np.float32] = np.sum([package.maxsim_scores(part, documents) for part in parts], axis=0)
        return added

    return scores


def _their_version() -> str | None:
    try:
        return version("maxsim-cpu")
    except PackageNotFoundError:
        return None


def _random(seed: int, texts: int, words: int, dims: int) -> WordVectors:
    vectors = np.random.default_rng(seed).standard_normal((texts * words, dims), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    offsets = np.arange(texts + 1, dtype=np.int64) * words
    return WordVectors(vectors, offsets, np.zeros(len(vectors), np.uint32))
