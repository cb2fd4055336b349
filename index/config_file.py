"""Configurations in YAML files: frozen, environment variables filled in, every unknown key an error."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from .errors import InputError
from .yaml_text import load_yaml

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
