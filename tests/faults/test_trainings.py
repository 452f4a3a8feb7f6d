"""A training that is killed between two epochs, and what may become of its checkpoint meanwhile."""

import re
import shutil

import pytest
from study import Study, alter, flipped, garbled, truncated

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.xdist_group("training")]

# Long enough for two checkpoints, which are written every fifty epochs; the rest of the study is as it was.
LONG = ("forward_surrogate={forms: [no_cnn], network: {epochs: 120}}",)
NETWORK = "networks/forward_surrogate/no_cnn"
TARGETS = (f"results/smoke/{NETWORK}",)


@pytest.fixture(scope="module")
def weights(finished):
    """Weights of the training that nothing befell, as bytes."""
    finished.put_back()
    study = Study(finished, print)
    study.made(targets=TARGETS, config=LONG)
    return (study.results / NETWORK / "weights.safetensors").read_bytes()


@pytest.fixture
def killed(weights, study):
    """The study when the training has been killed some epochs after its first checkpoint."""
    process = study.start(targets=TARGETS, config=LONG)
    study.until(lambda: epochs(study)[-1:] >= [60], process)
    study.kill(process)
    study.unlock()
    assert not (study.results / NETWORK).exists()
    return study


def epochs(study):
    """Numbers of the epochs that the training's log names."""
    log = study.results / "logs" / f"{NETWORK}.log"
    return [int(number) for number in re.findall(r": (\d+)/120,", log.read_text())] if log.is_file() else []


def goes_on(study, weights, first_epoch):
    study.made(targets=TARGETS, config=LONG)
    assert epochs(study)[0] == first_epoch
    assert (study.results / NETWORK / "weights.safetensors").read_bytes() == weights
    assert not list((study.results / NETWORK).parent.glob("*.checkpoint*"))
    study.happened(f"went on with epoch {first_epoch}: the same weights")


@pytest.mark.fault("the training goes on from its checkpoint to the same weights")
def test_kill_of_a_training_between_two_epochs(killed, weights):
    goes_on(killed, weights, 51)


@pytest.mark.fault("a checkpoint that isn't whole counts as none: the same weights")
@pytest.mark.parametrize("how", [truncated, flipped, garbled], ids=lambda how: how.__name__)
def test_a_checkpoint_that_is(killed, weights, how):
    alter(killed.results / f"{NETWORK}.checkpoint", how)
    goes_on(killed, weights, 1)


@pytest.mark.fault("a checkpoint of another training counts as none: the same weights")
def test_a_checkpoint_after_the_code_has_changed(killed, weights):
    module = killed.folder / "src" / "transmural" / "networks" / "schedule.py"
    module.write_text(module.read_text() + "\n\n_CHANGED = 1\n")
    goes_on(killed, weights, 1)


@pytest.mark.fault("the part is replaced: the same weights")
def test_what_a_killed_writer_left_of_a_checkpoint(killed, weights):
    whole = killed.results / f"{NETWORK}.checkpoint"
    part = whole.with_name(f"{whole.name}.part")
    shutil.copy(whole, part)
    alter(part, truncated)
    goes_on(killed, weights, 51)
