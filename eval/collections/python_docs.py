"""A collection that every Python has: the language reference and the standard library's docstrings.

Known-item search: the query is a docstring's first sentence, the one relevant document the rest of that docstring.
"""

from __future__ import annotations

import ast
import inspect
import re
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from wordhive.retrieval.texts.documents import Document

from .collection import Collection

_LEFT_OUT = {
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "site-packages",
    "turtledemo",
    "pydoc_data",
    "ensurepip",
    "distutils",
}
_LEAST_WORDS = 20
_QUERY_WORDS = range(6, 30)
_PASSAGE_WORDS = 150


def python_docs(n_documents: int = 2500, n_queries: int = 300) -> Collection:
    """Passages of the language reference, then docstrings, evenly drawn; queries evenly drawn from their sentences."""
    reference, docstrings = list(_reference()), list(_docstrings())
    kept = _evenly(docstrings, max(0, n_documents - len(reference)))
    documents = [*reference, *(Document(name, body) for name, _, body in kept)]
    known_items = _evenly([(name, sentence) for name, sentence, _ in kept if sentence], n_queries)
    return Collection(
        "python-docs",
        "known item",
        lambda: iter(documents),
        dict(known_items),
        {name: {name: 1} for name, _ in known_items},
    )


def _reference() -> Iterator[Document]:
    from pydoc_data.topics import topics

    for topic, text in sorted(topics.items()):
        words: list[str] = []
        number = 0
        for paragraph in re.split(r"\n\s*\n", text):
            words += paragraph.split()
            if len(words) >= _PASSAGE_WORDS:
                yield Document(f"reference/{topic}/{number}", " ".join(words), {"topic": topic})
                words, number = [], number + 1
        if len(words) >= _LEAST_WORDS:
            yield Document(f"reference/{topic}/{number}", " ".join(words), {"topic": topic})


@cache
def _docstrings() -> tuple[tuple[str, str, str], ...]:
    """(dotted name, first sentence or "", the rest) of every docstring worth finding, in order of names."""
    return tuple(_read_docstrings())


def _read_docstrings() -> Iterator[tuple[str, str, str]]:
    root = Path(sysconfig.get_paths()["stdlib"])
    seen: set[str] = set()
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if _LEFT_OUT.intersection(parts) or any(part.startswith("_") and part != "__init__" for part in parts):
            continue
        module = ".".join(part for part in parts if part != "__init__")
        try:
            tree = ast.parse(path.read_bytes())
        except SyntaxError:  # some templates are no Python
            continue
        for name, text in _documented(tree, module):
            sentence, body = _split(text)
            if len(body.split()) >= _LEAST_WORDS and body not in seen:
                seen.add(body)
                yield name, sentence, body


def _documented(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        text = ast.get_docstring(node)
        if text:
            yield name, inspect.cleandoc(text)
        for child in node.body:
            if isinstance(child, (ast.ClassDef, ast.FunctionDef)) and not child.name.startswith("_"):
                yield from _documented(child, f"{name}.{child.name}")


def _split(text: str) -> tuple[str, str]:
    """A docstring's first sentence, where it makes a query, and what is left of the docstring."""
    flat = " ".join(text.split())
    sentence, end, body = flat.partition(". ")
    if end and len(sentence.split()) in _QUERY_WORDS and sentence not in body:
        return sentence, body
    return "", flat


def _evenly(items: list, n: int) -> list:  # type: ignore[type-arg]
    if len(items) <= n:
        return items
    return [items[round(i * (len(items) - 1) / max(1, n - 1))] for i in range(n)]
