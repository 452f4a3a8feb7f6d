"""What the methods are put to the test with: ECGs made otherwise than the methods believe.

A list of levels is a variation; its name is the key with its section's, such as ``pose.shift_mm``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from transmural.stores.config.model import Number, Section, Whole, cross_check, quantity
from transmural.stores.config.subjects import Vector

_Decibels = Annotated[Number, Field(ge=-10, le=120)]
_Shift = Annotated[Number, Field(ge=0, le=50)]
_Angle = Annotated[Number, Field(ge=-45, le=45)]
_Factor = Annotated[Number, Field(ge=0.1, le=10)]
_Change = Annotated[Number, Field(ge=0.5, le=2)]
_Threshold = Annotated[Number, Field(ge=0.01, le=0.29)]


@dataclass(frozen=True)
class Variation:
    """One thing that is made otherwise, and how much.

    Attributes
    ----------
    section, key
        Where its levels stand in the configuration.
    level
        The level.
    unit
        Of the level.
    """

    section: str
    key: str
    level: float
    unit: str

    @property
    def name(self) -> str:
        """Name in scores and tables."""
        return f"{self.section}.{self.key}"


class Variations(Section):
    """Lists of levels; other keys say how they are meant."""

    def of(self, section: str) -> list[Variation]:
        """Every level of every list, in order; ``section`` is where they stand."""
        found = []
        for key, field in type(self).model_fields.items():
            extra: Any = field.json_schema_extra
            levels = getattr(self, key)
            if isinstance(levels, list):
                found += [Variation(section, key, float(level), str(extra["unit"])) for level in levels]
        return found


class Noise(Variations):
    """Other noise."""

    snr_db: list[_Decibels] = quantity("dB", "Signal-to-noise ratios, each with the same draws of noise")


class Electrodes(Variations):
    """A vest put on wrong: all body-surface electrodes lie elsewhere on the skin."""

    shift_mm: list[_Shift] = quantity("mm", "How far they are moved, before they are put back on the skin")
    towards: Vector = quantity("1", "Direction (x to the left, y to the back, z to the head)")

    @cross_check
    def _has_a_direction(self) -> Iterator[str]:
        yield from _no_direction("towards", self.towards)


class Pose(Variations):
    """The heart lies elsewhere in the body."""

    shift_mm: list[_Shift] = quantity("mm", "How far the heart is moved")
    towards: Vector = quantity("1", "Direction (x to the left, y to the back, z to the head)")
    rotation_deg: list[_Angle] = quantity("degree", "How far the heart is turned about its centre")
    axis: Vector = quantity("1", "Axis about which it turns, by the right hand")

    @cross_check
    def _has_directions(self) -> Iterator[str]:
        yield from _no_direction("towards", self.towards)
        yield from _no_direction("axis", self.axis)


class Conductivities(Variations):
    """Tissues conduct otherwise."""

    lung: list[_Factor] = quantity("1", "Factors on the conductivity of the lungs")
    blood: list[_Factor] = quantity("1", "Factors on the conductivity of the blood")
    muscle_across: list[_Factor] = quantity("1", "Factors on the conductivities of the myocardium across its fibres")


class Tissue(Variations):
    """Beats of another Aliev-Panfilov model."""

    velocity: list[_Change] = quantity("1", "Factors on the conduction velocity")
    recovery: list[_Change] = quantity(
        "1", "Factors on the rate of recovery (epsilon0 and mu1); less makes action potentials longer"
    )
    a: list[_Threshold] = quantity("1", "Excitation thresholds of healthy tissue, velocity kept")


class VariedCases(Section):
    """What is varied, and in which cases."""

    setting: str = Field(description="Test setting from `settings`")
    cases: Whole = quantity("1", "Test cases at most, the first ones of the setting", ge=2, le=1000)
    noise: Noise
    electrodes: Electrodes
    pose: Pose
    conductivity: Conductivities
    tissue: Tissue

    @classmethod
    def section(cls, name: str, values: Mapping[str, Any]) -> Variations:
        """One section by its name, from its values."""
        model: Any = cls.model_fields[name].annotation
        section: Variations = model.model_validate(values)
        return section

    def variations(self) -> list[Variation]:
        """Every level of every variation, in the order of the configuration."""
        sections = {name: getattr(self, name) for name in VariedCases.model_fields}
        return [v for name, section in sections.items() if isinstance(section, Variations) for v in section.of(name)]


class Robustness(VariedCases):
    """Robustness to noise and to what the methods' model gets wrong."""

    hearts: Whole = quantity("1", "Hearts: the first so many of `subjects`; 0 leaves robustness out", ge=0, le=100)
    methods: list[str] = Field(description="Inverse methods, as far as `methods` has them")


def _no_direction(key: str, vector: tuple[float, float, float]) -> Iterator[str]:
    if not any(vector):
        yield f"{key} = {vector} must be a direction, not zero"
