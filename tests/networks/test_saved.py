import json
import zlib

import pytest
import torch

from transmural.networks.saved import TrainedNetwork, read_history, read_network, write_network
from transmural.stores.errors import StoreError
from transmural.stores.files import crc32


@pytest.fixture
def trained():
    weight = torch.arange(12.0).reshape(3, 4)
    return TrainedNetwork(
        {"weight": weight, "a view of it": weight.T, "the same": weight, "counts": torch.tensor([3, 5])},
        {"hidden": 4, "names": ["mean", "log_variance"]},
        [{"epoch": 1, "train_loss": 0.1 + 0.2, "validation_loss": 1e-17}],
    )


@pytest.fixture
def folder(trained, tmp_path):
    write_network(trained, tmp_path / "network", {"rule": "train", "seed": 3})
    return tmp_path / "network"


def test_a_network_is_read_as_it_was_written(trained, folder):
    found = read_network(folder)
    assert found.tensors.keys() == trained.tensors.keys()
    for name, value in trained.tensors.items():
        assert torch.equal(found.tensors[name], value)
        assert found.tensors[name].dtype == value.dtype
    assert found.description == trained.description
    assert found.history == read_history(folder) == trained.history
    assert json.loads((folder / "network.json").read_text())["provenance"] == {"rule": "train", "seed": 3}


def test_the_same_network_gives_the_same_files(trained, folder, tmp_path):
    write_network(trained, tmp_path / "again", {"rule": "train", "seed": 3})
    for name in ("weights.safetensors", "network.json"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_a_network_that_cannot_be_written_leaves_what_was_there(trained, folder):
    broken = TrainedNetwork(trained.tensors, {"scale": float("nan")}, [])
    with pytest.raises(ValueError, match="JSON"):
        write_network(broken, folder, {})
    assert [path.name for path in folder.parent.iterdir()] == ["network"]
    assert read_network(folder).description == trained.description


def test_a_network_replaces_the_one_before(trained, folder):
    write_network(TrainedNetwork({"new": torch.ones(1)}, {}, []), folder, {})
    assert set(read_network(folder).tensors) == {"new"}


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("weights.safetensors", lambda data: data[:-1], r"weights\.safetensors: content differs from what was written"),
        ("weights.safetensors", lambda data: data[:-1] + b"\x01", r"weights\.safetensors: content differs"),
        ("weights.safetensors", None, r"weights\.safetensors: missing; delete .*network and rerun"),
        ("network.json", None, r"network\.json: missing, so .* is not a trained network"),
        ("network.json", lambda data: data[:20], r"network\.json: unreadable"),
        ("network.json", lambda data: b"[]", r"network\.json: unreadable"),
        ("network.json", lambda data: b"{}", r"network\.json: has no crc32, description, history, provenance, weights"),
        ("network.json", lambda data: data.replace(b"1", b"2", 1), r"network\.json: content differs from what was"),
    ],
)
def test_damage_is_told_with_the_files_name(folder, name, damage, said):
    path = folder / name
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match=said):
        read_network(folder)


def test_weights_that_are_no_safetensors_are_told_even_when_the_checksum_agrees(folder):
    weights, about = folder / "weights.safetensors", json.loads((folder / "network.json").read_text())
    weights.write_bytes(b"nothing")
    about["weights"] = {"bytes": 7, "crc32": crc32(weights)}
    about["crc32"] = zlib.crc32(json.dumps({k: v for k, v in about.items() if k != "crc32"}, sort_keys=True).encode())
    (folder / "network.json").write_text(json.dumps(about))
    with pytest.raises(StoreError, match=r"weights\.safetensors: unreadable"):
        read_network(folder)
