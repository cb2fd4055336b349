"""`OpenFiles`: what the snapshots of an index share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..candidates.candidate_index import CandidateIndex
from ..storage.catalog.catalog_records import SegmentRecord
from ..storage.parameters import Parameters
from ..storage.segment import Segment

if TYPE_CHECKING:  # torch is imported for a device of its own alone
    from ..scoring.torch_scoring import TorchScoring


@dataclass
class OpenFiles:
    """Files that are open, parameters that are loaded, and what is on a device.

    Attributes:
        segments: By their records.
        parameters: By their generations.
        moved: Candidate indexes on the device, by segment.
        scoring: The second stage on the device; None: on the CPU.
    """

    segments: dict[SegmentRecord, Segment] = field(default_factory=dict)
    parameters: dict[int, Parameters] = field(default_factory=dict)
    moved: dict[str, CandidateIndex] = field(default_factory=dict)
    scoring: TorchScoring | None = None

    def kept(self, segments: Sequence[Segment], generations: Iterable[int]) -> OpenFiles:
        """Those of the given segments and generations; what others had open is let go."""
        ids = {segment.record.id for segment in segments}
        return OpenFiles(
            {segment.record: segment for segment in segments},
            {id: self.parameters[id] for id in generations if id in self.parameters},
            {id: index for id, index in self.moved.items() if id in ids},
            self.scoring,
        )
