"""A plot of codecs: what they lose against their bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..svg.cost_chart import Point, cost_chart
from ..svg.frame import ALONE
from ..svg.plot import write_plot
from .codecs import CodecBench, MeasuredCodec


def draw(bench: CodecBench, title: str, path: Path) -> None:
    """Draw codecs into an SVG file: the results that they share with uncompressed vectors, and their nDCG@10."""
    one_summary = len({codec.summaries for codec in bench.codecs}) == 1
    of = f"a word (summaries {bench.codecs[0].summaries})" if one_summary else "a document, words and summary"
    overlaps = _points(bench, one_summary, lambda codec: codec.overlap)
    ndcgs = _points(bench, one_summary, lambda codec: codec.ndcg)
    charts = [
        cost_chart(ALONE, overlaps, f"bytes {of}", "top 10 in common with the uncompressed"),
        cost_chart(ALONE, ndcgs, f"bytes {of}", "nDCG@10", level=("uncompressed", bench.ndcg_exact)),
    ]
    write_plot(path, title, "; ".join(point.told for point in overlaps), charts)


def _points(bench: CodecBench, one_summary: bool, value: Callable[[MeasuredCodec], float]) -> list[Point]:
    """Each codec by its bytes; grey where a smaller one equals it."""
    best = bench.front_by(value)
    points = []
    for codec in bench.codecs:
        size = codec.bytes_per_vector if one_summary else codec.bytes_per_document
        name = f"{codec.words}, {codec.summaries}"
        told = f"{name}: {value(codec):.4f}, {size:,.0f} bytes"
        label = codec.words if one_summary else name
        points.append(Point(size, value(codec), label, told, 0 if codec in best else None))
    return points
