import numpy as np
import pytest
import xarray as xr

from transmural.inverse.preparation import as_dataset, prepare
from transmural.inverse.problem import Reconstruction
from transmural.inverse.registry import get
from transmural.inverse.solve import solve
from transmural.stores.contracts import RECONSTRUCTION
from transmural.stores.store import open_store, write_store

STREAM = (5, "generative_em", "heart", "unseen_both")


@pytest.fixture(scope="module")
def anatomy(heart):
    index = np.round(heart.graph.position / 8).astype(int) + 5
    return xr.Dataset(
        {
            "voxel_index": (("voxel", "xyz"), index),
            "voxel_node": (("voxel",), np.arange(heart.graph.nodes)),
            "node_position": (("node", "xyz"), heart.graph.position),
            "node_volume": (("node",), heart.graph.volume),
            "node_transmural": (("node",), np.linspace(0, 1, heart.graph.nodes)),
            "node_segment": (("node",), np.arange(heart.graph.nodes) % 18 + 1),
        }
    )


@pytest.fixture(scope="module")
def transfer(heart):
    leads = heart.transfer.shape[0]
    montage = np.where(np.arange(leads) < leads - 12, "body_surface", "standard_12")
    return xr.Dataset(
        {"transfer": (("lead", "node"), heart.transfer / 100)},
        coords={"lead": [f"L{k}" for k in range(leads)], "montage": ("lead", montage)},
    )


@pytest.fixture(scope="module")
def beats(heart):
    tmp = heart.beats([0, 100, 200])
    nodes = heart.graph.nodes
    return xr.Dataset(
        {
            "tmp": (("case", "time", "node"), tmp),
            "ecg": (("case", "lead", "time"), heart.ecg(tmp)),
            "origin": (("case", "xyz"), heart.graph.position[[0, 100, 200]]),
            "scar": (("case", "node"), np.zeros((3, nodes), dtype=bool)),
        },
        coords={"time": heart.time_ms},
    )


@pytest.fixture(scope="module")
def study(study_config):
    return study_config.generative_em


@pytest.fixture(scope="module")
def amplitude_mv(study_config):
    return study_config.simulation.amplitude_mv


def test_only_the_leads_of_the_montage_are_measured(beats, anatomy, transfer, study, amplitude_mv):
    problem = prepare(beats, anatomy, transfer, study, amplitude_mv, STREAM)
    twelve = prepare(
        beats, anatomy, transfer, study.model_copy(update={"montage": "standard_12"}), amplitude_mv, STREAM
    )
    assert problem.ecg.shape[1] == beats.sizes["lead"] - 12
    assert twelve.lead_names == tuple(f"L{k}" for k in range(beats.sizes["lead"] - 12, beats.sizes["lead"]))


def test_transfer_matrix_explains_the_noise_free_ecg(beats, anatomy, transfer, study, amplitude_mv):
    silent = study.model_copy(update={"snr_db": 120.0})
    problem = prepare(beats, anatomy, transfer, silent, amplitude_mv, STREAM)
    explained = np.matmul(problem.transfer, beats["tmp"].values.transpose(0, 2, 1))
    factor = amplitude_mv / 100
    np.testing.assert_allclose(explained / factor, problem.ecg, atol=1e-4 * np.abs(problem.ecg).max())


def test_the_problem_does_not_depend_on_the_truth(beats, anatomy, transfer, study, amplitude_mv):
    other = beats.assign(tmp=np.nan * beats["tmp"], origin=np.nan * beats["origin"], scar=~beats["scar"])
    one, two = (prepare(b, anatomy, transfer, study, amplitude_mv, STREAM) for b in (beats, other))
    np.testing.assert_array_equal(one.ecg, two.ecg)
    np.testing.assert_array_equal(solve("greensite", one).tmp, solve("greensite", two).tmp)


def test_noise_belongs_to_the_case_and_the_cohort(beats, anatomy, transfer, study, amplitude_mv):
    every = prepare(beats, anatomy, transfer, study, amplitude_mv, STREAM)
    first = prepare(beats.isel(case=slice(1)), anatomy, transfer, study, amplitude_mv, STREAM)
    elsewhere = prepare(beats, anatomy, transfer, study, amplitude_mv, (*STREAM[:3], "validation"))
    np.testing.assert_array_equal(every.ecg[0], first.ecg[0])
    assert (every.ecg != elsewhere.ecg).mean() > 0.99


def test_training_beats_stay_free_of_noise(beats, anatomy, transfer, study, amplitude_mv):
    problem = prepare(beats, anatomy, transfer, study, amplitude_mv, STREAM, training=beats)
    np.testing.assert_array_equal(problem.training.ecg, beats["ecg"].values[:, :-12])


def test_a_reconstruction_is_stored_with_what_was_chosen_and_failed_cases(
    beats, anatomy, transfer, study, amplitude_mv, tmp_path
):
    problem = prepare(beats, anatomy, transfer, study, amplitude_mv, STREAM)
    found = solve("greensite", problem)
    tmp = found.tmp.copy()
    tmp[1] = np.nan
    failed = Reconstruction(tmp, chosen=found.chosen, seconds=found.seconds, memory_mb=found.memory_mb)
    write_store(as_dataset(failed, problem.time_ms, get("greensite")), tmp_path / "store", RECONSTRUCTION, {})
    stored = open_store(tmp_path / "store", RECONSTRUCTION)
    assert stored.attrs["scar_definition"] == "amplitude"
    np.testing.assert_array_equal(stored["tmp"].values, tmp)
    np.testing.assert_array_equal(stored["chosen_components"].values, found.chosen["components"])
