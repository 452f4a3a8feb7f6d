import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal

from transmural.anatomy.heart_surface import heart_surface
from transmural.cohorts.surface_beats import beats_of_finer_surface, noisy_ecg, origin_vertices, simulate_surface_beats
from transmural.stores.contracts import SURFACE_BEATS, check
from transmural.stores.errors import SimulationError
from transmural.stores.store import open_store, write_store

TIME = np.linspace(0.0, 400.0, 41)
SITES = [[10], [100, 200]]


@pytest.fixture(scope="module")
def transfer(smoke_anatomy):
    """The surface of the heart, with random matrices for six leads that give nothing for constant potentials."""
    return random_transfer(smoke_anatomy, 400)


def random_transfer(smoke_anatomy, vertices):
    surface = heart_surface(smoke_anatomy, vertices)
    generator = np.random.default_rng(0)

    def random(columns):
        matrix = 1e-3 * generator.standard_normal((6, columns))
        return matrix - matrix.mean(axis=1, keepdims=True)

    return (
        surface.assign(
            transfer=(("lead", "vertex"), random(vertices)),
            transfer_fine=(("lead", "voxel"), random(smoke_anatomy.sizes["voxel"])),
            montage_size=("lead", [2, 2, 4, 4, 4, 4]),
            electrode_position=(("lead", "xyz"), generator.standard_normal((6, 3))),
        )
        .assign_coords(lead=list("ABCDEF"))
        .assign_attrs(matrix="transmembrane")
    )


@pytest.fixture(scope="module")
def beats(smoke_anatomy, transfer, study_config):
    return {
        source: simulate_surface_beats(
            smoke_anatomy, transfer, SITES, study_config.simulation, TIME, source, device="cpu"
        )
        for source in ("surface", "volume")
    }


@pytest.mark.parametrize("source", ["surface", "volume"])
def test_beats_fulfil_their_contract(beats, source):
    check(beats[source], SURFACE_BEATS, source)
    assert beats[source]["activated_fraction"].values.min() > 0.95


def test_beats_are_stored_and_opened(beats, tmp_path):
    write_store(beats["surface"], tmp_path / "beats", SURFACE_BEATS, {})
    opened = open_store(tmp_path / "beats", SURFACE_BEATS)
    assert_allclose(opened["ecg"], beats["surface"]["ecg"], rtol=1e-6)
    assert opened.attrs["diffusivity_mm2_per_ms"] == beats["surface"].attrs["diffusivity_mm2_per_ms"]


def test_both_sources_start_the_same_cases_at_the_same_places(beats):
    surface, volume = beats["surface"], beats["volume"]
    assert_array_equal(surface["origin_vertex"].values, [[10, -1], [100, 200]])
    assert_array_equal(surface["origin_vertex"], volume["origin_vertex"])
    gap = np.linalg.norm((surface["origin"] - volume["origin"]).values, axis=-1)
    assert np.isnan(gap[0, 1])
    assert np.nanmax(gap) < 5
    for one in (surface, volume):
        activation = one["activation_time"].values
        assert (activation[[0, 1, 1], [10, 100, 200]] == 0).all()
        assert np.isfinite(activation).mean() > 0.95


def test_surface_beats_are_seen_through_the_matrix(beats, transfer, study_config):
    amplitude = study_config.simulation.amplitude_mv
    tmp = beats["surface"]["tmp"].values.astype(float)
    expected = amplitude * np.einsum("lv,ctv->clt", transfer["transfer"].values, tmp)
    assert_allclose(beats["surface"]["ecg"].values, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    assert beats["surface"].attrs["ecg_source"] == "transmembrane matrix of the surface (inverse crime)"


def test_a_coarser_surface_samples_the_beats_of_a_finer_one(transfer, smoke_anatomy, study_config):
    coarse = random_transfer(smoke_anatomy, 250).drop_vars("transfer_fine")
    sampled = beats_of_finer_surface(smoke_anatomy, coarse, transfer, [[33], [5, 60]], study_config.simulation, TIME)
    check(sampled, SURFACE_BEATS, "sampled")
    assert sampled.sizes["vertex"] == 250
    assert_array_equal(sampled["origin_vertex"].values, [[33, -1], [5, 60]])
    gap = np.linalg.norm(coarse["vertex_position"].values[:, None] - transfer["vertex_position"].values[None], axis=2)
    sites = [[int(gap[vertex].argmin()) for vertex in case] for case in ([33], [5, 60])]
    fine = simulate_surface_beats(smoke_anatomy, transfer, sites, study_config.simulation, TIME, "surface")
    assert_array_equal(sampled["ecg"], fine["ecg"])
    assert_array_equal(sampled["transfer"], coarse["transfer"])
    # Times of activation differ by what a wave of 0.6 mm/ms needs from a vertex to the nearest one of the other mesh.
    nearest = fine["activation_time"].values[:, gap.argmin(axis=1)]
    assert np.nanmedian(np.abs(sampled["activation_time"].values - nearest)) < 12


def test_beats_of_other_cells_spread_as_fast_and_have_another_action_potential(transfer, smoke_anatomy, study_config):
    coarse = random_transfer(smoke_anatomy, 250).drop_vars("transfer_fine")
    given = smoke_anatomy, coarse, transfer, [[33]], study_config.simulation, TIME
    usual, other = (beats_of_finer_surface(*given, source=source) for source in ("surface", "other_cells"))
    check(other, SURFACE_BEATS, "other")
    assert other.attrs["ecg_source"] == "a finer surface of other cells"
    times, others = (beats["activation_time"].values[0] for beats in (usual, other))
    assert np.median(np.abs(times - others)) < 0.1 * times.max()
    plateau = [beats["tmp"].values[0].max(axis=0).mean() for beats in (usual, other)]
    assert plateau[1] < plateau[0] - 0.03


def test_noise_belongs_to_the_case_and_has_the_share_asked_for(beats):
    together, deviation = noisy_ecg(beats["surface"], 4, 0.1, 5)
    alone, _ = noisy_ecg(beats["surface"].isel(case=[1]), 4, 0.1, 5)
    assert_array_equal(alone[0], together[1])
    clean = beats["surface"]["ecg"].values[:, 2:]
    noise = together - clean
    share = np.sqrt(np.mean(noise**2, axis=(1, 2)) / np.mean(clean.astype(float) ** 2, axis=(1, 2)))
    assert_allclose(share, 0.1, rtol=0.2)
    assert_allclose(deviation, noise.std(axis=(1, 2)), rtol=0.2)
    louder, _ = noisy_ecg(beats["surface"], 4, 0.2, 5)
    assert_allclose(louder - clean, 2 * noise, rtol=1e-6, atol=1e-12)


def test_volume_beats_are_those_of_the_wall_sampled_at_the_surface(beats, transfer, smoke_anatomy, study_config):
    from transmural.tissue.monodomain import Observers, Tissue, simulate

    voxels = smoke_anatomy.sizes["voxel"]
    origin = smoke_anatomy["voxel_position"].values[transfer["vertex_voxel"].values[[10]]]
    whole = simulate(
        Tissue.of(smoke_anatomy),
        np.full((1, voxels), study_config.simulation.a),
        origin,
        study_config.simulation,
        TIME,
        Observers(np.arange(voxels), transfer["transfer_fine"].values),
        device="cpu",
    )
    assert_array_equal(beats["volume"]["tmp"][0], whole.tmp[0][:, transfer["vertex_voxel"].values])
    assert_array_equal(beats["volume"]["ecg"][0], whole.ecg[0])
    assert beats["volume"].attrs["ecg_source"] == "voxels of the wall"


def test_origins_belong_to_the_case():
    together = origin_vertices(500, 3, "slender", range(4), sites=2)
    assert together[2:] == origin_vertices(500, 3, "slender", range(2, 4), sites=2)
    assert all(len(set(sites)) == 2 and max(sites) < 500 for sites in together)
    assert together != origin_vertices(500, 3, "broad", range(4), sites=2)


def test_a_site_beyond_the_surface_names_the_case(smoke_anatomy, transfer: xr.Dataset, study_config):
    with pytest.raises(SimulationError, match=r"origin_vertex: case 1 has \[400\], expected one or more of the 400"):
        simulate_surface_beats(smoke_anatomy, transfer, [[0], [400]], study_config.simulation, TIME, "surface")
