"""Study 4: beats on a heart's surface, how a field u(x, y, z, t) is fitted to one, and its rivals.

What the paper (Zhu, Bilchick & Xie 2025) calls numerical differentiation, adaptive residual network, and their
counterparts in the ablation, are the values of ``derivatives`` and ``form``. A protocol says on which surface a beat
is reconstructed, through which transfer matrix, and how it was made:

=============  ========  =============  =======================================================================
``published``  outer     potential      a wave on the very mesh, with the very parameters and matrix: an inverse crime
``finer``      outer     potential      a wave on a finer mesh, with its matrix, other velocity and other kinetics
``cells``      outer     potential      as finer, but with the cells of Mitchell and Schaeffer
``wall``       wall      transmembrane  as published, but transmembrane potentials on the muscle's own surface
``mismatch``   wall      transmembrane  in the wall, with fibres; electrodes see all of its voxels
=============  ========  =============  =======================================================================
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from transmural.stores.config.model import Number, Section, Whole, cross_check, quantity, repeated
from transmural.stores.config.networks import Training
from transmural.stores.config.subjects import Name

FieldForm = Literal["mlp", "resnet", "adaptive"]
Derivatives = Literal["automatic", "numerical"]
Protocol = Literal["published", "finer", "cells", "wall", "mismatch"]
PROTOCOLS: tuple[Protocol, ...] = ("published", "finer", "cells", "wall", "mismatch")
FINER_PROTOCOLS: tuple[Protocol, ...] = ("finer", "cells")
"""Those whose beats run on a finer mesh."""
WALL_PROTOCOLS: tuple[Protocol, ...] = ("wall", "mismatch")
"""Those on the surface of the wall; the others are on the outer surface."""


class FieldArchitecture(Section):
    """The network that maps a place and a time to the potential u and the recovery variable v."""

    form: FieldForm = Field(
        description="Blocks: h(x), x + h(x), or (1 - α) x + α h(x) with α learnt from 0 on (adaptive)"
    )
    width: Whole = quantity("1", "Units of every layer", ge=4, le=1024)
    blocks: Whole = quantity("1", "Blocks of two layers with tanh", ge=1, le=16)
    features: Whole = quantity("1", "Random Fourier frequencies, each a cosine and a sine", ge=4, le=1024)
    length_mm: Number = quantity("mm", "Length over which the random features vary", gt=0, le=200)
    duration_ms: Number = quantity("ms", "Time over which the random features vary", gt=0, le=1000)


class Physics(Section):
    """How strongly, and by which derivatives, the field has to obey the Aliev-Panfilov model."""

    derivatives: Derivatives = Field(
        description="Derivatives of the field: through the network's layers (automatic), or differences in time and "
        "the surface's Laplacian matrix (numerical)"
    )
    laplacian: Literal["tangential", "cartesian"] = Field(
        description="With automatic derivatives: Laplace-Beltrami, or ∂²/∂x² + ∂²/∂y² + ∂²/∂z² off the surface as well"
    )
    points: Whole = quantity("1", "With automatic derivatives: places of a step at which they are taken", ge=1)
    difference_ms: Number = quantity("ms", "With numerical derivatives: step Δ of central differences", gt=0, le=20)
    balancing: Literal["growth", "gradient_norms"] = Field(
        description="Weights of the residuals: `weight` times `growth` to the power of the share of the fit that is "
        "done; or such that each residual's gradient has `weight` times the norm of the misfit's"
    )
    weight: Number = quantity("1", "See balancing; 0 is a network without physics", ge=0, le=1000)
    growth: Number = quantity("1", "Factor by which the weights grow over the fit, with balancing growth", ge=1, le=1e4)
    balance_steps: Whole = quantity("1", "Steps from one balancing by gradient norms to the next", ge=1, le=10_000)
    balance_memory: Number = quantity("1", "Share of the old weight that such a balancing keeps", ge=0, lt=1)
    balance_until: Number = quantity("1", "Share of the fit after which such weights stay", gt=0, le=1)
    delay: Number = quantity("1", "Share of the fit over which weights grow from 0, or before balancing", ge=0, lt=1)

    @cross_check
    def _delay_ends_before_balancing(self) -> Iterator[str]:
        if self.delay >= self.balance_until:
            yield f"delay ({self.delay}) must be less than balance_until ({self.balance_until})"


class FieldFit(Training):
    """How the field of one beat is fitted; a batch is a run of instants, an epoch all runs of the beat."""

    architecture: FieldArchitecture
    physics: Physics
    batch_instants: Whole = quantity("1", "Consecutive instants of a gradient step", ge=2, le=1000)


class SpatioTemporal(Section):
    """Spatio-temporal regularisation (Yao & Yang 2016)."""

    window: Whole = quantity("1", "Instants on each side to which an instant is drawn", ge=1, le=50)


class FinerModel(Section):
    """How a beat is made with other mesh and parameters than those that reconstruct it (protocols finer and cells)."""

    vertices: Number = quantity("1", "Vertices of the mesh, in those that reconstruct", ge=1, le=8)
    velocity: Number = quantity("1", "Factor of the conduction velocity", ge=0.5, le=2)
    a: Number = quantity("1", "Excitation threshold a (protocol finer)", gt=0, lt=0.5)


class AmortisedMethods(Section):
    """Methods of generative_em on the beats of protocol mismatch, trained as there on the same heart."""

    methods: list[str] = Field(description="Inverse methods, by their registered names; none is possible")
    cohort: Literal["published", "rich"] = Field(description="Training cohort, one of generative_em.cohorts")

    @cross_check
    def _methods_are_distinct(self) -> Iterator[str]:
        yield from repeated("methods", self.methods)
        taken = [name for name in self.methods if name in CLASSICAL]
        if taken:
            yield f"methods ({', '.join(taken)}) have namesakes here, which reconstruct on the surface"


class SurfaceSetting(NamedTuple):
    """What is reconstructed: noise as a share of the potentials' root mean square, protocol and electrodes."""

    sigma: float
    protocol: Protocol
    electrodes: int


FIELD_NETWORKS: dict[str, tuple[Derivatives, FieldForm]] = {
    "pinn_ad": ("automatic", "mlp"),
    "ad_resnet": ("automatic", "resnet"),
    "ad_adaptive": ("automatic", "adaptive"),
    "nd_mlp": ("numerical", "mlp"),
    "nd_resnet": ("numerical", "resnet"),
    "eand_arn": ("numerical", "adaptive"),
}
"""Physics-informed networks by name: the whole grid of derivatives and forms."""
DATA_NETWORK = "data_network"
CLASSICAL = ("tikhonov0", "tikhonov1", "tikhonov2", "stre")
COMPARED_NETWORKS = (DATA_NETWORK, "pinn_ad", "eand_arn")
"""Networks of every setting; the rest of the grid is fitted in those of the ablation."""


class SurfaceMethods(Section):
    """How a beat is reconstructed by networks and by classical methods."""

    field: FieldFit
    stre: SpatioTemporal
    regularisation: Literal["l_curve", "gcv"] = Field(
        description="How Tikhonov's weights, and the one of space in STRE, are chosen"
    )

    def fit(self, network: str) -> FieldFit:
        """Settings of a network: those of EAND-ARN with other derivatives and blocks, or without physics."""
        if network == DATA_NETWORK:
            physics = self.field.physics.model_copy(update={"weight": 0.0})
            return self.field.model_copy(update={"physics": physics})
        derivatives, form = FIELD_NETWORKS[network]
        return self.field.model_copy(
            update={
                "physics": self.field.physics.model_copy(update={"derivatives": derivatives}),
                "architecture": self.field.architecture.model_copy(update={"form": form}),
            }
        )


class PhysicsInformedStudy(SurfaceMethods):
    """Study 4 (Zhu, Bilchick & Xie 2025)."""

    subjects: list[Name] = Field(min_length=1, description="Hearts, from the catalogue of subjects")
    vertices: Whole = quantity("1", "Vertices of a heart's surface", ge=100, le=10_000)
    electrodes: list[Whole] = Field(
        min_length=1, description="Sizes of the montages on the skin; the first is that of most settings"
    )
    duration_ms: Number = quantity("ms", "Duration of a beat", ge=50, le=2000)
    frame_ms: Number = quantity("ms", "Interval of the data", ge=0.5, le=20)
    cases: Whole = quantity("1", "Beats of a heart", ge=1, le=10_000)
    first_case: Whole = quantity(
        "1", "Number of the first beat; lower ones are for choosing settings and are never tested", ge=0, le=10_000
    )
    shard_cases: Whole = quantity("1", "Beats that one job reconstructs", ge=1, le=1000)
    noise: list[Number] = Field(
        min_length=1, description="Standard deviations of the noise, as shares of the potentials' root mean square"
    )
    noise_elsewhere: Number = quantity("1", "That of other protocols and further montages", gt=0, le=1)
    protocols: list[Protocol] = Field(
        min_length=1, description="How beats are made and seen; `published` has all noise levels"
    )
    finer: FinerModel
    amortised: AmortisedMethods
    seeds: Whole = quantity("1", "Fits of every network, from different first weights", ge=1, le=100)
    ablation: list[Number] = Field(description="Noise levels of `published` at which all six networks are fitted")
    ablation_cases: Whole = quantity("1", "Beats of a heart on which that is done, the first ones", ge=1, le=10_000)

    @cross_check
    def _lists_are_distinct(self) -> Iterator[str]:
        numbers = {key: [f"{value:g}" for value in getattr(self, key)] for key in ("electrodes", "noise", "ablation")}
        named: dict[str, Sequence[str]] = {"subjects": self.subjects, "protocols": self.protocols, **numbers}
        for key, names in named.items():
            yield from repeated(key, names)

    @cross_check
    def _lists_hold_possible_values(self) -> Iterator[str]:
        for count in self.electrodes:
            if not 8 <= count <= 2000:
                yield f"electrodes ({count}) must lie within 8 and 2000"
        for level in self.noise:
            if not 0 < level <= 1:
                yield f"noise ({level:g}) must lie above 0 and up to 1"

    @cross_check
    def _published_protocol_is_run(self) -> Iterator[str]:
        if "published" not in self.protocols:
            yield "protocols must hold 'published', with which the others are compared"
        for key, levels in (("ablation", self.ablation), ("noise_elsewhere", [self.noise_elsewhere])):
            unknown = [f"{level:g}" for level in levels if level not in self.noise]
            if unknown:
                yield f"{key} ({', '.join(unknown)}) must be of the levels of noise"

    @cross_check
    def _amortised_methods_have_beats(self) -> Iterator[str]:
        if self.amortised.methods and "mismatch" not in self.protocols:
            yield "amortised.methods reconstruct beats of 'mismatch', which protocols must hold"

    @cross_check
    def _beats_have_instants(self) -> Iterator[str]:
        if self.duration_ms < 4 * self.frame_ms:
            yield f"frame_ms ({self.frame_ms:g}) leaves less than five instants of duration_ms ({self.duration_ms:g})"
        if self.ablation_cases > self.cases:
            yield f"ablation_cases ({self.ablation_cases}) must be at most cases ({self.cases})"

    @property
    def settings(self) -> dict[str, SurfaceSetting]:
        """All settings by name: noise; and with noise_elsewhere other protocols, and further montages."""
        usual, *further = self.electrodes
        settings = [SurfaceSetting(level, "published", usual) for level in self.noise]
        others = [protocol for protocol in self.protocols if protocol != "published"]
        settings += [SurfaceSetting(self.noise_elsewhere, protocol, usual) for protocol in others]
        settings += [SurfaceSetting(self.noise_elsewhere, "published", count) for count in further]
        return {self._name(setting): setting for setting in settings}

    @property
    def amortised_setting(self) -> str:
        """The setting in which amortised methods reconstruct."""
        return self._name(SurfaceSetting(self.noise_elsewhere, "mismatch", self.electrodes[0]))

    def _name(self, setting: SurfaceSetting) -> str:
        protocol = "" if setting.protocol == "published" else f"_{setting.protocol}"
        electrodes = "" if setting.electrodes == self.electrodes[0] else f"_{setting.electrodes}_electrodes"
        return f"sigma_{setting.sigma:g}{protocol}{electrodes}"

    def networks(self, setting: SurfaceSetting, case: int) -> tuple[str, ...]:
        """Networks that are fitted to the beat of this number in a setting."""
        grid = setting.protocol == "published" and setting.electrodes == self.electrodes[0]
        whole = grid and setting.sigma in self.ablation and case < self.first_case + self.ablation_cases
        return (DATA_NETWORK, *FIELD_NETWORKS) if whole else COMPARED_NETWORKS
