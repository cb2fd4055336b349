"""Configurations: the one YAML reader, and the one base model, frozen and strict.

A YAML text is bounded in size and depth. An alias counts as the values that it repeats, or a few aliases of aliases
would fill the memory.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from .arguments import shown
from .errors import InputError

# Configurations have some hundred letters, and three levels.
_MOST_LETTERS = 1 << 16
_MOST_LEVELS = 20
_MOST_VALUES = 1 << 16
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class ConfigPart(BaseModel):
    """A part of a configuration. An error names the key, its value and what was expected, or the known keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    if not TYPE_CHECKING:  # or type checkers would no longer know the names and types of its arguments

        def __init__(self, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:  # of many lines
                raise _refused(error, values, type(self).__name__) from error

        # pydantic validates a part within another without this `__init__`, so that errors keep their places.
        __init__.__pydantic_base_init__ = True

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, values: Any) -> Any:
        for key, value in values.items() if isinstance(values, dict) else ():
            if key not in cls.model_fields:
                raise ValueError(f"unknown key {str(key)!r}; known are {', '.join(cls.model_fields)}")
            kind = cls.model_fields[key].annotation
            if isinstance(value, (bool, np.bool_)) and bool not in (kind, *get_args(kind)):
                raise ValueError(f"{key} is {value}, which is no number and no name")
        return values


_Part = TypeVar("_Part", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """Keys and values of a YAML file, with environment variables filled in: `${NAME}` or `${NAME:-default}`.

    Raises:
        InputError: A missing file, a file that is no YAML of keys and values, and a variable that is not set.
    """
    if not path.is_file():
        raise InputError(f"no configuration file at {path}; check the path")
    try:
        return keys_and_values(_with_variables(path.read_text(encoding="utf-8"), path), str(path))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 ({error.reason}); expected a YAML text") from error


def keys_and_values(text: str, source: str) -> dict[str, Any]:
    """Keys and values of a YAML or JSON text, none of an empty one.

    Args:
        source: Names the text in errors.

    Raises:
        InputError: Anything else.
    """
    values = load_yaml(text, source)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{source} holds {type(values).__name__}; expected keys and values")
    return {str(key): value for key, value in values.items()}


def yaml_text(values: Any) -> str:
    """The YAML text of plain values, their keys in the order that they have."""
    return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for number, key in enumerate(keys) if key in keys[:number]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load_yaml(text: str, source: str) -> Any:
    """The value of a YAML text.

    Args:
        source: Names it in errors.

    Raises:
        InputError: No YAML, or for too much of it.
    """
    if len(text) > _MOST_LETTERS:
        raise InputError(f"{source} has {len(text):,} letters; expected a configuration of at most {_MOST_LETTERS:,}")
    try:
        _check_size(text, source)
        return yaml.load(text, _UniqueKeys)
    except (yaml.YAMLError, ValueError) as error:  # a ValueError for dates and numbers that are none
        raise InputError(f"{source} is not YAML: {' '.join(str(error).split())[:300]}") from error


def parse(kind: type[_Part], values: dict[str, Any], source: str) -> _Part:
    """A configuration of keys and values.

    Raises:
        InputError: Its first fault; source: names it there.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise _refused(error, values, source) from error


def _refused(error: ValidationError, values: dict[str, Any], source: str) -> InputError:
    first = error.errors()[0]
    key, given = _key(first["loc"], values, is_missing=first["type"] == "missing"), first["input"]
    # What our own validators say begins with it, and names the value where there is one.
    reason = first["msg"].removeprefix("Value error, ")
    name_value = bool(key) and first["type"] not in ("missing", "value_error") and not isinstance(given, dict)
    what = f" {key} is {shown(given)};" if name_value else f" {key}:" if key else ""
    return InputError(f"{source}:{what} {reason[:1].lower()}{reason[1:]}")


def _key(location: tuple[int | str, ...], values: Any, *, is_missing: bool) -> str:
    """The keys to a fault, joined by dots. Between them pydantic names the kinds of parts, which nobody wrote."""
    keys = []
    for part in location:
        if isinstance(values, dict) and part not in values and not (is_missing and part == location[-1]):
            continue
        keys.append(str(part))
        is_inner = isinstance(values, dict) or (isinstance(values, (list, tuple)) and isinstance(part, int))
        values = values.get(part) if isinstance(values, dict) else values[part] if is_inner else None
    return ".".join(keys)


def _with_variables(text: str, path: Path) -> str:
    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1], match[2])
        if found is None:
            raise InputError(f"{path} asks for the environment variable {match[1]}, which is not set")
        return found

    return _VARIABLE.sub(value, text)


def _check_size(text: str, source: str) -> None:
    open_nodes, sizes = [0], dict[str, int]()  # values in the nodes that are open; values of each anchor
    anchors: list[str | None] = [None]
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in anchors:
                raise InputError(f"{source} has the alias *{event.anchor} within what it stands for; leave it out")
            open_nodes[-1] += sizes.get(str(event.anchor), 0)
        elif isinstance(event, yaml.ScalarEvent):
            open_nodes[-1] += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            open_nodes.append(1)
            anchors.append(event.anchor)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            size, anchor = open_nodes.pop(), anchors.pop()
            open_nodes[-1] += size
            if anchor:
                sizes[anchor] = size
        if open_nodes[-1] > _MOST_VALUES:
            raise InputError(f"{source} stands for more than {_MOST_VALUES:,} values; expected keys and values")
        if len(open_nodes) > _MOST_LEVELS + 1:
            raise InputError(f"{source} is nested more than {_MOST_LEVELS} levels deep; expected keys and values")
