"""Vector instructions (SIMD) for the scoring kernels, as functions that code compiled by numba can call.

**Why this file.** The second stage spends its time on inner products of query words and document words. Numba compiles
a loop over them, but not into instructions that compute 8 or 16 numbers at once, which makes it 3 to 8 times as slow
(docs/measurements/speed.md). So the innermost loops are written here in the instructions of LLVM, the compiler below
numba. LLVM translates them for any processor; nothing here names a processor's own instruction.

**Terms.** A *row* is a register of `LANES` float32: 16 where the processor has AVX-512, otherwise 8. A *group* is
`LANES` query words side by side: one row holds the same dim of each. An *address* is an integer. Kernels pass
addresses instead of arrays, because documents lie in several files, and numba compiles once more for each type of
array, mapped ones included.

**A tile.** `tile_of_2` compares two groups of query words with TILE_WORDS[1] document words. Step k of its loop over
dims, drawn with 4 document words:

                      group 0: dim k of 16 query words    group 1: dim k of 16 more
                     ┌─────────────────────────────────┬─────────────────────────────┐
                     │ q0[k]  q1[k]  q2[k]  …  q15[k]  │ q16[k]  q17[k]  …  q31[k]   │  two rows, loaded once
                     └─────────────────────────────────┴─────────────────────────────┘
      d0[k] ──splat──▶ sums[0][0] += row 0 · d0[k]       sums[0][1] += row 1 · d0[k]
      d1[k] ──splat──▶ sums[1][0] += row 0 · d1[k]       sums[1][1] += row 1 · d1[k]      every sum stays in a
      d2[k] ──splat──▶ sums[2][0] += row 0 · d2[k]       sums[2][1] += row 1 · d2[k]      register for all dims
      d3[k] ──splat──▶ sums[3][0] += row 0 · d3[k]       sums[3][1] += row 1 · d3[k]

A *splat* copies one number to all lanes of a row. After the last dim, lane i of sums[j][g] is the inner product of
query word LANES · g + i with document word j. The tile then raises `best`, the largest product of each query word so
far: best = max(best, sums[0], sums[1], …), lane by lane.

A number that is loaded once is used often: a row of queries for all document words, a document's number for all groups.
The larger the tile, the better, but its sums and some rows must fit into the registers, 32 (AVX-512) or 16;
`TILE_WORDS` holds the fastest sizes. A tile that reaches beyond the last word of a document repeats that word, which
changes no maximum (`clamped_numbers`).

**A table tile** (`byte_tile`, `bit_tile`) scores codes without multiplications. For every value of every field of a
code, a table holds a row: what this value adds to the product with each query word. The tile adds one row per field.

**How to read a function.** Numba calls the outer function with the *types* of the arguments and gets the signature and
`generate`. It calls `generate` with `b`, an LLVM IR builder, to emit code: `b.fadd(x, y)` adds no numbers, it appends
the instruction that will. So a Python loop in `generate` emits its body several times (unrolled), and
`cgutils.for_range` emits a loop. Small functions of index/simd/instructions.py (`row_at`, `splat`, `load`, …) emit
what occurs often.

**How to change it.** tests/index/scoring/test_maxsim.py and test_code_scores.py compare the tiles with slow code, also
as compiled for a processor without AVX-512. `wordhive bench maxsim` measures them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numpy.typing import NDArray

from .instructions import (
    BYTE,
    FLOAT,
    FUSED,
    INT64,
    LANES,
    ROW,
    ROW_BYTES,
    WIDE,
    clamped_numbers,
    constant_row,
    integer,
    load,
    row_at,
    splat,
    store,
    variable,
)

intrinsic: Any = extending.intrinsic

# Document words of a tile of 1, 2, 3 and 4 groups of query words.
TILE_WORDS = (8, 8, 8, 6) if WIDE else (8, 6, 4, 3)
MOST_GROUPS = len(TILE_WORDS)  # groups of a tile
TABLE_WORDS = 8  # document words of a table tile

_TWO_BYTES = ir.IntType(16)


def aligned(*shape: int) -> NDArray[np.float32]:
    """An uninitialised float32 array that begins at a multiple of 64 bytes, so that no row crosses a cache line."""
    size = math.prod(shape)
    room = np.empty(size + 16, np.float32)
    start = -room.ctypes.data % 64 // 4
    return room[start : start + size].reshape(shape)


def _product_tile(n_words: int, n_groups: int) -> Any:
    """A function that raises `best` to the inner products of `n_words` document words with `n_groups` groups.

    Its arguments, addresses and sizes in bytes:
        best: `LANES · n_groups` float32, the largest product of each query word so far.
        lanes: The query words, float32 `[dim, LANES · n_groups]`.
        documents: The first document word, float32 `[dim]`.
        stride: Bytes from one document word to the next.
        word, last: Numbers of the tile's first word, and of the document's last word.
        dim: Dims of a word.
    """

    @intrinsic
    def tile(_context, best, lanes, documents, stride, word, last, dim):  # type: ignore[no-untyped-def]
        def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
            best, lanes, documents, stride, word, last, dim = args
            addresses = [b.add(documents, b.mul(number, stride)) for number in clamped_numbers(b, word, last, n_words)]
            sums = [[variable(b, constant_row(0.0)) for _ in range(n_groups)] for _ in addresses]
            with cgutils.for_range(b, dim) as loop:
                at = b.add(lanes, b.mul(loop.index, integer(n_groups * ROW_BYTES)))
                query = [row_at(b, b.add(at, integer(group * ROW_BYTES))) for group in range(n_groups)]
                for address, word_sums in zip(addresses, sums, strict=True):
                    number = splat(b, load(b, b.add(address, b.mul(loop.index, integer(4))), FLOAT))
                    for lane_words, total in zip(query, word_sums, strict=True):
                        product = b.fmul(lane_words, number, flags=FUSED)
                        b.store(b.fadd(b.load(total), product, flags=FUSED), total)
            for group in range(n_groups):
                at = b.add(best, integer(group * ROW_BYTES))
                _raise_best(b, at, [b.load(word_sums[group]) for word_sums in sums])
            return context.get_dummy_value()

        return types.void(*[types.intp] * 7), generate

    return tile


tile_of_1, tile_of_2, tile_of_3, tile_of_4 = (_product_tile(words, i + 1) for i, words in enumerate(TILE_WORDS))


def _table_tile(whole_bytes: bool) -> Any:
    """A function that raises `best` to the scores of `TABLE_WORDS` document words, which it adds up from tables.

    Its arguments, addresses and sizes in bytes:
        best: `LANES` float32, the largest score of each query word so far.
        tables: Float32 `[parts, 2 ** bits, LANES]`, what each value of each field adds.
        centroids: Float32 `[n_centroids, LANES]`, what each centroid adds; read where codes have a header.
        codes: The document's first code.
        size: Bytes of a code.
        header: Bytes of a code before its fields, 0 without a centroid and a scale.
        bits: Bits of a field; 8 where `whole_bytes`.
        parts: Fields of a code.
        word, last: Numbers of the tile's first word, and of the document's last word.
    """

    @intrinsic
    def tile(_context, best, tables, centroids, codes, size, header, bits, parts, word, last):  # type: ignore[no-untyped-def]
        def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
            best, tables, centroids, codes, size, header, bits, parts, word, last = args
            value_of = _byte_field if whole_bytes else _bit_field
            addresses = [b.add(codes, b.mul(number, size)) for number in clamped_numbers(b, word, last, TABLE_WORDS)]
            sums = [variable(b, constant_row(0.0)) for _ in addresses]
            table_size = b.shl(integer(ROW_BYTES), bits)
            with cgutils.for_range(b, parts) as loop:
                table = b.add(tables, b.mul(loop.index, table_size))
                for address, total in zip(addresses, sums, strict=True):
                    value = value_of(b, address, size, header, bits, loop.index)
                    b.store(b.fadd(b.load(total), row_at(b, b.add(table, b.mul(value, integer(ROW_BYTES))))), total)
            with b.if_then(b.icmp_signed("!=", header, integer(0))):
                for address, total in zip(addresses, sums, strict=True):
                    at = b.add(centroids, b.mul(_number(b, address, header), integer(ROW_BYTES)))
                    scaled = b.fmul(b.load(total), splat(b, _scale(b, address, header)), flags=FUSED)
                    b.store(b.fadd(row_at(b, at), scaled, flags=FUSED), total)
            _raise_best(b, best, [b.load(total) for total in sums])
            return context.get_dummy_value()

        return types.void(*[types.intp] * 10), generate

    return tile


byte_tile, bit_tile = _table_tile(whole_bytes=True), _table_tile(whole_bytes=False)


def _copy(width: int) -> Any:
    """A function that copies `width` float32 from one address to another."""

    @intrinsic
    def copy(_context, target, source):  # type: ignore[no-untyped-def]
        def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
            row = ir.VectorType(FLOAT, width)
            store(b, load(b, args[1], row), args[0], row)
            return context.get_dummy_value()

        return types.void(types.intp, types.intp), generate

    return copy


copy1, copy2, copy4, copy8, copy16 = (_copy(width) for width in (1, 2, 4, 8, 16))


@intrinsic
def scale_row(_context, target, centroid, scale):  # type: ignore[no-untyped-def]
    """row = centroid + scale · row, for the row at `target` and the one at `centroid`."""

    def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
        target, centroid, scale = args
        scaled = b.fmul(row_at(b, target), splat(b, scale), flags=FUSED)
        store(b, b.fadd(row_at(b, centroid), scaled, flags=FUSED), target, ROW)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.float32), generate


@intrinsic
def bytes_to_row(_context, target, source):  # type: ignore[no-untyped-def]
    """Convert LANES bytes at `source` to the row at `target`."""

    def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
        numbers = load(b, args[1], ir.VectorType(BYTE, LANES))
        wide = b.zext(numbers, ir.VectorType(ir.IntType(32), LANES))
        store(b, b.sitofp(wide, ROW), args[0], ROW)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@intrinsic
def field(_context, code, size, header, bits, part):  # type: ignore[no-untyped-def]
    """The value of field number `part` of the code at an address; field 0 has the lowest bits."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        return _bit_field(b, *args)

    return types.intp(*[types.intp] * 5), generate


@intrinsic
def centroid_number(_context, code, header):  # type: ignore[no-untyped-def]
    """The number of the centroid, from the header of the code at an address."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        return _number(b, *args)

    return types.intp(types.intp, types.intp), generate


@intrinsic
def code_scale(_context, code, header):  # type: ignore[no-untyped-def]
    """The scale, from the header of the code at an address."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        return _scale(b, *args)

    return types.float32(types.intp, types.intp), generate


@intrinsic
def byte_at(_context, address):  # type: ignore[no-untyped-def]
    """The byte at an address."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        return _byte(b, args[0])

    return types.intp(types.intp), generate


@intrinsic
def bits_at(_context, address, bit):  # type: ignore[no-untyped-def]
    """At least 57 bits from one on, the lowest first, of the 8 bytes at an address."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        eight = load(b, b.add(args[0], b.ashr(args[1], integer(3))), INT64)
        return b.lshr(eight, b.and_(args[1], integer(7)))

    return types.intp(types.intp, types.intp), generate


@intrinsic
def zeros_below(_context, bits):  # type: ignore[no-untyped-def]
    """How many of the 64 bits are zero before the lowest one."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        return b.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.intp(types.intp), generate


# From here on, `b` is LLVM's IR builder, and what a function returns is a value of the compiled code.


def _byte_field(b: Any, code: Any, size: Any, header: Any, bits: Any, part: Any) -> Any:
    """The value of a field of 8 bits."""
    return _byte(b, b.add(b.add(code, header), part))


def _bit_field(b: Any, code: Any, size: Any, header: Any, bits: Any, part: Any) -> Any:
    """The value of a field of `bits` bits, read from two bytes: those where it begins, or the code's last two."""
    bit = b.add(b.shl(header, integer(3)), b.mul(part, bits))
    first, most = b.lshr(bit, integer(3)), b.sub(size, integer(2))
    first = b.select(b.icmp_signed("<", first, most), first, most)
    both = b.zext(load(b, b.add(code, first), _TWO_BYTES), INT64)
    mask = b.sub(b.shl(integer(1), bits), integer(1))
    return b.and_(b.lshr(both, b.sub(bit, b.shl(first, integer(3)))), mask)


def _number(b: Any, code: Any, header: Any) -> Any:
    """A centroid's number: one byte, or two in a header of three bytes."""
    two = b.icmp_signed("==", header, integer(3))
    second = b.select(two, _byte(b, b.add(code, integer(1))), integer(0))
    return b.or_(_byte(b, code), b.shl(second, integer(8)))


def _scale(b: Any, code: Any, header: Any) -> Any:
    """A code's scale, the last byte of its header."""
    return b.uitofp(_byte(b, b.sub(b.add(code, header), integer(1))), FLOAT)


def _raise_best(b: Any, at: Any, rows: list[Any]) -> None:
    """The row at an address becomes the largest of itself and `rows`, lane by lane."""
    best = row_at(b, at)
    for row in rows:
        best = b.select(b.fcmp_ordered(">", best, row), best, row)
    store(b, best, at, ROW)


def _byte(b: Any, address: Any) -> Any:
    return b.zext(load(b, address, BYTE), INT64)
