"""Sheets of the forward surrogate: four tissue classes, non-conductive patches, plane and focal stimuli.

Healthy tissue and gap-junction remodelling differ in the diffusivity D, fibrotic remodelling in the size of
non-conductive patches, combined remodelling in both (Ogbomo-Harmitt et al. 2025, section 2.1). Patches are correlated
Gaussian noise above the quantile that leaves the wanted share; tissue that they cut off doesn't conduct either. Every
sheet draws from a stream of its own.

Stimuli of the cohort ``published`` are plane waves from the left edge and foci in the left half, those of ``moved``
plane waves from the top edge and foci in the right half.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from transmural.cohorts.plan import SheetCohort, classes_of
from transmural.stores.config.sheets import Patches, SheetDesign, TissueClass
from transmural.stores.errors import SimulationError
from transmural.stores.random_streams import case_generator
from transmural.tissue.fenton_karma import ATRIAL_CELLS
from transmural.tissue.sheets import Sheet, SheetBeat, cell_means, simulate_sheet, stable_step_ms
from transmural.torso.sheet_leads import cell_lead_fields, lead_fields, node_positions

REFERENCE = "reference"
PARTS = ("training", "validation", "test")

_EDGE_MM = 100.0
_FOCI_MM = {"published": ((15.0, 50.0), (15.0, 85.0)), "moved": ((50.0, 85.0), (15.0, 85.0))}
_FOCAL_SHARE = 0.5
# A focus in a patch may die, so it lies where most of it conducts.
_FOCUS_CONDUCTS = 0.7
_CAPTURE = 0.95
# Patches now and then cut off the stimulus from most of the tissue; such a sheet is drawn again.
_REACHED = 0.8


@dataclass(frozen=True, eq=False)
class DrawnSheet:
    """A sheet of the design: its class, tissue and stimulus."""

    tissue_class: TissueClass
    sheet: Sheet
    diffusivity: float
    stimulus: NDArray[np.bool_]
    kind: Literal["plane", "focal"]
    position_mm: NDArray[np.float64]


def part_of(classes: Sequence[str], share: float) -> NDArray[np.str_]:
    """Part of each sheet: of each class the last ``share`` is for the test, that before for validation."""
    given = np.asarray(classes)
    parts = np.full(len(given), PARTS[0], dtype="<U10")
    for name in np.unique(given):
        members = np.flatnonzero(given == name)
        count = max(1, round(share * len(members)))
        parts[members[-count:]] = PARTS[2]
        parts[members[-2 * count : -count]] = PARTS[1]
    return parts


@dataclass(frozen=True, eq=False)
class EcgScale:
    """Mean and standard deviation of every ECG's scale, shapes (sheet, 1)."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, ecg: NDArray[np.floating], training_ecg: NDArray[np.floating], kind: str) -> "EcgScale":
        """Scale of ECGs (sheet, time).

        Parameters
        ----------
        ecg
            ECGs to be scaled.
        training_ecg
            Those of the training sheets.
        kind
            ``"each"``: every ECG's own mean and deviation, as the axis of the paper's Figure 2 suggests; its amplitude,
            which goes with D, is then not asked for. ``"training"``: those of all training ECGs.
        """
        values = np.asarray(ecg, dtype=np.float64)
        if kind == "each":
            return cls(values.mean(axis=1, keepdims=True), values.std(axis=1, keepdims=True))
        known = np.asarray(training_ecg, dtype=np.float64)
        one = np.ones((len(values), 1))
        return cls(known.mean() * one, known.std() * one)

    def scaled(self, ecg: NDArray[np.floating]) -> NDArray[np.float64]:
        """ECGs less the mean and over the deviation."""
        found: NDArray[np.float64] = (ecg - self.mean) / self.deviation
        return found


def draw_sheet(design: SheetDesign, seed: int, cohort: SheetCohort, case: int) -> DrawnSheet:
    """The sheet with this number; the same whatever else is drawn."""
    tissue_class = classes_of(design, cohort)[case]
    draw = case_generator(seed, "forward_surrogate", cohort, case)
    low, large = tissue_class in ("gap_junction", "combined"), tissue_class in ("fibrotic", "combined")
    diffusivity = float(draw.uniform(*(design.low_diffusivity if low else design.normal_diffusivity)))
    patches = design.large_patches if large else design.small_patches
    kind: Literal["plane", "focal"] = "focal" if draw.random() < _FOCAL_SHARE else "plane"
    while True:
        tissue = _conducting(patches, design, draw)
        stimulus, position = (_focus if kind == "focal" else _plane)(design, cohort, tissue, draw)
        conducting = tissue & _connected_to(tissue, stimulus)
        if conducting.sum() >= _REACHED * tissue.sum():
            break
    sheet = Sheet(np.where(conducting, diffusivity, 0.0), design.spacing_mm)
    return DrawnSheet(tissue_class, sheet, diffusivity, stimulus & conducting, kind, position)


def electrodes(design: SheetDesign) -> tuple[list[str], NDArray[np.float64]]:
    """Names and positions (electrode, 3) in mm of the electrodes, the reference first."""
    places = np.array([design.electrode_mm, *design.moved_electrodes_mm])
    names = [
        f"electrode_moved_{round(float(np.linalg.norm(place - places[0])))}_mm_{i}" for i, place in enumerate(places)
    ]
    return [REFERENCE, *names[1:]], places


def simulate_sheets(
    design: SheetDesign,
    seed: int,
    cohort: SheetCohort,
    cases: range,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """Draw and simulate sheets (contract SHEETS), several at a time.

    Raises
    ------
    SimulationError
        If a wave reaches less than 95 % of a sheet's conductive tissue, or diverges; the message names the sheet.
    """
    time_ms = np.arange(0, design.duration_ms + 1, design.frame_ms, dtype=np.float32)

    def one(case: int) -> tuple[DrawnSheet, SheetBeat, NDArray[np.float64], float]:
        drawn, name = draw_sheet(design, seed, cohort, case), f"{cohort} sheet {case}"
        fields = lead_fields(drawn.sheet, electrodes(design)[1])
        step = min(design.time_step_ms, stable_step_ms(drawn.sheet))
        cell = ATRIAL_CELLS[design.cell]
        started = perf_counter()
        beat = simulate_sheet(drawn.sheet, drawn.stimulus, cell, time_ms, step, fields, design.cell_nodes, name)
        seconds = perf_counter() - started
        reached = np.isfinite(beat.activation_time).sum() / drawn.sheet.conducting.sum()
        if reached < _CAPTURE:
            raise SimulationError(
                f"{name} ({drawn.tissue_class}, D {drawn.diffusivity:.3g} mm²/ms, {drawn.kind}): the wave reaches "
                f"{100 * reached:.0f} % of the tissue within {design.duration_ms} ms, at least {100 * _CAPTURE:.0f} % "
                "are needed; raise duration_ms, stimulus_mm or the diffusivity, or lower the patches' coverage"
            )
        return drawn, beat, cell_lead_fields(fields, design.cell_nodes), seconds

    found = []
    with ThreadPoolExecutor(threads) as pool:
        for done in pool.map(one, cases):
            found.append(done)
            if progress is not None:
                progress(len(found))
    return _dataset(design, time_ms, cases, found)


def _conducting(patches: Patches, design: SheetDesign, draw: np.random.Generator) -> NDArray[np.bool_]:
    length, coverage = draw.uniform(*patches.length_mm), draw.uniform(*patches.coverage)
    noise = draw.standard_normal((design.nodes, design.nodes)).astype(np.float32)
    smooth = ndimage.gaussian_filter(noise, length / design.spacing_mm, mode="reflect", truncate=3.0)
    found: NDArray[np.bool_] = smooth <= np.quantile(smooth, 1 - coverage)
    return found


def _plane(
    design: SheetDesign, cohort: SheetCohort, conducting: NDArray[np.bool_], draw: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    width = max(2, round(design.stimulus_mm / design.spacing_mm))
    stimulus = np.zeros(conducting.shape, dtype=bool)
    half = 0.5 * width * design.spacing_mm
    if cohort == "published":
        stimulus[:, :width] = True
        return stimulus, np.array([half, 0.5 * _EDGE_MM, 0])
    stimulus[:width] = True
    return stimulus, np.array([0.5 * _EDGE_MM, half, 0])


def _focus(
    design: SheetDesign, cohort: SheetCohort, conducting: NDArray[np.bool_], draw: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    position = node_positions(conducting.shape, design.spacing_mm)
    while True:
        centre = np.array([*(draw.uniform(*limits) for limits in _FOCI_MM[cohort]), 0.0])
        stimulus = np.linalg.norm(position - centre, axis=-1) <= design.stimulus_mm
        if conducting[stimulus].mean() >= _FOCUS_CONDUCTS:
            return stimulus, centre


def _connected_to(conducting: NDArray[np.bool_], stimulus: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Conductive tissue in one piece with the stimulus, or with most of it."""
    piece, _ = ndimage.label(conducting)
    largest = np.bincount(piece[stimulus & conducting]).argmax()
    found: NDArray[np.bool_] = piece == largest
    return found


def _dataset(
    design: SheetDesign,
    time_ms: NDArray[np.float32],
    cases: range,
    found: Sequence[tuple[DrawnSheet, SheetBeat, NDArray[np.float64], float]],
) -> xr.Dataset:
    drawn, beats, fields, seconds = zip(*found, strict=True)
    names, places = electrodes(design)
    cells = design.cell_nodes

    def activated(beat: SheetBeat) -> NDArray[np.floating]:
        share = cell_means(np.isfinite(beat.activation_time).astype(np.float32), cells)
        total = cell_means(np.nan_to_num(beat.activation_time), cells)
        return np.where(share > 0, total / np.maximum(share, 1e-9), np.nan)

    case, space, lead = ("case",), ("row", "column"), ("lead",)
    return xr.Dataset(
        {
            "tmp": ((*case, "time", *space), np.stack([b.tmp for b in beats])),
            "electrode_position": ((*lead, "xyz"), places.astype(np.float32)),
            "ecg": ((*case, *lead, "time"), np.stack([b.ecg for b in beats]).astype(np.float32)),
            "lead_field": ((*case, *lead, *space), np.stack(fields).astype(np.float32)),
            "activation_time": ((*case, *space), np.stack([activated(b) for b in beats]).astype(np.float32)),
            "diffusivity": (case, np.array([d.diffusivity for d in drawn], np.float32)),
            "conductive_share": (
                (*case, *space),
                np.stack([cell_means(d.sheet.conducting.astype(np.float32), cells) for d in drawn]).astype(np.float32),
            ),
            "tissue_class": (case, np.array([d.tissue_class for d in drawn])),
            "stimulus": (case, np.array([d.kind for d in drawn])),
            "stimulus_position": ((*case, "xyz"), np.stack([d.position_mm for d in drawn]).astype(np.float32)),
            "seconds": (case, np.array(seconds, np.float32)),
        },
        coords={"time": time_ms, "lead": np.array(names), "case": np.array(cases, np.int64)},
        attrs={"spacing_mm": design.spacing_mm, "cell_mm": design.spacing_mm * cells},
    )
