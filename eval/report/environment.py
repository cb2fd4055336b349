"""The setting of an evaluation as text: its configuration as YAML, the rest as lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from wordhive.index.config_file import yaml_text

from ..results import ExperimentResults

_CONFIG, _COMMAND = "config", "command"


@dataclass(frozen=True)
class Setting:
    """config: YAML. command: what makes the report again; both empty where they are unknown. facts: name and value."""

    config: str
    command: str
    facts: list[tuple[str, str]]

    @classmethod
    def of(cls, results: ExperimentResults) -> Setting:
        """That of the results; values that JSON does not know are taken as text."""
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
