"""Texts that callers give to be encoded: checked, and cut into batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from wordhive.index import InputError
from wordhive.index.arguments import is_iterable, shown
from wordhive.index.storage.batch import check_unicode


def text_batches(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    """The texts, `size` at a time.

    Raises:
        InputError: One that is no valid string.
    """
    source = iter(texts)
    while batch := list(islice(source, size)):
        check_strings(batch)
        yield batch


def check_texts(texts: Any) -> None:
    """Raise InputError for what gives no texts: one string, what gives its keys, and what is no iterable."""
    if isinstance(texts, (str, bytes, Mapping)) or not is_iterable(texts):
        raise InputError(f"the texts are {type(texts).__name__}; expected a list of them: wrap a single one, [text]")


def check_strings(texts: list[str]) -> None:
    """Raise InputError for a text that is no valid string."""
    for text in texts:
        if not isinstance(text, str):
            raise InputError(f"a text is {type(text).__name__} ({shown(text)}); expected strings")
        check_unicode(text, f"the text {text[:60]!r}")
