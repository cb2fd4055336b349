"""The classes of FAISS that an index may hold, as they lie in a file: lists, graphs, and indexes within indexes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .faiss_bytes import FaissFileError, Header, Source, Stored, know, need
from .faiss_codes import CODES, product_quantiser, scalar_quantiser, sign_quantiser
from .faiss_graphs import Graph, graph_fault

# Classes within classes: refined, transformed lists of product codes have four.
_MOST_LEVELS = 6
_MOST_DIM = 1 << 24
# The size of a code in the files of packed lists, where a code has no place of its own.
_NO_CODE_SIZE = (1 << 64) - 1


def walk(data: NDArray[np.uint8]) -> Stored:
    """The content of a file's bytes.

    Raises:
        FaissFileError: A class is unknown, or numbers disagree.
    """
    source = Source(data)
    try:
        stored = _index(source, 0)
    except struct.error as error:
        raise FaissFileError("it ends too early") from error
    need(source.at == len(data), f"{len(data) - source.at} bytes follow its end")
    return stored


def _index(source: Source, level: int) -> Stored:
    kind = source.letters()
    know(kind in CODES or kind in _CLASSES, f"the class {kind!r}")
    need(level < _MOST_LEVELS, "too many indexes within each other")
    dim, n, _, _, trained, metric = source.take("iqqqBi")
    need(0 < dim <= _MOST_DIM and 0 <= n < 1 << 48 and trained in (0, 1), "its header is damaged")
    need(metric in (0, 1), f"its metric is number {metric}; expected inner products or Euclidean distances")
    header = Header(dim, n, bool(trained), metric)
    return CODES[kind](source, kind, header) if kind in CODES else _CLASSES[kind](source, kind, header, level)


def _lists_header(source: Source, header: Header, level: int) -> tuple[Any, ...]:
    n_lists, _ = source.take("QQ")
    coarse = _index(source, level + 1)
    need(coarse.dim == header.dim, "centres of lists of other dims")
    need(0 < n_lists <= 1 << 24 and coarse.n == (n_lists if header.trained else 0), "a number of lists")
    need(coarse.trained or not header.trained, "centres of lists that are not trained")
    direct, numbers = source.one("B"), source.array("<i8")
    need(direct == 0 and not len(numbers), "a direct map, which wordhive never stores")
    return n_lists, coarse.kind, coarse.facts


def _lists(source: Source, header: Header, n_lists: int, code_size: int) -> None:
    kind = source.letters()
    know(kind == "ilar", f"the class {kind!r} of lists")
    need(source.take("QQ") == (n_lists, code_size), "lists of another size")
    form = source.letters()
    need(form in ("full", "sprs"), "a form of lists")
    sizes = source.array("<u8")
    if form == "sprs":
        need(len(sizes) % 2 == 0, "sizes of lists")
        places, sizes = sizes[::2], sizes[1::2]
        need(bool((places[1:] > places[:-1]).all()) and bool((places < n_lists).all()), "places of lists")
    else:
        need(len(sizes) == n_lists, "sizes of lists")
    need(bool((sizes <= header.n).all()) and sum(sizes.tolist()) == header.n, "sizes of lists")
    seen = np.zeros(header.n, np.bool_)
    for size in sizes.tolist():
        source.numbers("u1", size * code_size)
        numbers = source.numbers("<i8", size)
        need(not size or (numbers.min() >= 0 and numbers.max() < header.n), "numbers in lists")
        seen[numbers] = True
    need(bool(seen.all()), "numbers in lists")


def _flat_lists(source: Source, kind: str, header: Header, level: int) -> Stored:
    facts = _lists_header(source, header, level)
    _lists(source, header, facts[0], 4 * header.dim)
    return header.stored(kind, *facts)


def _scalar_lists(source: Source, kind: str, header: Header, level: int) -> Stored:
    facts = _lists_header(source, header, level)
    quantiser, code_size = scalar_quantiser(source, header)
    size, by_residual = source.take("QB")
    need(size == code_size, "scalar codes of another size")
    _lists(source, header, facts[0], code_size)
    return header.stored(kind, *facts, *quantiser, by_residual)


def _product_lists(source: Source, kind: str, header: Header, level: int) -> Stored:
    facts = _lists_header(source, header, level)
    by_residual, size = source.take("BQ")
    quantiser, code_size = product_quantiser(source, header.dim)
    need(size == code_size, "product codes of another size")
    _lists(source, header, facts[0], code_size)
    return header.stored(kind, *facts, *quantiser, by_residual)


def _packed_product_lists(source: Source, kind: str, header: Header, level: int) -> Stored:
    facts = _lists_header(source, header, level)
    by_residual, size, block, parts, how, at_once = source.take("BQiQiQ")
    quantiser, code_size = product_quantiser(source, header.dim)
    need(size == code_size, "product codes of another size")
    need(block == 32 and quantiser[1] == 4 and parts == quantiser[0] + quantiser[0] % 2, "packed codes of another size")
    _packed_lists(source, header, facts[0], block, block * parts // 2)
    return header.stored(kind, *facts, *quantiser, by_residual, how, at_once)


def _packed_lists(source: Source, header: Header, n_lists: int, block: int, block_bytes: int) -> None:
    """Lists of codes that are packed in blocks of so many documents."""
    kind = source.letters()
    know(kind == "ilbl", f"the class {kind!r} of lists")
    need(source.take("QQQQ") == (n_lists, _NO_CODE_SIZE, block, block_bytes), "lists of another size")
    seen = np.zeros(header.n, np.bool_)
    for _ in range(n_lists):
        numbers = source.array("<i8")
        need(not len(numbers) or (numbers.min() >= 0 and numbers.max() < header.n), "numbers in lists")
        need(not seen[numbers].any() and len(np.unique(numbers)) == len(numbers), "numbers in lists")
        seen[numbers] = True
        need(len(source.array("u1")) == -(-len(numbers) // block) * block_bytes, "codes in lists")
    need(bool(seen.all()), "numbers in lists")


def _sign_lists(source: Source, kind: str, header: Header, level: int) -> Stored:
    facts = _lists_header(source, header, level)
    quantiser, code_size = sign_quantiser(source, kind, header.dim)
    size, by_residual, bits = source.take("QBB")
    need(size == code_size, "sign codes of another size")
    _lists(source, header, facts[0], code_size)
    return header.stored(kind, *facts, *quantiser, by_residual, bits)


def _graph(source: Source, kind: str, header: Header, level: int) -> Stored:
    chances, room = source.array("<f8"), source.array("<i4")
    levels, offsets, links = source.array("<i4"), source.array("<u8"), source.array("<i4")
    entry, top, construction, search, _ = source.take("iiiii")
    need(1 <= construction <= 1 << 20 and 1 <= search <= 1 << 20, "a graph's beam")
    fault = graph_fault(Graph(header.n, len(chances), room, levels, offsets, links, entry, top))
    need(fault is None, f"a graph's {fault}")
    storage = _index(source, level + 1)
    need((storage.dim, storage.n) == (header.dim, header.n), "a graph of other vectors than are with it")
    # The metric is no fact: it is set for adding and for searching in turn.
    shape = (chances.tobytes(), room.tobytes(), storage.kind[:3], storage.facts[1:])
    return Stored(kind, header.dim, header.n, header.trained and storage.trained, shape)


def _transformed(source: Source, kind: str, header: Header, level: int) -> Stored:
    n_steps = source.one("i")
    need(0 <= n_steps <= 4, "a number of transforms")
    dim, steps = header.dim, []
    for _ in range(n_steps):
        step = _transform(source)
        need(step[1] == dim, "a transform of other dims")
        dim = step[2]
        steps.append(step)
    inner = _index(source, level + 1)
    need((inner.dim, inner.n) == (dim, header.n), "an index of other vectors behind its transforms")
    ready = inner.trained and all(trained for *_, trained in steps)
    return header.stored(kind, tuple(step[:-1] for step in steps), inner.kind, inner.facts, trained=ready)


def _transform(source: Source) -> tuple[Any, ...]:
    """Its letters, the dims before and behind it, what training does not change, and whether it is trained."""
    kind = source.letters()
    know(kind in ("rrot", "LTra", "Pcam", "VNrm", "RmDT"), f"the transform {kind!r}")
    settings: tuple[Any, ...] = ()
    matrix = centre = None
    if kind == "VNrm":
        settings = source.take("f")
    elif kind == "RmDT":
        places = source.array("<i4")
        settings = (tuple(places.tolist()),)
    else:
        if kind == "Pcam":
            settings = source.take("ffBi")
            mean, values, axes = (source.array("<f4") for _ in range(3))
            centre = (len(mean), len(values), len(axes))
        biased, matrix, bias = source.one("B"), source.array("<f4"), source.array("<f4")
    before, behind, trained = source.take("iiB")
    need(0 < before <= _MOST_DIM and 0 < behind <= _MOST_DIM, "a transform's dims")
    if kind == "RmDT":
        need(len(places) == behind and bool(((places >= -1) & (places < before)).all()), "a transform's places")
    if kind == "VNrm":
        need(before == behind, "a transform's dims")
    if matrix is not None:
        empty = not trained and not len(matrix)
        need(empty or len(matrix) == before * behind, "a transform's matrix")
        need(len(bias) == (behind if biased and not empty else 0) or (empty and not len(bias)), "a transform's bias")
    if centre is not None and trained:
        need(centre[0] == before, "a transform's mean")
    return kind, before, behind, settings, bool(trained)


def _refined(source: Source, kind: str, header: Header, level: int) -> Stored:
    base, refining = _index(source, level + 1), _index(source, level + 1)
    for part in (base, refining):
        need((part.dim, part.n) == (header.dim, header.n), "two indexes of other vectors")
    facts = (base.kind, base.facts, refining.kind, refining.facts, source.one("f"))
    return header.stored(kind, *facts, trained=base.trained and refining.trained)


_CLASSES: dict[str, Callable[[Source, str, Header, int], Stored]] = {
    "IwFl": _flat_lists, "IwSq": _scalar_lists, "IwSQ": _scalar_lists, "IwPQ": _product_lists,
    "IwPf": _packed_product_lists, "Iwrq": _sign_lists, "Iwrr": _sign_lists, "IHNf": _graph, "IHNs": _graph,
    "IHNp": _graph, "IxPT": _transformed, "IxRF": _refined,
}  # fmt: skip
