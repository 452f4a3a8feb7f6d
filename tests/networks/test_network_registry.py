import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import transmural.networks
from transmural.networks import registry
from transmural.networks.beats import TrainingBeats, fibre_tensor
from transmural.networks.registry import get, network, networks
from transmural.stores.config.networks import Networks, network_settings
from transmural.stores.errors import ConfigurationError


@pytest.fixture
def register():
    """Register networks for one test only."""
    before = dict(networks())
    yield network
    registry._NETWORKS.clear()
    registry._NETWORKS.update(before)


def test_every_registered_network_has_settings_of_its_own():
    assert set(networks()) <= set(Networks.model_fields)
    assert all(known.label for known in networks().values())


def test_what_networks_declare_in_their_source_is_what_they_register():
    code = (
        "from transmural.networks.registry import networks; declared = networks(); "
        "assert all(known.train.__module__ == known.module for known in declared.values()); "
        "assert declared == networks() and not any(declared[name] is known for name, known in networks().items())"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_module_in_the_package_is_all_that_a_network_needs(register, tmp_path, monkeypatch):
    (tmp_path / "guessing.py").write_text(
        "from transmural.networks.registry import network\n\n"
        "@network('guessing', label='Guessing')\n"
        "def train(beats, validation, settings, run):\n    return None\n"
    )
    monkeypatch.setattr(transmural.networks, "__path__", [*transmural.networks.__path__, str(tmp_path)])
    assert get("guessing").label == "Guessing"
    assert get("guessing").train(None, None, None, None) is None
    sys.modules.pop("transmural.networks.guessing")


def test_an_unknown_name_is_refused_with_the_known_ones(register):
    register("known", label="Known")(lambda beats, validation, settings, run: None)
    with pytest.raises(ConfigurationError, match=r"no network 'sequental'; known networks are .*'known'"):
        get("sequental")


def test_a_name_belongs_to_one_module(register):
    def train(beats, validation, settings, run):
        pass

    def other(beats, validation, settings, run):
        pass

    other.__module__ = "another"
    register("mine", label="Mine")(train)
    with pytest.raises(ValueError, match=r"network 'mine' is defined in .*test_network_registry already"):
        register("mine", label="Theirs")(other)


def test_settings_are_those_of_the_networks_own_section(study_config):
    for name in Networks.model_fields:
        section = getattr(study_config.generative_em.networks, name)
        assert network_settings(name, section.model_dump(mode="json")) == section
        assert type(network_settings(name, section.model_dump(mode="json"))) is type(section)


def row_of_nodes(draw):
    """Anatomy of five nodes in a row, two voxels each."""
    fibre = draw.normal(size=(10, 3))
    return xr.Dataset(
        {
            "voxel_index": (("voxel", "xyz"), np.argwhere(np.ones((10, 1, 1)))),
            "voxel_node": ("voxel", np.repeat(np.arange(5), 2)),
            "fibre": (("voxel", "xyz"), fibre / np.linalg.norm(fibre, axis=1, keepdims=True)),
            "node_position": (("node", "xyz"), 4.0 * np.eye(1, 3) * np.arange(5)[:, None]),
            "node_volume": ("node", np.full(5, 16.0)),
        }
    )


def test_fibre_tensors_know_axes_and_not_their_signs():
    anatomy = row_of_nodes(np.random.default_rng(1))
    found, fibre = fibre_tensor(anatomy), anatomy["fibre"].values
    np.testing.assert_allclose(np.trace(found, axis1=1, axis2=2), 1, rtol=1e-6)
    np.testing.assert_array_equal(found, fibre_tensor(anatomy.assign(fibre=-anatomy["fibre"])))
    products = fibre[:, :, None] * fibre[:, None]
    np.testing.assert_allclose(found, (products[::2] + products[1::2]) / 2, rtol=1e-6)


def test_beats_are_those_of_the_store():
    dims = {
        "tmp": ("case", "time", "node"),
        "ecg": ("case", "lead", "time"),
        "activation_time": ("case", "node"),
        "repolarisation_time": ("case", "node"),
        "scar": ("case", "node"),
        "excitability": ("case", "node"),
        "origin": ("case", "xyz"),
        "time": ("time",),
    }
    sizes = {"case": 2, "time": 4, "node": 5, "lead": 3, "xyz": 3}
    draw = np.random.default_rng(0)
    beats = xr.Dataset({name: (axes, draw.normal(size=[sizes[a] for a in axes])) for name, axes in dims.items()})
    found = TrainingBeats.of(beats, row_of_nodes(draw))
    assert found.cases == 2
    assert found.graph.nodes == len(found.fibre_tensor) == 5
    np.testing.assert_array_equal(found.graph.neighbours, [[0, 1], [1, 2], [2, 3], [3, 4]])
    for name in dims:
        np.testing.assert_array_equal(getattr(found, "time_ms" if name == "time" else name), beats[name].values)
