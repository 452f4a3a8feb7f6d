"""What study 2 simulates: activation maps on images of walls, and the body-surface potentials that belong to them."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from transmural.stores.config.model import Number, Section, Whole, cross_check, quantity


class ActivationImageDesign(Section):
    """Which maps there are in slices or in whole hearts, and how they are simulated."""

    dimensions: Literal[2, 3] = Field(description="2: short-axis slices; 3: whole hearts")
    edge_cells: Whole = quantity("1", "Cells along each edge of an image", ge=16, le=256)
    cell_mm: Number = quantity("mm", "Edge of a cell", ge=0.5, le=6)
    maps: Whole = quantity("1", "Activation maps of a heart", ge=1, le=100_000)
    slice_height: tuple[Number, Number] = Field(
        description="Heights between which slices lie, 0 at the apex, 1 at the base; whole hearts don't use it"
    )
    pacing_zones: tuple[Whole, Whole] = Field(description="Least and largest number of pacing zones of a map")
    velocity_mm_per_ms: tuple[Number, Number] = Field(description="Range of the conduction velocity in mm/ms (m/s)")
    slow_share: Number = quantity("1", "Share of the maps with a slow region", ge=0, le=1)
    slow_radius_mm: tuple[Number, Number] = Field(description="Range of the radius of a slow region in mm")
    slow_velocity: tuple[Number, Number] = Field(
        description="Range of the velocity in a slow region relative to the rest of the wall"
    )
    electrode_distance_mm: Number = quantity(
        "mm", "From the front of the heart to the plane of 10 x 10 electrodes", ge=10, le=200
    )
    electrode_spacing_mm: Number = quantity("mm", "Between neighbouring electrodes", ge=1, le=60)
    duration_ms: Whole = quantity("ms", "Length of the body-surface potentials", ge=50, le=1000)
    sample_ms: Whole = quantity("ms", "Time between samples", ge=1, le=50)
    amplitude_mv: Number = quantity("mV", "Height of the action potential", gt=10, le=200)
    shard_maps: Whole = quantity("1", "Maps of a heart simulated by one job", ge=1, le=5000)

    @cross_check
    def _ranges_ascend(self) -> Iterator[str]:
        limits = {
            "slice_height": (0.1, 0.95, ""),
            "pacing_zones": (1, 10, ""),
            "velocity_mm_per_ms": (0.1, 3, " mm/ms"),
            "slow_radius_mm": (1, 60, " mm"),
            "slow_velocity": (0.05, 1, ""),
        }
        for key, (lowest, highest, unit) in limits.items():
            first, last = getattr(self, key)
            if not lowest <= first <= last <= highest:
                yield f"{key} = {[first, last]} must ascend and lie within {lowest} and {highest}{unit}"

    @cross_check
    def _images_hold_hearts(self) -> Iterator[str]:
        edge = self.edge_cells * self.cell_mm
        if not 90 <= edge <= 300:
            yield (
                f"edge_cells ({self.edge_cells}) of cell_mm ({self.cell_mm}) make images of {edge:g} mm; hearts need "
                "90 to 300 mm"
            )

    @cross_check
    def _images_can_be_halved_twice(self) -> Iterator[str]:
        if self.edge_cells % 4:
            yield f"edge_cells ({self.edge_cells}) must be a multiple of 4: networks halve images twice"

    @cross_check
    def _samples_divide_the_record(self) -> Iterator[str]:
        if self.duration_ms % self.sample_ms:
            yield f"sample_ms ({self.sample_ms}) must divide duration_ms ({self.duration_ms})"

    @property
    def samples(self) -> int:
        """Samples of a record."""
        return self.duration_ms // self.sample_ms
