"""Transfer matrices from the heart's surface, against concentric spheres, where every harmonic is known."""

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from scipy.stats import spearmanr
from spheres import as_anatomy, fibonacci, rdm_and_mag, settings
from spherical_mesh import sphere

from transmural.anatomy.heart_surface import heart_surface
from transmural.anatomy.image import LIMB_ELECTRODES, Label, LabelImage
from transmural.stores.contracts import SURFACE_TRANSFER, check
from transmural.stores.errors import GeometryError
from transmural.torso.surface_transfer import potential_matrix, surface_transfer, transmembrane_matrix
from transmural.torso.transfer import cardiac_source, voxel_transfer

BODY, HEART, CAVITY, VOXEL = 48.0, 24.0, 12.0, 2.0
CONFIG = settings(4, 8, torso=0.3, blood=0.3, muscle=0.3)
INTRACELLULAR_SHARE = 0.1


@pytest.fixture(scope="module")
def shell():
    """A hollow ball of muscle in a ball, all of one bulk conductivity."""
    reach = int(BODY / VOXEL) + 2
    axis = VOXEL * np.arange(-reach, reach + 1)
    r = np.sqrt(sum(a**2 for a in np.meshgrid(axis, axis, axis, indexing="ij")))
    labels = np.zeros(r.shape, dtype=np.uint8)
    for radius, label in ((BODY, Label.TORSO), (HEART, Label.LV_MYOCARDIUM), (CAVITY, Label.LV_BLOOD)):
        labels[r < radius] = label
    position = BODY * fibonacci(40 + len(LIMB_ELECTRODES))
    return as_anatomy(LabelImage(labels, VOXEL, np.full(3, axis[0])), position[:40], position[40:])


@pytest.fixture(scope="module")
def surface():
    """Outer and inner surface of the shell: vertices, triangles, and which vertices are outside."""
    (outer, faces), (inner, other) = sphere(HEART, 3), sphere(CAVITY, 2)
    vertex = np.vstack([outer, inner])
    return vertex, np.vstack([faces, other[:, ::-1] + len(outer)]), np.arange(len(vertex)) < len(outer)


def harmonic(degree, position):
    x, y, z = (position / np.linalg.norm(position, axis=1, keepdims=True)).T
    return {1: z - 0.4 * x, 2: x * y + 0.5 * (z**2 - x**2), 3: x * y * z}[degree]


def leads_of(anatomy, degree):
    """Leads of a potential on the body's surface that is a surface harmonic."""
    electrode, limb = anatomy["electrode_position"].values, anatomy["limb_electrode_position"].values[:3]
    return harmonic(degree, electrode) - harmonic(degree, limb).mean()


@pytest.fixture(scope="module")
def transmembrane(shell, surface):
    vertex, face, _ = surface
    fine = voxel_transfer(shell, CONFIG)["transfer_fine"].values[:40]
    return transmembrane_matrix(shell, fine, vertex, face, CONFIG), fine


@pytest.fixture(scope="module")
def potential(shell, surface):
    vertex, face, _ = surface
    return potential_matrix(shell, vertex, face, CONFIG)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_double_layer_on_spheres_matches_the_series(shell, surface, transmembrane, degree):
    vertex, _, outside = surface
    # Jump of sigma phi + sigma_i v at a sphere of radius b: phi(R) = -(sigma_i / sigma) (b / R)^(n + 1) v.
    given = harmonic(degree, vertex) * np.where(outside, 1.0, 0.6)
    layers = (HEART / BODY) ** (degree + 1) - 0.6 * (CAVITY / BODY) ** (degree + 1)
    rdm, mag = rdm_and_mag(
        transmembrane[0] @ given, -INTRACELLULAR_SHARE * layers * leads_of(shell, degree)
    )  # fmt: skip
    assert rdm < 0.05
    assert mag == pytest.approx(1, abs=0.1)


def test_double_layer_sees_only_the_surface_of_the_wall(shell, surface, transmembrane):
    vertex, _, outside = surface
    matrix, fine = transmembrane
    position = shell["voxel_position"].values
    radius = np.linalg.norm(position, axis=1)
    level = (radius - CAVITY) / (HEART - CAVITY)
    # Any function that vanishes on both surfaces of the wall, and one that is 1 outside and 0 inside.
    within = fine @ (level * (1 - level) * position[:, 2])
    whole = fine @ (level**2 * position[:, 2])
    assert np.linalg.norm(within) < 0.1 * np.linalg.norm(whole)
    rdm, mag = rdm_and_mag(matrix @ (outside * vertex[:, 2]), whole)
    assert rdm < 0.05
    assert mag == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_potentials_on_a_sphere_reach_the_body_as_in_the_series(shell, surface, potential, degree):
    vertex, _, outside = surface
    ratio = BODY / HEART
    gain = (2 * degree + 1) * ratio**degree / ((degree + 1) + degree * ratio ** (2 * degree + 1))
    given = potential @ (harmonic(degree, vertex) * outside)
    rdm, mag = rdm_and_mag(given, gain * harmonic(degree, shell["electrode_position"].values / BODY))
    assert rdm < 0.05
    assert mag == pytest.approx(1, abs=0.1)


def test_potentials_in_a_closed_cavity_do_not_reach_the_body(surface, potential):
    outside = surface[2]
    assert abs(potential[:, ~outside]).max() < 0.02 * abs(potential[:, outside]).max()


def test_constants_give_nothing_or_that_constant(transmembrane, potential):
    for matrix, seen in ((transmembrane[0], 0.0), (potential, 1.0)):
        assert_allclose(matrix.sum(axis=1), seen, atol=1e-12)
        assert abs(matrix).max() > 1e-4


@pytest.fixture(scope="module")
def coarse(study_config):
    return study_config.torso.model_copy(update={"heart_element_mm": 8.0, "body_element_mm": 32.0})


@pytest.fixture(scope="module")
def wall(smoke_anatomy, coarse):
    return surface_transfer(smoke_anatomy, heart_surface(smoke_anatomy, 300), coarse, "transmembrane", (20, 30))


@pytest.fixture(scope="module")
def outer(smoke_anatomy, coarse):
    surface = heart_surface(smoke_anatomy, 200, "outer")
    return surface_transfer(smoke_anatomy, surface, coarse, "potential", (20, 30))


def test_matrices_of_a_heart_fulfil_their_contract(wall, outer, smoke_anatomy):
    for one, seen in ((wall, 0.0), (outer, 1.0)):
        check(one, SURFACE_TRANSFER, "surface transfer")
        assert one["montage_size"].values.tolist() == [20] * 20 + [30] * 30
        assert one["lead"].values[[0, 20]].tolist() == ["20-E001", "30-E001"]
        assert_allclose(one["transfer"].sum("vertex"), seen, atol=1e-12)
    assert abs(wall["transfer_fine"].sum("voxel")).max() < 1e-12
    assert wall.sizes["voxel"] == smoke_anatomy.sizes["voxel"]
    assert (wall.attrs["matrix"], outer.attrs["matrix"]) == ("transmembrane", "potential")


def test_the_outer_surface_is_seen_with_positive_weights_and_best_where_it_is_near(outer):
    # Harmonic functions: what an electrode sees is a mean of the surface's potentials, the nearest counting most.
    matrix = outer["transfer"].values
    assert (matrix > -0.1 * matrix.max()).all()
    assert (matrix < 0).mean() < 0.02
    gap = outer["electrode_position"].values[:, None] - outer["vertex_position"].values
    nearness = [
        spearmanr(row, -distance).statistic for row, distance in zip(matrix, np.linalg.norm(gap, axis=2), strict=True)
    ]
    assert np.median(nearness) > 0.5


def test_transmembrane_potentials_need_the_wall(smoke_anatomy, coarse):
    surface = heart_surface(smoke_anatomy, 200, "outer")
    with pytest.raises(GeometryError, match="needs the surface of the wall"):
        surface_transfer(smoke_anatomy, surface, coarse, "transmembrane", (20,))


def test_a_front_in_the_wall_is_seen_from_its_surface(wall, smoke_anatomy, study_config):
    position = smoke_anatomy["voxel_position"].values
    middle, axis = position.mean(axis=0), np.array([0.6, 0.0, 0.8])
    voxel = 1 / (1 + np.exp(-((position - middle) @ axis) / 5))
    vertex = 1 / (1 + np.exp(-((wall["vertex_position"].values - middle) @ axis) / 5))
    rdm, mag = rdm_and_mag(wall["transfer"].values @ vertex, wall["transfer_fine"].values @ voxel)
    assert rdm < 0.15
    assert mag == pytest.approx(1, abs=0.15)


def test_source_of_a_wall_is_symmetric_so_that_one_solve_a_lead_is_enough(smoke_anatomy: xr.Dataset, study_config):
    source = cardiac_source(
        smoke_anatomy["voxel_index"].values,
        smoke_anatomy.attrs["spacing_mm"],
        smoke_anatomy["fibre"].values.astype(float),
        study_config.torso,
    )
    assert abs(source - source.T).max() == 0
