"""The configuration of an index: frozen, read from YAML, every unknown key an error."""

from __future__ import annotations

import importlib.resources
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, SerializeAsAny, Tag, model_validator

from .arguments import given_path, instance, shown
from .config_file import ConfigPart, keys_and_values, parse, read_yaml
from .errors import InputError

# FAISS counts dims and the neighbours of a graph in 32 bits.
_Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
# More than there are is as many as there are.
_Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
# Of a codec or an index, as FAISS reads it: it ends a name at U+0000.
_Factory = Annotated[str, Field(strict=True, min_length=1, max_length=200, pattern="^[ -~]+$")]


class MuveraConfig(ConfigPart):
    """A MUVERA encoding (Dhulipala et al. 2024, section 2): its length is repetitions · 2^bits · projection_dim.

    Attributes:
        repetitions: Independent partitions, concatenated.
        bits: Hyperplanes of a partition (k_sim), which make 2^bits buckets.
        projection_dim: Dims of a bucket after the inner projection. None: the words' dims.
        projection: The inner projection: a matrix of ±1/√projection_dim, or a count-sketch.
        fill: Give an empty bucket the document word nearest to it, as in the paper.
        centre: Subtract the sample's mean word from document words; changes no exact ranking.
        final_dim: Dims after a projection of the whole encoding. None: all dims.
        final_projection: The final projection: a count-sketch, or a matrix of ±1/√final_dim.
        google: Draw numbers and order buckets as the C++ reference does; its projections are count-sketches.
        seed: Seed of all random numbers.
    """

    family: Literal["muvera"] = "muvera"
    repetitions: int = Field(default=20, ge=1, le=1000)
    bits: int = Field(default=5, ge=0, le=12)
    projection_dim: _Count | None = 16
    projection: Literal["dense", "count-sketch"] = "dense"
    fill: bool = False
    centre: bool = False
    final_dim: _Count | None = None
    final_projection: Literal["dense", "count-sketch"] = "count-sketch"
    google: bool = False
    seed: int = Field(default=1, ge=0, le=2**63 - 1)

    @model_validator(mode="after")
    def _reference_sketches(self) -> MuveraConfig:
        dense_inside = self.projection_dim is not None and self.projection == "dense"
        dense_at_last = self.final_dim is not None and self.final_projection == "dense"
        if self.google and (dense_inside or dense_at_last):
            raise ValueError("the C++ reference has count-sketches only; set them, or leave google out")
        return self


class FittedConfig(ConfigPart):
    """A fitted encoding: features of query words (how near each centroid is), regression weights of documents.

    Attributes:
        centroids: k-means centroids of the words; fewer where the sample has few words.
        threshold: τ, subtracted from a word's inner product with a centroid; negative differences count as 0.
        sample_words: Words on which every document's weights are fitted.
        ridge: λ, relative to the features' mean square.
        seed: Seed of the samples and of k-means.
    """

    family: Literal["fitted"] = "fitted"
    centroids: int = Field(default=2048, ge=1, le=65_536)
    threshold: float = Field(default=0.3, ge=-1, le=1)
    sample_words: _Count = 8192
    ridge: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    seed: int = Field(default=1, ge=0, le=2**63 - 1)


class SummaryConfig(ConfigPart):
    """The summary alone: candidates by the text's single vector, as the model gives it (ColBERTer's workflow 2)."""

    family: Literal["summary"] = "summary"


class ReductionConfig(ConfigPart):
    """Fewer dims for an encoding, the summary's included.

    Attributes:
        method: query-aware keeps the dims in which queries and documents differ (LeanVec-OOD's objective, Tepper et al.
            2023), pca those in which documents differ; count-sketch draws a matrix.
        dims: Dims after the reduction.
        queries: Pseudo-queries to fit to.
        query_words: Words of a pseudo-query.
        seed: Seed of the pseudo-queries and of the count-sketch.
    """

    method: Literal["query-aware", "pca", "count-sketch"] = "query-aware"
    dims: _Count = 512
    queries: _Count = 4096
    query_words: _Count = 8
    seed: int = Field(default=1, ge=0, le=2**63 - 1)


def _family(value: Any) -> Any:
    return value.get("family", "muvera") if isinstance(value, dict) else getattr(value, "family", None)


EncodingConfig = Annotated[
    Annotated[MuveraConfig, Tag("muvera")]
    | Annotated[FittedConfig, Tag("fitted")]
    | Annotated[SummaryConfig, Tag("summary")],
    Discriminator(_family),
]


class IndexConfig(ConfigPart):
    """How an index compresses words and finds candidates.

    Attributes:
        codec: Codec of the words: Senary256, Ternary256 (number of centroids), Residual256x2 (and bits a dim), or a
            FAISS factory string ("SQ8", "SQ4", "PQ{dims/8}x8", "SQfp16", "Flat", …).
        summary_codec: Codec of the summaries.
        word_ids: Store the word of each vector. Exact matching needs it, and explanations of documents without text.
        lexical_weight: λ, what all words of a query add to a document that has them, as a share of the largest score
            that vectors can give. 0: nothing. It needs word ids, which models of whole words give.
        encoding: A document's vector in the first stage. None: every search scores all documents.
        reduction: Of that vector to fewer dims. None: all dims.
        candidates: FAISS factory string of the first stage ("Flat", "SQ8", "HNSW32_SQ8", "IVF64,SQ8", …).
        large_candidates: The same for large segments, into which small ones are merged. None: as `candidates`.
        large_from: Documents from which on a segment is large.
        nprobe: Lists that a search of an IVF index visits.
        ef_search: Least beam of a search in an HNSW index, which is never below the number of candidates.
        ef_construction: Beam with which an HNSW graph is built.
        links: Metric by which a graph links documents. By Euclidean distance every document is linked; by inner product
            documents with small vectors may not be. Searches use inner products in any case.
    """

    codec: _Factory = "SQ8"
    summary_codec: _Factory = "SQ8"
    word_ids: bool = True
    lexical_weight: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 0.0
    encoding: SerializeAsAny[EncodingConfig] | None = MuveraConfig()
    reduction: ReductionConfig | None = None
    candidates: _Factory = "SQ8"
    large_candidates: _Factory | None = None
    large_from: _Number = 100_000
    nprobe: _Number = 16
    ef_search: _Number = 64
    ef_construction: Annotated[int, Field(ge=1, le=1 << 20)] = 40
    links: Literal["euclidean", "inner-product"] = "euclidean"

    @model_validator(mode="after")
    def _words_to_compare(self) -> IndexConfig:
        if self.lexical_weight and not self.word_ids:
            raise ValueError(
                f"lexical_weight is {self.lexical_weight:g}, but word_ids is false, and words are told by their ids; "
                "set word_ids to true, or leave lexical_weight out"
            )
        return self

    @classmethod
    def load(cls, preset: str | Path = "default") -> IndexConfig:
        """The preset of that name, or the YAML file at that path.

        Raises:
            InputError: Neither exists or fits.
        """
        if not isinstance(preset, (str, Path)):
            raise InputError(
                f"the configuration is {shown(preset)}; expected an IndexConfig, a preset's name, or a .yaml file"
            )
        if Path(preset).suffix in {".yaml", ".yml"}:
            path = given_path(preset, "the configuration")
            return cls.of(read_yaml(path), str(preset))
        names = preset_names()
        if str(preset) not in names:
            raise InputError(f"no index preset {str(preset)!r}; choose {', '.join(names)}, or give a .yaml file")
        return cls.parse((_presets() / f"{preset}.yaml").read_text(encoding="utf-8"), f"preset {preset}")

    @classmethod
    def default(cls, *, exact_match: bool = False) -> IndexConfig:
        """The preset for an index that is given none."""
        return cls.load("summary" if exact_match else "default")

    @classmethod
    def parse(cls, text: str, source: str) -> IndexConfig:
        """The configuration in a YAML or JSON text.

        Args:
            source: Names it in errors.
        """
        instance(text, source, str, "a YAML text")
        return cls.of(keys_and_values(text, source), source)

    @classmethod
    def of(cls, values: Any, source: str) -> IndexConfig:
        """The configuration of keys and values, as YAML or JSON has them.

        Args:
            source: Names it in errors.
        """
        if not isinstance(values, dict):
            raise InputError(f"{source} holds {type(values).__name__}; expected keys and values")
        return parse(cls, values, source)


def preset_names() -> list[str]:
    """The presets that come with the package."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _presets().iterdir() if entry.name.endswith(".yaml"))


def preset_name(config: IndexConfig) -> str | None:
    """The name of the preset that a configuration is; None for one of one's own.

    It may lack the preset's lexical part: not every model has one, and presets had none at first.
    """
    for name, preset in _loaded_presets():
        if config in (preset, preset.model_copy(update={"lexical_weight": 0.0})):
            return name
    return None


@cache
def _loaded_presets() -> tuple[tuple[str, IndexConfig], ...]:
    return tuple((name, IndexConfig.load(name)) for name in preset_names())


def _presets() -> Any:
    return importlib.resources.files("wordhive.configs") / "index"
