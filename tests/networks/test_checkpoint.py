import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from line import DATA, RUN, VALIDATION, cases, checkpointed, line, noisy_squares, settings, weights, without_seconds

from transmural.networks import training
from transmural.networks.checkpoint import remove_checkpoint
from transmural.networks.training import fit

SCRIPT = Path(__file__).with_name("killed_training.py")


@pytest.fixture
def every_epoch(monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(training, "LARGEST_SHARE", float("inf"))


def interrupted_at(epoch, path, **changed):
    """Train until after that many epochs; the checkpoint of the epoch before remains."""

    def progress(done, total):
        if done == epoch:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(
            line(), noisy_squares, DATA, VALIDATION, settings(**changed), replace(checkpointed(path), progress=progress)
        )


def resumed(run, data=DATA, model=None, **changed):
    """Model, history and how many epochs were trained."""
    counted = []
    run = replace(run, progress=lambda done, total: counted.append(done))
    model = model or line(run)
    history = fit(model, noisy_squares, data, VALIDATION, settings(**changed), run)
    return model, history, len(counted)


def assert_same(model, history, other, other_history):
    assert without_seconds(history) == without_seconds(other_history)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in weights(model).items())


@pytest.mark.parametrize("epoch", [2, 7, 12])
def test_an_interrupted_training_ends_with_the_same_bits(tmp_path, every_epoch, epoch):
    whole, history, _ = resumed(RUN)
    interrupted_at(epoch, tmp_path / "checkpoint")
    again, history_again, trained = resumed(checkpointed(tmp_path / "checkpoint"))
    assert trained == 12 - (epoch - 1)
    assert_same(whole, history, again, history_again)


def test_the_best_weights_and_patience_survive_an_interruption(tmp_path, every_epoch):
    plan = {"learning_rate": 0.7, "schedule": "constant", "patience_epochs": 4, "epochs": 60}
    whole, history, _ = resumed(RUN, **plan)
    assert 5 < len(history) < 60
    for epoch in range(2, len(history) + 1):
        interrupted_at(epoch, tmp_path / "checkpoint", **plan)
        assert_same(whole, history, *resumed(checkpointed(tmp_path / "checkpoint"), **plan)[:2])
        remove_checkpoint(tmp_path / "checkpoint")


def test_a_training_killed_in_another_process_ends_with_the_same_bits(tmp_path):
    plan = {"epochs": 40, "patience_epochs": 40}
    command = [sys.executable, SCRIPT, tmp_path / "checkpoint", str(plan["epochs"])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        assert [int(killed.stdout.readline()) for _ in range(6)] == [1, 2, 3, 4, 5, 6]
        killed.send_signal(signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    whole, history, _ = resumed(RUN, **plan)
    again, history_again, trained = resumed(checkpointed(tmp_path / "checkpoint"), **plan)
    assert trained <= 35
    assert_same(whole, history, again, history_again)


@pytest.fixture
def half_done(tmp_path, every_epoch):
    """A training's run with the checkpoint of its sixth epoch."""
    interrupted_at(7, tmp_path / "checkpoint")
    return checkpointed(tmp_path / "checkpoint")


def test_where_a_run_computes_or_reports_does_not_matter_to_its_checkpoint(half_done):
    moved = half_done.checkpoint.rename(half_done.checkpoint.with_name("moved"))
    assert resumed(replace(half_done, checkpoint=moved, device="auto"))[2] == 6


@pytest.mark.parametrize(
    "changed", [{"learning_rate": 0.04}, {"epochs": 13}, {"batch_cases": 7}, {"clip_norm": 9.0}, {"weight_decay": 0.1}]
)
def test_a_checkpoint_of_other_settings_is_not_resumed(half_done, changed):
    epochs = changed.get("epochs", 12)
    model, history, trained = resumed(half_done, **changed)
    assert trained == epochs
    assert_same(model, history, *resumed(RUN, **changed)[:2])


@pytest.mark.parametrize("changed", [{"seed": 8}, {"stream": ("other",)}, {"code": "another"}])
def test_a_checkpoint_of_another_run_is_not_resumed(half_done, changed):
    assert resumed(replace(half_done, **changed))[2] == 12


def test_a_checkpoint_of_other_data_or_another_network_is_not_resumed(half_done):
    kept = half_done.checkpoint.read_bytes()
    one_bit = {**DATA, "y": DATA["y"].clone()}
    one_bit["y"][3] = torch.nextafter(one_bit["y"][3], torch.tensor(9.0))
    for data, model in ((one_bit, None), (cases(31, 0), None), (DATA, torch.nn.Sequential(line()))):
        half_done.checkpoint.write_bytes(kept)
        assert resumed(half_done, data, model)[2] == 12


def one_bit(data):
    return data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]


@pytest.mark.parametrize("damage", [lambda data: data[:-8], lambda data: b"", lambda data: b"\xff" * 64, one_bit])
def test_a_damaged_checkpoint_counts_as_none(half_done, damage):
    half_done.checkpoint.write_bytes(damage(half_done.checkpoint.read_bytes()))
    model, history, trained = resumed(half_done)
    assert trained == 12
    assert_same(model, history, *resumed(RUN)[:2])


def test_a_checkpoint_replaces_the_one_before_and_is_removed_with_what_a_killed_writer_left(half_done):
    folder = half_done.checkpoint.parent
    assert [path.name for path in folder.iterdir()] == ["checkpoint"]
    (folder / "checkpoint.part").write_bytes(b"half")
    remove_checkpoint(half_done.checkpoint)
    remove_checkpoint(half_done.checkpoint)
    assert not list(folder.iterdir())


def test_checkpoints_are_written_by_time_and_by_epochs_and_take_a_small_share_of_the_time(tmp_path, monkeypatch):
    written, clock = [], [0.0]
    monkeypatch.setattr(training.time, "perf_counter", lambda: clock[0])

    def write(path, digest, state):
        written.append(len(state.history))
        clock[0] += 3.0  # so that 60 s must pass before the next

    def progress(done, total):
        clock[0] += 4.0

    monkeypatch.setattr(training, "write_checkpoint", write)
    run = replace(RUN, checkpoint=tmp_path / "checkpoint", progress=progress)
    fit(line(), noisy_squares, DATA, VALIDATION, settings(epochs=52, patience_epochs=52), run)
    assert written == [5, 20, 35, 50]
