"""Lines of UTF-8 files, plain or packed with gzip, and the JSON objects in them."""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from wordhive.index import InputError

# A line beyond this is no row of a text file: it would be held in memory whole.
MOST_BYTES = 64 * 2**20

_NAME = re.compile(r"[^\W\d][^\d]*")
# Words that programs write for numbers that they have not.
_NO_NAMES = ("nan", "inf", "infinity", "none", "null", "na")

_GZIP = b"\x1f\x8b"
# How other files begin, and what to do with them.
_OTHER_KINDS = {
    b"\x28\xb5\x2f\xfd": "is packed by Zstandard; unpack it first: zstd -d",
    b"BZh": "is packed by bzip2; unpack it first: bunzip2",
    b"\xfd7zXZ\x00": "is packed by xz; unpack it first: unxz",
    b"\x04\x22\x4d\x18": "is packed by lz4; unpack it first: lz4 -d",
    b"PK\x03\x04": "is a zip archive; unpack it first: unzip",
    b"PAR1": "is a Parquet file; expected lines of text (wordhive import reads Parquet files with vectors)",
    b"\xff\xfe": "is UTF-16, not UTF-8; convert it first: iconv -f UTF-16 -t UTF-8",
    b"\xfe\xff": "is UTF-16, not UTF-8; convert it first: iconv -f UTF-16 -t UTF-8",
}
_LONGEST = max(map(len, _OTHER_KINDS))


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The non-empty lines of a UTF-8 file, numbered from 1; "-" is standard input.

    What a file begins with tells whether it is packed with gzip, whatever its name is.

    Raises:
        InputError: What is missing, torn, not UTF-8, or packed otherwise, and for a line of more than 64 MiB, with
            file and line.
    """
    for number, line in enumerate(decoded_lines(path), 1):
        if line.strip():
            yield number, line.rstrip("\n").rstrip("\r")


def read_objects(path: Path, expected: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON objects of a file, one a line, each with the place that begins an error's message.

    Args:
        expected: Fields that they should have, for that message.

    Raises:
        InputError: A line that is no JSON object or gives a key twice.
    """
    for number, line in read_lines(path):
        place = f"{path}:{number}: "
        try:
            value = json.loads(line, object_pairs_hook=_distinct)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{place}not JSON that can be read ({error}); expected one object a line, with {expected}"
            ) from error
        if not isinstance(value, dict):
            raise InputError(f"{place}a {type(value).__name__}; expected an object with {expected}")
        yield place, value


def decoded_lines(path: Path) -> Iterator[str]:
    """All lines of a file as they are, with their ends; see `read_lines`."""
    if str(path) != "-" and not path.exists():
        raise InputError(f"no file at {path}; check the path")
    number = 0
    try:
        with _opened(path) as file:
            while line := file.readline(MOST_BYTES + 1):
                number += 1
                if len(line) > MOST_BYTES:
                    raise InputError(f"{path}:{number}: more than {MOST_BYTES:,} bytes without a line's end")
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}:{number}: not UTF-8 ({error.reason}); convert it first: iconv -t UTF-8") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} is no complete gzip file after line {number:,} ({error}); get it again") from error


def is_header(cells: Sequence[str]) -> bool:
    """Whether the cells of a table's first line name its columns: words without digits, none of them a "nan"."""
    names = [cell.strip().casefold() for cell in cells]
    return bool(names) and all(name == "q0" or (_NAME.fullmatch(name) and name not in _NO_NAMES) for name in names)


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedReader]:
    source: Any = nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb", buffering=0)
    with source as raw:
        file = io.BufferedReader(raw)
        try:
            begin = file.peek(_LONGEST)
            for mark, problem in _OTHER_KINDS.items():
                if begin.startswith(mark):
                    raise InputError(f"{path} {problem}")
            yield io.BufferedReader(gzip.GzipFile(fileobj=file)) if begin.startswith(_GZIP) else file
        finally:
            file.detach()  # or it would close standard input


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in fields if names.count(name) > 1)!r} is there twice")
    return fields
