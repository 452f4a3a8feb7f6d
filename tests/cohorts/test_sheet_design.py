"""The design of the sheets, and what is stored of them."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from transmural.cohorts.plan import classes_of
from transmural.cohorts.sheets import PARTS, EcgScale, draw_sheet, electrodes, part_of, simulate_sheets
from transmural.evaluation.surrogate_baselines import closed_form, frame_currents, tissue_potentials
from transmural.stores.config import SheetDesign
from transmural.stores.contracts import SHEETS, check
from transmural.stores.errors import SimulationError

SEED = 5
SECTION = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())["forward_surrogate"]


def design(**changed):
    given = {key: SECTION[key] for key in SheetDesign.model_fields} | {"low_diffusivity": [0.05, 0.09]} | changed
    return SheetDesign(**given)


@pytest.fixture(scope="module")
def sheets():
    """A healthy sheet and a combined one."""
    chosen = design(sheets={name: 3 for name in ("healthy", "gap_junction", "fibrotic", "combined")})
    return [simulate_sheets(chosen, SEED, "published", range(case, case + 1)) for case in (0, 9)]


def test_classes_differ_in_diffusivity_and_patches_as_published():
    counts = {"healthy": 12, "gap_junction": 12, "fibrotic": 24, "combined": 12}
    chosen = design(low_diffusivity=[0.01, 0.09], sheets=counts)
    classes = np.array(classes_of(chosen, "published"))
    assert {name: (classes == name).sum() for name in counts} == counts
    drawn = [draw_sheet(chosen, SEED, "published", case) for case in (0, 1, 12, 13, 24, 25, 48, 49)]
    for sheet in drawn:
        low, large = sheet.tissue_class in ("gap_junction", "combined"), sheet.tissue_class in ("fibrotic", "combined")
        assert (0.01 <= sheet.diffusivity <= 0.09) if low else (0.09 <= sheet.diffusivity <= 0.1)
        missing = 1 - sheet.sheet.conducting.mean()
        # Tissue that patches cut off is lost besides.
        assert (0.1 <= missing < 0.4) if large else missing < 0.06
        assert set(np.unique(sheet.sheet.diffusivity)) <= {0.0, sheet.diffusivity}


def test_a_sheet_depends_on_its_number_and_the_seed_alone():
    one, other = design(), design(sheets={**SECTION["sheets"], "combined": 40}, shard_sheets=3)
    first, again, elsewhere = (draw_sheet(d, s, "published", 30) for d, s in ((one, 1), (other, 1), (one, 2)))
    np.testing.assert_array_equal(first.sheet.diffusivity, again.sheet.diffusivity)
    np.testing.assert_array_equal(first.stimulus, again.stimulus)
    assert (first.sheet.conducting != elsewhere.sheet.conducting).any()


def test_moved_stimuli_lie_where_no_published_one_does():
    chosen = design()
    for case in range(6):
        published, moved = (draw_sheet(chosen, SEED, cohort, case) for cohort in ("published", "moved"))
        assert published.position_mm[0] <= 50
        assert moved.position_mm[0] >= 50 or moved.position_mm[1] < 5
        assert moved.stimulus.any()


@pytest.mark.parametrize("share", [0.01, 0.1, 0.2])
def test_every_class_is_split_alike_and_nothing_is_in_two_parts(share):
    classes = classes_of(design(), "published")
    parts = part_of(classes, share)
    for name in set(classes):
        members = parts[np.array(classes) == name]
        assert [np.sum(members == part) for part in PARTS[1:]] == [max(1, round(share * len(members)))] * 2
    assert set(parts) == set(PARTS)


def test_no_patches_cut_off_the_stimulus_from_the_tissue():
    chosen = design(large_patches={"length_mm": [2.0, 4.0], "coverage": [0.3, 0.35]})
    for case in range(24, 40):
        drawn = draw_sheet(chosen, SEED, "published", case)
        assert drawn.stimulus.any()
        assert drawn.sheet.conducting.mean() >= 0.8 * 0.65


def explained(truth, predicted):
    """R² of one record whose scale isn't asked for."""
    standard = [(trace - trace.mean()) / trace.std() for trace in (truth, predicted)]
    return 1 - np.mean((standard[0] - standard[1]) ** 2)


def test_stored_sheets_keep_their_contract_and_their_ecgs_follow_from_the_frames(sheets):
    for found, closed, summed in zip(sheets, (0.99, 0.98), (0.97, 0.95), strict=True):
        check(found, SHEETS, "sheets")
        assert found.sizes["time"] == SECTION["duration_ms"] // SECTION["frame_ms"] + 1
        assert found["ecg"].shape[1] == 3
        assert np.abs(found["lead_field"].sum(("row", "column"))).max() < 1e-6
        tmp = found["tmp"].values
        tissue = tissue_potentials(tmp, found["conductive_share"].values)
        for lead, electrode in enumerate(found["electrode_position"].values):
            truth = found["ecg"].values[0, lead]
            known = closed_form(tissue, found["lead_field"].values[:, lead])[0]
            assert 1 - np.sum((truth - known) ** 2) / np.sum((truth - truth.mean()) ** 2) > closed
            # From the frames alone: D is a factor, patches show as cells that are never excited.
            assert explained(truth, frame_currents(tmp, found.attrs["cell_mm"], electrode)[0]) > summed
    assert [str(found["tissue_class"].values[0]) for found in sheets] == ["healthy", "combined"]


def test_the_wave_spreads_from_the_stimulus_and_the_record_holds_its_end(sheets):
    healthy, _ = sheets
    activation = healthy["activation_time"].values[0]
    assert np.nanmin(activation) < 20
    assert np.nanmax(activation) < 400
    assert np.abs(healthy["tmp"].values[0, -1]).max() == 0


def test_electrodes_are_named_by_how_far_they_are_moved():
    names, places = electrodes(design())
    assert names == ["reference", "electrode_moved_10_mm_1", "electrode_moved_10_mm_2"]
    assert places.shape == (3, 3)


def test_a_wave_that_dies_is_refused_by_name():
    blocked = design(stimulus_mm=1, large_patches={"length_mm": [2, 2], "coverage": [0.3, 0.3]}, duration_ms=1000)
    short = blocked.model_copy(update={"duration_ms": 40})
    with pytest.raises(
        SimulationError, match=r"published sheet 12 \(gap_junction, D .* mm²/ms, .*\): the wave reaches"
    ):
        simulate_sheets(short, SEED, "published", range(12, 13))


def test_scales():
    ecg = np.random.default_rng(0).normal(2, [[1], [10]], (2, 50))
    own = EcgScale.of(ecg, ecg, "each").scaled(ecg)
    np.testing.assert_allclose(own.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(own.std(axis=1), 1)
    common = EcgScale.of(ecg, ecg[:1], "training").scaled(ecg)
    np.testing.assert_allclose(common[0].std(), 1)
    assert common[1].std() > 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nodes": 280}, "at most 0.3 mm"),
        ({"cell_nodes": 13}, "must divide nodes"),
        ({"frame_ms": 7}, "must divide duration_ms"),
        ({"low_diffusivity": [0.09, 0.01]}, "must ascend"),
        ({"time_step_ms": 0.2, "normal_diffusivity": [0.1, 0.3]}, "must be at most"),
        ({"electrode_mm": [50, 50, 0]}, "lies in the sheet's plane"),
        ({"small_patches": {"length_mm": [1, 2], "coverage": [0, 0.6]}}, "must ascend and lie within"),
    ],
)
def test_bad_designs_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        design(**change)
