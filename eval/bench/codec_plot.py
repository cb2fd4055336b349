"""A plot of codecs: what they lose against their bytes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from ..svg.frame import BOTTOM, LEFT, LETTERS, RIGHT, TOP, Frame, labelled, plain_tick, short, stairs_of, thin
from ..svg.labels import Box, place
from ..svg.plot import PANEL_HEIGHT, PANEL_WIDTH, write_plot
from ..svg.scales import Scale
from ..svg.shapes import line, mark, path, titled
from .codecs import CodecBench, MeasuredCodec

_ON_FRONT, _BEHIND = 0, 7  # marks: blue, grey


def draw(bench: CodecBench, title: str, file: Path) -> None:
    """Draw codecs into an SVG file: the results that they share with uncompressed vectors, and their nDCG."""
    charts = [
        _chart(bench, lambda codec: codec.overlap, "top 10 in common with the uncompressed"),
        _chart(bench, lambda codec: codec.ndcg, "nDCG@10", level=bench.ndcg_exact),
    ]
    write_plot(file, title, charts)


def _chart(bench: CodecBench, value: Callable[[MeasuredCodec], float], name: str, level: float | None = None) -> str:
    one_summary = len({codec.summaries for codec in bench.codecs}) == 1
    sizes = [codec.bytes_per_vector if one_summary else codec.bytes_per_document for codec in bench.codecs]
    names = [codec.words if one_summary else f"{codec.words}, {codec.summaries}" for codec in bench.codecs]
    of = f"a word, summaries {bench.codecs[0].summaries}" if one_summary else "a document, words and summary"
    values = [value(codec) for codec in bench.codecs]
    frame = Frame(
        Scale.around(sizes, LEFT, PANEL_WIDTH - RIGHT, "log"),
        Scale.around(values if level is None else [*values, level], PANEL_HEIGHT - BOTTOM, TOP),
        PANEL_HEIGHT,
        PANEL_WIDTH,
    )
    content = [frame.draw(f"bytes {of} →", f"{name} ↑", short, plain_tick)]
    if level is not None:
        content.append(line(LEFT, frame.y(level), PANEL_WIDTH - RIGHT, frame.y(level), "level"))
    front = bench.front_by(value)
    stairs = stairs_of(
        [(size, value(codec)) for size, codec in sorted(zip(sizes, bench.codecs, strict=True), key=lambda pair: pair[0])
         if codec in front], frame
    )  # fmt: skip
    content.append(path(stairs, "front"))
    points = [(frame.x(size), frame.y(one)) for size, one in zip(sizes, values, strict=True)]
    box = Box(LEFT, TOP, PANEL_WIDTH, PANEL_HEIGHT - BOTTOM)
    labels = place(points, names, box, LETTERS, [thin(*ends) for ends in pairwise(stairs)])
    for codec, size, label, (x, y) in zip(bench.codecs, sizes, labels, points, strict=True):
        told = f"{codec.words}, {codec.summaries}: {value(codec):.4f}, {size:,.0f} bytes"
        dot = mark(_ON_FRONT if codec in front else _BEHIND, x, y, 4.5)
        content.append(titled(told, labelled(label, x, y) + dot))
    return "".join(content)
