"""`wordhive train CONFIG`: a model from a YAML file, stage by stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import terminal


def register(train: typer.Typer) -> None:
    train.command("run")(run)


def run(
    config: Annotated[Path, typer.Argument(help="A YAML file that describes the training; see configs/train.")],
    to: Annotated[
        Path | None,
        typer.Option(help="Folder for model, checkpoints and logs \\[default: out/ and the file's name]."),
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(help="Only the first so many steps of every stage: to see whether it works.", min=1)
    ] = None,
    light: Annotated[
        str | None,
        typer.Option(help="Write the model also as changes of this published base model, into a folder light."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, … \\[default: the best there is].")] = None,
) -> None:
    """Train a model as a YAML file says. Run it again to go on with a training that was stopped.

    \b
    wordhive train configs/train/minilm-32.yaml
    wordhive train configs/train/minilm-32.yaml --max-steps 20 --to out/trial
    tensorboard --logdir out/minilm-32/logs
    """
    from wordhive.index import InputError
    from wordhive.retrieval.training.config import TrainConfig

    loaded = TrainConfig.load(config)
    try:
        from wordhive.retrieval.training.trainer import train
    except ModuleNotFoundError as error:
        raise InputError(
            f"training needs the package {error.name}, which is not installed: pip install 'wordhive[train]'"
        ) from error
    folder = to or Path("out") / (config.stem if max_steps is None else f"{config.stem}-{max_steps}-steps")
    with terminal.stoppable(lambda: f"the same command goes on from the last checkpoint in {folder}"):
        encoder = train(loaded, folder, max_steps=max_steps, device=device)
    if light is not None:
        encoder.save(folder / "light", base=light)
    terminal.note(
        f"the model is in {folder / 'model'}; its losses in {folder}/*/log.jsonl, for TensorBoard in {folder}/logs"
    )
