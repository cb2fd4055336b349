"""The classes of FAISS that an index may hold, as they lie in a file."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .faiss_graphs import Graph, graph_fault

# Classes within classes: refined, transformed lists of product codes have four.
_MOST_LEVELS = 6
_MOST_BITS = 24
_MOST_DIM = 1 << 24
# What lists of packed codes say of the size of one: it has none.
_NO_CODE_SIZE = (1 << 64) - 1
# By FAISS's number of a scalar quantiser: bits a dim, numbers that are trained for each dim, and in all.
_SCALARS = {
    0: (8, 2, 0), 1: (4, 2, 0), 2: (8, 0, 2), 3: (4, 0, 2), 4: (16, 0, 0), 5: (8, 0, 0), 6: (6, 2, 0), 7: (16, 0, 0),
    8: (8, 0, 0),
}  # fmt: skip
# Search types of additive quantisers that need no table of norms.
_PLAIN_SEARCHES = range(6)


class FaissFileError(ValueError):
    """What is wrong in a file, for the message of who knows its name."""


class UnknownClassError(FaissFileError):
    """A class of FAISS's that is not looked through, and so is not opened."""


@dataclass(frozen=True)
class Stored:
    """What a file holds.

    kind: FAISS's four letters of the class. dim, n: of its vectors. trained: whether they can be coded. facts: what
    neither training nor adding changes, that of the parts within it included.
    """

    kind: str
    dim: int
    n: int
    trained: bool
    facts: tuple[Any, ...]


def walk(data: NDArray[np.uint8]) -> Stored:
    """What the bytes of a file hold. Raises FaissFileError where a class is unknown, or numbers disagree."""
    source = _Source(data)
    try:
        stored = _index(source, 0)
    except struct.error as error:
        raise FaissFileError("it ends too early") from error
    _need(source.at == len(data), f"{len(data) - source.at} bytes follow its end")
    return stored


class _Source:
    """Bytes, read from the beginning on."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[Any, ...]:
        """Numbers by their `struct` letters."""
        values = struct.unpack_from(f"<{form}", self.data.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return values

    def one(self, form: str) -> Any:
        return self.take(form)[0]

    def letters(self) -> str:
        return bytes(self.one("4s")).decode("latin-1")

    def numbers(self, kind: str, n: int) -> NDArray[Any]:
        """So many numbers, as they lie there."""
        size = n * np.dtype(kind).itemsize
        _need(0 <= size <= len(self.data) - self.at, f"an array of {n} numbers is longer than the file")
        self.at += size
        return self.data[self.at - size : self.at].view(kind)

    def array(self, kind: str) -> NDArray[Any]:
        """Numbers behind how many they are."""
        return self.numbers(kind, self.one("Q"))

    def sized(self, kind: str, n: int, what: str) -> NDArray[Any]:
        """The same, where it is known how many there must be."""
        found = self.array(kind)
        _need(len(found) == n, f"{len(found)} numbers of {what}; expected {n}")
        return found

    def finite(self, n: int, what: str) -> None:
        """Floats, so many, of what vectors are coded by."""
        _need(bool(np.isfinite(self.sized("<f4", n, what)).all()), f"{what} with NaN or infinity")

    def trained(self, kind: str, n: int, what: str, trained: bool) -> NDArray[Any]:
        """The same, where there may be none before training."""
        found = self.array(kind)
        _need(len(found) == n or (not trained and not len(found)), f"{len(found)} numbers of {what}; expected {n}")
        _need(bool(np.isfinite(found).all()), f"{what} with NaN or infinity")
        return found


def _know(is_known: bool, what: str) -> None:
    if not is_known:
        raise UnknownClassError(f"{what} of FAISS's is none that wordhive opens")


def _need(fine: bool, fault: str) -> None:
    if not fine:
        raise FaissFileError(fault)


@dataclass(frozen=True)
class _Header:
    dim: int
    n: int
    trained: bool
    metric: int

    def stored(self, kind: str, *facts: Any, trained: bool = True) -> Stored:
        """trained: whether the parts within it are, too."""
        return Stored(kind, self.dim, self.n, self.trained and trained, (self.metric, *facts))


def _index(source: _Source, level: int) -> Stored:
    kind = source.letters()
    _know(kind in _CLASSES, f"the class {kind!r}")
    _need(level < _MOST_LEVELS, "too many indexes within each other")
    dim, n, _, _, trained, metric = source.take("iqqqBi")
    _need(0 < dim <= _MOST_DIM and 0 <= n < 1 << 48 and trained in (0, 1), "its header is damaged")
    _need(metric in (0, 1), f"its metric is number {metric}; expected inner products or Euclidean distances")
    return _CLASSES[kind](source, kind, _Header(dim, n, bool(trained), metric), level)


def _flat(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    _need((kind == "IxFI") == (header.metric == 0), "its metric is another than its class says")
    source.sized("<f4", header.n * header.dim, "vectors")
    return header.stored(kind)


def _scalar_quantiser(source: _Source, header: _Header) -> tuple[tuple[Any, ...], int]:
    kind, _, _, dim, code_size = source.take("iifQQ")
    _need(kind in _SCALARS, f"the scalar quantiser number {kind} is none that wordhive opens")
    bits, each, all_dims = _SCALARS[kind]
    _need(dim == header.dim and code_size == (dim * bits + 7) // 8, "a scalar quantiser of another size")
    source.trained("<f4", each * dim + all_dims, "a scalar quantiser", header.trained)
    return (kind,), code_size


def _scalar(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    facts, code_size = _scalar_quantiser(source, header)
    source.sized("u1", header.n * code_size, "codes")
    return header.stored(kind, *facts)


def _product_quantiser(source: _Source, dim: int) -> tuple[tuple[Any, ...], int]:
    own, parts, bits = source.take("QQQ")
    _need(own == dim and 0 < parts <= dim and dim % parts == 0, "a product quantiser of another size")
    _need(0 < bits <= _MOST_BITS, f"product codes of {bits} bits")
    source.finite(dim << bits, "codebooks")
    return (parts, bits), (parts * bits + 7) // 8


def _product(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    facts, code_size = _product_quantiser(source, header.dim)
    source.sized("u1", header.n * code_size, "codes")
    search, signs, hamming = source.take("iBi")
    return header.stored(kind, *facts, search, signs, hamming)


def _packed_product(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    facts, _ = _product_quantiser(source, header.dim)
    how, block, at_once, held, parts = source.take("iiiQQ")
    _need(block == 32 and held == -(-header.n // block) * block, "a number of packed documents")
    _need(facts[1] == 4 and parts == facts[0] + facts[0] % 2, "packed codes of another size")
    source.sized("u1", held * parts // 2, "codes")
    return header.stored(kind, *facts, how, at_once)


def _additive_quantiser(source: _Source, dim: int, trained: bool) -> tuple[tuple[Any, ...], int]:
    own, parts = source.take("QQ")
    bits = source.array("<u8")
    _need(own == dim and len(bits) == parts <= 4096 and bool((bits <= 16).all()), "an additive quantiser's size")
    ready = source.one("B")
    _need(bool(ready) or not trained, "an additive quantiser that is not trained")
    source.trained("<f4", int((1 << bits.astype(np.int64)).sum()) * dim, "codebooks", bool(ready))
    search, *_ = source.take("iff")
    _need(search in _PLAIN_SEARCHES, f"the search number {search} of an additive quantiser")
    norm_bits = {3: 32, 4: 8, 5: 4}.get(search, 0)
    return (tuple(bits.tolist()), search), (int(bits.sum()) + norm_bits + 7) // 8


def _residuals(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    facts, code_size = _additive_quantiser(source, header.dim, header.trained)
    how, beam = source.take("ii")
    return header.stored(kind, *facts, how, beam, *_additive_codes(source, header, code_size))


def _local_searches(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    facts, code_size = _additive_quantiser(source, header.dim, header.trained)
    settings = source.take("QQQQQffQiQB")
    return header.stored(kind, *facts, settings, *_additive_codes(source, header, code_size))


def _additive_codes(source: _Source, header: _Header, code_size: int) -> tuple[Any, ...]:
    _need(source.one("Q") == code_size, "additive codes of another size")
    source.sized("u1", header.n * code_size, "codes")
    return (code_size,)


def _sign_quantiser(source: _Source, kind: str, dim: int) -> tuple[tuple[Any, ...], int]:
    own, code_size, metric = source.take("QQi")
    bits = source.one("Q") if kind[-1] == "r" else 1
    # A vector's signs with two or three numbers, further bits with two more.
    signs = (dim + 7) // 8
    allowed = {signs + 8} if bits == 1 else {signs + 12 + (dim * (bits - 1) + 7) // 8 + 8}
    _need(own == dim and 0 < bits <= 9 and metric in (0, 1), "a sign quantiser's size")
    _need(code_size in allowed, "sign codes of another size")
    return (metric, bits, code_size), code_size


def _signs(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    facts, code_size = _sign_quantiser(source, kind, header.dim)
    source.sized("u1", header.n * code_size, "codes")
    source.trained("<f4", header.dim, "a centre", header.trained)
    return header.stored(kind, *facts, source.one("B"))


def _lists_header(source: _Source, header: _Header, level: int) -> tuple[Any, ...]:
    n_lists, _ = source.take("QQ")
    coarse = _index(source, level + 1)
    _need(coarse.dim == header.dim, "centres of lists of other dims")
    _need(0 < n_lists <= 1 << 24 and coarse.n == (n_lists if header.trained else 0), "a number of lists")
    _need(coarse.trained or not header.trained, "centres of lists that are not trained")
    direct, numbers = source.one("B"), source.array("<i8")
    _need(direct == 0 and not len(numbers), "a direct map, which wordhive never stores")
    return n_lists, coarse.kind, coarse.facts


def _lists(source: _Source, header: _Header, n_lists: int, code_size: int) -> None:
    kind = source.letters()
    _know(kind == "ilar", f"the class {kind!r} of lists")
    _need(source.take("QQ") == (n_lists, code_size), "lists of another size")
    form = source.letters()
    _need(form in ("full", "sprs"), "a form of lists")
    sizes = source.array("<u8")
    if form == "sprs":
        _need(len(sizes) % 2 == 0, "sizes of lists")
        places, sizes = sizes[::2], sizes[1::2]
        _need(bool((places[1:] > places[:-1]).all()) and bool((places < n_lists).all()), "places of lists")
    else:
        _need(len(sizes) == n_lists, "sizes of lists")
    _need(bool((sizes <= header.n).all()) and sum(sizes.tolist()) == header.n, "sizes of lists")
    seen = np.zeros(header.n, np.bool_)
    for size in sizes.tolist():
        source.numbers("u1", size * code_size)
        numbers = source.numbers("<i8", size)
        _need(not size or (numbers.min() >= 0 and numbers.max() < header.n), "numbers in lists")
        seen[numbers] = True
    _need(bool(seen.all()), "numbers in lists")


def _flat_lists(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    facts = _lists_header(source, header, level)
    _lists(source, header, facts[0], 4 * header.dim)
    return header.stored(kind, *facts)


def _scalar_lists(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    facts = _lists_header(source, header, level)
    quantiser, code_size = _scalar_quantiser(source, header)
    own, by_residual = source.take("QB")
    _need(own == code_size, "scalar codes of another size")
    _lists(source, header, facts[0], code_size)
    return header.stored(kind, *facts, *quantiser, by_residual)


def _product_lists(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    facts = _lists_header(source, header, level)
    by_residual, own = source.take("BQ")
    quantiser, code_size = _product_quantiser(source, header.dim)
    _need(own == code_size, "product codes of another size")
    _lists(source, header, facts[0], code_size)
    return header.stored(kind, *facts, *quantiser, by_residual)


def _packed_product_lists(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    facts = _lists_header(source, header, level)
    by_residual, own, block, parts, how, at_once = source.take("BQiQiQ")
    quantiser, code_size = _product_quantiser(source, header.dim)
    _need(own == code_size, "product codes of another size")
    _need(
        block == 32 and quantiser[1] == 4 and parts == quantiser[0] + quantiser[0] % 2, "packed codes of another size"
    )
    _packed_lists(source, header, facts[0], block, block * parts // 2)
    return header.stored(kind, *facts, *quantiser, by_residual, how, at_once)


def _packed_lists(source: _Source, header: _Header, n_lists: int, block: int, block_bytes: int) -> None:
    """Lists of codes that are packed in blocks of so many documents."""
    kind = source.letters()
    _know(kind == "ilbl", f"the class {kind!r} of lists")
    _need(source.take("QQQQ") == (n_lists, _NO_CODE_SIZE, block, block_bytes), "lists of another size")
    seen = np.zeros(header.n, np.bool_)
    for _ in range(n_lists):
        numbers = source.array("<i8")
        _need(not len(numbers) or (numbers.min() >= 0 and numbers.max() < header.n), "numbers in lists")
        _need(not seen[numbers].any() and len(np.unique(numbers)) == len(numbers), "numbers in lists")
        seen[numbers] = True
        _need(len(source.array("u1")) == -(-len(numbers) // block) * block_bytes, "codes in lists")
    _need(bool(seen.all()), "numbers in lists")


def _sign_lists(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    facts = _lists_header(source, header, level)
    quantiser, code_size = _sign_quantiser(source, kind, header.dim)
    own, by_residual, bits = source.take("QBB")
    _need(own == code_size, "sign codes of another size")
    _lists(source, header, facts[0], code_size)
    return header.stored(kind, *facts, *quantiser, by_residual, bits)


def _graph(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    chances, room = source.array("<f8"), source.array("<i4")
    levels, offsets, links = source.array("<i4"), source.array("<u8"), source.array("<i4")
    entry, top, construction, search, _ = source.take("iiiii")
    _need(1 <= construction <= 1 << 20 and 1 <= search <= 1 << 20, "a graph's beam")
    fault = graph_fault(Graph(header.n, len(chances), room, levels, offsets, links, entry, top))
    _need(fault is None, f"a graph's {fault}")
    storage = _index(source, level + 1)
    _need((storage.dim, storage.n) == (header.dim, header.n), "a graph of other vectors than are with it")
    # What is near is set for adding and for searching in turn.
    shape = (chances.tobytes(), room.tobytes(), storage.kind[:3], storage.facts[1:])
    return Stored(kind, header.dim, header.n, header.trained and storage.trained, shape)


def _transformed(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    n_steps = source.one("i")
    _need(0 <= n_steps <= 4, "a number of transforms")
    dim, steps = header.dim, []
    for _ in range(n_steps):
        step = _transform(source)
        _need(step[1] == dim, "a transform of other dims")
        dim = step[2]
        steps.append(step)
    inner = _index(source, level + 1)
    _need((inner.dim, inner.n) == (dim, header.n), "an index of other vectors behind its transforms")
    ready = inner.trained and all(trained for *_, trained in steps)
    return header.stored(kind, tuple(step[:-1] for step in steps), inner.kind, inner.facts, trained=ready)


def _transform(source: _Source) -> tuple[Any, ...]:
    """Its letters, the dims before and behind it, what training does not change, and whether it is trained."""
    kind = source.letters()
    _know(kind in ("rrot", "LTra", "Pcam", "VNrm", "RmDT"), f"the transform {kind!r}")
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
    _need(0 < before <= _MOST_DIM and 0 < behind <= _MOST_DIM, "a transform's dims")
    if kind == "RmDT":
        _need(len(places) == behind and bool(((places >= -1) & (places < before)).all()), "a transform's places")
    if kind == "VNrm":
        _need(before == behind, "a transform's dims")
    if matrix is not None:
        empty = not trained and not len(matrix)
        _need(empty or len(matrix) == before * behind, "a transform's matrix")
        _need(len(bias) == (behind if biased and not empty else 0) or (empty and not len(bias)), "a transform's bias")
    if centre is not None and trained:
        _need(centre[0] == before, "a transform's mean")
    return kind, before, behind, settings, bool(trained)


def _refined(source: _Source, kind: str, header: _Header, level: int) -> Stored:
    base, refining = _index(source, level + 1), _index(source, level + 1)
    for part in (base, refining):
        _need((part.dim, part.n) == (header.dim, header.n), "two indexes of other vectors")
    facts = (base.kind, base.facts, refining.kind, refining.facts, source.one("f"))
    return header.stored(kind, *facts, trained=base.trained and refining.trained)


_CLASSES: dict[str, Callable[[_Source, str, _Header, int], Stored]] = {
    "IxFI": _flat, "IxF2": _flat, "IxSQ": _scalar, "IxPq": _product, "IPfs": _packed_product, "IxRq": _residuals,
    "IxLS": _local_searches, "Ixrq": _signs, "Ixrr": _signs, "IwFl": _flat_lists, "IwSq": _scalar_lists,
    "IwSQ": _scalar_lists, "IwPQ": _product_lists, "IwPf": _packed_product_lists,
    "Iwrq": _sign_lists, "Iwrr": _sign_lists, "IHNf": _graph,
    "IHNs": _graph, "IHNp": _graph, "IxPT": _transformed, "IxRF": _refined,
}  # fmt: skip
