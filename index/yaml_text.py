"""YAML texts of a bounded size and depth, and without aliases: a few of those may stand for more than fits anywhere."""

from __future__ import annotations

from typing import Any

import yaml

from .errors import InputError

# Configurations have some hundred letters, and three levels.
_MOST_LETTERS = 1 << 16
_MOST_LEVELS = 20


def load_yaml(text: str, source: str) -> Any:
    """What a YAML text says; `source` names it in errors. Raises InputError for a text that is none, or too much."""
    if len(text) > _MOST_LETTERS:
        raise InputError(f"{source} has {len(text):,} letters; expected a configuration of at most {_MOST_LETTERS:,}")
    try:
        _check(text, source)
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # a ValueError for dates and numbers that are none
        raise InputError(f"{source} is not YAML: {' '.join(str(error).split())[:300]}") from error


def _check(text: str, source: str) -> None:
    level = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise InputError(f"{source} has the alias *{event.anchor}; write what it stands for")
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            level += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            level -= 1
        if level > _MOST_LEVELS:
            raise InputError(f"{source} is nested more than {_MOST_LEVELS} levels deep; expected keys and values")
