"""Configurations in YAML: frozen, of a bounded size and depth, environment variables filled in, unknown keys an error.

Aliases count as what they stand for: a few of them may stand for more than fits anywhere.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from .errors import InputError

# Configurations have some hundred letters, and three levels.
_MOST_LETTERS = 1 << 16
_MOST_LEVELS = 20
_MOST_VALUES = 1 << 16
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class ConfigPart(BaseModel):
    """A part of a configuration; an unknown key is answered with those that are known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, values: Any) -> Any:
        unknown = [key for key in values if key not in cls.model_fields] if isinstance(values, dict) else []
        if unknown:
            raise ValueError(f"the key {str(unknown[0])!r} is unknown; known are {', '.join(cls.model_fields)}")
        return values


_Part = TypeVar("_Part", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """Keys and values of a YAML file; `${NAME:-default}` stands for an environment variable.

    Raises InputError for a file that is not there, is no such YAML, or asks for a variable that is not set.
    """
    if not path.is_file():
        raise InputError(f"no configuration file at {path}; check the path")
    try:
        values = load_yaml(_with_variables(path.read_text(encoding="utf-8"), path), str(path))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 ({error.reason}); expected a YAML text") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} holds {type(values).__name__}; expected keys and values")
    return {str(key): value for key, value in values.items()}


def yaml_text(values: Any) -> str:
    """The YAML text of plain values, their keys in the order that they have."""
    return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def load_yaml(text: str, source: str) -> Any:
    """What a YAML text says; `source` names it in errors. Raises InputError for a text that is none, or too much."""
    if len(text) > _MOST_LETTERS:
        raise InputError(f"{source} has {len(text):,} letters; expected a configuration of at most {_MOST_LETTERS:,}")
    try:
        _check_size(text, source)
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # a ValueError for dates and numbers that are none
        raise InputError(f"{source} is not YAML: {' '.join(str(error).split())[:300]}") from error


def parse(kind: type[_Part], values: dict[str, Any], source: str) -> _Part:
    """The configuration in a dict; `source` names it in errors. Raises InputError for the first fault."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"{part}: " for part in [".".join(map(str, first["loc"]))] if part)
        reason = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{source}: {place}{reason[:1].lower()}{reason[1:]}") from error


def _with_variables(text: str, path: Path) -> str:
    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1], match[2])
        if found is None:
            raise InputError(f"{path} asks for the environment variable {match[1]}, which is not set")
        return found

    return _VARIABLE.sub(value, text)


def _check_size(text: str, source: str) -> None:
    open_nodes, sizes = [0], dict[str, int]()  # values in the nodes around a place; values that an anchor stands for
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
