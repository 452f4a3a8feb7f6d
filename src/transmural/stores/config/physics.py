"""Geometry resolution, conductivities and the electrophysiological model."""

from typing import Self

from pydantic import model_validator

from transmural.stores.config.model import Section, quantity


class Anatomy(Section):
    """Resolution and rule-based fibres of every subject."""

    voxel_mm: float = quantity("mm", "Edge of the image voxels, on which beats are simulated", ge=1.0, le=5.0)
    nodes: int = quantity("1", "Inference nodes (aggregated voxels)", ge=50, le=5000)
    electrodes: int = quantity("1", "Body-surface electrodes of a phantom", ge=16, le=400)
    fibre_endocardium_deg: float = quantity("degree", "Helix angle at the endocardium", ge=-90, le=90)
    fibre_epicardium_deg: float = quantity("degree", "Helix angle at the epicardium", ge=-90, le=90)


class Conductivity(Section):
    """Conductivities in S/m."""

    torso: float = quantity("S/m", "Body, homogeneous", gt=0, le=5)
    lung: float = quantity("S/m", "Lungs", gt=0, le=5)
    blood: float = quantity("S/m", "Ventricular blood", gt=0, le=5)
    intracellular_along: float = quantity("S/m", "Myocardium, intracellular, along fibres", gt=0, le=5)
    intracellular_across: float = quantity("S/m", "Myocardium, intracellular, across fibres", gt=0, le=5)
    extracellular_along: float = quantity("S/m", "Myocardium, extracellular, along fibres", gt=0, le=5)
    extracellular_across: float = quantity("S/m", "Myocardium, extracellular, across fibres", gt=0, le=5)


class Torso(Section):
    """Finite-element forward problem."""

    conductivity: Conductivity
    heart_element_mm: float = quantity("mm", "Element size in and around the heart", ge=1.0, le=10)
    body_element_mm: float = quantity("mm", "Largest element size, away from the heart", ge=2.0, le=40)

    @model_validator(mode="after")
    def _coarser_away_from_the_heart(self) -> Self:
        if self.heart_element_mm > self.body_element_mm:
            raise ValueError(
                f"heart_element_mm ({self.heart_element_mm}) must not exceed body_element_mm ({self.body_element_mm})"
            )
        return self


class Simulation(Section):
    """Monodomain Aliev-Panfilov model (Aliev & Panfilov 1996)."""

    conduction_velocity_m_per_s: float = quantity("m/s", "Plane-wave velocity along fibres", ge=0.2, le=2.0)
    velocity_anisotropy: float = quantity("1", "Velocity along over velocity across fibres", ge=1.0, le=4.0)
    time_unit_ms: float = quantity("ms", "Milliseconds in one time unit of the model", gt=1, le=50)
    k: float = quantity("1", "Reaction rate", gt=0, le=50)
    a: float = quantity("1", "Excitation threshold of healthy tissue", gt=0, lt=0.3)
    epsilon0: float = quantity("1", "Recovery rate at rest", gt=0, le=0.1)
    mu1: float = quantity("1", "Recovery rate, slope", gt=0, le=2)
    mu2: float = quantity("1", "Recovery rate, offset", gt=0, le=2)
    scar_a: float = quantity("1", "Excitation threshold in the scar core", ge=0.2, lt=1.0)
    scar_threshold_a: float = quantity("1", "Tissue is scar where a is at least this", gt=0, lt=1.0)
    scar_border_mm: float = quantity("mm", "Width of the graded border of a scar", ge=0, le=30)
    time_step_ms: float = quantity("ms", "Time step; refused when unstable on the voxel grid", gt=0, le=2.0)
    stimulus_radius_mm: float = quantity("mm", "Radius of the stimulated ball", ge=2, le=25)
    capture_fraction: float = quantity("1", "Share of the healthy voxels that a beat must activate", gt=0, le=1)
    rest_mv: float = quantity("mV", "Transmembrane potential at u = 0", ge=-120, le=-50)
    amplitude_mv: float = quantity("mV", "Transmembrane potential span from u = 0 to u = 1", gt=10, le=200)

    @model_validator(mode="after")
    def _scar_is_less_excitable(self) -> Self:
        if not self.a < self.scar_threshold_a <= self.scar_a:
            raise ValueError(
                f"a ({self.a}) must lie below scar_threshold_a ({self.scar_threshold_a}), "
                f"which must not exceed scar_a ({self.scar_a})"
            )
        return self
