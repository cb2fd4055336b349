from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from wordhive.index import InputError
from wordhive.index.config_file import parse
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.modules import ScoreMix
from wordhive.retrieval.training import trainer
from wordhive.retrieval.training.config import TrainConfig

SUBJECTS = ["bees", "ants", "flower", "honey", "scent", "dance"]
VERBS = ["find", "eat", "carry", "make", "see", "leave"]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for number in range(72):
            one, verb = SUBJECTS[number % 6], VERBS[number // 6 % 6]
            other = SUBJECTS[(number + 1 + number // 36) % 6]
            row = {
                "query": f"who {verb} the {one} {number // 36}",
                "positive": f"The {one} {verb} it, and nobody else; number {number}.",
                "negatives": [f"The {other} sleep, number {number}."],
                "scores": [1.0 + number % 3, 0.5],
            }
            file.write(json.dumps(row) + "\n")
    return path


def config_of(base: Path, pairs: Path, *stages: dict[str, Any], **options: Any) -> TrainConfig:
    common = {"steps": 30, "batch_size": 8, "head_learning_rate": 0.01, "learning_rate": 0.003}
    architecture = {"base": str(base), "word_dim": 8, "summary_dim": 6}
    values = {
        "architecture": architecture,
        "sources": [{"path": str(pairs)}],
        "stages": [{**common, **stage} for stage in stages],
        "precision": "float32",
        "checkpoint_steps": 10,
        **options,
    }
    return parse(TrainConfig, values, "test")


def losses(folder: Path, name: str) -> list[float]:
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [entry[name] for entry in entries if name in entry]


@pytest.mark.parametrize("train", ["heads", "lora", "all"])
@pytest.mark.parametrize(
    ("loss", "names"),
    [
        ({"contrastive": 1}, ["contrastive"]),
        ({"contrastive": 0, "distillation": 1, "parts": {"fused": 1, "words": 1}}, ["distillation"]),
        ({"contrastive": 0, "margin_mse": 30, "teacher": "scores"}, ["margin_mse"]),
        ({"contrastive": 0.2, "gate": 5, "dims": [8, 4]}, ["gate"]),
    ],
    ids=["contrastive", "distillation", "margin_mse", "gate"],
)
def test_each_loss_falls(
    tiny_base: Path, pairs: Path, tmp_path: Path, train: str, loss: dict[str, Any], names: list[str]
) -> None:
    stage = {"train": train, "loss": loss, "negatives": 1 if "margin_mse" in loss else 0, "batches": "random"}
    trainer.train(config_of(tiny_base, pairs, stage), tmp_path / "out", device="cpu")
    for name in names:
        found = losses(tmp_path / "out" / "train", name)
        assert len(found) == 3
        assert found[-1] < 0.97 * found[0]


STAGES: tuple[dict[str, Any], ...] = (
    {"name": "heads", "train": "heads", "steps": 12, "loss": {"gate": 0.05}},
    {"name": "lora", "train": "lora", "steps": 22, "dropout": 0.1, "loss": {"distillation": 1, "gate": 0.05}},
)


def test_a_resumed_run_equals_an_uninterrupted_one(
    tiny_base: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(tiny_base, pairs, *STAGES)
    trainer.train(config, tmp_path / "whole", device="cpu")

    class Stopped(Exception):
        pass

    usual, stops = trainer._Progress.on_step_end, [("heads", 7), ("lora", 4), ("lora", 17)]

    def stop(self: Any, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        usual(self, args, state, control, **kwargs)
        if stops and (Path(args.output_dir).name, state.global_step) == stops[0]:
            stops.pop(0)
            raise Stopped

    monkeypatch.setattr(trainer._Progress, "on_step_end", stop)
    for _ in range(3):
        with pytest.raises(Stopped):
            trainer.train(config, tmp_path / "parts", device="cpu")
    trainer.train(config, tmp_path / "parts", device="cpu")
    assert not stops
    for name in ("model.safetensors", "7_Dense/model.safetensors", "5_StopWordGate/model.safetensors"):
        whole, parts = (load_file(tmp_path / run / "model" / name) for run in ("whole", "parts"))
        for key, tensor in whole.items():
            torch.testing.assert_close(parts[key], tensor, atol=1e-6, rtol=1e-5)
    assert losses(tmp_path / "whole" / "lora", "loss") == pytest.approx(losses(tmp_path / "parts" / "lora", "loss"))


def test_a_trained_model_gives_the_same_vectors_when_loaded(tiny_base: Path, pairs: Path, tmp_path: Path) -> None:
    trained = trainer.train(config_of(tiny_base, pairs, *STAGES), tmp_path / "out", device="cpu")
    texts = ["The bees carry it.", "honey and scent", "the ants"]
    loaded = Encoder.load(tmp_path / "out" / "model", precision="float32")
    for encode in ("encode_documents", "encode_queries"):
        one, other = getattr(trained, encode)(texts), getattr(loaded, encode)(texts)
        assert abs(one.vectors - other.vectors).max() < 1e-6
        assert (one.word_ids == other.word_ids).all()
        assert abs(one.summary - other.summary).max() < 1e-6
    assert trained.fingerprint == loaded.fingerprint
    started = Encoder.load(tmp_path / "out" / "start", precision="float32")
    assert abs(started.encode_documents(texts).summary - trained.encode_documents(texts).summary).max() > 1e-3
    mixes = [next(m for m in e.model if isinstance(m, ScoreMix)).summary_weight for e in (started, trained)]
    assert mixes[0] != mixes[1]
    # Asked again, it is there already.
    again = trainer.train(config_of(tiny_base, pairs, *STAGES), tmp_path / "out", device="cpu")
    assert again.fingerprint == trained.fingerprint


def test_only_what_a_stage_trains_changes(tiny_base: Path, pairs: Path, tmp_path: Path) -> None:
    trainer.train(config_of(tiny_base, pairs, {"train": "heads"}), tmp_path / "out", device="cpu")
    start, end = (load_file(tmp_path / "out" / name / "model.safetensors") for name in ("start", "model"))
    assert all(torch.equal(start[key], end[key]) for key in start)
    heads = [load_file(tmp_path / "out" / name / "7_Dense" / "model.safetensors") for name in ("start", "model")]
    assert not torch.equal(heads[0]["linear.weight"], heads[1]["linear.weight"])


def test_a_model_can_be_trained_on(tiny_base: Path, pairs: Path, tmp_path: Path) -> None:
    first = trainer.train(config_of(tiny_base, pairs, {"train": "heads"}), tmp_path / "first", device="cpu")
    config = config_of(
        tiny_base, pairs, {"train": "lora", "steps": 5}, architecture=None, model=str(tmp_path / "first" / "model")
    )
    second = trainer.train(config, tmp_path / "second", device="cpu")
    assert first.fingerprint != second.fingerprint


def test_a_named_teacher_scores_the_examples_once(
    tiny_base: Path, tiny_folder: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = {"steps": 3, "negatives": 1, "loss": {"contrastive": 0, "margin_mse": 1, "teacher": str(tiny_folder)}}
    trainer.train(config_of(tiny_base, pairs, stage), tmp_path / "out", device="cpu")
    encoder = Encoder.load(tiny_folder)
    import numpy as np

    rows = trainer.batches(config_of(tiny_base, pairs, stage).sources, config_of(tiny_base, pairs, stage).stages[0], 0)
    scores = np.load(tmp_path / "out" / "train" / "teacher.npy")
    assert scores.shape == (24, 2)
    row = rows[5]
    from wordhive.index.scoring.maxsim import maxsim

    q, d = encoder.encode_queries([row.query]), encoder.encode_documents([row.positive, *row.negatives])
    assert q.summary is not None
    assert d.summary is not None
    w = encoder.summary_weight
    expected = w * (q.summary @ d.summary.T) + (1 - w) * maxsim(q, d.vectors, d.offsets)
    np.testing.assert_allclose(scores[5], expected[0], atol=1e-5)


def test_max_steps_are_the_first_steps_of_the_whole(tiny_base: Path, pairs: Path) -> None:
    config = config_of(tiny_base, pairs, {"steps": 8})
    rows = trainer.batches(config.sources, config.stages[0], 0)
    assert len(rows) == 64
    for start in range(0, 64, 8):
        batch = rows[start : start + 8]
        assert len({row.positive for row in batch}) == 8
        assert len({row.query for row in batch}) == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": []}, "stages"),
        ({"model": "other"}, "either architecture"),
        ({"sources": []}, "sources"),
        ({"stepz": 3}, "unknown key 'stepz'; known are architecture"),
        ({"stages": [{"steps": 5, "loss": {"contrastive": 0}}]}, "one of them has to teach"),
        ({"stages": [{"steps": 5}, {"steps": 6}]}, "a name of its own"),
        ({"architecture": {"base": "x", "word_dim": None, "hidden_dim": 4}}, "hidden_dim needs word_dim"),
    ],
)
def test_a_wrong_configuration_is_one_line(tiny_base: Path, pairs: Path, change: dict[str, Any], message: str) -> None:
    values = {"architecture": {"base": str(tiny_base)}, "sources": [{"path": str(pairs)}], "stages": [{"steps": 5}]}
    with pytest.raises(InputError, match=message):
        parse(TrainConfig, {**values, **change}, "file.yaml")


def test_what_does_not_fit_is_said_before_training(tiny_base: Path, pairs: Path, tmp_path: Path) -> None:
    config = config_of(tiny_base, pairs, {"train": "heads", "steps": 2})
    trainer.train(config, tmp_path / "out", device="cpu")
    with pytest.raises(InputError, match="another configuration"):
        trainer.train(config_of(tiny_base, pairs, {"train": "heads", "steps": 3}), tmp_path / "out", device="cpu")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="not empty"):
        trainer.train(config, tmp_path / "full", device="cpu")
    with pytest.raises(InputError, match="asks for 3"):
        trainer.train(config_of(tiny_base, pairs, {"negatives": 3}), tmp_path / "negatives", device="cpu")
    wide = config_of(tiny_base, pairs, {}, architecture={"base": str(tiny_base), "word_dim": 64})
    with pytest.raises(InputError, match="has 32 dims"):
        trainer.train(wide, tmp_path / "wide", device="cpu")


def test_variables_in_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(
        "model: ${WHAT:-fallback}\nsources: [{path: '${WHERE}/x.jsonl'}]\nstages: [{steps: 1}]\n", encoding="utf-8"
    )
    monkeypatch.delenv("WHERE", raising=False)
    with pytest.raises(InputError, match="WHERE"):
        TrainConfig.load(path)
    monkeypatch.setenv("WHERE", "/somewhere")
    config = TrainConfig.load(path)
    assert config.model == "fallback"
    assert str(config.sources[0].path) == "/somewhere/x.jsonl"
