"""Clocks that differ: between two machines on one file system, or before and after a battery was changed."""

import time

import pytest
from study import dated

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

DAY = 86_400
MOVED = "beats/forward_surrogate/moved/0000"
PREDICTIONS = "predictions/forward_surrogate"
NETWORK = "networks/forward_surrogate/surrogate"


@pytest.mark.fault("what depends on it is made again: the same tables")
@pytest.mark.parametrize("seconds", [-DAY, None], ids=["a day behind", "in 1970"])
def test_a_store_written_by_a_machine_whose_clock_is(study, seconds):
    study.undo("tables")
    dated(study.results / MOVED, 0 if seconds is None else time.time() + seconds)
    study.made()
    study.is_same()


@pytest.mark.fault(
    "Snakemake says that a clock must be wrong, and of which file; with its time set right: the same tables"
)
@pytest.mark.parametrize("days", [1, 3650], ids=["a day ahead", "ten years ahead"])
def test_a_store_written_by_a_machine_with_a_clock(study, days):
    dated(study.results / MOVED, time.time() + days * DAY)
    study.refused(MOVED, "clock skew")
    dated(study.results / MOVED, time.time())
    study.made()
    study.is_same()


@pytest.mark.fault("nothing is made again, or the same tables; afterwards nothing is left to do")
def test_all_results_dated_at_once(study):
    """As by a copy that doesn't keep times."""
    dated(study.results, time.time())
    study.made()
    study.is_same()
    assert "Nothing to be done" in study.made()


@pytest.mark.fault("the same tables; afterwards nothing is left to do")
def test_results_in_reverse_order_of_time(study):
    now = time.time()
    for age, name in enumerate([MOVED, NETWORK, PREDICTIONS, "scores", "tables"]):
        dated(study.results / name, now - 60 * age)
    study.made()
    study.is_same()
    assert "Nothing to be done" in study.made()


@pytest.mark.fault("code counts by its content, not by its time: nothing is to be done")
@pytest.mark.parametrize("seconds", [0, 4e9], ids=["in 1970", "in 2096"])
def test_code_dated(study, seconds):
    for name in ("src", "config"):
        dated(study.folder / name, seconds)
    assert "Nothing to be done" in study.made()
    study.happened("nothing to be done")


@pytest.mark.fault("its rule is run every time: the same tables")
def test_a_script_dated_a_day_ahead(study):
    dated(study.folder / "workflow" / "scripts" / "surrogate_results.py", time.time() + DAY)
    assert "Writing tables and figures of forward_surrogate" in study.made()
    study.is_same()


@pytest.mark.fault("Snakemake says that a clock must be wrong; once it is right: the same tables")
def test_a_clock_set_back_between_two_stages(study):
    """The sheets are of tomorrow; what would be made from them today is older than they are."""
    study.undo(NETWORK)
    sheets = study.results / "beats" / "forward_surrogate"
    dated(sheets, time.time() + DAY)
    study.refused("clock skew")
    dated(sheets, time.time())
    study.made()
    study.is_same()
