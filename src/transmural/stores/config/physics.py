"""Geometry resolution, conductivities and the electrophysiological model."""

import math
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from transmural.stores.config.model import Number, Section, Whole, cross_check, quantity


class Anatomy(Section):
    """Resolution and rule-based fibres of every subject."""

    voxel_mm: Number = quantity("mm", "Edge of the image voxels, on which beats are simulated", ge=1.0, le=5.0)
    nodes: Whole = quantity("1", "Inference nodes (aggregated voxels)", ge=50, le=5000)
    electrodes: Whole = quantity("1", "Body-surface electrodes of a phantom", ge=16, le=400)
    fibre_endocardium_deg: Number = quantity("degree", "Helix angle at the endocardium", ge=-90, le=90)
    fibre_epicardium_deg: Number = quantity("degree", "Helix angle at the epicardium", ge=-90, le=90)


class Conductivity(Section):
    """Conductivities in S/m."""

    torso: Number = quantity("S/m", "Body, homogeneous", gt=0, le=5)
    lung: Number = quantity("S/m", "Lungs", gt=0, le=5)
    blood: Number = quantity("S/m", "Ventricular blood", gt=0, le=5)
    intracellular_along: Number = quantity("S/m", "Myocardium, intracellular, along fibres", gt=0, le=5)
    intracellular_across: Number = quantity("S/m", "Myocardium, intracellular, across fibres", gt=0, le=5)
    extracellular_along: Number = quantity("S/m", "Myocardium, extracellular, along fibres", gt=0, le=5)
    extracellular_across: Number = quantity("S/m", "Myocardium, extracellular, across fibres", gt=0, le=5)


class Torso(Section):
    """Finite-element forward problem."""

    conductivity: Conductivity
    heart_element_mm: Number = quantity("mm", "Element size in and around the heart", ge=1.0, le=10)
    body_element_mm: Number = quantity("mm", "Largest element size, away from the heart", ge=2.0, le=40)

    @cross_check
    def _coarser_away_from_the_heart(self) -> Iterator[str]:
        if self.heart_element_mm > self.body_element_mm:
            yield f"heart_element_mm ({self.heart_element_mm}) must not exceed body_element_mm ({self.body_element_mm})"


class Simulation(Section):
    """Monodomain Aliev-Panfilov model (Aliev & Panfilov 1996)."""

    conduction_velocity_m_per_s: Number = quantity("m/s", "Plane-wave velocity along fibres", ge=0.2, le=2.0)
    velocity_anisotropy: Number = quantity("1", "Velocity along over velocity across fibres", ge=1.0, le=4.0)
    time_unit_ms: Number = quantity("ms", "Milliseconds in one time unit of the model", gt=1, le=50)
    k: Number = quantity("1", "Reaction rate", gt=0, le=50)
    a: Number = quantity("1", "Excitation threshold of healthy tissue", gt=0, lt=0.3)
    epsilon0: Number = quantity("1", "Recovery rate at rest", gt=0, le=0.1)
    mu1: Number = quantity("1", "Recovery rate, slope", gt=0, le=2)
    mu2: Number = quantity("1", "Recovery rate, offset", gt=0, le=2)
    scar_a: Number = quantity("1", "Excitation threshold in the scar core", ge=0.2, lt=1.0)
    scar_threshold_a: Number = quantity("1", "Tissue is scar where a is at least this", gt=0, lt=1.0)
    scar_border_mm: Number = quantity("mm", "Width of the graded border of a scar", ge=0, le=30)
    time_step_ms: Number = quantity("ms", "Time step; refused when unstable on the voxel grid", gt=0, le=2.0)
    stimulus_radius_mm: Number = quantity("mm", "Radius of the stimulated ball", ge=2, le=25)
    capture_fraction: Number = quantity("1", "Share of the healthy voxels that a beat must activate", gt=0, le=1)
    device: Literal["auto", "cpu", "gpu"] = Field(
        description="Where beats are simulated; auto takes a GPU that numba sees. They agree to 1e-3 in u"
    )
    rest_mv: Number = quantity("mV", "Transmembrane potential at u = 0", ge=-120, le=-50)
    amplitude_mv: Number = quantity("mV", "Transmembrane potential span from u = 0 to u = 1", gt=10, le=200)

    @cross_check
    def _scar_is_less_excitable(self) -> Iterator[str]:
        if not self.a < self.scar_threshold_a <= self.scar_a:
            yield (
                f"a ({self.a}) must lie below scar_threshold_a ({self.scar_threshold_a}), "
                f"which must not exceed scar_a ({self.scar_a})"
            )


def steps_ms(simulation: Simulation, duration_ms: float, frames: int) -> float:
    """Time step of the simulation: the interval of the frames in the fewest equal parts of ``time_step_ms`` or less."""
    interval = duration_ms / (frames - 1)
    return interval / max(1, math.ceil(interval / simulation.time_step_ms * (1 - 1e-9)))


def stability_limit_ms(simulation: Simulation, voxel_mm: float) -> float:
    """A time step beyond which the simulation is unstable on every wall of these voxels; many walls need less.

    With diffusion A and kinetics of rate k/τ, explicit steps are stable up to 2 / (λ + k/τ), λ the largest eigenvalue
    of -A. The alternating potential (±1 like a chessboard) bounds it from below: along each axis in which a voxel has a
    neighbour it adds at least 4 D/h², D the diffusivity across fibres. In a wall every voxel has neighbours along two
    axes or three, so λ ≥ 8 D/h². D is the one of the continuous front, c = √(k D / 2τ) (1 - 2a) (J. D. Murray,
    «Mathematical Biology I», 3rd ed., §13.4); voxels slow the front, so the D that the simulation takes is larger.
    """
    across_mm_per_ms = simulation.conduction_velocity_m_per_s / simulation.velocity_anisotropy
    rate_per_ms = simulation.k / simulation.time_unit_ms
    diffusivity = 2 * (across_mm_per_ms / (1 - 2 * simulation.a)) ** 2 / rate_per_ms
    return 2 / (8 * diffusivity / voxel_mm**2 + rate_per_ms)
