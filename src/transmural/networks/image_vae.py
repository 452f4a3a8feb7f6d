"""Variational autoencoders of images with two or three axes (Bacoyannis et al. 2019, section 3.2, figure 2).

The encoder has two convolutions of stride 2 and a dense layer, and linear heads for mean and log-variance of the
latent variables; the decoder a dense layer, two transposed convolutions of stride 2, and one of stride 1 with a single
filter. Kernels are 3 wide in every direction and zeros surround an image, so a layer of stride 2 halves an axis,
rounded up, and its transpose gives back just that many.

The loss is the squared error plus β times the divergence KL(q(z|x) ‖ N(0, I)), in nats an image. How the error is
scaled against it is not published; Keras's example of such a network, which this one resembles layer for layer, sums
squares over the image (``misfit: sum``), which is −log p(x|z) up to a constant for a Gaussian of variance 1/2.
With the mean over the image (``mean``) the divergence weighs as much more as an image has pixels, and the latent
variables say hardly anything.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from transmural.networks.elbo import standard_divergence

Activation = Literal["relu", "tanh", "sigmoid"]

_ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
_CONVOLUTION: dict[int, type[nn.Conv2d] | type[nn.Conv3d]] = {2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: dict[int, type[nn.ConvTranspose2d] | type[nn.ConvTranspose3d]] = {
    2: nn.ConvTranspose2d,
    3: nn.ConvTranspose3d,
}
_KERNEL = 3


def convolution(axes: int) -> type[nn.Conv2d] | type[nn.Conv3d]:
    """Convolution of images with two or three axes."""
    return _CONVOLUTION[axes]


def transposed_convolution(axes: int) -> type[nn.ConvTranspose2d] | type[nn.ConvTranspose3d]:
    """Transposed convolution of images with two or three axes."""
    return _TRANSPOSED[axes]


class Trunk(nn.Module):
    """Two convolutions of stride 2 and a dense layer.

    Parameters
    ----------
    channels, shape
        Of the images read; two or three axes.
    filters, units
        Of each convolution and of the dense layer.
    activation
        After every layer.
    """

    def __init__(self, channels: int, shape: Sequence[int], filters: int, units: int, activation: Activation) -> None:
        super().__init__()
        layer, nonlinearity = convolution(len(shape)), _ACTIVATIONS[activation]
        self.layers = nn.Sequential(
            layer(channels, filters, _KERNEL, stride=2, padding=1),
            nonlinearity(),
            layer(filters, filters, _KERNEL, stride=2, padding=1),
            nonlinearity(),
            nn.Flatten(),
            nn.Linear(filters * math.prod(halved(halved(shape))), units),
            nonlinearity(),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Features (case, unit) of images (case, channel, *shape)."""
        features: Tensor = self.layers(images)
        return features


class Encoder(nn.Module):
    """A `Trunk` with heads for mean and log-variance of the latent variables, each (case, latent)."""

    def __init__(
        self, channels: int, shape: Sequence[int], settings: Mapping[str, Any], activation: Activation
    ) -> None:
        super().__init__()
        self.trunk = Trunk(channels, shape, settings["filters"], settings["dense"], activation)
        self.mean = nn.Linear(settings["dense"], settings["latent"])
        self.log_variance = nn.Linear(settings["dense"], settings["latent"])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the latent variables of images (case, channel, *shape)."""
        features = self.trunk(images)
        return self.mean(features).float(), self.log_variance(features).float()


class Decoder(nn.Module):
    """A dense layer, two transposed convolutions of stride 2 and one of stride 1, which gives one channel.

    Parameters
    ----------
    inputs
        Values it starts from.
    shape
        Of the image given.
    filters
        Of each layer but the last.
    activation, output
        After every layer but the last, and after the last.
    conditions
        Channels joined to what each layer of stride 2 gives.
    """

    def __init__(
        self, inputs: int, shape: Sequence[int], filters: int, activation: Activation, output: Activation,
        conditions: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        transposed = transposed_convolution(len(shape))
        half = halved(shape)
        self.grids = [half, tuple(shape)]
        self._start = (filters, *halved(half))
        self._activation, self._output = _ACTIVATIONS[activation](), _ACTIVATIONS[output]()
        self.dense = nn.Linear(inputs, math.prod(self._start))
        self.grow = nn.ModuleList(
            transposed(channels, filters, _KERNEL, stride=2, padding=1) for channels in (filters, filters + conditions)
        )
        self.image = transposed(filters + conditions, 1, _KERNEL, padding=1)

    def forward(self, inputs: Tensor, conditions: Sequence[Tensor] = ()) -> Tensor:
        """Images (case, *shape) from values (case, input), and conditions (case, channel, …) on both `grids`."""
        hidden = self._activation(self.dense(inputs)).unflatten(1, self._start)
        for level, (grow, grid) in enumerate(zip(self.grow, self.grids, strict=True)):
            hidden = self._activation(grow(hidden, output_size=grid))
            if conditions:
                hidden = torch.cat([hidden, conditions[level]], dim=1)
        # oneDNN takes four to nine times as long for one filter as PyTorch's own kernel.
        with torch.backends.mkldnn.flags(enabled=False, allow_tf32=None):
            image = self.image(hidden)
        found: Tensor = self._output(image).squeeze(1)
        return found


class ImageVAE(nn.Module):
    """Encoder and decoder of images of one channel.

    Parameters
    ----------
    description
        ``shape`` of an image; ``settings``, of `stores.config.image_networks.ImageVAE`; ``activation`` of hidden layers
        and ``output`` of the last.
    """

    def __init__(self, description: Mapping[str, Any]) -> None:
        super().__init__()
        self.settings = settings = description["settings"]
        shape, activation = description["shape"], description["activation"]
        self.encoder = Encoder(1, shape, settings, activation)
        self.decoder = Decoder(settings["latent"], shape, settings["filters"], activation, description["output"])

    def forward(self, images: Tensor) -> Tensor:
        """Images (case, *shape) decoded from the mean of the latent variables of images (case, *shape)."""
        mean, _ = self.encoder(images.unsqueeze(1))
        reconstructed: Tensor = self.decoder(mean).float()
        return reconstructed


def image_loss(model: ImageVAE, batch: Mapping[str, Tensor], progress: float) -> dict[str, Tensor]:
    """Loss of a batch.

    Parameters
    ----------
    model
        The autoencoder.
    batch
        ``images`` (case, *shape).
    progress
        Ignored.

    Returns
    -------
    As `loss_terms`.
    """
    images = batch["images"]
    mean, log_variance = model.encoder(images.unsqueeze(1))
    found = model.decoder(reparametrised(mean, log_variance)).float()
    return loss_terms(model.settings, found, images, torch.ones_like(images), mean, log_variance)


def loss_terms(
    settings: Mapping[str, Any], found: Tensor, images: Tensor, mask: Tensor, mean: Tensor, log_variance: Tensor
) -> dict[str, Tensor]:
    """Terms of the loss.

    Parameters
    ----------
    settings
        ``beta`` and ``misfit``.
    found, images, mask
        Decoded and true images, and where errors count (1) or don't (0), each (case, *shape).
    mean, log_variance
        Of the latent variables (case, latent).

    Returns
    -------
    ``loss``; ``squared_error``, the mean over an image's pixels that count; ``divergence`` in nats an image. Means over
    the batch.
    """
    squares = ((found - images) * mask).square().flatten(1).sum(dim=1)
    mean_squares = squares / mask.flatten(1).sum(dim=1)
    divergence = standard_divergence(mean, log_variance).sum(dim=1).mean()
    misfit = squares if settings["misfit"] == "sum" else mean_squares
    return {
        "loss": misfit.mean() + settings["beta"] * divergence,
        "squared_error": mean_squares.mean(),
        "divergence": divergence,
    }


def reparametrised(mean: Tensor, log_variance: Tensor) -> Tensor:
    """A sample of each N(mean, variance), differentiable by both (Kingma & Welling 2014)."""
    return mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)


def halved(shape: Sequence[int]) -> tuple[int, ...]:
    """What a layer of stride 2 leaves of a grid."""
    return tuple(math.ceil(size / 2) for size in shape)
