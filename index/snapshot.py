"""What the catalog named at one moment: segments with their parameters, opened when they are first searched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .candidates import CandidateIndex
from .catalog import Catalog, Generation
from .config import IndexConfig
from .errors import WordhiveError
from .parameters import Parameters
from .segment import Segment
from .word_vectors import WordVectors, ragged_rows


class Snapshot:
    """Segments and generations of parameters.

    generation: the last, by which documents are added; None before the first.
    before: an earlier snapshot of the same index, whose open files are taken over.
    """

    def __init__(
        self, path: Path, catalog: Catalog, config: IndexConfig, device: str, before: Snapshot | None = None
    ) -> None:
        self._path = path
        self._catalog = catalog
        self._device = device
        self._is_open = False
        held = {segment.record: segment for segment in before.segments} if before else {}
        self.segments: list[Segment] = [
            held.get(record) or Segment(path / "segments" / record.id, record, config) for record in catalog.segments()
        ]
        generations = catalog.generations()
        self.generation: Generation | None = max(generations, key=lambda g: g.id, default=None)
        self._summaries = {generation.id: generation.summary_dim > 0 for generation in generations}
        self._parameters: dict[int, Parameters] = before._parameters if before else {}
        ids = {segment.record.id for segment in self.segments}
        moved = before._moved if before else {}
        self._moved: dict[str, CandidateIndex] = {id: index for id, index in moved.items() if id in ids}

    @property
    def n_rows(self) -> int:
        """Rows that the segments own."""
        last = self.segments[-1].record if self.segments else None
        return last.first_row + last.n_documents if last else 0

    def open(self) -> bool:
        """Map all files: from then on a merge by another process takes nothing away. False where one did already."""
        if self._is_open:
            return True
        try:
            for segment in self.segments:
                parameters = self.parameters(segment.record.generation)
                has_summaries, has_candidates = parameters.summaries is not None, parameters.encoding is not None
                segment.open(has_summaries=has_summaries, has_candidates=has_candidates)
        except WordhiveError:
            if [segment.record for segment in self.segments] == self._catalog.segments():
                raise
            return False
        self._is_open = True
        return True

    def parameters(self, generation: int) -> Parameters:
        """The parameters of that generation."""
        if generation not in self._parameters:
            folder = self._path / "params" / str(generation)
            self._parameters[generation] = Parameters.load(folder, has_summary=self._summaries[generation])
        return self._parameters[generation]

    def candidates(self, segment: Segment) -> CandidateIndex:
        """The first stage of a segment, on the device."""
        if self._device == "cpu":
            return segment.candidates
        id = segment.record.id
        if id not in self._moved:
            self._moved[id] = segment.candidates.to(self._device)
        return self._moved[id]

    def decoded(self, segment: Segment, local: NDArray[np.int64] | None = None) -> WordVectors:
        """The vectors of a segment's documents, as its codes say; local: of those with these numbers only."""
        local = np.arange(segment.record.n_documents) if local is None else local
        parameters = self.parameters(segment.record.generation)
        words, offsets = ragged_rows(segment.offsets, local)
        summary = None if parameters.summaries is None else parameters.summaries.decode(segment.summaries[local])
        return WordVectors(parameters.words.decode(segment.words[words]), offsets, segment.word_ids[words], summary)
