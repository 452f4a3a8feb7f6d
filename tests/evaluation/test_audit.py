"""Every form of the audit differs from the corrected one by its defect alone, and meets the same cases."""

import numpy as np
import pytest
import xarray as xr

from transmural.anatomy.node_graph import NodeGraph
from transmural.evaluation.audit import audit
from transmural.evaluation.audit_forms import CORRECTED, FORMS, ORACLE
from transmural.inverse.problem import Problem, Training
from transmural.networks.beats import TrainingBeats
from transmural.networks.run import TrainingRun
from transmural.networks.saved import write_network
from transmural.networks.sequential_vae import train
from transmural.stores.config import Inference
from transmural.stores.config.inference import ExpectationMaximisation
from transmural.stores.config.networks import SequentialVAE

TIME = np.linspace(0, 500, 26)


def test_forms_change_one_setting_each_to_one_that_the_configuration_knows(study_config):
    network, method = study_config.generative_em.networks.sequential_vae, study_config.generative_em.inference.em
    for name, form in FORMS.items():
        assert SequentialVAE(**{**network.model_dump(), **form.training}) != network or not form.training
        assert ExpectationMaximisation(**{**method.model_dump(), **form.inference}) != method or not form.inference
        assert len(form.training) + len(form.inference) == (name not in {CORRECTED, ORACLE})


def block():
    """A wall of 9 × 9 × 2 voxels of 5 mm, each a node."""
    index = np.argwhere(np.ones((9, 9, 2), dtype=bool))
    return xr.Dataset(
        {
            "voxel_index": (("voxel", "xyz"), index),
            "voxel_node": (("voxel",), np.arange(len(index))),
            "node_position": (("node", "xyz"), 5.0 * index),
            "node_volume": (("node",), np.full(len(index), 125.0)),
        }
    )


def waves(anatomy, origins):
    """Beats at 0.6 mm/ms from the given nodes; every second has a scar far from its origin."""
    position = anatomy["node_position"].values
    distance = np.linalg.norm(position[origins][:, None] - position, axis=2)
    activation = 5 + distance / 0.6
    since = TIME[:, None] - activation[:, None]
    tmp = 1 / (1 + np.exp(np.clip(-since / 3, -50, 50))) / (1 + np.exp(np.clip((since - 300) / 20, -50, 50)))
    scar = (distance > 35) & (np.arange(len(origins)) % 2 == 1)[:, None]
    return xr.Dataset(
        {
            "tmp": (("case", "time", "node"), (tmp * ~scar[:, None]).astype(np.float32)),
            "activation_time": (("case", "node"), np.where(scar, np.nan, activation)),
            "scar": (("case", "node"), scar),
            "origin": (("case", "xyz"), position[origins]),
        },
        coords={"time": TIME},
    )


@pytest.fixture(scope="module")
def rows(study_config, tmp_path_factory):
    """Scores of the audit of three cases with tiny networks."""
    anatomy = block()
    graph = NodeGraph.of(anatomy)
    truth, taught = waves(anatomy, [3, 77, 150]), waves(anatomy, list(range(0, graph.nodes, 6)))
    transfer = np.random.default_rng(0).normal(size=(12, graph.nodes))
    transfer -= transfer.mean(axis=1, keepdims=True)
    cases = np.matmul(transfer, truth["tmp"].values.transpose(0, 2, 1))
    beats = TrainingBeats(taught["tmp"].values, None, None, None, None, None, None, TIME, graph, None)
    folder = tmp_path_factory.mktemp("networks")
    sizes = {"epochs": 8, "least_steps": 0, "hidden": 16, "latent": 4, "mean_units": 16, "variance_units": 4}
    small = study_config.generative_em.networks.sequential_vae.model_copy(
        update={**sizes, "components": 8, "residual_modes": 4}
    )
    networks = {name: folder / (name if form.training else CORRECTED) for name, form in FORMS.items()}
    for name in (CORRECTED, *(name for name, form in FORMS.items() if form.training)):
        changed = small.model_copy(update=dict(FORMS[name].training))
        write_network(train(beats, beats, changed, TrainingRun(1, ("audit",), device="cpu")), networks[name], {})
    em = study_config.generative_em.inference.em.model_copy(update={"iterations": 8})
    training = Training(
        taught["tmp"].values, np.zeros((len(beats.tmp), 12, TIME.size)), taught["origin"].values, taught["scar"].values
    )
    problem = Problem(
        cases, transfer, np.full(3, 0.5), TIME, graph, training=training, inference=Inference.model_construct(em=em)
    )
    return audit(problem, networks, truth, anatomy, 0.3, subject="h", cohort="published", setting="unseen_both")


def nrmse_of(rows, form):
    return rows[(rows["method"] == form) & (rows["metric"] == "nrmse")].set_index("case")["value"]


def test_every_form_is_scored_on_every_case(rows):
    counts = rows[rows["metric"] == "nrmse"].groupby("method").size()
    assert dict(counts) == dict.fromkeys(FORMS, 3)
    assert not {"seconds", "memory"} & set(rows["metric"])


def test_no_stopping_beats_the_one_that_knows_the_truth(rows):
    assert (nrmse_of(rows, ORACLE) <= nrmse_of(rows, CORRECTED) + 1e-9).all()


def test_every_defect_changes_the_reconstruction(rows):
    for form in FORMS:
        if form not in {CORRECTED, ORACLE}:
            assert not np.allclose(nrmse_of(rows, form), nrmse_of(rows, CORRECTED), rtol=1e-6), form
