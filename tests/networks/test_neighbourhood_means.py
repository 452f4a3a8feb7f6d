import numpy as np
import torch
from lattice import lattice

from transmural.networks.neighbourhood_means import NeighbourhoodMeans


def test_means_over_neighbourhoods_keep_constants_and_widen_step_by_step():
    means = NeighbourhoodMeans(lattice(7))
    field = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 7)).astype(np.float32))
    one, two, four = means(field, (1, 2, 4))
    torch.testing.assert_close(means(torch.ones(1, 7), (4,))[0], torch.ones(1, 7))
    torch.testing.assert_close(one[:, 3], field[:, 2:5].mean(dim=1))
    torch.testing.assert_close(one[:, 0], field[:, :2].mean(dim=1))
    torch.testing.assert_close(two, means(one, (1,))[0])
    torch.testing.assert_close(four, means(two, (2,))[0])


def test_the_gradient_is_the_transposed_operator():
    means = NeighbourhoodMeans(lattice(9))
    operator = torch.stack(means(torch.eye(9), (1, 3)))
    field = torch.randn(4, 9, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weight = torch.randn(2, 4, 9, generator=torch.Generator().manual_seed(1))
    (weight * torch.stack(means(field, (1, 3)))).sum().backward()
    torch.testing.assert_close(field.grad, torch.einsum("kfn,kmn->fm", weight, operator))
