"""Study 2: hearts, images, which networks are trained on which of them, and how they are tested."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from pydantic import Field

from transmural.stores.config.activation_images import ActivationImageDesign
from transmural.stores.config.image_networks import ImageNetworks, ImageVAE
from transmural.stores.config.model import Number, Section, Whole, cross_check, quantity, repeated
from transmural.stores.config.subjects import Name

ImageCohort = Literal["slices", "volumes"]
ImageSplit = Literal["random", "heart_out"]

CONDITIONAL = ("cvae", "cvae_conditioned")
"""Forms that see potentials and wall: as published, and ours."""

ELECTRODE_AXES: dict[ImageCohort, tuple[int | None, int]] = {"slices": (None, 1), "volumes": (2, 0)}
"""Axes of an image along which rows and columns of the electrodes follow one another; rows stand across a slice."""

_DIMENSIONS: dict[ImageCohort, int] = {"slices": 2, "volumes": 3}


class ImageTraining(NamedTuple):
    """A network that is trained: on slices or volumes, split how, and in which form."""

    cohort: ImageCohort
    split: ImageSplit
    form: str


class ImageParts(Section):
    """Which hearts there are, and how their maps train, choose and test networks."""

    hearts: Whole = quantity("1", "Phantom hearts, shape and pose drawn at random", ge=0, le=1000)
    subjects: list[Name] = Field(description="Further hearts, from the catalogue of subjects")
    test_share: Number = quantity("1", "Share of the maps that test where maps are split at random", gt=0, le=0.5)
    test_hearts: Whole = quantity(
        "1", "Hearts that test where hearts are held out, the last ones, subjects after phantoms", ge=1, le=100
    )
    test_maps: Whole = quantity(
        "1", "Maps of a held-out heart that are tested at most, the first ones; further ones aren't used",
        ge=2, le=100_000,
    )  # fmt: skip
    validation_share: Number = quantity("1", "Share of the other maps that choose the epoch", gt=0, le=0.5)

    @cross_check
    def _hearts_train_and_test(self) -> Iterator[str]:
        hearts = self.hearts + len(self.subjects)
        if hearts <= self.test_hearts:
            yield (
                f"test_hearts ({self.test_hearts}) must be fewer than hearts ({self.hearts}) and subjects "
                f"({len(self.subjects)}) together, so that one trains"
            )

    @cross_check
    def _subjects_are_no_phantoms(self) -> Iterator[str]:
        taken = [name for name in self.subjects if name.startswith("volunteer_")]
        if taken:
            yield f"subjects names {taken}; hearts that are drawn are called volunteer_…, so choose another name"


class ConditionalVAEStudy(ImageParts):
    """Study 2 (Bacoyannis et al. 2019)."""

    voxel_mm: Number = quantity(
        "mm", "Edge of the voxels of these hearts' anatomies, from which images are made", ge=1, le=4
    )
    slices: ActivationImageDesign
    volumes: ActivationImageDesign
    networks: ImageNetworks
    betas: list[Number] = Field(description="Further weights β of the divergence, each trained on slices")
    latents: list[Whole] = Field(description="Further numbers of latent variables, each trained on slices")
    samples: Whole = quantity("1", "Maps that a conditional network draws of a case (published: 10)", ge=2, le=1000)

    @cross_check
    def _images_have_their_dimensions(self) -> Iterator[str]:
        for cohort, dimensions in _DIMENSIONS.items():
            found = getattr(self, cohort).dimensions
            if found != dimensions:
                yield f"{cohort}.dimensions ({found}) must be {dimensions}"

    @cross_check
    def _each_part_has_maps(self) -> Iterator[str]:
        hearts = self.hearts + len(self.subjects)
        for cohort in _DIMENSIONS:
            maps = getattr(self, cohort).maps
            known = (hearts - self.test_hearts) * maps
            if hearts * maps < 8:
                yield f"{cohort}.maps ({maps}): all hearts have {hearts * maps} maps together; eight or more are needed"
            elif 0 < known < 4:
                yield f"{cohort}.maps ({maps}): hearts that don't test have {known} maps; four or more are needed"

    @cross_check
    def _lists_are_distinct(self) -> Iterator[str]:
        swept = {key: [f"{value:g}" for value in getattr(self, key)] for key in ("betas", "latents")}
        for key, names in {"subjects": self.subjects, **swept}.items():
            yield from repeated(key, names)

    @cross_check
    def _published_values_are_not_swept(self) -> Iterator[str]:
        published = self.networks.cvae_2d
        for key, values, value in (("betas", self.betas, published.beta), ("latents", self.latents, published.latent)):
            if value in values:
                yield f"{key} holds {value:g}, which networks.cvae_2d has already; leave it out"

    @cross_check
    def _swept_values_are_possible(self) -> Iterator[str]:
        for beta in self.betas:
            if not 0 <= beta <= 1e6:
                yield f"betas ({beta:g}) must lie within 0 and 1e6"
        for latent in self.latents:
            if not 1 <= latent <= 1024:
                yield f"latents ({latent}) must lie within 1 and 1024"

    @property
    def trainings(self) -> list[ImageTraining]:
        """All networks of the study."""
        slices: list[ImageSplit] = ["random", "heart_out"]
        forms = ["bsp_vae", "map_vae", *CONDITIONAL]
        swept = [*(f"cvae_beta_{beta:g}" for beta in self.betas), *(f"cvae_latent_{size}" for size in self.latents)]
        return [
            *(ImageTraining("slices", split, form) for split in slices for form in forms),
            *(ImageTraining("slices", "random", form) for form in swept),
            *(ImageTraining("volumes", "heart_out", form) for form in CONDITIONAL),
        ]

    def network(self, training: ImageTraining) -> ImageVAE:
        """Settings of a network."""
        form, kind = training.form, f"{_DIMENSIONS[training.cohort]}d"
        if form in ("bsp_vae", "map_vae"):
            found: ImageVAE = getattr(self.networks, form)
            return found
        named: dict[str, ImageVAE] = {
            "cvae": getattr(self.networks, f"cvae_{kind}"),
            "cvae_conditioned": getattr(self.networks, f"conditioned_{kind}"),
        }
        published = named["cvae"]
        named |= {f"cvae_beta_{beta:g}": published.model_copy(update={"beta": beta}) for beta in self.betas}
        named |= {f"cvae_latent_{size}": published.model_copy(update={"latent": size}) for size in self.latents}
        return named[form]
