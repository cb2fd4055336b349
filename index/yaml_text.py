"""YAML texts of a bounded size and depth, aliases included: a few of those may stand for more than fits anywhere."""

from __future__ import annotations

from typing import Any

import yaml

from .errors import InputError

# Configurations have some hundred letters, and three levels.
_MOST_LETTERS = 1 << 16
_MOST_LEVELS = 20
_MOST_VALUES = 1 << 16


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
