"""Scales, places of labels, fronts and numbers, against what they promise."""

from __future__ import annotations

from itertools import combinations
from operator import itemgetter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from wordhive.eval.report import numbers
from wordhive.eval.svg.front import front
from wordhive.eval.svg.labels import Box, place_labels
from wordhive.eval.svg.plot import write_plot
from wordhive.eval.svg.scales import Scale


@pytest.mark.parametrize(("low", "high"), [(0.61, 0.72), (0.0, 1.0), (0.6999, 0.7001), (-3.0, 250.0)])
def test_linear_ticks_are_few_round_and_inside(low: float, high: float) -> None:
    scale = Scale.around([low, high], 0, 100)
    ticks = scale.ticks()
    assert 3 <= len(ticks) <= 7
    assert all(0 <= scale(tick) <= 100 for tick in ticks)
    steps = np.diff(ticks)
    assert steps == pytest.approx(steps[0])
    assert float(f"{steps[0]:.0e}"[0]) in (1, 2, 5)


@pytest.mark.parametrize(("low", "high"), [(768.0, 768.0), (700.0, 12_000.0), (0.3, 2.0), (1.0, 1e7), (1000.0, 1050.0)])
def test_log_ticks_are_few_and_inside(low: float, high: float) -> None:
    scale = Scale.around([low, high], 0, 100, kind="log")
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 7
    assert all(-1e-9 <= scale(tick) <= 100 for tick in ticks)
    assert scale((low * high) ** 0.5) == pytest.approx(50)


@pytest.mark.parametrize(("low", "high"), [(0.01, 0.9995), (0.5, 0.97), (0.91, 0.92), (0.99, 0.99)])
def test_logit_ticks_are_few_and_inside(low: float, high: float) -> None:
    scale = Scale.around([low, high], 0, 100, kind="logit")
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 10
    assert all(-1e-9 <= scale(tick) <= 100 for tick in ticks)
    assert scale(1 / (1 + ((1 - low) * (1 - high) / (low * high)) ** 0.5)) == pytest.approx(50)


def test_one_value_alone_has_an_axis_around_it() -> None:
    for value in (0.0, 0.7, 1.0):
        scale = Scale.around([value], 0, 100)
        assert scale(value) == pytest.approx(50)
        assert scale.ticks()


def test_labels_cover_neither_each_other_nor_points() -> None:
    generator = np.random.default_rng(0)
    frame = Box(44, 20, 420, 260)
    for _ in range(20):
        points = [(float(x), float(y)) for x, y in generator.uniform((60, 40), (400, 250), (6, 2))]
        labels = [label for label in place_labels(points, ["a preset of some length"] * 6, frame, 13) if label]
        assert len(labels) == 6
        marks = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in points]
        assert all(not one.box.overlap(other.box) for one, other in combinations(labels, 2))
        assert all(not label.box.overlap(mark) for label in labels for mark in marks)
        assert all(label.box.outside(frame) < 1e-9 for label in labels)


def test_a_plot_is_sound_xml_with_any_names(tmp_path: Path) -> None:
    evil = "<script>\"'&\x0c\x00\ud800\uffff"
    write_plot(tmp_path / "a.svg", evil, evil, ["", ""], [evil])
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert {element.tag.partition("}")[2] for element in root.iter()} == {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "text",
        "g",
        "path",
    }
    assert "".join(root.itertext()).count("<script>") == 4


def test_long_names_are_shortened_and_empty_ones_left_out() -> None:
    label, none = place_labels([(200, 100), (100, 100)], ["x" * 80, ""], Box(0, 0, 420, 260), 13)
    assert label is not None
    assert label.text == "x" * 25 + "…"
    assert none is None


def test_front_against_its_definition() -> None:
    generator = np.random.default_rng(1)
    for _ in range(20):
        points = [(float(c), float(g)) for c, g in generator.integers(0, 8, (12, 2))]
        undominated = {
            (c, g)
            for c, g in points
            if not any(c2 <= c and g2 >= g and (c2, g2) != (c, g) for c2, g2 in points)
        }  # fmt: skip
        assert front(points, itemgetter(0), itemgetter(1)) == sorted(undominated)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (numbers.quality(0.70341), ".7034"), (numbers.quality(1.0), "1.0000"), (numbers.quality(0.0), ".0000"),
        (numbers.quality(None), "–"), (numbers.quality(float("nan")), "–"), (numbers.quality(float("inf")), "–"),
        (numbers.difference(0.03), "+.0300"), (numbers.difference(-0.03), "−.0300"),
        (numbers.difference(-0.00001), ".0000"), (numbers.probability(0.00001), "< .0001"),
        (numbers.probability(1.0), "1.0000"), (numbers.size(1964.2), "1,964 B"), (numbers.memory(812e6), "812 MB"),
        (numbers.memory(1.24e9), "1.24 GB"), (numbers.milliseconds(2.31), "2.3 ms"),
        (numbers.milliseconds(0.04), ".04 ms"), (numbers.milliseconds(99.97), "100 ms"),
        (numbers.milliseconds(1234), "1,234 ms"), (numbers.rate(412.3), "412"), (numbers.duration(12.3), "12.3 s"),
        (numbers.duration(252), "4 min 12 s"), (numbers.duration(59.99), "1 min 00 s"),
        (numbers.duration(4350), "1 h 12 min"), (numbers.share(0.0321), "3.2 %"),
    ],
)  # fmt: skip
def test_numbers(shown: str, expected: str) -> None:
    assert shown == expected
