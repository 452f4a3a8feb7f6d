"""What study 5 simulates, and how its surrogate is trained and tested."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from transmural.stores.config.model import Number, Section, Whole, cross_check, quantity, repeated
from transmural.stores.config.networks import ForwardSurrogate

TissueClass = Literal["healthy", "gap_junction", "fibrotic", "combined"]
TISSUE_CLASSES: tuple[TissueClass, ...] = ("healthy", "gap_junction", "fibrotic", "combined")
WITHOUT = "without_"
"""How the name of a surrogate begins that was trained without the tissue class that follows."""

_EDGE_MM = 100.0


class SheetCounts(Section):
    """Sheets of each tissue class."""

    healthy: Whole = quantity("1", "Healthy tissue", ge=3, le=10_000)
    gap_junction: Whole = quantity("1", "Gap-junction remodelling: low diffusivity", ge=3, le=10_000)
    fibrotic: Whole = quantity("1", "Fibrotic remodelling: large non-conductive patches", ge=3, le=10_000)
    combined: Whole = quantity("1", "Both", ge=3, le=10_000)


class Patches(Section):
    """Non-conductive patches: correlated noise above a threshold."""

    length_mm: tuple[Number, Number] = Field(description="Least and largest correlation length of the noise in mm")
    coverage: tuple[Number, Number] = Field(description="Least and largest share of the sheet that doesn't conduct")

    @cross_check
    def _are_ranges(self) -> Iterator[str]:
        for key, lowest, highest in (("length_mm", 0.1, 30.0), ("coverage", 0.0, 0.35)):
            first, last = getattr(self, key)
            if not lowest <= first <= last <= highest:
                yield f"{key} = {[first, last]} must ascend and lie within {lowest:g} and {highest:g}"


class SheetDesign(Section):
    """Which sheets there are, and how they are simulated."""

    sheets: SheetCounts
    test_share: Number = quantity(
        "1", "Share of each class for the test, and again for validation (published: 0.1)", gt=0, le=0.3
    )
    moved_sheets: Whole = quantity("1", "Further sheets of each class whose stimulus lies elsewhere", ge=2, le=1000)
    normal_diffusivity: tuple[Number, Number] = Field(description="Range of D in mm²/ms, healthy and fibrotic")
    low_diffusivity: tuple[Number, Number] = Field(description="Range of D in mm²/ms, gap junctions remodelled")
    small_patches: Patches
    large_patches: Patches
    cell: Literal["remodelled", "control"] = Field(description="Atrial parameters of the Fenton–Karma model")
    nodes: Whole = quantity("1", "Nodes along an edge of the sheet of 100 mm", ge=100, le=4000)
    cell_nodes: Whole = quantity("1", "Nodes along an edge of a cell of the down-sampled frames", ge=1, le=100)
    time_step_ms: Number = quantity("ms", "Largest time step", gt=0, le=0.2)
    duration_ms: Whole = quantity("ms", "Length of a record", ge=900, le=5000)
    frame_ms: Whole = quantity("ms", "Time between frames", ge=1, le=50)
    stimulus_mm: Number = quantity("mm", "Radius of a focal stimulus, width of a plane one", ge=1, le=20)
    electrode_mm: tuple[Number, Number, Number] = Field(description="The electrode, from the top-left corner, in mm")
    moved_electrodes_mm: list[tuple[Number, Number, Number]] = Field(description="Where else it is, for tests")
    shard_sheets: Whole = quantity("1", "Sheets simulated by one job", ge=1, le=5000)

    @cross_check
    def _spacing_carries_slow_waves(self) -> Iterator[str]:
        spacing = _EDGE_MM / self.nodes
        if spacing > 0.3:
            yield f"nodes ({self.nodes}) are {spacing:.3g} mm apart; at most 0.3 mm carry waves at low diffusivity"

    @cross_check
    def _cells_divide_the_sheet(self) -> Iterator[str]:
        if self.nodes % self.cell_nodes:
            yield f"cell_nodes ({self.cell_nodes}) must divide nodes ({self.nodes})"

    @cross_check
    def _frames_divide_the_record(self) -> Iterator[str]:
        if self.duration_ms % self.frame_ms:
            yield f"frame_ms ({self.frame_ms}) must divide duration_ms ({self.duration_ms})"

    @cross_check
    def _diffusivities_are_ranges(self) -> Iterator[str]:
        for key in ("normal_diffusivity", "low_diffusivity"):
            first, last = getattr(self, key)
            if not 0.005 <= first <= last <= 0.3:
                yield f"{key} = {[first, last]} must ascend and lie within 0.005 and 0.3 mm²/ms"

    @cross_check
    def _step_can_be_stable(self) -> Iterator[str]:
        largest = max(self.normal_diffusivity[1], self.low_diffusivity[1])
        limit = 0.9 * (_EDGE_MM / self.nodes) ** 2 / (4 * largest)
        if self.time_step_ms > limit:
            yield (
                f"time_step_ms ({self.time_step_ms}) must be at most {limit:.3g} with D up to {largest} mm²/ms and "
                f"{self.nodes} nodes"
            )

    @cross_check
    def _electrodes_are_above_the_sheet(self) -> Iterator[str]:
        for key, places in (("electrode_mm", [self.electrode_mm]), ("moved_electrodes_mm", self.moved_electrodes_mm)):
            for place in places:
                if abs(place[2]) < 1:
                    yield f"{key} = {list(place)} lies in the sheet's plane; its third coordinate must be at least 1 mm"

    @property
    def spacing_mm(self) -> float:
        """Distance of neighbouring nodes."""
        return _EDGE_MM / self.nodes


class ForwardSurrogateStudy(SheetDesign):
    """Study 5 (Ogbomo-Harmitt et al. 2025)."""

    ecg_scale: Literal["each", "training"] = Field(
        description="Mean and deviation by which ECGs are scaled: each one's own, or those of all training ECGs"
    )
    network: ForwardSurrogate
    forms: list[Literal["no_cnn", "no_attention", "no_time_embedding", "no_spectral_entropy", "no_currents"]] = Field(
        description="Ablations that are trained beside the surrogate"
    )
    held_out: list[TissueClass] = Field(description="Classes without which a surrogate is trained and then tested")
    frames_every: list[Whole] = Field(description="Tests with every second, fourth, … frame only")

    @cross_check
    def _symmetries_need_a_central_electrode(self) -> Iterator[str]:
        if self.network.symmetries and list(self.electrode_mm[:2]) != [_EDGE_MM / 2, _EDGE_MM / 2]:
            yield (
                f"network.symmetries needs an electrode above the sheet's centre, not electrode_mm = "
                f"{list(self.electrode_mm)}: turning the sheet would change its ECG"
            )

    @cross_check
    def _lists_are_distinct(self) -> Iterator[str]:
        for key in ("forms", "held_out"):
            yield from repeated(key, getattr(self, key))

    @cross_check
    def _frame_rates_are_lower(self) -> Iterator[str]:
        for every in self.frames_every:
            if not 2 <= every <= 64:
                yield f"frames_every ({every}) must lie within 2 and 64"

    @property
    def trainings(self) -> list[str]:
        """Names of the networks that are trained: the surrogate, its ablations, and one without each held-out class."""
        return ["surrogate", *self.forms, *(f"{WITHOUT}{name}" for name in self.held_out)]
