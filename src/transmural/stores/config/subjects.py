"""Who is studied: embedded phantoms, label images, or closed surfaces with electrodes."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from transmural.stores.config.model import Number, Section, Whole, cross_check, quantity

Vector = tuple[Number, Number, Number]
_Coordinate = Annotated[Number, Field(ge=-300, le=300)]
Tissue = Literal["torso", "lung", "lv_myocardium", "rv_myocardium", "myocardium", "lv_blood", "rv_blood"]


class Phantom(Section):
    """An analytic biventricular heart in an elliptical torso (x to the left, y to the back, z to the head)."""

    source: Literal["phantom"]
    lv_length_mm: Number = quantity("mm", "Left ventricular cavity, base to apex", ge=40, le=120)
    lv_radius_mm: Number = quantity("mm", "Left ventricular cavity, radius at the base", ge=12, le=45)
    lv_wall_mm: Number = quantity("mm", "Left ventricular wall thickness", ge=5, le=25)
    rv_radius_mm: Number = quantity("mm", "Right ventricular cavity, extent from the septum at the base", ge=12, le=50)
    rv_wall_mm: Number = quantity("mm", "Right ventricular wall thickness", ge=3, le=12)
    heart_centre_mm: tuple[_Coordinate, _Coordinate, _Coordinate] = quantity(
        "mm", "Centre of the ventricles in torso coordinates"
    )
    azimuth_deg: Number = quantity(
        "degree", "Long axis (base to apex) in the horizontal plane, 0 left, -90 front", ge=-180, le=180
    )
    elevation_deg: Number = quantity("degree", "Long axis below the horizontal plane", ge=-20, le=90)
    roll_deg: Number = quantity("degree", "Rotation of the right ventricle about the long axis", ge=-180, le=180)
    torso_semi_axes_mm: tuple[Annotated[Number, Field(ge=80, le=300)], Annotated[Number, Field(ge=60, le=250)]] = (
        quantity("mm", "Half width and half depth of the torso")
    )
    torso_height_mm: Number = quantity("mm", "Height of the torso", ge=250, le=700)
    lung_scale: Number = quantity("1", "Size of the lungs relative to the largest that fit", ge=0.3, le=1.0)

    @property
    def files(self) -> list[str]:
        """None: a phantom is computed."""
        return []


class LabelImage(Section):
    """A user's segmentation (NIfTI) with electrodes."""

    source: Literal["label_image"]
    image: str = Field(description="NIfTI file with integer labels")
    labels: dict[Tissue, Whole | list[Whole]] = Field(
        description="Value or values of each tissue in the image: torso, lung, lv_myocardium and rv_myocardium "
        "(or myocardium), lv_blood and rv_blood (found from the wall when absent); 0 is air"
    )
    electrodes: str = Field(description="CSV file with columns name, x, y, z (mm, the image's world coordinates)")
    limb_electrodes: str | None = Field(
        default=None, description="CSV file with RA, LA, LL, RL, V1 to V6; placed by rule on the torso when absent"
    )

    @property
    def files(self) -> list[str]:
        """Files as named in the configuration."""
        return [file for file in (self.image, self.electrodes, self.limb_electrodes) if file]


class Surfaces(Section):
    """Closed surfaces (STL, PLY, VTK, VTP or MATLAB) with electrodes."""

    source: Literal["surfaces"]
    heart: str | list[str] = Field(
        min_length=1,
        description="Closed surface of the ventricular wall, or of the epicardium when endocardia are named; "
        "a list of patches that close one another",
    )
    torso: str = Field(description="Closed body surface")
    lv_endocardium: str | None = Field(
        default=None, description="Surface of the left ventricular cavity, found when absent"
    )
    rv_endocardium: str | None = Field(
        default=None, description="Surface of the right ventricular cavity, found when absent"
    )
    lungs: list[str] = Field(default_factory=list, description="Closed lung surfaces; none by default")
    electrodes: str = Field(description="CSV (name, x, y, z in mm) or MATLAB file of 1-based torso node numbers")
    limb_electrodes: str | None = Field(
        default=None, description="CSV file with RA, LA, LL, RL, V1 to V6; placed by rule on the torso when absent"
    )
    millimetres_per_unit: Number = quantity("mm", "Length of one unit of the files", gt=0, default=1.0)
    left: Vector = Field(default=(1.0, 0.0, 0.0), description="Direction of the body's left in the files' coordinates")
    head: Vector = Field(default=(0.0, 0.0, 1.0), description="Direction of the head in the files' coordinates")

    @property
    def files(self) -> list[str]:
        """Files as named in the configuration."""
        heart = [self.heart] if isinstance(self.heart, str) else self.heart
        optional = [self.lv_endocardium, self.rv_endocardium, *self.lungs, self.limb_electrodes]
        return [*heart, self.torso, self.electrodes, *(file for file in optional if file)]

    @cross_check
    def _both_endocardia(self) -> Iterator[str]:
        if (self.lv_endocardium is None) != (self.rv_endocardium is None):
            yield "lv_endocardium and rv_endocardium must be named both, or neither (then they are found)"


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Subject = Annotated[Phantom | LabelImage | Surfaces, Field(discriminator="source")]
