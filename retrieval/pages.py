"""Web pages from templates: each is one file, without scripts, light or dark as the system is."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


# Characters that can't stand in a page: most control characters, and halves of characters.
_UNPRINTABLE = {
    12: " ",
    **dict.fromkeys((*range(9), 11, *range(14, 32), 127, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "�"),
}


def printable(text: str) -> str:
    """The text with a sign in the place of every character that can't stand in a page."""
    return text.translate(_UNPRINTABLE)


def render(name: str, *packages: str, **values: Any) -> str:
    """The page that a template makes of values, which it escapes.

    Args:
        name: File name of the template.
        packages: Packages whose folder `templates` is looked into, before that of this package.
    """
    return _environment(packages).get_template(name).render(values)


@cache
def _environment(packages: tuple[str, ...]) -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loaders = [PackageLoader(package) for package in (*packages, "wordhive.retrieval")]
    return Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )


def _finalized(value: Any) -> Any:
    return printable(value) if type(value) is str else value  # not Markup, which a template made
