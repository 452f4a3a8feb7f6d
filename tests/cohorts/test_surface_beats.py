import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal

from transmural.anatomy.heart_surface import heart_surface
from transmural.cohorts.surface_beats import origin_vertices, simulate_surface_beats
from transmural.stores.contracts import SURFACE_BEATS, check
from transmural.stores.errors import SimulationError
from transmural.stores.store import open_store, write_store

TIME = np.linspace(0.0, 400.0, 41)
SITES = [[10], [100, 200]]


@pytest.fixture(scope="module")
def transfer(smoke_anatomy):
    """The surface of the heart, with random matrices for six leads that give nothing for constant potentials."""
    surface = heart_surface(smoke_anatomy, 400)
    generator = np.random.default_rng(0)

    def random(columns):
        matrix = 1e-3 * generator.standard_normal((6, columns))
        return matrix - matrix.mean(axis=1, keepdims=True)

    return surface.assign(
        transmembrane=(("lead", "vertex"), random(400)),
        potential=(("lead", "vertex"), random(400)),
        transfer_fine=(("lead", "voxel"), random(smoke_anatomy.sizes["voxel"])),
        montage_size=("lead", [2, 2, 4, 4, 4, 4]),
        electrode_position=(("lead", "xyz"), generator.standard_normal((6, 3))),
    ).assign_coords(lead=list("ABCDEF"))


@pytest.fixture(scope="module")
def beats(smoke_anatomy, transfer, study_config):
    def run(protocol, **options):
        return simulate_surface_beats(
            smoke_anatomy, transfer, SITES, study_config.simulation, TIME, protocol, device="cpu", **options
        )

    return {protocol: run(protocol) for protocol in ("surface", "volume")} | {
        "potential": run("surface", matrix="potential")
    }


@pytest.mark.parametrize("protocol", ["surface", "volume"])
def test_beats_fulfil_their_contract(beats, protocol):
    check(beats[protocol], SURFACE_BEATS, protocol)
    assert beats[protocol].attrs["protocol"] == protocol
    assert beats[protocol]["activated_fraction"].values.min() > 0.95


def test_beats_are_stored_and_opened(beats, tmp_path):
    write_store(beats["surface"], tmp_path / "beats", SURFACE_BEATS, {})
    opened = open_store(tmp_path / "beats", SURFACE_BEATS)
    assert_allclose(opened["ecg"], beats["surface"]["ecg"], rtol=1e-6)
    assert opened.attrs["diffusivity_mm2_per_ms"] == beats["surface"].attrs["diffusivity_mm2_per_ms"]


def test_both_protocols_start_the_same_cases_at_the_same_places(beats):
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


def test_surface_beats_are_seen_through_the_matrix_that_is_named(beats, transfer, study_config):
    amplitude = study_config.simulation.amplitude_mv
    for name, matrix in (("surface", "transmembrane"), ("potential", "potential")):
        expected = amplitude * np.einsum(
            "lv,ctv->clt", transfer[matrix].values, beats[name]["tmp"].values.astype(float)
        )
        assert_allclose(beats[name]["ecg"].values, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
        assert beats[name].attrs["ecg_source"] == f"{matrix} matrix of the surface (inverse crime)"


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
