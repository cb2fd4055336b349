"""The characters of a text file, whatever its encoding is."""

from __future__ import annotations

import codecs
import re

from wordhive.index import InputError

# Bytes of which an encoding is told.
_SAMPLE = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Encodings that are still met, the likeliest first: of texts with some accents, and of those in other scripts.
_LATIN = ("cp1252", "cp1250", "iso8859_2")
_OTHERS = (
    "cp1251", "koi8_r", "cp932", "gb18030", "big5", "euc_kr", "euc_jp", "cp1253", "cp1255", "cp1256", "cp1252"
)  # fmt: skip
_MOST_ACCENTS = 0.34
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# The share of control characters from which bytes are no text.
_MOST_CONTROLS = 0.02
_BINARY = "it is binary, whatever its name says; rename it, or leave it out by --exclude"


def decode(content: bytes, declared: str | None = None) -> tuple[str, str]:
    """The characters of a file with plain line ends, and the encoding they were in.

    A byte order mark tells the encoding; else it is UTF-8 if all bytes are; else what the file declares; else what its
    letters look like most.

    Args:
        declared: The encoding that the file itself names.

    Raises:
        InputError: The bytes are no text.
    """
    encoding = encoding_of(content, declared)
    try:
        text = content.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise InputError(f"it is neither UTF-8 nor {encoding} ({error}); convert it first: iconv -t UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding.removesuffix("-sig")


def encoding_of(content: bytes, declared: str | None = None) -> str:
    """The encoding of a text, or of its beginning; see `decode`."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    sample = content[:_SAMPLE]
    if b"\0" in sample:
        if wide := _wide(sample):
            return wide
        raise InputError(_BINARY)
    if len(_CONTROLS.findall(sample)) > _MOST_CONTROLS * len(sample):
        raise InputError(_BINARY)
    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        return _known(declared) or _detected(content)


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Latin letters is 0."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) < 0.4 * (len(sample) / 2) or min(even, odd) > 0.02 * len(sample):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _known(declared: str | None) -> str | None:
    try:
        return codecs.lookup(declared).name if declared else None
    except LookupError:
        return None


def _detected(content: bytes) -> str:
    from charset_normalizer import from_bytes

    # Where letters beyond ASCII are rare, the first bytes may have none.
    first = next(place for place, byte in enumerate(content) if byte > 127)
    begin = max(0, first - _SAMPLE // 2)
    sample = content[begin : begin + _SAMPLE]
    share = sum(byte > 127 for byte in sample) / len(sample)
    likely = _LATIN if share < _MOST_ACCENTS else _OTHERS
    found = [match for match in from_bytes(sample, cp_isolation=list(likely)) if match.encoding in likely]
    ranked = sorted(found, key=lambda it: (round(it.chaos, 2), -round(it.coherence, 2), likely.index(it.encoding)))
    for encoding in [match.encoding for match in ranked] + ["cp1252"]:
        try:
            content.decode(encoding)
            return str(encoding)
        except UnicodeDecodeError:
            continue
    return "latin-1"  # which fills the gaps of Windows' western letters
