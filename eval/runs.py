"""Runs: for every query, documents and their scores; measured by ranx, written as TREC files."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError
from wordhive.retrieval.texts.lines import is_header, read_lines

from .bpref import bpref, bpref_level

Run = dict[str, dict[str, float]]
Qrels = dict[str, dict[str, int]]

_LARGEST = float(np.finfo(np.float32).max)
_WHITE_SPACE = re.compile("%(?:09|0A|0B|0C|0D|1C|1D|1E|1F|20|C2%85|C2%A0)")
_SPACE = re.compile(r"\s")

MEASURES = ("ndcg@10", "mrr@10", "recall@100", "recall@1000", "map")


def ranking(rows: NDArray[np.int64], scores: NDArray[np.float32], ids: dict[int, str], k: int) -> dict[str, float]:
    """The k best documents with their scores, best first; ties go to the smaller id."""
    if len(rows) > k:
        border = np.partition(scores, len(scores) - k)[len(scores) - k]
        best = scores >= border
        rows, scores = rows[best], scores[best]
    pairs = sorted(zip(scores.tolist(), (ids[row] for row in rows.tolist()), strict=True), key=lambda p: (-p[0], p[1]))
    return {id: score for score, id in pairs[:k]}


def measure(qrels: Qrels, run: Run, measures: Iterable[str] = MEASURES) -> dict[str, float]:
    """The means of the measures over all judged queries; a query without results counts 0.

    Args:
        run: Each query's documents in the order of their ranks.
    """
    return {name: float(values.mean()) for name, values in query_values(qrels, run, measures).items()}


def query_values(qrels: Qrels, run: Run, measures: Iterable[str]) -> dict[str, NDArray[np.float64]]:
    """Each measure of every judged query, in their order, by ranx; 0 for a query without results.

    Raises:
        InputError: A measure that ranx does not know or that is no number for a query, and without queries.
    """
    if not qrels:
        raise InputError("there is no judged query to measure; give judgements of the queries that the run answers")
    names = list(dict.fromkeys(measures))
    levels = {name: level for name in names if (level := bpref_level(name)) is not None}
    values = _ranx_values(qrels, run, [name for name in names if name not in levels])
    for name, level in levels.items():
        values[name] = np.array([bpref(grades, run.get(id, ()), level) for id, grades in qrels.items()], np.float64)
    for name in names:
        if not (known := np.isfinite(values[name])).all():
            id = list(qrels)[int(np.argmin(known))]
            raise InputError(f"{name} of query {id!r} is no number; choose another measure, such as ndcg@10 or map")
    return {name: values[name] for name in names}


def _ranx_values(qrels: Qrels, run: Run, names: list[str]) -> dict[str, NDArray[np.float64]]:
    if not names:
        return {}
    import numba
    import ranx

    # ranx compiles anew for each length of the longest id, which takes half a minute: its documents are numbers of one
    # length. It sorts by score, equal ones anyhow: it gets the ranks. It knows no empty ranking: an unjudged document
    # stands for one.
    numbers: dict[str, str] = {}
    judged = {id: {_number(document, numbers): grade for document, grade in qrels[id].items()} for id in qrels}
    complete = {
        id: {_number(document, numbers): -float(rank) for rank, document in enumerate(run.get(id) or ("",))}
        for id in qrels
    }
    given, threads = ranx.Run(complete), numba.get_num_threads()
    with warnings.catch_warnings():
        # Of a cast in ranx's own kernels, each time they are compiled.
        warnings.filterwarnings("ignore", message="unsafe cast from uint64 to int64")
        try:
            ranx.evaluate(ranx.Qrels(judged), given, names, return_mean=False, save_results_in_run=True)
        except (ValueError, KeyError, NotImplementedError, AttributeError, AssertionError) as error:
            raise InputError(f"ranx does not know one of {names}; try ndcg@10, mrr@10, recall@100 or map") from error
        finally:
            numba.set_num_threads(threads)  # it leaves one of them to the whole process where queries are few
    return {name: np.array([given.scores[name][id] for id in qrels], np.float64) for name in names}


def _number(document: str, numbers: dict[str, str]) -> str:
    return numbers.setdefault(document, f"{len(numbers):010d}")


def without_itself(run: Run, depth: int | None = None) -> Run:
    """A run in which no query finds the document of its own id, cut to so many documents."""
    kept = {id: [item for item in found.items() if item[0] != id] for id, found in run.items()}
    return {id: dict(found[:depth]) for id, found in kept.items()}


def merge_chunks(run: Run) -> Run:
    """A run of documents from one of their chunks: each counts as its best one; ties go to the smaller id."""
    from wordhive.retrieval.texts.chunks import document_of  # which needs the models, seconds to import

    merged: Run = {}
    for query, chunks in run.items():
        best: dict[str, float] = {}
        for chunk, score in chunks.items():
            document = document_of(chunk)
            best[document] = max(score, best.get(document, score))
        merged[query] = dict(sorted(best.items(), key=lambda item: (-item[1], item[0])))
    return merged


def read_run(path: Path) -> Run:
    """A TREC run from a file (packed by gzip, too), each query's documents in trec_eval's order: by score as float32,
    falling, and of equal ones the larger id first; the ranks in the file do not count. It may begin with a header.

    Raises:
        InputError: A line that is none of a run, a document twice, or an empty file, with file and line.
    """
    run: Run = {}
    for number, line in read_lines(path):
        # With tabs, ids and the tag may hold blanks.
        columns = [cell.strip() for cell in line.split("\t")] if line.count("\t") == 5 else line.split()
        if not run and len(columns) == 6 and is_header(columns):
            continue
        try:
            query, _, document, _, score, _ = columns
            value = float(score)
            if not (query and document):
                raise ValueError("an empty id")
        except ValueError as error:
            raise InputError(
                f"{path}:{number}: {line!r:.80}; expected query, Q0, document, rank, score and tag"
            ) from error
        query, document = _unquoted(query), _unquoted(document)
        documents = run.setdefault(query, {})
        if math.isnan(value) or document in documents:
            raise InputError(f"{path}:{number}: document {document!r} of {query!r} is there twice, or has no score")
        documents[document] = value
    if not run:
        raise InputError(f"{path} is empty; expected a TREC run, such as wordhive search --run writes")
    return {id: _in_order_of_trec_eval(found) for id, found in run.items()}


def _in_order_of_trec_eval(found: dict[str, float]) -> dict[str, float]:
    with np.errstate(over="ignore"):  # what float32 can't hold is infinite there, too
        return dict(sorted(found.items(), key=lambda item: (np.float32(item[1]), item[0]), reverse=True))


def trec_lines(run: Run, tag: str) -> Iterator[str]:
    """A run as TREC writes it, with line ends: query, Q0, document, rank from 1, score, tag.

    Scores are float32, each lower than the one before, if by the least that float32 can tell: readers rank by them, and
    break ties in ways of their own. White space in an id, which the format can't hold, is written as in a URL (%20).
    """
    for query, documents in run.items():
        last = math.inf
        for rank, (document, score) in enumerate(documents.items(), 1):
            last = min(_float32(score), float(np.nextafter(np.float32(last), np.float32(-np.inf))))
            yield f"{_word(query)} Q0 {_word(document)} {rank} {last:.9g} {tag}\n"


def _float32(score: float) -> float:
    return float(np.float32(min(max(score, -_LARGEST), _LARGEST)))


def _unquoted(id: str) -> str:
    # What `_word` wrote, and nothing else that looks like it.
    return _WHITE_SPACE.sub(lambda match: unquote(match[0]), id)


def _word(id: str) -> str:
    return _SPACE.sub(lambda match: quote(match[0]), id)
