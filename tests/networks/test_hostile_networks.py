"""Networks and checkpoints from anybody: as they were written, or one sentence, or none."""

import json
import shutil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mutations import changed_document, few, mutated, outcome, watched

from transmural.networks.checkpoint import TrainingState, read_checkpoint, write_checkpoint
from transmural.networks.history import is_history
from transmural.networks.saved import TrainedNetwork, read_history, read_network, write_network
from transmural.stores.errors import StoreError
from transmural.stores.files import crc32

TRAINED = TrainedNetwork(
    {"weight": torch.arange(12.0).reshape(3, 4), "counts": torch.tensor([3, 5])},
    {"hidden": 4},
    [{"epoch": 1, "train_loss": 0.5}],
)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks") / "original"
    write_network(TRAINED, folder, {"seed": 3})
    read_network(folder)
    return folder


def copied(original):
    folder = original.with_name("changed")
    shutil.rmtree(folder, ignore_errors=True)
    return shutil.copytree(original, folder)


@few(40)
@given(data=st.data())
def test_any_description_is_read_or_refused(original, data):
    folder = copied(original)
    path = folder / "network.json"
    if data.draw(st.booleans()):
        path.write_text(json.dumps(data.draw(changed_document(json.loads(path.read_text())))))
    else:
        path.write_bytes(data.draw(mutated(path.read_bytes())))
    found = outcome(lambda: read_network(folder), StoreError, folder)
    history = outcome(lambda: read_history(folder), StoreError, folder)
    assert found is None or is_history(found.history)
    assert found is None or found.history == history


@few(40)
@given(data=st.data())
def test_any_weights_are_read_or_refused(original, data):
    """With sizes and checksums as a sender would write them."""
    folder = copied(original)
    path, about = folder / "weights.safetensors", json.loads((folder / "network.json").read_text())
    path.write_bytes(data.draw(mutated(path.read_bytes())))
    about["weights"] = {"bytes": path.stat().st_size, "crc32": crc32(path)}
    (folder / "network.json").write_text(json.dumps(about))
    found = outcome(lambda: read_network(folder), StoreError, folder)
    if found is not None:
        assert sum(t.numel() * t.element_size() for t in found.tensors.values()) <= path.stat().st_size


@pytest.mark.parametrize("content", ["[" * 100_000, '{"weights": 1e999}', "null"])
def test_other_documents_are_refused(original, content):
    folder = copied(original)
    (folder / "network.json").write_text(content)
    assert outcome(lambda: read_network(folder), StoreError, folder) is None


def training():
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    state = TrainingState(model, optimiser, history=[{"epoch": 1, "best": 1.0}])
    state.keep_as_best()
    return state


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoints") / "checkpoint"
    write_checkpoint(path, "digest", training())
    assert read_checkpoint(path, "digest", training())
    return path


@few(60)
@given(data=st.data())
def test_a_checkpoint_is_what_was_written_or_none(checkpoint, data):
    path = checkpoint.with_name("changed")
    content = data.draw(mutated(checkpoint.read_bytes()))
    path.write_bytes(content)
    state = training()
    state.model.weight.data.zero_()
    with watched():
        resumed = read_checkpoint(path, "digest", state)
    assert state.model.weight.any() == resumed
    if resumed:
        assert torch.equal(state.model.weight, training().model.weight)
        assert state.history == training().history


def test_every_flipped_bit_of_the_weights_is_noticed(checkpoint):
    content = checkpoint.read_bytes()
    for place in range(1, 60, 7):
        changed = bytearray(content)
        changed[-place] ^= 1
        checkpoint.with_name("changed").write_bytes(changed)
        assert not read_checkpoint(checkpoint.with_name("changed"), "digest", training())
