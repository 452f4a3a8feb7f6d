"""How study 7 fits a field u(x, y, z, t) to the body-surface potentials of one beat, and its classical rivals.

What the paper (Zhu, Bilchick & Xie 2025) calls numerical differentiation, adaptive residual network, and their
counterparts in the ablation, are the values of ``derivatives`` and ``form``.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from transmural.stores.config.model import Number, Section, Whole, cross_check, quantity
from transmural.stores.config.networks import Training

FieldForm = Literal["mlp", "resnet", "adaptive"]
Derivatives = Literal["automatic", "numerical"]
FIELD_FORMS: tuple[FieldForm, ...] = ("mlp", "resnet", "adaptive")
DERIVATIVES: tuple[Derivatives, ...] = ("automatic", "numerical")


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
