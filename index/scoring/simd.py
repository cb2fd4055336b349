"""Vector instructions for compiled kernels: query words lie side by side in lanes, and document words pass them by.

Numba turns loops into vector instructions as it sees fit, and does not for these. So they are written here in LLVM's
own terms, which it compiles for any processor. Kernels give addresses, not arrays: documents are in several files, and
those that are mapped would be another type to compile for. A row is `LANES` float32.
"""

from __future__ import annotations

import math
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import extending, types
from numba.core import cgutils, config
from numpy.typing import NDArray

intrinsic: Any = extending.intrinsic


def _wide() -> bool:
    """Whether the processor that is compiled for has registers of 16 numbers, and 32 of them."""
    asked: str | None = getattr(config, "CPU_FEATURES", None)
    if asked is not None:
        return "+avx512f" in asked.split(",")
    return bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))


LANES = 16 if _wide() else 8
# Document words whose sums are held in registers at once, by groups of LANES query words they are compared with.
TILE_WORDS = (8, 8, 8, 6) if _wide() else (8, 6, 4, 3)
MOST_GROUPS = len(TILE_WORDS)
TABLE_WORDS = 8

_FLOAT, _BYTE, _TWO_BYTES, _INT = ir.FloatType(), ir.IntType(8), ir.IntType(16), ir.IntType(64)
_ROW = ir.VectorType(_FLOAT, LANES)
_ROW_BYTES = 4 * LANES
_FUSED = ("contract",)  # a product and a sum may be one instruction


def aligned(*shape: int) -> NDArray[np.float32]:
    """Room for float32, of which every row of `LANES` is one line of a cache."""
    size = math.prod(shape)
    room = np.empty(size + 16, np.float32)
    start = -room.ctypes.data % 64 // 4
    return room[start : start + size].reshape(shape)


def _product_tile(n_words: int, n_groups: int) -> Any:
    @intrinsic
    def tile(_context, best, lanes, documents, stride, word, last, dim):  # type: ignore[no-untyped-def]
        def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
            best, lanes, documents, stride, word, last, dim = args
            rows = [b.add(documents, b.mul(place, stride)) for place in _places(b, word, last, n_words)]
            sums = [[_zeros(b) for _ in range(n_groups)] for _ in rows]
            with cgutils.for_range(b, dim) as loop:
                at = b.add(lanes, b.mul(loop.index, _int(n_groups * _ROW_BYTES)))
                query = [_row(b, b.add(at, _int(group * _ROW_BYTES))) for group in range(n_groups)]
                for row, row_sums in zip(rows, sums, strict=True):
                    number = _splat(b, _load(b, b.add(row, b.mul(loop.index, _int(4))), _FLOAT))
                    for lane_words, total in zip(query, row_sums, strict=True):
                        product = b.fmul(lane_words, number, flags=_FUSED)
                        b.store(b.fadd(b.load(total), product, flags=_FUSED), total)
            for group in range(n_groups):
                at = b.add(best, _int(group * _ROW_BYTES))
                _raise_best(b, at, [b.load(row_sums[group]) for row_sums in sums])
            return context.get_dummy_value()

        return types.void(*[types.intp] * 7), generate

    return tile


# By groups: best[LANES * groups] becomes at least the products of document words, from `word` on, at most to
# `last`, with the query words `lanes` [dim, LANES * groups]. stride: bytes from one document word to the next.
tile_of_1, tile_of_2, tile_of_3, tile_of_4 = (_product_tile(words, i + 1) for i, words in enumerate(TILE_WORDS))


def _table_tile(whole_bytes: bool) -> Any:
    @intrinsic
    def tile(_context, best, tables, centroids, codes, size, header, bits, parts, word, last):  # type: ignore[no-untyped-def]
        def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
            best, tables, centroids, codes, size, header, bits, parts, word, last = args
            value_of = _byte_field if whole_bytes else _bit_field
            rows = [b.add(codes, b.mul(place, size)) for place in _places(b, word, last, TABLE_WORDS)]
            sums = [_zeros(b) for _ in rows]
            table_size = b.shl(_int(_ROW_BYTES), bits)
            with cgutils.for_range(b, parts) as loop:
                table = b.add(tables, b.mul(loop.index, table_size))
                for row, total in zip(rows, sums, strict=True):
                    value = value_of(b, row, size, header, bits, loop.index)
                    b.store(b.fadd(b.load(total), _row(b, b.add(table, b.mul(value, _int(_ROW_BYTES))))), total)
            with b.if_then(b.icmp_signed("!=", header, _int(0))):
                for row, total in zip(rows, sums, strict=True):
                    at = b.add(centroids, b.mul(_number(b, row, header), _int(_ROW_BYTES)))
                    scaled = b.fmul(b.load(total), _splat(b, _scale(b, row, header)), flags=_FUSED)
                    b.store(b.fadd(_row(b, at), scaled, flags=_FUSED), total)
            _raise_best(b, best, [b.load(total) for total in sums])
            return context.get_dummy_value()

        return types.void(*[types.intp] * 10), generate

    return tile


# best[LANES] becomes at least the scores of document words by tables [parts, 2 ** bits, LANES]: for codes of bytes, and
# of fields of any number of bits up to 8. Where codes have a header, it is a centroid's number and a scale.
byte_tile, bit_tile = _table_tile(whole_bytes=True), _table_tile(whole_bytes=False)


def _copy(width: int) -> Any:
    @intrinsic
    def copy(_context, target, source):  # type: ignore[no-untyped-def]
        def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
            row = ir.VectorType(_FLOAT, width)
            _store(b, _load(b, args[1], row), args[0], row)
            return context.get_dummy_value()

        return types.void(types.intp, types.intp), generate

    return copy


copy1, copy2, copy4, copy8, copy16 = (_copy(width) for width in (1, 2, 4, 8, 16))


@intrinsic
def scale_row(_context, target, centroid, scale):  # type: ignore[no-untyped-def]
    """A row becomes centroid + scale · row."""

    def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
        target, centroid, scale = args
        scaled = b.fmul(_row(b, target), _splat(b, scale), flags=_FUSED)
        _store(b, b.fadd(_row(b, centroid), scaled, flags=_FUSED), target, _ROW)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.float32), generate


@intrinsic
def bytes_to_row(_context, target, source):  # type: ignore[no-untyped-def]
    """A row becomes the numbers that LANES bytes are."""

    def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
        numbers = _load(b, args[1], ir.VectorType(_BYTE, LANES))
        wide = b.zext(numbers, ir.VectorType(ir.IntType(32), LANES))
        _store(b, b.sitofp(wide, _ROW), args[0], _ROW)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@intrinsic
def field(_context, row, size, header, bits, part):  # type: ignore[no-untyped-def]
    """What a field of the code at `row` says: the part's number, from the lowest bits on."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        return _bit_field(b, *args)

    return types.intp(*[types.intp] * 5), generate


@intrinsic
def centroid_number(_context, row, header):  # type: ignore[no-untyped-def]
    """The centroid that the header of the code at `row` names."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        return _number(b, *args)

    return types.intp(types.intp, types.intp), generate


@intrinsic
def code_scale(_context, row, header):  # type: ignore[no-untyped-def]
    """The scale in the header of the code at `row`."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        return _scale(b, *args)

    return types.float32(types.intp, types.intp), generate


@intrinsic
def byte_at(_context, address):  # type: ignore[no-untyped-def]
    """The byte at an address."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        return _byte(b, args[0])

    return types.intp(types.intp), generate


def _places(b: Any, word: Any, last: Any, n: int) -> list[Any]:
    """n words in a row; the last one again instead of any beyond it, which changes no maximum."""
    places = [b.add(word, _int(place)) for place in range(n)]
    return [b.select(b.icmp_signed("<", place, last), place, last) for place in places]


def _byte_field(b: Any, row: Any, size: Any, header: Any, bits: Any, part: Any) -> Any:
    return _byte(b, b.add(b.add(row, header), part))


def _bit_field(b: Any, row: Any, size: Any, header: Any, bits: Any, part: Any) -> Any:
    """Bits from the lowest on, of the two bytes where they begin, or of the code's last two."""
    bit = b.add(b.shl(header, _int(3)), b.mul(part, bits))
    first, most = b.lshr(bit, _int(3)), b.sub(size, _int(2))
    first = b.select(b.icmp_signed("<", first, most), first, most)
    both = b.zext(_load(b, b.add(row, first), _TWO_BYTES), _INT)
    mask = b.sub(b.shl(_int(1), bits), _int(1))
    return b.and_(b.lshr(both, b.sub(bit, b.shl(first, _int(3)))), mask)


def _number(b: Any, row: Any, header: Any) -> Any:
    """A centroid's, of one byte, or of two where the header has three."""
    two = b.icmp_signed("==", header, _int(3))
    second = b.select(two, _byte(b, b.add(row, _int(1))), _int(0))
    return b.or_(_byte(b, row), b.shl(second, _int(8)))


def _scale(b: Any, row: Any, header: Any) -> Any:
    return b.uitofp(_byte(b, b.sub(b.add(row, header), _int(1))), _FLOAT)


def _raise_best(b: Any, at: Any, rows: list[Any]) -> None:
    best = _row(b, at)
    for row in rows:
        best = b.select(b.fcmp_ordered(">", best, row), best, row)
    _store(b, best, at, _ROW)


def _int(number: int) -> Any:
    return ir.Constant(_INT, number)


def _zeros(b: Any) -> Any:
    place = cgutils.alloca_once(b, _ROW)  # type: ignore[no-untyped-call]
    b.store(ir.Constant(_ROW, [0.0] * LANES), place)
    return place


def _splat(b: Any, number: Any) -> Any:
    row = b.insert_element(ir.Constant(_ROW, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    return b.shuffle_vector(row, row, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _row(b: Any, address: Any) -> Any:
    return _load(b, address, _ROW)


def _byte(b: Any, address: Any) -> Any:
    return b.zext(_load(b, address, _BYTE), _INT)


def _load(b: Any, address: Any, kind: Any) -> Any:
    loaded = b.load(b.inttoptr(address, kind.as_pointer()))
    loaded.align = 4 if kind is _FLOAT or getattr(kind, "element", None) is _FLOAT else 1
    return loaded


def _store(b: Any, value: Any, address: Any, kind: Any) -> None:
    b.store(value, b.inttoptr(address, kind.as_pointer())).align = 4
