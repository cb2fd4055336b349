"""The environment of an evaluation as text: its configuration as YAML, versions and hardware as lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from wordhive.index.config_file import yaml_text

from ..results import ExperimentResults

_CONFIG, _COMMAND = "config", "command"


@dataclass(frozen=True)
class Environment:
    """What a reader needs to repeat an evaluation.

    Attributes:
        config: The configuration as YAML; empty where it is unknown.
        command: The command that makes the report again; empty where it is unknown.
        facts: Names and values of everything else.
    """

    config: str
    command: str
    facts: list[tuple[str, str]]

    @classmethod
    def of(cls, results: ExperimentResults) -> Environment:
        """The environment of results. Values that JSON does not know become text."""
        plain = json.loads(json.dumps(results.setting, default=str))
        config, command = plain.pop(_CONFIG, ""), plain.pop(_COMMAND, "")
        text = config if isinstance(config, str) else yaml_text(config)
        return cls(text.strip(), str(command), [(str(name), _line(value)) for name, value in plain.items()])


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name} {_line(part)}" for name, part in value.items()) or "–"
    if isinstance(value, list):
        return ", ".join(map(_line, value)) or "–"
    return "–" if value is None else str(value)
