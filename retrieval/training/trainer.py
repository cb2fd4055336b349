"""Training in stages: from a configuration and an output folder to an `Encoder`, resumable at every checkpoint."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from datasets import Dataset
from safetensors.torch import load_file, save_file
from sentence_transformers import MultiVectorEncoder, MultiVectorEncoderTrainer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.multi_vector_encoder.training_args import MultiVectorEncoderTrainingArguments
from torch import Tensor, nn
from torch.utils.data import SequentialSampler
from torch.utils.tensorboard import SummaryWriter
from transformers import TrainerCallback
from transformers.integrations.integration_utils import TensorBoardCallback
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from transformers.trainer_utils import get_last_checkpoint

from wordhive.index import InputError
from wordhive.index.arguments import given_path

from ..architecture import Architecture, build
from ..checkpoints.model_places import lasting_name
from ..encoder import Encoder
from ..modules import QueryWeights, ScoreMix
from ..progress import progress_bar
from ..runtimes.bfloat16 import has_bfloat16
from .adapters import add_adapters, merge_adapters
from .config import LossConfig, StageConfig, TrainConfig
from .examples import Example, SourceConfig
from .gate_floor import remove_words
from .losses import RankingLoss
from .mixture import mixture
from .similar_batches import similar_batches
from .teachers import score_rows

_CONFIG = "train.json"
_TRAINED = "trained.safetensors"
# A hundred words each: enough to tell a share to a tenth of a percent.
_FLOOR_TEXTS = 2000


def train(
    config: TrainConfig,
    output: str | Path,
    *,
    max_steps: int | None = None,
    device: str | None = None,
    show_progress: bool | None = None,
) -> Encoder:
    """Train a model, stage by stage, and save it to `output`/model.

    `output` also gets train.json (the configuration), a folder for each stage and its checkpoints, and logs for
    TensorBoard. A run that was stopped goes on from its last checkpoint when it is started again with the same
    configuration, and ends with the same model as one that was not.

    Args:
        max_steps: Of every stage, at most.

    Raises:
        InputError: `output` holds a training of another configuration, or the configuration does not fit its model
            or its examples.
    """
    output = given_path(output)
    processes = PartialState(cpu=device == "cpu")
    with processes.main_process_first():  # of several, the first makes what the others find
        _claim(output, config, max_steps)
        if (output / "model").is_dir():
            return Encoder.load(str(output / "model"), device=device, backend="torch")
        encoder, teacher = _start(config, output, device, show_progress)
    for number, stage in enumerate(config.stages):
        folder = output / stage.name
        done = folder / "stage.safetensors"
        prepare(encoder.model, stage, config.seed + number)
        if done.is_file():
            _load_trained(encoder.model, done)
        else:
            _run_stage(encoder, teacher, config, stage, folder, max_steps, show_progress)
            if processes.is_main_process:
                save_file(_trained(encoder.model), folder / "stage.tmp")
                (folder / "stage.tmp").rename(done)
                for checkpoint in folder.glob("checkpoint-*"):
                    shutil.rmtree(checkpoint)
            processes.wait_for_everyone()
        merge_adapters(encoder.model)
    encoder.model.eval().requires_grad_(True)
    if config.removed is not None:
        remove_words(encoder, _start_texts(config)[:_FLOOR_TEXTS], config.removed)
    if processes.is_main_process:
        _save_whole(encoder, output / "model")
    processes.wait_for_everyone()
    encoder.name = lasting_name(str(output / "model"))
    return encoder


def _save_whole(encoder: Encoder, folder: Path) -> None:
    # Under its name it is complete: a run that goes on takes what stands there.
    temporary = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    encoder.save(temporary)
    temporary.rename(folder)


def _claim(output: Path, config: TrainConfig, max_steps: int | None) -> None:
    asked = {**json.loads(config.model_dump_json()), "max_steps": max_steps}
    path = output / _CONFIG
    if path.is_file():
        if json.loads(path.read_text(encoding="utf-8")) != asked:
            raise InputError(
                f"{output} holds a training with another configuration; choose another folder, or remove it"
            )
        return
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(f"{output} is not empty and holds no training; choose another folder")
    output.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asked, indent=2) + "\n", encoding="utf-8")


def _start(
    config: TrainConfig, output: Path, device: str | None, show_progress: bool | None
) -> tuple[Encoder, MultiVectorEncoder | None]:
    """The model that training begins with, and its unreduced self where that is to teach; kept for the next run."""
    unreduced = any(_teaches_itself(stage.loss) for stage in config.stages)
    if config.architecture is None:
        if unreduced:
            raise InputError("teacher 'unreduced' needs an architecture with a base model; name another teacher")
        return Encoder.load(str(config.model), device=device, precision="float32", backend="torch"), None
    folder = output / "start"
    torch.manual_seed(config.seed)
    if not folder.is_dir():
        texts = _start_texts(config)
        encoder = Encoder.started(config.architecture, texts, device=device, show_progress=show_progress)
        _save_whole(encoder, folder)
    encoder = Encoder.load(str(folder), device=device, precision="float32", backend="torch")
    return encoder, _unreduced(config.architecture, encoder) if unreduced else None


def _start_texts(config: TrainConfig) -> list[str]:
    sources = config.sources or tuple(source for stage in config.stages for source in stage.sources)
    drawn = mixture(list({source.name: source for source in sources}.values()), config.start_texts, config.seed)
    return list(dict.fromkeys(example.positive for examples in drawn.values() for example in examples))


def _unreduced(architecture: Architecture, encoder: Encoder) -> MultiVectorEncoder:
    """The base model's own words and summary, unit length, with the query weights that the model starts with."""
    changes = {"word_dim": None, "summary_dim": None, "hidden_dim": None, "second_dim": None}
    whole = architecture.model_copy(
        update={**changes, "normalize": True, "stop_word_gate": False, "exact_match": False, "summary_weight": 0.3}
    )
    model = build(whole).to(encoder.model.device)
    for mine in (module for module in model if isinstance(module, QueryWeights)):
        theirs = next(module for module in encoder.model if isinstance(module, QueryWeights))
        mine.load_state_dict(theirs.state_dict())
    frozen: MultiVectorEncoder = model.eval().requires_grad_(False)
    return frozen


def _teaches_itself(loss: LossConfig) -> bool:
    return loss.needs_teacher and loss.teacher == "unreduced"


def prepare(model: MultiVectorEncoder, stage: StageConfig, seed: int) -> None:
    """Let only what the stage trains have gradients; "lora" gives the transformer its adapters."""
    mix = [module.logit for module in model.modules() if isinstance(module, ScoreMix)]
    fixed = {id(logit) for logit in mix if torch.isinf(logit)}
    for parameter in model.parameters():
        parameter.requires_grad = id(parameter) not in fixed
    for transformer in _transformers(model):
        transformer.requires_grad_(stage.train == "all")
        for module in transformer.modules():
            if isinstance(module, nn.Dropout):
                module.p = stage.dropout
        if stage.train == "lora":
            torch.manual_seed(seed)
            add_adapters(transformer, stage.lora.rank, stage.lora.alpha, stage.lora.dropout)


def _transformers(model: nn.Module) -> list[Transformer]:
    return [module for module in model.modules() if isinstance(module, Transformer)]


def _run_stage(
    encoder: Encoder,
    teacher: MultiVectorEncoder | None,
    config: TrainConfig,
    stage: StageConfig,
    folder: Path,
    max_steps: int | None,
    show_progress: bool | None,
) -> None:
    steps = min(stage.steps, max_steps or stage.steps)
    rows = batches(stage.sources or config.sources, stage, config.seed)[: steps * stage.batch_size]
    dataset = _dataset(rows, stage, folder, show_progress)
    unreduced = teacher if _teaches_itself(stage.loss) else None
    loss = RankingLoss(encoder.model, stage.loss, unreduced, stage.mini_batch_size)
    with _quiet(), progress_bar(f"Training ({stage.name})", steps, show=show_progress) as advance:
        trainer = _Trainer(
            model=encoder.model,
            args=_arguments(config, stage, steps, folder, encoder),
            train_dataset=dataset,
            loss=loss,
            callbacks=[_Progress(advance, folder / "log.jsonl"), _log(folder.parent / "logs" / stage.name)],
        )
        for callback in (ProgressCallback, PrinterCallback):
            trainer.remove_callback(callback)
        trainer.train(resume_from_checkpoint=_last_checkpoint(folder))


def _log(folder: Path) -> TensorBoardCallback:
    return TensorBoardCallback(SummaryWriter(str(folder)))  # type: ignore[no-untyped-call]


def _last_checkpoint(folder: Path) -> str | None:
    found: str | None = get_last_checkpoint(str(folder)) if folder.is_dir() else None  # type: ignore[no-untyped-call]
    return found


def batches(sources: tuple[SourceConfig, ...], stage: StageConfig, seed: int) -> list[Example]:
    """The examples of all steps in their order: every `batch_size` of them are a batch, of one source each."""
    drawn = mixture(sources, stage.steps * stage.batch_size, seed)
    found: list[list[Example]] = []
    for name, examples in drawn.items():
        order = similar_batches if stage.batches == "similar" else _random_batches
        if len(examples) >= stage.batch_size:
            found += [[examples[place] for place in batch] for batch in order(examples, stage.batch_size, seed)]
        else:
            logging.getLogger(__name__).warning("source %s has too few examples for a batch; it is left out", name)
    shuffled = np.random.default_rng(seed).permutation(len(found))
    # Duplicates leave some batches unfilled: begin again from the first.
    chosen = [shuffled[step % len(found)] for step in range(stage.steps)] if found else []
    if not chosen:
        raise InputError(
            f"the sources have no batch of {stage.batch_size} different examples; give more, or a smaller batch"
        )
    return [example for number in chosen for example in found[number]]


def _random_batches(examples: list[Example], batch_size: int, seed: int) -> Iterator[list[int]]:
    whole = len(examples) // batch_size * batch_size
    places = np.random.default_rng(seed).permutation(len(examples))[:whole]
    return iter(places.reshape(-1, batch_size).tolist())


def _dataset(rows: list[Example], stage: StageConfig, folder: Path, show_progress: bool | None) -> Dataset:
    short = next((row for row in rows if len(row.negatives) < stage.negatives), None)
    if short is not None:
        raise InputError(
            f"the example {short.query!r:.60} has {len(short.negatives)} negatives, stage {stage.name} asks for "
            f"{stage.negatives}; mine some with: wordhive train mine"
        )
    columns: dict[str, list[Any]] = {"query": [row.query for row in rows], "positive": [row.positive for row in rows]}
    for place in range(stage.negatives):
        columns[f"negative_{place + 1}"] = [row.negatives[place] for row in rows]
    if stage.loss.needs_teacher and stage.loss.teacher != "unreduced":
        columns["scores"] = score_rows(rows, stage, folder, show_progress)
    return Dataset.from_dict(columns)


def _arguments(
    config: TrainConfig, stage: StageConfig, steps: int, folder: Path, encoder: Encoder
) -> MultiVectorEncoderTrainingArguments:
    device = encoder.model.device
    half = config.precision == "bfloat16" or (config.precision == "auto" and has_bfloat16(device))
    return MultiVectorEncoderTrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=stage.batch_size,
        learning_rate=stage.head_learning_rate,
        # In the names of the loss's parameters the transformer is the first of its model's modules.
        learning_rate_mapping={} if stage.train == "heads" else {r"^model\.0\.": stage.learning_rate},
        warmup_steps=int(stage.warmup * steps),
        weight_decay=stage.weight_decay,
        max_length={"query": stage.query_length, "document": stage.document_length},
        batch_sampler=_in_order,
        bf16=half,
        use_cpu=device.type == "cpu",
        logging_steps=10,
        save_strategy="steps",
        save_steps=config.checkpoint_steps,
        save_total_limit=2,
        report_to=[],
        seed=config.seed,
        data_seed=config.seed,
        dataloader_pin_memory=False,
        disable_tqdm=True,
    )


def _in_order(dataset: Dataset, batch_size: int, drop_last: bool, **_: Any) -> DefaultBatchSampler:
    # The rows are batches already.
    return DefaultBatchSampler(SequentialSampler(dataset), batch_size=batch_size, drop_last=drop_last)


class _Trainer(MultiVectorEncoderTrainer):
    """sentence-transformers' trainer, whose checkpoints hold what is trained and nothing else."""

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Nothing: it would draw examples for a card that is not written."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        save_file(_trained(self.model), folder / _TRAINED)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        _load_trained(self.model, Path(resume_from_checkpoint) / _TRAINED)


class _Progress(TrainerCallback):
    """Moves the bar, and keeps the losses so far in log.jsonl, which a run that goes on takes up again."""

    def __init__(self, advance: Callable[[int], None], log: Path) -> None:
        self._advance = advance
        self._log = log
        self._last = 0

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.write_text("".join(json.dumps(entry) + "\n" for entry in state.log_history), encoding="utf-8")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._advance(state.global_step - self._last)
        self._last = state.global_step


def _trained(model: nn.Module) -> dict[str, Tensor]:
    return {n: p.detach().cpu().contiguous().clone() for n, p in model.named_parameters() if p.requires_grad}


def _load_trained(model: nn.Module, path: Path) -> None:
    found = load_file(path)
    wanted = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if found.keys() != wanted.keys():
        raise InputError(f"{path} holds other parameters than this training has; choose another folder")
    with torch.no_grad():
        for name, parameter in wanted.items():
            parameter.copy_(found[name])


@contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("sentence_transformers", "transformers", "accelerate")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
