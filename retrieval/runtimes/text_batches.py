"""Texts that callers give to be encoded: checked, and cut into batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from wordhive.index import InputError
from wordhive.index.arguments import is_iterable, shown
from wordhive.index.storage.batch import check_unicode

Item = TypeVar("Item")


def batches(
    items: Iterable[Item], size: int, most_characters: int, characters: Callable[[Item], int]
) -> Iterator[list[Item]]:
    """The items, `size` at a time; fewer where they are long.

    Args:
        items: Texts, or what holds them.
        size: Items of a batch at most.
        most_characters: Characters of a batch at most. An item that has more is a batch of its own.
        characters: The number of characters of an item.
    """
    batch: list[Item] = []
    total = 0
    for item in items:
        n = characters(item)
        if batch and (len(batch) == size or total + n > most_characters):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += n
    if batch:
        yield batch


def text_batches(texts: Iterable[str], size: int, most_characters: int) -> Iterator[list[str]]:
    """The texts in `batches`.

    Raises:
        InputError: One that is no valid string.
    """

    def length(text: str) -> int:
        check_strings([text])
        return len(text)

    return batches(texts, size, most_characters, length)


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
