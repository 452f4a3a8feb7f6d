"""Adam (Kingma & Ba 2015, algorithm 1) on a few tensors.

As PyTorch's, which first loads a compiler that nothing here uses: 1.4 s in every process, as long as a few cases take.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

_SMALL = 1e-8


class Adam:
    """Steps of gradient descent.

    Parameters
    ----------
    values
        Leaves that require a gradient; changed in place.
    rates
        Step size of each.
    betas
        Decay of the gradient's first and second moments.
    """

    def __init__(self, values: Sequence[Tensor], rates: Sequence[float], betas: tuple[float, float] = (0.9, 0.999)):
        self._values, self._rates, self._betas = list(values), list(rates), betas
        self._first, self._second = ([torch.zeros_like(value) for value in values] for _ in range(2))
        self._steps = 0

    @torch.no_grad()
    def step(self, share: float = 1.0) -> None:
        """Step by the values' gradients, with ``share`` of the step sizes, and clear the gradients."""
        self._steps += 1
        first_share, second_share = (1 - beta**self._steps for beta in self._betas)
        for value, rate, first, second in zip(self._values, self._rates, self._first, self._second, strict=True):
            gradient = value.grad
            if gradient is None:
                raise ValueError("a value has no gradient; call backward before the step")
            first.lerp_(gradient, 1 - self._betas[0])
            second.mul_(self._betas[1]).addcmul_(gradient, gradient, value=1 - self._betas[1])
            root = (second / second_share).sqrt_().add_(_SMALL)
            value.addcdiv_(first, root, value=-rate * share / first_share)
            value.grad = None
