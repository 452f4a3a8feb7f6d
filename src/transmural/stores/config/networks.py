"""How networks are trained: what every training has in common, and a section a network."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, TypeAdapter

from transmural.stores.config.model import Number, Section, Whole, cross_check, quantity


class TrainingResources(Section):
    """Where networks are trained."""

    device: Literal["auto", "cpu", "gpu"] = Field(
        description="Where networks are trained; auto takes a GPU that torch sees. Bits are the same on one CPU only"
    )
    gpu_batch_multiple: Whole = quantity(
        "1", "Factor by which batches are larger on a GPU; the learning rate grows with its square root", ge=1, le=256
    )


class Training(Section):
    """How a network is trained."""

    epochs: Whole = quantity("1", "Passes over the training beats at most", ge=1, le=100000)
    least_steps: Whole = quantity(
        "1", "Gradient steps at least: a small cohort gets more epochs than `epochs`", ge=0, le=10_000_000
    )
    batch_cases: Whole = quantity("1", "Beats of a gradient step at most", ge=1, le=10000)
    learning_rate: Number = quantity("1", "Largest step size of Adam", gt=0, le=1)
    schedule: Literal["cosine", "constant", "plateau"] = Field(
        description="How the learning rate falls: along half a cosine after a short linear warm-up, not at all, or "
        "halved when the validation loss has not improved for five epochs"
    )
    optimiser: Literal["adam", "nadam", "rmsprop"] = Field(
        "adam", description="What makes steps of gradients: Adam, Adam with Nesterov's momentum, or RMSprop"
    )
    weight_decay: Number = quantity("1", "Decoupled weight decay (AdamW); 0 is Adam", ge=0, le=1)
    clip_norm: Number = quantity("1", "Largest norm of the gradient; longer ones are shortened to it", gt=0)
    patience_epochs: Whole = quantity(
        "1", "Epochs without a better validation loss after which training stops", ge=1, le=100000
    )

    @cross_check
    def _rmsprop_has_no_decoupled_decay(self) -> Iterator[str]:
        if self.optimiser == "rmsprop" and self.weight_decay:
            yield f"weight_decay ({self.weight_decay}) must be 0 with the optimiser rmsprop, or choose adam or nadam"


class SequentialVAE(Training):
    """The sequential variational autoencoder (Ghimire et al. 2018, section 2)."""

    hidden: Whole = quantity("1", "Units of the first LSTM of encoder and decoder (published: 800)", ge=1, le=4096)
    latent: Whole = quantity("1", "Latent variables a frame (published: 50)", ge=1, le=1024)
    mean_units: Whole = quantity(
        "1", "Units of the LSTM behind the decoder's mean; 0 for one a node (published)", ge=0, le=4096
    )
    variance_units: Whole = quantity(
        "1", "Units of the LSTM behind the decoder's variance; 0 for one a node (published)", ge=0, le=4096
    )
    components: Whole = quantity(
        "1", "Principal components of the potentials that the encoder reads; 0 for the nodes (published)", ge=0, le=4096
    )
    heads: Literal["affine", "bare"] = Field(
        description="Means and log-variances: unbounded through an affine layer, or bare within (-1, 1) as released"
    )
    sd_floor: Number = quantity("1", "Least standard deviation of the potentials with affine heads", gt=0, le=1)
    kl_scaling: Literal["proper", "released"] = Field(
        description="Weight of the divergence: 1, or nodes over latent variables as in the authors' release"
    )
    kl_warmup: Number = quantity("1", "Share of the training over which that weight grows from 0", ge=0, le=1)
    likelihood_every: Whole = quantity(
        "1", "A gradient step looks at the likelihood of one frame in this many, from a random one on", ge=1, le=100
    )
    residual_modes: Whole = quantity(
        "1", "Modes of the correlation between nodes of what the decoder leaves over; 0 for none", ge=0, le=2000
    )

    @cross_check
    def _components_are_read_by_narrow_heads(self) -> Iterator[str]:
        if self.components and not self.mean_units:
            yield (
                f"components ({self.components}) need mean_units above 0: a head of a unit a node can't start from them"
            )


class ActivationMapVAE(Training):
    """The variational autoencoder of activation, repolarisation and amplitude maps."""

    scar_modes: Whole = quantity("1", "Latent variables of the scar's level set", ge=1, le=2000)
    hidden: Whole = quantity("1", "Units of the network that turns arrival and scar into maps", ge=1, le=4096)
    embedding: Whole = quantity("1", "Learnt features of each node", ge=0, le=256)
    origin_components: Whole = quantity("1", "Components of the corrections by origin", ge=1, le=512)
    roughness: Number = quantity(
        "1", "Weight of the roughness of velocity tensors, divided by the number of training origins", ge=0, le=1e6
    )
    origin_penalty: Number = quantity(
        "1", "Weight of the size of corrections by origin, divided by the number of training origins", ge=0, le=1e6
    )


class ForwardSurrogate(Training):
    """The surrogate of the forward problem on a sheet (Ogbomo-Harmitt et al. 2025, section 2.2).

    The paper gives no sizes; the last five fields change or remove parts of it, as its ablation study does.
    """

    channels_first: Whole = quantity("1", "Channels of the encoder's first convolution", ge=1, le=1024)
    channels_second: Whole = quantity("1", "Channels of the encoder's second convolution", ge=1, le=1024)
    pooled: Whole = quantity("1", "Rows and columns that adaptive pooling leaves of a map", ge=1, le=64)
    hidden: Whole = quantity("1", "Length of a frame's latent vector", ge=1, le=4096)
    units: Whole = quantity("1", "Units of the LSTM decoder", ge=1, le=4096)
    attention_units: Whole = quantity("1", "Units of the additive attention", ge=1, le=4096)
    embedding: Whole = quantity("1", "Length of a time embedding, sines and cosines", ge=2, le=1024)
    head_units: Whole = quantity("1", "Units between the two linear layers that give the ECG", ge=1, le=4096)
    dropout: Number = quantity("1", "Share of the encoder's features left out in training", ge=0, lt=1)
    symmetries: bool = Field(
        description="Whether training turns and mirrors sheets, which changes no ECG above the sheet's centre (ours)"
    )
    maps: Literal["currents", "potentials"] = Field(
        description="What the convolutions are given: potentials, as published, or the currents that they show (ours)"
    )
    encoder: Literal["cnn", "mean_voltage"] = Field(
        description="What gives the latent vectors: convolutions over the map, or its mean voltage alone"
    )
    attention: bool = Field(description="Whether the decoder is given a context from the frames of all times")
    time_embedding: bool = Field(description="Whether attention and decoder are told the time of the frames")
    spectral_entropy: bool = Field(description="Whether the loss has the difference of the spectral entropies in it")

    @cross_check
    def _sines_and_cosines_come_in_pairs(self) -> Iterator[str]:
        if self.embedding % 2:
            yield f"embedding ({self.embedding}) must be even: half of it are sines, half cosines"


class Networks(Section):
    """How networks are trained, a section a network."""

    sequential_vae: SequentialVAE
    activation_map_vae: ActivationMapVAE


def network_settings(name: str, values: Mapping[str, Any]) -> Training:
    """Settings of the network with this name from plain values."""
    section: Any = Networks.model_fields[name].annotation
    return TypeAdapter[Training](section).validate_python(values)
