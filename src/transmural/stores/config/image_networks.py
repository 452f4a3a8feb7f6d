"""How the autoencoders of body-surface potentials and activation maps on grids are trained (Bacoyannis et al. 2019)."""

from typing import Literal

from pydantic import Field

from transmural.stores.config.model import Number, Section, Whole, quantity
from transmural.stores.config.networks import Training


class ImageVAE(Training):
    """A variational autoencoder of images (Bacoyannis et al. 2019, section 3.2)."""

    latent: Whole = quantity("1", "Latent variables (published: 6; conditional: 16)", ge=1, le=1024)
    filters: Whole = quantity("1", "Filters of a convolution (published: 16)", ge=1, le=512)
    dense: Whole = quantity("1", "Units of the encoder's dense layer (not published)", ge=1, le=4096)
    beta: Number = quantity("1", "Weight of the divergence (published: 1; conditional: 5)", ge=0, le=1e6)
    misfit: Literal["sum", "mean"] = Field(
        description="Whether squared errors are summed over an image or averaged, against a divergence in nats an image"
    )


class ConditionalVAE(ImageVAE):
    """The β-CVAE of activation maps (Bacoyannis et al. 2019, figure 3)."""

    bsp_samples: Whole = quantity(
        "1", "Times to which body-surface potentials are averaged; each becomes a channel (not published)", ge=1, le=512
    )
    monitor: Literal["loss", "prior_squared_error"] = Field(
        description="What of the validation picks the best epoch: the loss, or the error of samples from the prior"
    )


class FullyConditionedVAE(ConditionalVAE):
    """Our β-CVAE, whose decoder is told all potentials and the whole wall."""

    condition_hidden: Whole = quantity("1", "Units of the first layer that reads all potentials", ge=1, le=4096)
    condition_units: Whole = quantity("1", "Units of the second, which starts the decoder", ge=1, le=4096)
    fine_filters: Whole = quantity("1", "Filters of the decoder at half the image's resolution", ge=1, le=512)


class ImageNetworks(Section):
    """A section a network; `conditioned_*` are of ours, the others as published."""

    bsp_vae: ImageVAE
    map_vae: ImageVAE
    cvae_2d: ConditionalVAE
    cvae_3d: ConditionalVAE
    conditioned_2d: FullyConditionedVAE
    conditioned_3d: FullyConditionedVAE
