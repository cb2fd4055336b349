"""What a training does, read from YAML: the model, its sources, and its stages one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from wordhive.index.config_file import ConfigPart, parse, read_yaml

from ..architecture import Architecture
from .examples import SourceConfig


class LoraConfig(ConfigPart):
    """Low-rank adapters on every linear layer of the transformer.

    Attributes:
        rank: Theirs.
        alpha: Their scale times rank.
    """

    rank: int = Field(default=32, ge=1)
    alpha: int = Field(default=64, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class PartWeights(ConfigPart):
    """How much each way to score counts in a loss: the whole score, its words alone, its summary alone."""

    fused: float = Field(default=1.0, ge=0)
    words: float = Field(default=0.0, ge=0)
    summary: float = Field(default=0.0, ge=0)


class LossConfig(ConfigPart):
    """A sum of losses, each with its weight; 0 leaves it out.

    Attributes:
        contrastive: cross-entropy of the positive among all documents of the batch.
        distillation: KL divergence from the teacher's distribution over them (over a row's own documents where the
            scores come with the examples).
        margin_mse: Squared error of the margins between positive and negatives against the teacher's (ColBERTer
            3.5).
        matches: How far the best match of every query word in every document of the batch, less its mean there, is
            from the unreduced teacher's, as the share of variance that is not explained, and the same of the
            summaries' products: words and summary learn what they match one by one.
        gate: The mean stop-word gate of document words (α_CS); it closes gates.
        parts: Which scores the first three see.
        dims: Word dims that each stand for the whole (Matryoshka), with a share of each in the losses as large as
            it is.
        scale: What scores are multiplied by before a softmax.
        teacher_scale: The same for the teacher's.
        teacher: "unreduced": the base model's own words and summary at all their dims, with the query weights that
            the model starts with; "scores": those in the examples; or the name of a multi-vector model or
            cross-encoder, which scores the examples' documents once before the training.
    """

    contrastive: float = Field(default=1.0, ge=0)
    distillation: float = Field(default=0.0, ge=0)
    margin_mse: float = Field(default=0.0, ge=0)
    matches: float = Field(default=0.0, ge=0)
    gate: float = Field(default=0.0, ge=0)
    parts: PartWeights = PartWeights()
    dims: tuple[int, ...] = ()
    scale: float = Field(default=20.0, gt=0)
    teacher_scale: float = Field(default=20.0, gt=0)
    teacher: str = "unreduced"

    @model_validator(mode="after")
    def _has_a_loss(self) -> LossConfig:
        if not self.contrastive + self.distillation + self.margin_mse + self.matches:
            raise ValueError("all losses but the gate's are 0; one of them has to teach something")
        if self.matches and self.teacher != "unreduced":
            raise ValueError("matches needs teacher unreduced: of others only whole scores are known")
        return self

    @property
    def needs_teacher(self) -> bool:
        return bool(self.distillation or self.margin_mse or self.matches)


class StageConfig(ConfigPart):
    """One stage: what is trained, on how much, how fast.

    Attributes:
        train: "heads" only, "lora" (heads, and adapters on the transformer, merged at the stage's end), or "all".
        steps: Of the optimiser.
        batch_size: Queries a step.
        mini_batch_size: Texts whose activations are in memory at a time (the others' are computed again when their
            gradients are due); None: all of the batch.
        negatives: Hard negatives of each row.
        batches: "similar" texts together, or "random" ones of one source.
        query_length, document_length: Tokens; longer texts are cut.
        learning_rate: Of the transformer or its adapters.
        head_learning_rate: Of everything else.
        dropout: Of the transformer, in this stage.
        sources: Of this stage; none: the training's own.
    """

    name: str = "train"
    train: Literal["heads", "lora", "all"] = "heads"
    steps: int = Field(ge=1)
    batch_size: int = Field(default=32, ge=2)
    mini_batch_size: int | None = Field(default=None, ge=1)
    negatives: int = Field(default=0, ge=0)
    batches: Literal["similar", "random"] = "similar"
    query_length: int = Field(default=64, ge=4)
    document_length: int = Field(default=256, ge=4)
    learning_rate: float = Field(default=1e-4, gt=0)
    head_learning_rate: float = Field(default=1e-3, gt=0)
    warmup: float = Field(default=0.05, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    lora: LoraConfig = LoraConfig()
    loss: LossConfig = LossConfig()
    sources: tuple[SourceConfig, ...] = ()


class TrainConfig(ConfigPart):
    """A training.

    Attributes:
        architecture: The model to make from a base model; or model: the name or folder of one to go on with.
        start_texts: Texts of the sources that projections and query weights start from.
        removed: Share of the whole words of such texts that the finished model's gate is to remove: its floor is
            set at the end; None: it stays at 0.
        precision: bfloat16 where the processor has it ("auto"), or float32.
        checkpoint_steps: Between two checkpoints.
    """

    architecture: Architecture | None = None
    model: str | None = None
    sources: tuple[SourceConfig, ...] = ()
    stages: tuple[StageConfig, ...] = Field(min_length=1)
    start_texts: int = Field(default=6000, ge=1)
    removed: float | None = Field(default=None, gt=0, lt=1)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    checkpoint_steps: int = Field(default=200, ge=1)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _complete(self) -> TrainConfig:
        if (self.architecture is None) == (self.model is None):
            raise ValueError("give either architecture, for a new model, or model, for one to go on with")
        if not self.sources and not all(stage.sources for stage in self.stages):
            raise ValueError("give sources, of all stages or of each")
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise ValueError(f"stages have the names {', '.join(names)}; give each a name of its own")
        return self

    @classmethod
    def load(cls, path: str | Path) -> TrainConfig:
        """The training that a YAML file describes; environment variables are filled in: `${NAME:-default}`.

        Paths are relative to the folder where the command runs.

        Raises:
            InputError: What is missing or wrong.
        """
        return parse(cls, read_yaml(Path(path)), str(path))
