"""For the documentation site: examples in docstrings become code.

Docstrings give examples as plain lines, as an editor shows them best. A paragraph that is Python, and more than a name,
is such an example.
"""

from __future__ import annotations

import ast
import inspect
import re

import griffe


class DocstringExamples(griffe.Extension):
    """Puts the paragraphs of a docstring that are Python between fences."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        if obj.docstring:
            text = inspect.cleandoc(obj.docstring.value)
            obj.docstring.value = "\n\n".join(_fenced(paragraph) for paragraph in re.split(r"\n\n+", text))


def _fenced(paragraph: str) -> str:
    try:
        nodes = list(ast.walk(ast.parse(inspect.cleandoc(paragraph))))
    except SyntaxError:
        return paragraph
    is_example = any(isinstance(node, (ast.Assign, ast.Call)) for node in nodes)
    return f"```python\n{paragraph}\n```" if is_example else paragraph
