import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from sphere_heart import CONSTANTS, KINETICS, sphere
from torch import nn

from transmural.networks.surface_physics import (
    SMALL_RECOVERY,
    SurfaceModel,
    automatic_residuals,
    cartesian_frames,
    numerical_residuals,
    sparse_tensor,
    tangential_frames,
    uniform_course,
)
from transmural.tissue.aliev_panfilov import rates

RADIUS = 30.0
MODEL = SurfaceModel(4.0, **CONSTANTS)
# A harmonic of degree 3 and its Laplacian on the sphere.
HARMONIC = RADIUS**-3 * 12 / RADIUS**2


class Wave(nn.Module):
    """u = 0.5 + 0.3 xyz/r³ cos(t/20), v = 1 + 0.2 sin(t/30): degree 3 on the sphere, r the radius."""

    def forward(self, points):
        x, y, z, t = points.unbind(-1)
        u = 0.5 + 0.3 * x * y * z / RADIUS**3 * torch.cos(t / 20)
        return torch.stack([u, 1 + 0.2 * torch.sin(t / 30) + 0 * x], dim=-1)


def exact(vertices, t):
    """The residuals of `Wave`, by hand."""
    shape = 0.3 * vertices.prod(axis=1) / RADIUS**3
    u, v = 0.5 + shape * np.cos(t / 20), np.full(len(vertices), 1 + 0.2 * np.sin(t / 30))
    u_per_ms, v_per_ms = -shape * np.sin(t / 20) / 20, 0.2 * np.cos(t / 30) / 30
    laplacian = -12 / RADIUS**2 * shape * np.cos(t / 20)
    du, dv = rates(u, v, *KINETICS)
    unit = MODEL.time_unit_ms
    return unit * (u_per_ms - MODEL.diffusivity_mm2_per_ms * laplacian) - du, (unit * v_per_ms - dv) / (
        v + SMALL_RECOVERY
    )


def points(vertices, times):
    grid = np.empty((len(times), len(vertices), 4))
    grid[..., :3], grid[..., 3] = vertices, np.array(times)[:, None]
    return torch.from_numpy(grid)


def numerical(surface, t, difference):
    before, now, after = (Wave()(points(surface.vertices, [t + s * difference])) for s in (-1, 0, 1))
    laplacian = sparse_tensor(surface.laplacian).double()
    return numerical_residuals(MODEL, before, now, after, difference, laplacian)


def test_differences_in_time_are_of_second_order():
    surface = sphere(2, RADIUS)
    expected = exact(surface.vertices, 17.0)[1]
    found = [numerical(surface, 17.0, step).recovery[0].numpy() for step in (8.0, 4.0, 2.0)]
    errors = np.array([np.abs(f - expected).max() for f in found])
    orders = np.log2(errors[:-1] / errors[1:])
    assert np.allclose(orders, 2, atol=0.05)


def test_numerical_residuals_approach_the_analytic_ones_with_the_mesh():
    errors = []
    for frequency in (4, 8):
        surface = sphere(frequency, RADIUS)
        found = numerical(surface, 17.0, 0.01).potential[0].numpy()
        expected = exact(surface.vertices, 17.0)[0]
        errors.append(np.sqrt(np.mean((found - expected) ** 2)))
    assert errors[1] < 0.5 * errors[0]


def test_automatic_residuals_are_the_analytic_ones_on_the_surface():
    surface = sphere(3, RADIUS)
    # The sphere's own curvature: that of a mesh is tested below.
    frames = tangential_frames(surface.normals, surface.vertices, surface.laplacian)
    drift = torch.from_numpy(-2 / RADIUS * surface.normals)
    frames = type(frames)(frames.directions.double(), drift)
    found = automatic_residuals(MODEL, Wave(), points(surface.vertices, [17.0])[0], frames)
    for residual, expected in zip(found, exact(surface.vertices, 17.0), strict=True):
        np.testing.assert_allclose(residual.detach().numpy(), expected, atol=1e-6)


def test_curvature_of_a_sphere_follows_from_its_laplacian():
    surface = sphere(6, RADIUS)
    frames = tangential_frames(surface.normals, surface.vertices, surface.laplacian)
    error = frames.drift.numpy() + 2 / RADIUS * surface.normals
    assert np.sqrt(np.mean(error**2)) < 0.05 / RADIUS
    gram = frames.directions @ frames.directions.transpose(1, 2)
    torch.testing.assert_close(gram, torch.eye(2).expand_as(gram), atol=1e-5, rtol=0)
    along = (frames.directions * torch.from_numpy(surface.normals).float()[:, None]).sum(2)
    assert along.abs().max() < 1e-5


def test_cartesian_laplacian_is_another_one():
    """Off the sphere the wave is harmonic, so its Cartesian Laplacian is zero whatever it does on the surface."""
    surface = sphere(3, RADIUS)
    where = points(surface.vertices, [0.0])[0]
    frames = cartesian_frames(len(where))
    frames = type(frames)(frames.directions.double(), frames.drift.double())
    found = automatic_residuals(MODEL, Wave(), where, frames).potential.detach().numpy()
    u = Wave()(where)[:, 0].numpy()
    np.testing.assert_allclose(found, -rates(u, 1.0, *KINETICS)[0], atol=1e-9)
    assert np.abs(found - exact(surface.vertices, 0.0)[0]).max() > 0.01


@pytest.mark.parametrize("derivatives", ["numerical", "automatic"])
def test_a_uniform_solution_of_the_kinetics_has_no_residual(derivatives):
    """u and v of the whole surface follow the two equations without diffusion, solved to 1e-10."""
    start, unit = [0.6, 0.2], MODEL.time_unit_ms
    solved = solve_ivp(
        lambda t, x: np.array(rates(*x, *KINETICS)) / unit, (0, 60), start, dense_output=True, rtol=1e-10, atol=1e-12
    ).sol
    surface = sphere(2, RADIUS)
    if derivatives == "numerical":
        uniform = np.ones((1, len(surface.vertices), 1))
        fields = [torch.from_numpy(uniform * solved(t)) for t in (29.9, 30.0, 30.1)]
        found = numerical_residuals(MODEL, *fields, 0.1, sparse_tensor(surface.laplacian).double())
        tolerance = 1e-5
    else:
        slope = np.array(rates(*solved(30.0), *KINETICS)) / unit

        class Tangent(nn.Module):
            def forward(self, points):
                return (
                    torch.from_numpy(solved(30.0))
                    + torch.from_numpy(slope) * (points[:, 3:] - 30.0)
                    + 0 * points[:, :1] ** 2
                )

        frames = tangential_frames(surface.normals, surface.vertices, surface.laplacian)
        where = points(surface.vertices, [30.0])[0]
        found = automatic_residuals(
            MODEL, Tangent(), where, type(frames)(frames.directions.double(), frames.drift.double())
        )
        tolerance = 1e-10
    for residual in found:
        assert residual.detach().abs().max() < tolerance


def test_rest_has_no_residual():
    surface, rest = sphere(2, RADIUS), torch.zeros(3, 1, 42, 2)
    found = numerical_residuals(MODEL, *rest, 1.0, sparse_tensor(surface.laplacian))
    assert not found.potential.any()
    assert not found.recovery.any()


def test_uniform_course_is_an_action_potential_without_residual():
    first, step, values = uniform_course(MODEL, 5.0, 400.0)
    assert (first, step) == (4.0, 1.0)
    assert values[0].tolist() == [0.0, 0.0]
    assert values[1].tolist() == [1.0, 0.0]
    assert values[-1, 0] < 0.1
    before, now, after = (values[50 + s, None, None].expand(1, 42, 2) for s in (-1, 0, 1))
    found = numerical_residuals(MODEL, before, now, after, 1.0, sparse_tensor(sphere(2, RADIUS).laplacian))
    assert max(float(r.abs().max()) for r in found) < 2e-3
