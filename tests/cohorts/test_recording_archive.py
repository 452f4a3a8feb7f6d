"""The published archive's format: what is written is read again, and what isn't of the archive is refused by name."""

import shutil

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from recording_data import recordings

from transmural.cohorts.recording_archive import AMPLITUDE_MV, REST_MV, read_archive, write_archive
from transmural.stores.contracts import RECORDINGS, check
from transmural.stores.errors import StoreError

DATA = recordings(hearts=2, patterns=2, repeats=1)
NAME = "hearts_dd_0p2_geo_act_3_bcl_gkr_I_bcl.1000.gkr.050.pattern.11.volunteer.v9.npy"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    write_archive(DATA, folder)
    return folder


@pytest.fixture
def archive(written, tmp_path):
    """A copy that the test may spoil."""
    return shutil.copytree(written, tmp_path / "archive")


def one_of(archive, kind):
    return sorted(archive.glob(f"{kind}_*.npy"))[1]


def pair(folder, ending, ecg=None, tmp=None):
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"pECGData_{ending}", np.zeros((500, 10)) if ecg is None else ecg)
    np.save(folder / f"VmData_{ending}", np.zeros((500, 75)) if tmp is None else tmp)


def test_what_is_written_is_read_again(written):
    read = read_archive(written, 1)
    check(read, RECORDINGS, "archive")
    order = [list(zip(d["heart"].values, d["pattern"].values, strict=True)) for d in (DATA, read)]
    same = DATA.isel(case=[order[0].index(key) for key in order[1]])
    assert_allclose(read["ecg"], same["ecg"], atol=1e-6)
    millivolt = [d.attrs["rest_mv"] + d.attrs["amplitude_mv"] * d["tmp"].values for d in (same, read)]
    assert_allclose(millivolt[1], millivolt[0], atol=1e-4)
    assert_array_equal(read["cycle_length"], same["cycle_length"])
    assert_allclose(read["rapid_rectifier"], same["rapid_rectifier"], atol=1e-6)
    assert_array_equal(read["point"], DATA["point"])
    assert_array_equal(read["lead"], DATA["lead"])


def test_reading_what_was_read_changes_nothing_any_more(written, tmp_path):
    read = read_archive(written, 1)
    write_archive(read, tmp_path)
    again = read_archive(tmp_path, 1)
    assert_allclose(again["tmp"], read["tmp"], atol=1e-6)
    assert_allclose(again["ecg"], read["ecg"], atol=1e-6)
    assert_array_equal(again["heart"], read["heart"])


def test_leads_and_scale_are_those_of_the_data_set(tmp_path):
    draw = np.random.default_rng(0)
    electrodes, vm = draw.standard_normal((500, 10)), draw.uniform(-90, 50, (500, 75))
    pair(tmp_path, NAME, electrodes, vm)
    read = read_archive(tmp_path, 1)
    ra, la, ll, _, *chest = electrodes.T
    wilson = (ra + la + ll) / 3
    expected = [la - ra, ll - ra, ll - la, *(1.5 * (x - wilson) for x in (ra, la, ll)), *(v - wilson for v in chest)]
    assert_allclose(read["ecg"][0], expected, atol=1e-5)
    assert_allclose(read["tmp"][0], (vm + 85.506) / 135.506, atol=1e-6)
    assert (read.attrs["rest_mv"], read.attrs["amplitude_mv"]) == (REST_MV, AMPLITUDE_MV) == (-85.506, 135.506)


def test_samples_are_thinned(written):
    whole, thin = (read_archive(written, ms) for ms in (1, 5))
    assert_array_equal(thin["time"], np.arange(0, 500, 5))
    assert_array_equal(thin["ecg"], whole["ecg"][:, :, ::5])
    assert_array_equal(thin["tmp"], whole["tmp"][:, ::5])


@pytest.mark.parametrize(
    ("ending", "heart", "pattern", "cycle_length", "rectifier"),
    [
        (NAME, "v9", "pattern_11", 1000, 0.5),
        ("hearts_dd_0p2_volunteer.v10_pattern.0.npy", "v10", "pattern_0", 1000, 1.0),
        ("hearts_dd_0p2_geo_act_3_bcl_bcl.600.pattern.7.volunteer.v1.npy", "v1", "pattern_7", 600, 1.0),
        ("set_bcl.500_gkr.150_pattern.003_volunteer.volunteer_01.npy", "volunteer_01", "pattern_003", 500, 1.5),
    ],
)
def test_names_say_heart_pattern_and_repolarisation(tmp_path, ending, heart, pattern, cycle_length, rectifier):
    pair(tmp_path, ending)
    read = read_archive(tmp_path, 10)
    assert [read[key].item() for key in ("heart", "pattern", "cycle_length")] == [heart, pattern, cycle_length]
    assert read["rapid_rectifier"].item() == pytest.approx(rectifier)


def test_sets_in_folders_of_their_own_are_all_read(tmp_path):
    for number in (1, 2):
        pair(tmp_path / f"data_{number}", NAME)
    read = read_archive(tmp_path, 10)
    assert read["source"].values.tolist() == [f"data_{number}/pECGData_{NAME}" for number in (1, 2)]


@pytest.mark.parametrize(("kind", "other"), [("pECGData", "VmData"), ("VmData", "pECGData")])
def test_a_missing_partner_is_named(archive, kind, other):
    gone = one_of(archive, other)
    gone.unlink()
    kept = gone.name.replace(other, kind)
    with pytest.raises(StoreError, match=rf"{kept}: its partner {gone.name} is missing"):
        read_archive(archive, 1)


@pytest.mark.parametrize(
    ("kind", "spoil", "said"),
    [
        ("pECGData", lambda x: x[:, :9], r"has shape \(500, 9\), expected \(500, 10\)"),
        ("pECGData", lambda x: x.T, r"has shape \(10, 500\), expected \(500, 10\)"),
        ("VmData", lambda x: x[:499], r"has shape \(499, 75\), expected \(500, 75\)"),
        ("VmData", lambda x: x.astype(int), "has type int64, expected floating-point"),
        ("VmData", lambda x: x.astype(complex), "has type complex128, expected floating-point"),
        ("VmData", lambda x: np.where(x == x[3, 4], np.nan, x), "has 1 values that are not finite"),
        ("pECGData", lambda x: x.astype(object), "isn't a NumPy array"),
    ],
)
def test_spoiled_arrays_are_named(archive, kind, spoil, said):
    file = one_of(archive, kind)
    np.save(file, spoil(np.load(file)), allow_pickle=True)
    with pytest.raises(StoreError, match=f"{file.name}: {said}"):
        read_archive(archive, 1)


def test_truncated_files_are_named(archive):
    file = one_of(archive, "VmData")
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(StoreError, match=f"{file.name}: isn't a NumPy array"):
        read_archive(archive, 1)


@pytest.mark.parametrize(
    "ending", ["set_pattern.1.npy", "set_volunteer.v1.npy", "set_bcl.slow.pattern.1.volunteer.v1.npy"]
)
def test_names_that_lack_a_field_are_refused(archive, ending):
    pair(archive, ending)
    with pytest.raises(StoreError, match=rf"pECGData_{ending}: its name must give volunteer.*pattern"):
        read_archive(archive, 1)


def test_other_arrays_in_the_folder_are_refused(archive):
    np.save(archive / "ActTime.npy", np.zeros(3))
    with pytest.raises(StoreError, match=r"ActTime\.npy: names of the archive's files begin with pECGData_ or VmData_"):
        read_archive(archive, 1)


def test_folders_that_are_empty_or_absent_are_refused(tmp_path):
    with pytest.raises(StoreError, match="there is no recording"):
        read_archive(tmp_path, 1)
    with pytest.raises(StoreError, match="there is no such folder"):
        read_archive(tmp_path / "none", 1)


def test_recordings_at_coarser_samples_are_not_written(tmp_path):
    with pytest.raises(StoreError, match="500 samples 1 ms apart, these are 100"):
        write_archive(DATA.isel(time=slice(None, None, 5)), tmp_path)


def test_recordings_of_one_name_are_not_written_over_each_other(tmp_path):
    twice = DATA.isel(case=[0, 0])
    with pytest.raises(StoreError, match="two have heart, pattern, cycle length and g_Kr"):
        write_archive(twice, tmp_path)
