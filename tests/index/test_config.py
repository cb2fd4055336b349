from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest
from pydantic import ValidationError

from wordhive.index import IndexConfig, InputError, MuveraConfig, WordhiveError
from wordhive.index.config import preset_names


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_loads(preset: str) -> None:
    assert isinstance(IndexConfig.load(preset), IndexConfig)


def test_there_is_a_default_preset() -> None:
    assert "default" in preset_names()


def test_an_unknown_preset_is_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'defualt'; choose .*default"):
        IndexConfig.load("defualt")


@pytest.mark.parametrize("suffix", [".yaml", ".yml"])
def test_a_yaml_file_loads(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    path.write_text("codec: SQ4\nencoding:\n  bits: 3\n", encoding="utf-8")
    assert IndexConfig.load(path) == IndexConfig(codec="SQ4", encoding=MuveraConfig(bits=3))


def test_a_path_may_be_a_string(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("codec: SQ4", encoding="utf-8")
    assert IndexConfig.load(str(tmp_path / "mine.yaml")).codec == "SQ4"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no configuration file at .*gone\.yaml"):
        IndexConfig.load(tmp_path / "gone.yaml")


def test_null_switches_the_first_stage_off() -> None:
    assert IndexConfig.parse("encoding: null", "mine").encoding is None


def test_an_empty_file_means_the_defaults() -> None:
    assert IndexConfig.parse("# nothing\n", "mine") == IndexConfig()


def test_json_is_read_back() -> None:
    config = IndexConfig(codec="PQ8", encoding=MuveraConfig(final_dim=64, projection="count-sketch"), nprobe=3)
    assert IndexConfig.parse(config.model_dump_json(), "mine") == config


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("codex: SQ8", "mine: unknown key 'codex'; known are codec"),
        ("encoding: {bit: 3}", "mine: encoding: unknown key 'bit'; known are family"),
    ],
)
def test_an_unknown_key_is_named(text: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        IndexConfig.parse(text, "mine")


def test_an_unknown_key_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="codec, summary_codec, word_ids, lexical_weight, encoding, reduction"):
        IndexConfig.parse("codex: SQ8", "mine")


def test_an_unknown_key_of_the_encoding_lists_those_of_the_encoding() -> None:
    with pytest.raises(InputError, match=r"known are .*repetitions"):
        IndexConfig.parse("encoding: {bit: 3}", "mine")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nprobe: 0", "nprobe is 0"),
        ("ef_search: many", "ef_search is 'many'"),
        ("codec: [SQ8]", "codec is"),
        ("encoding: {bits: 13}", "encoding.bits is 13"),
        ("encoding: {bits: -1}", "encoding.bits is -1"),
        ("encoding: {repetitions: 0}", "encoding.repetitions is 0"),
        ("encoding: {projection_dim: 0}", "encoding.projection_dim is 0"),
        ("encoding: {projection: sparse}", "encoding.projection is 'sparse'"),
        ("encoding: {final_dim: 0}", "encoding.final_dim is 0"),
        ("encoding: {seed: -1}", "encoding.seed is -1"),
        ("encoding: muvera", "encoding is 'muvera'"),
    ],
)
def test_a_value_out_of_range_is_named(text: str, named: str) -> None:
    with pytest.raises(InputError, match=f"mine: {named}"):
        IndexConfig.parse(text, "mine")


@pytest.mark.parametrize("text", ["codec: [", "a: b: c", "\x00", "\t- x: ["])
def test_unreadable_yaml_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="mine is not YAML") as caught:
        IndexConfig.parse(text, "mine")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "kind"), [("[1, 2]", "list"), ("hello", "str"), ("7", "int")])
def test_yaml_that_is_no_mapping_is_refused(text: str, kind: str) -> None:
    with pytest.raises(InputError, match=f"mine holds {kind}"):
        IndexConfig.parse(text, "mine")


@pytest.mark.parametrize("text", ["[]", "0", "false"])
def test_yaml_that_is_no_mapping_but_empty_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="mine holds"):
        IndexConfig.parse(text, "mine")


def test_a_key_that_is_no_string_is_refused() -> None:
    with pytest.raises(InputError, match="1"):
        IndexConfig.parse("1: SQ8", "mine")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"codec: \xff\xfe")
    with pytest.raises(InputError, match=r"mine\.yaml"):
        IndexConfig.load(path)


@pytest.mark.parametrize("name", preset_names())
def test_a_configuration_is_written_without_code_of_ours(name: str) -> None:
    """pydantic goes on when such code is interrupted, and so ctrl-C would be lost."""
    called: list[str] = []
    config = IndexConfig.load(name)

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and "/pydantic/" not in frame.f_code.co_filename:
            called.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        config.model_dump_json(indent=2)
        config.model_dump()
    finally:
        sys.setprofile(None)
    assert called == []


@pytest.mark.parametrize("text", ["codec: SQ8\ncodec: SQ4\n", "encoding: {family: muvera, bits: 2, bits: 3}"])
def test_a_key_that_is_given_twice_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"my\.yaml is not YAML: the key '(codec|bits)' is given twice"):
        IndexConfig.parse(text, "my.yaml")


def test_a_configuration_can_not_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        IndexConfig().codec = "SQ4"  # type: ignore[misc]


def test_bad_input_ends_the_command_line_with_two() -> None:
    assert InputError.exit_code == 2


def test_a_failure_ends_the_command_line_with_one() -> None:
    assert WordhiveError.exit_code == 1


def test_bad_input_is_a_value_error_too() -> None:
    assert issubclass(InputError, ValueError)
