"""The configuration of an index: frozen, read from YAML, every unknown key an error."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import InputError


class EncodingConfig(BaseModel):
    """A MUVERA encoding (Dhulipala et al. 2024, section 2): its length is repetitions · 2^bits · projection_dim.

    repetitions: independent partitions, concatenated.
    bits: hyperplanes of each partition (k_sim), so 2^bits buckets.
    projection_dim: dims of a bucket after the inner projection; None keeps the words' own.
    projection: the inner projection, a matrix of ±1/√projection_dim or a count-sketch.
    fill: give an empty bucket the document word nearest to it, as in the paper.
    centre: subtract the mean word of the sample from document words; changes no exact ranking.
    final_dim: dims after a count-sketch of the whole; None keeps them all.
    seed: draws every random number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repetitions: int = Field(default=20, ge=1, le=1000)
    bits: int = Field(default=5, ge=0, le=12)
    projection_dim: int | None = Field(default=16, ge=1)
    projection: Literal["dense", "count-sketch"] = "dense"
    fill: bool = False
    centre: bool = False
    final_dim: int | None = Field(default=None, ge=1)
    seed: int = Field(default=1, ge=0)


class IndexConfig(BaseModel):
    """How an index compresses words and finds candidates.

    codec: FAISS factory string of the word and summary codes ("SQ8", "SQ4", "PQ32", "SQfp16", "Flat", …).
    encoding: the vector that stands for a document in the first stage; None: every search scores all documents.
    candidates: FAISS factory string of the first stage ("Flat", "SQ8", "HNSW32_SQ8", "IVF64,SQ8", …).
    nprobe: lists that an IVF index visits. ef_search: least beam of an HNSW index (never below the candidates asked).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    codec: str = "SQ8"
    encoding: EncodingConfig | None = EncodingConfig()
    candidates: str = "SQ8"
    nprobe: int = Field(default=16, ge=1)
    ef_search: int = Field(default=64, ge=1)

    @classmethod
    def load(cls, preset: str | Path = "default") -> IndexConfig:
        """The preset of that name, or the YAML file at that path. Raises InputError when neither exists or fits."""
        if Path(preset).suffix in {".yaml", ".yml"}:
            path = Path(preset)
            if not path.is_file():
                raise InputError(f"no configuration file at {path}")
            try:
                return cls.parse(path.read_text(encoding="utf-8"), str(path))
            except UnicodeDecodeError as error:
                raise InputError(f"{path} is not UTF-8 ({error.reason}); expected a YAML text") from error
        names = preset_names()
        if str(preset) not in names:
            raise InputError(f"no index preset {str(preset)!r}; choose {', '.join(names)}, or give a .yaml file")
        return cls.parse((_presets() / f"{preset}.yaml").read_text(encoding="utf-8"), f"preset {preset}")

    @classmethod
    def parse(cls, text: str, source: str) -> IndexConfig:
        """The configuration in a YAML or JSON text; `source` names it in errors."""
        try:
            values: Any = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise InputError(f"{source} is not YAML: {' '.join(str(error).split())}") from error
        values = {} if values is None else values
        if not isinstance(values, dict):
            raise InputError(f"{source} holds {type(values).__name__}; expected keys and values")
        try:
            return cls(**{str(key): value for key, value in values.items()})
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            if first["type"] == "extra_forbidden":
                known = EncodingConfig.model_fields if len(first["loc"]) > 1 else cls.model_fields
                raise InputError(f"{source} has an unknown key {key!r}; known are {', '.join(known)}") from error
            raise InputError(f"{source}: {key} is {first['input']!r}; {first['msg'].lower()}") from error


def preset_names() -> list[str]:
    """The presets that come with the package."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _presets().iterdir() if entry.name.endswith(".yaml"))


def _presets() -> Any:
    return importlib.resources.files("wordhive.configs") / "index"
